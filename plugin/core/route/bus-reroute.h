/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-router.h"

/*
 * Rerouting: gives the messages of a subscription to others when it ends, is demoted, or does not settle them.
 *
 * In a group they are handed over to another member, and requests to another server of the topic. A message that was sent stays
 * with its member, unless it is delivered at least once: if its member has not settled it at its end, or for settle_timeout_us,
 * another member gets it as a repeat (its attempt is above 1), at most delivery_attempts times. Messages for this member alone
 * (broadcast, direct) are not handed over. A message that is handed over is queued behind those of the other member, so the order
 * of a member holds for messages that were first offered to it. It keeps its ticket, and the ticket its time (bus-block).
 * Messages that no member takes are discarded with an ended subscription, and counted (BUS_LOSS_ENDED); a subscription that lives
 * keeps them.
 *
 * Invariant: delivered + missed + rerouted of a subscription that ended = the messages that it was offered.
 */

/* The outcome of the messages of subscriptions that ended. */
typedef struct
{
  guint64 discarded;
  guint64 rerouted;
  guint64 unacknowledged; /* sent to a member of a group, not settled, and not given to another one */
  guint64 repeated;       /* sent, not settled, and given to another member */
} BusLeave;

/* Empties the queue of a subscription that bus_router_unfile() took out. @leave: the outcome of its messages is added. */
void bus_reroute_ended (BusCore *core, BusSubscription *subscription, gint64 now_us, BusLeave *leave);

/* The member of a group was demoted, or stands still: hands on what waits for it as far as members that are not demoted take
 * it. No effect outside of a group. */
void bus_reroute_waiting (BusCore *core, BusSubscription *subscription, gint64 now_us);

/* The settle timer of a member expired: when it has settled nothing in time, hands on what waits for it, and repeats what it
 * has not settled at other members. */
void bus_reroute_unsettled_due (BusCore *core, BusSubscription *subscription, gint64 now_us);
