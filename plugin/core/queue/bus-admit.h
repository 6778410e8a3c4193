/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-room.h"

/*
 * Admission: decides for each message that arrives whether a subscription gets it at once, whether it waits, or whether it or an
 * older message is dropped. The overflow policies are applied here.
 *
 * A subscription that has credit while its lane is clear gets a message at once, even if its peer has other subscriptions whose
 * messages wait. For every other subscription the message has to wait, and the bounds of bus-room apply. If it does not fit, the
 * policy of that subscription decides, so a slow subscription loses messages of its own and never those of another subscription.
 * A message that is delivered at least once is never dropped to make room.
 *
 * Example: a queue with a bound of 2 messages contains A and B, and C arrives. Under drop-oldest the queue becomes GAP (A), B, C;
 * under drop-newest it becomes A, B, GAP (C), and under error too, but there the publisher is also notified. Under block the bound
 * does not apply: C waits, and its publisher does not get the credit back.
 *
 * Invariant: after a call, each subscription has the message in its queue or sent to it, or has its loss in a gap.
 */

typedef struct
{
  guint queued;    /* subscriptions that got the message or have it in their queue */
  guint refused;   /* subscriptions whose loss is reported to the publisher: error, block and no memory */
  gboolean closes; /* the control lane is full and nothing in it may be dropped: the caller closes the peer */
} BusAdmission;

/* TRUE if the subscription withholds the credit of @publisher (nullable). A peer that publishes to its own subscription is never
 * blocked, because it might wait for itself forever; it is refused when the queue is full. */
static inline gboolean
bus_admit_withholds (const BusFlow *flow, const BusSubscription *subscription, const BusLedger *publisher)
{
  return bus_subscription_policy (subscription) == BUS_OVERFLOW_BLOCK && publisher != NULL && publisher != flow->ledger;
}

/* Offers a message to matching subscriptions of one peer. @subscriptions: at most WIRE_SUBSCRIPTIONS_MAX */
BusAdmission bus_admit (BusFlow *flow,
                        BusInbound *inbound,
                        const BusDelivery *delivery,
                        BusSubscription *const *subscriptions,
                        guint n,
                        gint64 now_us);

/* Offers a message that is for the peer itself (a reply), not for a subscription: it needs no credit, and keeps its place in the
 * lane. FALSE: no room or no memory. */
gboolean
bus_admit_plain (BusFlow *flow, BusInbound *inbound, WireLane lane, const BusDelivery *delivery, gint64 now_us);

/* Offers a request to a subscription that serves. FALSE: there is no room or no memory. No gap is made: the caller sends an ERROR
 * to the requester. */
gboolean bus_admit_request (BusFlow *flow,
                            BusInbound *inbound,
                            const BusDelivery *delivery,
                            BusSubscription *server,
                            gint64 now_us);
