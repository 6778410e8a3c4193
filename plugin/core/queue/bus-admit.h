/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"

/*
 * What a peer's flow takes in, and who loses when it is too much: the policies.
 *
 * A subscription that has credit while its lane is clear gets the message at once, whatever else waits for the peer. For
 * any other the message has to wait, and then bounds are asked: those of the subscription, those of the peer's queue, and
 * for the control lane control_queue_bytes. Where it would not fit, the subscription's own policy speaks, so a slow
 * subscription costs its own messages and nobody else's. What one under block takes in is paid for by its publishers with
 * their credit: their windows bound it, and only the control lane's bound and those of account and broker stand above.
 *
 * Invariant: each subscription offered is queued, or its loss is in a gap.
 */

typedef struct
{
  guint queued;
  guint refused;   /* to be told to the publisher; the rest was dropped without a word to him */
  gboolean closes; /* the control lane is full of what nobody may drop: the peer is to be closed */
} BusAdmission;

/* All subscriptions are of this peer, at most WIRE_SUBSCRIPTIONS_MAX. */
BusAdmission bus_admit (BusFlow *flow,
                        BusInbound *inbound,
                        const BusDelivery *delivery,
                        BusSubscription *const *subscriptions,
                        guint n,
                        gint64 now_us);

/* A message for the peer itself, not for a subscription (a reply): needs no credit and keeps its place in the lane.
 * FALSE: no room. */
gboolean
bus_admit_plain (BusFlow *flow, BusInbound *inbound, WireLane lane, const BusDelivery *delivery, gint64 now_us);

/* A request for one that serves: taken in, or FALSE and nothing is lost (the requester is told). */
gboolean bus_admit_request (BusFlow *flow,
                            BusInbound *inbound,
                            const BusDelivery *delivery,
                            BusSubscription *server,
                            gint64 now_us);

/* What a group asks for before it picks a member. */
typedef struct
{
  gsize len; /* of the client's bytes */
  WireLane lane;
  gint64 now_us;
  gboolean is_held; /* its publisher pays for the place with his credit */
} BusNeed;

/* Whether such a message would go to this subscription without waiting for credit, or would at least be let wait. */
gboolean bus_admit_has_room (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);
gboolean bus_admit_may_wait (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);

/* The bound that such a message does not keep, for who is refused. FALSE: none; there is no memory. @subscription:
 * (nullable): it is for the peer itself. */
gboolean
bus_admit_excess (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess);

/* Other bounds or another policy, full or not; returns how many messages were dropped for it. */
guint64 bus_admit_adjust (BusFlow *flow, BusSubscription *subscription, const BusBounds *bounds, gint64 now_us);

/* The broker (or an account) holds too much, and this peer's queue is to give at least @bytes of it: of the subscription for
 * which most waits, by its policy. Returns what was given; less than asked when nothing can be dropped any more. */
gsize bus_admit_shed (BusFlow *flow, GHashTable *subscriptions, gsize bytes, gint64 now_us);
