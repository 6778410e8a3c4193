/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-account.h"
#include "queue/bus-subscription.h"

/*
 * The events system.drop and system.slow: receivers that do not keep up.
 *
 * The queue and peer layers accumulate losses, demotions and levels (queue/bus-report, peer/bus-shed) and arm a timer. When the
 * timer expires, this module publishes them. So no event is published in the middle of routing, and there is at most one in
 * BUS_REPORT_EVERY_US for each subscription, queue and account, and for the broker.
 *
 * Invariant: the counts in system.drop are exact. Their sum for a subscription is the number of messages that it
 * missed, without messages on system.*.
 */

/* Report timers: of a subscription, of a peer's queue, of an account, of the whole broker. */
void bus_slow_subscription_due (BusSubscription *subscription, gint64 now_us);
void bus_slow_queue_due (BusPeer *peer, gint64 now_us);
void bus_slow_account_due (BusAccount *account, gint64 now_us);
void bus_slow_broker_due (BusCore *core, gint64 now_us);

/* The subscription ends: publishes its accumulated losses now. Call it after bus_reroute_ended(), which discards the waiting
 * messages, and before bus_router_free(): a loss that is added later would never be reported. */
void bus_slow_end (BusSubscription *subscription, gint64 now_us);
