/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"
#include "queue/bus-subscriptions.h"

/*
 * Trimming: messages that wait are dropped because bounds were lowered, or because the broker or an account is full.
 *
 * The policy of the subscription decides which end of its queue is dropped. Nothing arrives here: bus-admit makes room for a message
 * that does.
 *
 * Invariant: a message that is kept until it is settled is never dropped.
 */

/* Sets other bounds or another policy, also while the queue is full; returns how many messages were dropped by it. */
guint64 bus_trim_adjust (BusFlow *flow, BusSubscription *subscription, const BusBounds *bounds, gint64 now_us);

/* The broker (or an account) is full: drops at least @bytes from this peer's queue, first from the subscription
 * with the most waiting bytes, by its policy. Returns how much was dropped; less than @bytes when nothing can be
 * dropped any more. */
gsize bus_trim_shed (BusFlow *flow, const BusSubscriptions *subscriptions, gsize bytes, gint64 now_us);
