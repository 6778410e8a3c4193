/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"
#include "queue/bus-subscriptions.h"

/*
 * Trimming: drops messages that wait because the bounds of their subscription were lowered, or because the broker or an account is
 * full.
 *
 * The policy of the subscription decides which end of its queue is dropped: drop-oldest and conflate drop the oldest messages, the
 * other policies the newest. This module does not make room for a message that arrives; bus-admit does.
 *
 * Invariant: a message that is delivered at least once is never dropped here.
 */

/* Sets other bounds or another policy, and drops messages above them. Returns the number of dropped messages. */
guint64 bus_trim_adjust (BusFlow *flow, BusSubscription *subscription, const BusBounds *bounds, gint64 now_us);

/* The broker or an account is full: drops at least @bytes from the queue of this peer, first from the subscription with the most
 * waiting bytes. Returns the number of bytes that were dropped; less than @bytes if nothing else can be dropped. */
gsize bus_trim_shed (BusFlow *flow, const BusSubscriptions *subscriptions, gsize bytes, gint64 now_us);
