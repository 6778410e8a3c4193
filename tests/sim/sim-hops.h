/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Stations of messages: publish, accept, queue, write and deliver.
 *
 * In some seeds some messages and requests ask for their stations, and a responder whose request has stations adds them to its
 * replies. The world knows when a client called and when the broker accepted; check-hops notes after every step which
 * messages still wait. So each station that comes has a lower and an upper bound that do not depend on what the core noted.
 *
 * A frame has stations exactly when its sender asked for them; a retained message was queued for nobody and has none. Each
 * station is not earlier than the one in front of it, and receipt is not earlier than the last one. Within a lane messages
 * are written in the order in which they come. Only what was handed on to another member of a group is queued later than it
 * was accepted.
 */

SimHops *sim_hops_new (void);
void sim_hops_free (SimHops *hops);

/* --- senders: the stations of a frame that is to be sent --- */

/* A message or request with that number. Lets some of them ask. */
void sim_hops_ask (SimWorld *world, guint64 number, WireEnvelope *envelope);
/* A reply, @place of its route. */
void sim_hops_answer (SimWorld *world, guint64 route, guint place, WireEnvelope *envelope);

/* --- receivers --- */

/* A frame came, of whatever kind. */
void sim_hops_came (SimClient *client, guint8 kind, const WireEnvelope *envelope);

/* --- what waits, as check-hops sees it --- */

/* @subscription: 0: a reply */
void sim_hops_waits (SimWorld *world, guint connection, guint32 subscription, guint64 seq, guint attempt);
/* All that waits was named. */
void sim_hops_checked (SimWorld *world);
