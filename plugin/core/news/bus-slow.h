/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-account.h"
#include "queue/bus-subscription.h"

/*
 * The events system.drop and system.slow: receivers that do not keep up.
 *
 * The queue and peer layers accumulate losses, demotions and levels (bus-report, bus-shed) and arm a timer. When it
 * expires, this module publishes them. So events are published outside of any routing, at most once in
 * BUS_REPORT_EVERY_US for each subscription, queue and account, and for the broker.
 *
 * Invariant: the counts in system.drop are exact. Their sum over a subscription is the number of messages that it
 * missed, without those of system.*.
 */

/* Report timers: of a subscription, of a peer's queue, of an account, of the whole broker. */
void bus_slow_subscription_due (BusSubscription *subscription, gint64 now_us);
void bus_slow_queue_due (BusPeer *peer, gint64 now_us);
void bus_slow_account_due (BusAccount *account, gint64 now_us);
void bus_slow_broker_due (BusCore *core, gint64 now_us);

/* The subscription ends: publishes now what has accumulated. Call it between bus_reroute_ended(), which discards what
 * waits, and bus_router_free(): a loss that is added after this call would never be reported. */
void bus_slow_end (BusSubscription *subscription, gint64 now_us);
