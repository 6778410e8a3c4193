/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-router.h"

/*
 * Rerouting: gives messages of a subscription to other subscriptions when it ends, is demoted, drains, or does not settle them.
 *
 * The messages of a member of a group are handed on to other members; requests are handed on to another server of the topic. A
 * message that was sent stays with its member, unless it is delivered at least once: if the member has not settled it when it
 * ends, or for settle_timeout_us, another member gets it as a *repeat* (its attempt is above 1), until delivery_attempts is
 * reached. Messages for one member alone (broadcast, direct) are not handed on.
 *
 * A message that is handed on is queued behind the messages of the other member, so messages are in order for each member only if
 * they were first offered to that member. The message keeps its ticket, and the ticket keeps the time since which it holds credit
 * (queue/bus-block). Messages that no member takes are discarded and counted (BUS_LOSS_ENDED) when their subscription ends;
 * otherwise they stay where they are.
 *
 * Invariant: delivered + missed + rerouted of a subscription that ended is the number of messages that were offered to it.
 */

/* The outcome of the messages of subscriptions that ended. */
typedef struct
{
  guint64 discarded;
  guint64 rerouted;
  guint64 unacknowledged; /* sent to a member of a group, not settled, and not given to another one */
  guint64 repeated;       /* sent, not settled, and given to another member */
} BusLeave;

/* Empties the queue of a subscription that bus_router_unlist() took out of the index. Adds the outcome of its messages to
 * @leave. */
void bus_reroute_ended (BusCore *core, BusSubscription *subscription, gint64 now_us, BusLeave *leave);

/* A member was demoted, drains, or is stalled: hands on the messages that wait for it, as far as other members that are not
 * demoted have room. No effect outside of a group. */
void bus_reroute_waiting (BusCore *core, BusSubscription *subscription, gint64 now_us);

/* The settle timer of a member has expired. If the member has settled nothing in time, its unsettled messages are repeated at
 * other members, and the messages that wait for it are handed on. */
void bus_reroute_unsettled_due (BusCore *core, BusSubscription *subscription, gint64 now_us);
