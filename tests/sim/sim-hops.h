/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Stations of messages: the times of publish, accept, queue, write and deliver in a message, checked against bounds.
 *
 * In some seeds some messages and requests ask for their stations, and a responder whose request has stations adds them to its
 * replies. The world knows when a client called and when the broker accepted; check-hops notes after every step which messages
 * still wait. So each station that arrives has a lower and an upper bound that do not depend on the times that the core noted.
 *
 * A frame has stations if and only if its sender asked for them; a retained message was not queued for a receiver and has none.
 * Each station is not earlier than the one before it, and the receipt is not earlier than the last one. Within a lane messages
 * are written in the order in which they arrive. Only a message that was handed on to another member of a group is queued later
 * than it was accepted.
 */

SimHops *sim_hops_new (void);
void sim_hops_free (SimHops *hops);

/* --- senders: the stations of a frame before it is sent --- */

/* Lets some messages and requests ask for their stations. @number: of the message */
void sim_hops_ask (SimWorld *world, guint64 number, WireEnvelope *envelope);
/* Adds the stations to a reply. @place: of the reply in its route */
void sim_hops_answer (SimWorld *world, guint64 route, guint place, WireEnvelope *envelope);

/* --- receivers --- */

/* The client received a frame of any kind. */
void sim_hops_came (SimClient *client, guint8 kind, const WireEnvelope *envelope);

/* --- waiting messages, as check-hops sees them --- */

/* A message waits. @subscription: 0: a reply */
void sim_hops_waits (SimWorld *world, guint connection, guint32 subscription, guint64 seq, guint attempt);
/* All waiting messages of this step have been reported. */
void sim_hops_checked (SimWorld *world);
