/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"

/*
 * Admission: which messages a peer's queue accepts, and which are dropped when it is full. The overflow policies are
 * applied here.
 *
 * A subscription that has credit while its lane is clear gets a message at once, whatever else waits for the peer.
 * For any other the message has to wait, and bounds apply: those of the subscription, those of the peer's queue, and
 * for the control lane control_queue_bytes. Where the message would not fit, the subscription's own policy decides,
 * so a slow subscription costs its own messages and no others. What a subscription under the policy block accepts is
 * bounded by its publishers' windows, and messages that are kept until they are settled by bus-unsettled; above them only
 * the bound of the control lane and those of account and broker apply. A kept message is never dropped to make room.
 *
 * Invariant: for each subscription that is offered, the message is queued or its loss is in a gap.
 */

typedef struct
{
  guint queued;
  guint refused;   /* reported to the publisher; a message that was dropped by another policy is not */
  gboolean closes; /* the control lane is full and nothing in it may be dropped: close the peer */
} BusAdmission;

/* @subscriptions: of this peer, at most WIRE_SUBSCRIPTIONS_MAX */
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

/* A request for a subscription that serves. FALSE: there is no room; nothing is lost, because the requester gets
 * an ERROR. */
gboolean bus_admit_request (BusFlow *flow,
                            BusInbound *inbound,
                            const BusDelivery *delivery,
                            BusSubscription *server,
                            gint64 now_us);

/* A message for which a group searches a member. */
typedef struct
{
  gsize len; /* of the client's bytes */
  WireLane lane;
  gint64 now_us;
  gboolean is_held; /* the credit of its publisher is withheld for it */
  gboolean is_kept; /* it is kept until it is settled */
} BusNeed;

/* TRUE if such a message would be sent to this subscription without waiting for credit, or would at least be
 * accepted. */
gboolean bus_admit_has_room (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);
gboolean bus_admit_may_wait (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);

/* The bound that such a message exceeds, for the answer to its sender. FALSE: none; there is no memory. @subscription:
 * (nullable): it is for the peer itself. */
gboolean
bus_admit_excess (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess);

/* The bound that prevents the subscription from keeping such a message until it is settled. FALSE: none. */
gboolean bus_admit_excess_kept (const BusFlow *flow,
                                const BusSubscription *subscription,
                                const BusNeed *need,
                                BusExcess *excess);

/* Sets other bounds or another policy, also while the queue is full; returns how many messages were dropped by it. */
guint64 bus_admit_adjust (BusFlow *flow, BusSubscription *subscription, const BusBounds *bounds, gint64 now_us);

/* The broker (or an account) is full: drops at least @bytes from this peer's queue, first from the subscription
 * with the most waiting bytes, by its policy. Returns how much was dropped; less than @bytes when nothing can be
 * dropped any more. */
gsize bus_admit_shed (BusFlow *flow, GHashTable *subscriptions, gsize bytes, gint64 now_us);
