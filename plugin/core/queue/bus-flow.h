/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Encoding: from what waits for a peer to bytes that are owed to its connection.
 *
 * Fast path: a subscription has credit and little is encoded, so a delivery is encoded at once. Slow path: it waits
 * as a slot in the FIFO of its subscription (bus-fifo) and, once the subscription has credit, as an entry in its lane
 * (bus-lane). When bytes were sent or credit arrived, entries are encoded in order. A gap is encoded when everything
 * in front of it is, and needs no credit. bus-admit decides what is accepted and which message is dropped.
 *
 * Invariant: for each subscription delivered + missed + waiting = offered; a FIFO is [queued | gap]* [waiting |
 * gap]*.
 */

#define BUS_FLOW_ENCODED_MAX 262144u /* encoded bytes of a lane above which entries wait */

/* @owner: of the timers */
void bus_flow_init (BusFlow *flow, BusFlowShared *shared, BusLedger *ledger, gpointer owner);

/* The last frame was put. Frames that wait for the peer itself are dropped; subscriptions are forgotten one by one. */
void bus_flow_end (BusFlow *flow);

/* Every subscription must have been forgotten, and the flow must have ended. */
void bus_flow_clear (BusFlow *flow);

/* --- encoding --- */

/* The bytes that a lane has to have at least for the next message to wait; 0: none may be encoded, whatever waits in the lane. */
static inline gsize
bus_flow_room (const BusFlow *flow, WireLane lane)
{
  const gsize most = (gsize) MIN (BUS_FLOW_ENCODED_MAX, flow->shared->limits->queue_soft_bytes / 2);
  const gsize encoded = bus_outq_lane_bytes (&flow->outq, lane);

  return !flow->is_ended && encoded < most ? most - encoded : 0;
}

/* There is room to encode, whatever waits in the lane. */
static inline gboolean
bus_flow_has_room (const BusFlow *flow, WireLane lane)
{
  return bus_flow_room (flow, lane) > 0;
}

/* Nothing waits in the lane, and there is room to encode. */
static inline gboolean
bus_flow_lane_is_clear (const BusFlow *flow, WireLane lane)
{
  return flow->lanes[lane].first == NULL && bus_flow_has_room (flow, lane);
}

/* Encodes for the first @n of shared->ready, from where the bytes lie. FALSE: no memory; nothing was done. */
gboolean bus_flow_encode_now (BusFlow *flow,
                              BusInbound *inbound,
                              WireLane lane,
                              const BusDelivery *delivery,
                              guint n,
                              gint64 now_us);

/* Encodes a retained message for a subscription that has credit for it. FALSE: no memory; nothing was done. */
gboolean bus_flow_encode_kept (BusFlow *flow,
                               BusSubscription *subscription,
                               BusMessage *message,
                               const BusDelivery *delivery,
                               gint64 now_us);

/* Encodes the end of the retained messages of a subscription; it costs no credit. FALSE: no memory; nothing was done. */
gboolean bus_flow_encode_retained_end (BusFlow *flow, const BusSubscription *subscription);

/* Counts messages that were encoded for this subscription and have no record. */
static inline void
bus_flow_count_delivered (BusFlow *flow, BusSubscription *subscription, guint domain, guint messages, gint64 now_us)
{
  subscription->delivered += messages;
  if (subscription->unsettled.since_us == 0)
    subscription->unsettled.since_us = now_us;
  flow->delivered += messages;
  flow->shared->domains[domain].delivered += messages;
}

/* Counts a message that was encoded for this subscription. @ticket: (transfer full) (nullable). @kept: (transfer full)
 * (nullable): the message, to keep it until it is settled; @delivery belongs to it */
void bus_flow_delivered (BusFlow *flow,
                         BusSubscription *subscription,
                         guint domain,
                         BusTicket *ticket,
                         BusMessage *kept,
                         const BusDelivery *delivery,
                         gint64 now_us);

/* A gap stands before the first message of the lane. */
static inline gboolean
bus_flow_gap_is_first (const BusSubscription *subscription, WireLane lane)
{
  const BusSlot *first = subscription->fifo.lane_first[lane];

  return first != NULL && first->state == BUS_DELIVERY_LOST;
}

/* Encodes the gaps of a lane that stand before its first message. FALSE: there is no memory for one of them, and
 * nothing may be encoded in front of it. */
gboolean bus_flow_send_first_gaps (BusFlow *flow, BusSubscription *subscription, WireLane lane);

/* Encodes every gap that has nothing queued in front of it, as far as the lanes have room. The report timer sends what found
 * none: a gap at the head of its lane has no message to carry it. */
void bus_flow_send_gaps (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Messages left the FIFO and were not sent, so a gap may be at the head of its lane now. With an open window it is sent at
 * once, otherwise when credit returns or by the report timer. */
void bus_flow_release_gaps (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* There was no memory to encode the first entry of a lane: the retry timer tries again. */
void bus_flow_retry (BusFlow *flow, gint64 now_us);

/* Bytes were sent: encodes what waits, in order. */
void bus_flow_pump (BusFlow *flow, gint64 now_us);

/* --- other inputs --- */

/* The subscription got credit: queues and encodes waiting messages. */
void bus_flow_credit (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* The subscription has no cursor any more: queues and encodes waiting messages. */
void bus_flow_resume (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* The time to live of a message has ended. */
void bus_flow_expire (BusFlow *flow, BusSlot *slot, gint64 now_us);

/* The requester of a request that waits does not want it any more: it is dropped without a gap, and its credit was not
 * used. */
void bus_flow_discard_request (BusFlow *flow, BusSlot *slot, gint64 now_us);

/* Compares the queue with its soft limit again. */
void bus_flow_note_level (BusFlow *flow, gint64 now_us);

void bus_parcel_free (gpointer parcel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BusParcel, bus_parcel_free)

/* Takes a message that waits out of its FIFO. Transfer full. */
BusParcel *bus_flow_take (BusFlow *flow, BusSlot *slot);

/* Empties the FIFO of a subscription that ends; returns how many messages waited. @unsent: (nullable) (element-type
 * BusParcel): receives each of them, oldest first (a group hands them on). */
guint bus_flow_forget (BusFlow *flow, BusSubscription *subscription, GPtrArray *unsent);

/* The time for which the oldest message of the subscription has been waiting; 0: none waits. */
gint64 bus_flow_oldest_us (const BusSubscription *subscription, gint64 now_us);

/* Encoded and waiting bytes. */
static inline gsize
bus_flow_bytes (const BusFlow *flow)
{
  return bus_outq_bytes (&flow->outq) + flow->waiting_bytes;
}
