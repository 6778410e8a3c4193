/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-room.h"

/*
 * Admission: which messages a peer's queue accepts, and which are dropped when it is full. The overflow policies are
 * applied here.
 *
 * A subscription that has credit while its lane is clear gets a message at once, whatever else waits for the peer.
 * For any other the message has to wait, and the bounds of bus-room apply. Where the message would not fit, the
 * subscription's own policy decides, so a slow subscription costs its own messages and no others. A kept message is never
 * dropped to make room.
 *
 * Invariant: for each subscription that is offered, the message is queued or its loss is in a gap.
 */

typedef struct
{
  guint queued;
  guint refused;   /* reported to the publisher; a message that was dropped by another policy is not */
  gboolean closes; /* the control lane is full and nothing in it may be dropped: close the peer */
} BusAdmission;

/* TRUE if the credit of that publisher (nullable) is withheld for a message. A peer that publishes to itself would wait for
 * itself, so it is refused at the bound and never blocked. */
static inline gboolean
bus_admit_withholds (const BusFlow *flow, const BusSubscription *subscription, const BusLedger *publisher)
{
  return bus_subscription_policy (subscription) == BUS_OVERFLOW_BLOCK && publisher != NULL && publisher != flow->ledger;
}

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
