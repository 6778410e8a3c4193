/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Questions about the state of the core for which it has no public function: the messages that it has accepted, and those that it
 * still remembers. The world asks them, for example to learn whether the broker has accepted a frame. Only core-view.c and the
 * check-* files include private headers of the core.
 */

/* TRUE if the broker has the subscription. @waits: (out): messages wait for it */
gboolean sim_view_has_subscription (const SimClient *client, guint32 subscription, gboolean *waits);
/* The number of messages that wait for the subscription; 0 if the broker does not have it. */
guint64 sim_view_waiting (const SimClient *client, guint32 subscription);

/* TRUE while a timer is armed after which the broker tries again to encode a message, because there was no memory for it. */
gboolean sim_view_encodes_later (const SimClient *client);

/* TRUE if the broker retains a message of the topic. @world: SimWorld */
gboolean sim_view_retains (gconstpointer world, const char *topic);
/* The number of retained messages that the broker counts as delivered to the subscription; 0: it has none. */
guint64 sim_view_retained (const SimClient *client, guint32 subscription);
/* The sequence number of the last message that the broker accepted. */
guint64 sim_view_accept_seq (const SimWorld *world);

/* Lets the client use every feature, also those that this build does not offer to clients. */
void sim_view_grant_all (const SimClient *client);

/* The number of messages that the broker has published by itself. */
guint64 sim_view_announced (const SimWorld *world);

/* Lets the client publish with at-least-once delivery, whether or not this build grants the feature. */
void sim_view_grant_delivery (SimClient *client);

/* TRUE if the broker has accepted the HELLO of the connection, and has not closed it. */
gboolean sim_view_is_ready (const SimClient *client);

/* TRUE if a message waits that the client will have to confirm. @route, @number: (out): of the message */
gboolean sim_view_unsent (const SimClient *client, guint64 *route, guint64 *number);

/* TRUE while the message with that number in its payload is held for a group. */
gboolean sim_view_is_held (const SimWorld *world, guint64 number);

/* The number of frames of this client that the broker processed. */
guint64 sim_view_received (const SimClient *client);

/* The policy that the subscription asked for, or that of its group. */
guint sim_view_policy (const SimClient *client, guint32 subscription);

/* TRUE while the subscription is demoted, because it blocked for too long. */
gboolean sim_view_is_demoted (const SimClient *client, guint32 subscription);

/* TRUE if the broker and the account of the client have room for so many bytes. */
gboolean sim_view_has_room (const SimClient *client, guint64 bytes);

/* TRUE if the broker or the account of the client has no room for one more subscription, or may have none. */
gboolean sim_view_is_full (const SimClient *client);

/* TRUE when the client may wait for one more answer, and send one more request. */
gboolean sim_view_may_wait (const SimClient *client);

/* TRUE when another connection has the id of this client now. */
gboolean sim_view_is_taken_over (const SimClient *client);

/* TRUE while a call of the client waits that is answered later. */
gboolean sim_view_call_waits (const SimClient *client, guint64 id);

/* TRUE while the broker wants to disconnect a peer and the world has not done so yet. */
gboolean sim_view_is_closing (const SimWorld *world);

/* TRUE while messages wait in the control lane of a ready client: a reply to it has to wait behind them. */
gboolean sim_view_control_waits (const SimClient *client);
