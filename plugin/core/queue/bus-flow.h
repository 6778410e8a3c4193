/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Encoding: turns messages that wait for a peer into the bytes that its connection sends next (bus-outq).
 *
 * On the fast path a delivery is encoded at once: the subscription has credit, and few bytes are encoded already. On the slow path
 * it waits as a slot in the FIFO of its subscription (bus-fifo) and, once the subscription has credit, also as an entry in its
 * lane (bus-lane). Entries are encoded in order when bytes have been sent or credit has arrived. A gap is encoded when everything
 * of its lane in front of it has been encoded; it needs no credit. This module does not decide which messages are accepted or
 * dropped (bus-admit, bus-trim, bus-block); it only drops messages whose time to live is over.
 *
 * Only a bounded number of bytes is encoded in advance, because an encoded frame can neither be dropped nor be handed on.
 *
 * Invariant: for each subscription, delivered + missed + waiting = messages that were offered to it and neither handed on nor
 * cancelled.
 */

#define BUS_FLOW_ENCODED_MAX 262144u /* with so many encoded bytes in a lane, messages wait as entries */

/* @owner: of the timers */
void bus_flow_init (BusFlow *flow, BusFlowShared *shared, BusLedger *ledger, gpointer owner);

/* The peer is closing: no message is encoded any more (the caller puts GOODBYE into outq). Drops the entries that are for the peer
 * itself; the caller forgets each subscription with bus_flow_forget(). */
void bus_flow_end (BusFlow *flow);

/* Every subscription must have been forgotten, and the flow must have ended. */
void bus_flow_clear (BusFlow *flow);

/* --- encoding --- */

/* The number of bytes that may be encoded in a lane before messages have to wait. 0: none. Entries of the lane do not matter. */
static inline gsize
bus_flow_room (const BusFlow *flow, WireLane lane)
{
  const gsize most = (gsize) MIN (BUS_FLOW_ENCODED_MAX, flow->shared->limits->queue_soft_bytes / 2);
  const gsize encoded = bus_outq_lane_bytes (&flow->outq, lane);

  return !flow->is_ended && encoded < most ? most - encoded : 0;
}

/* TRUE if a message may be encoded in the lane now. Entries of the lane do not matter. */
static inline gboolean
bus_flow_has_room (const BusFlow *flow, WireLane lane)
{
  return bus_flow_room (flow, lane) > 0;
}

/* TRUE if the lane has no entries, and a message may be encoded in it now. */
static inline gboolean
bus_flow_lane_is_clear (const BusFlow *flow, WireLane lane)
{
  return flow->lanes[lane].first == NULL && bus_flow_has_room (flow, lane);
}

/* Encodes the message for the first @n subscriptions of shared->ready; 0: for the peer itself. FALSE: no memory; nothing was
 * done. */
gboolean bus_flow_encode_now (BusFlow *flow,
                              BusInbound *inbound,
                              WireLane lane,
                              const BusDelivery *delivery,
                              guint n,
                              gint64 now_us);

/* Encodes one retained message for a subscription that has credit for it (bus-flow-retained encodes many). FALSE: no memory;
 * nothing was done. */
gboolean bus_flow_encode_kept (BusFlow *flow, BusSubscription *subscription, BusMessage *message, gint64 now_us);

/* Encodes the frame that ends the retained messages of a subscription; it costs no credit. FALSE: no memory; nothing was done. */
gboolean bus_flow_encode_retained_end (BusFlow *flow, const BusSubscription *subscription);

/* Counts messages that were encoded for this subscription, and that need no record (bus-unsettled). */
static inline void
bus_flow_count_delivered (BusFlow *flow, BusSubscription *subscription, guint domain, guint messages, gint64 now_us)
{
  subscription->delivered += messages;
  if (subscription->unsettled.since_us == 0)
    subscription->unsettled.since_us = now_us;
  flow->delivered += messages;
  flow->shared->domains[domain].delivered += messages;
}

/* Counts a message that was encoded for this subscription, and makes its record if it needs one. @ticket: (transfer full)
 * (nullable). @kept: (transfer full) (nullable): the message, if it is to be kept until it is settled. @delivery: only used with
 * @kept */
void bus_flow_delivered (BusFlow *flow,
                         BusSubscription *subscription,
                         guint domain,
                         BusTicket *ticket,
                         BusMessage *kept,
                         const BusDelivery *delivery,
                         gint64 now_us);

/* TRUE if the first slot of the lane in this FIFO is a gap. */
static inline gboolean
bus_flow_gap_is_first (const BusSubscription *subscription, WireLane lane)
{
  const BusSlot *first = subscription->fifo->lane_first[lane];

  return first != NULL && first->state == BUS_DELIVERY_LOST;
}

/* Encodes the gaps of a lane that are in front of its first message. FALSE: there is no memory for one of them, and no message of
 * this subscription may be encoded in the lane before that gap. */
gboolean bus_flow_send_first_gaps (BusFlow *flow, BusSubscription *subscription, WireLane lane);

/* Encodes every gap that has no message of its lane in front of it, as far as the lanes have room. If a lane has no room, the
 * report timer sends the gap later, because no message in front of it will. */
void bus_flow_send_gaps (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Messages left the FIFO without being sent, so a gap may be the first slot of its lane now. With an open window it is sent at
 * once, otherwise when credit returns or when the report timer expires. */
void bus_flow_release_gaps (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Bytes were sent: encodes waiting entries, in order. */
void bus_flow_pump (BusFlow *flow, gint64 now_us);

/* --- other inputs --- */

/* The time to live of a message has ended. */
void bus_flow_expire (BusFlow *flow, BusSlot *slot, gint64 now_us);

/* The requester has cancelled a request that waits: removes it without a gap. The window gets back the credit that was used for
 * it. */
void bus_flow_discard_request (BusFlow *flow, BusSlot *slot, gint64 now_us);

/* The size of the queue has changed: notes whether it is above the soft limit, and reports a change. */
void bus_flow_note_level (BusFlow *flow, gint64 now_us);

void bus_parcel_free (gpointer parcel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BusParcel, bus_parcel_free)

/* Takes a waiting message and its ticket out of the FIFO, to hand them on. Transfer full. */
BusParcel *bus_flow_take (BusFlow *flow, BusSlot *slot);

/* Empties the FIFO of a subscription that ends; returns how many messages waited. @unsent: (nullable) (element-type
 * BusParcel): receives each of them, oldest first (a group hands them on). */
guint bus_flow_forget (BusFlow *flow, BusSubscription *subscription, GPtrArray *unsent, gint64 now_us);

/* The time for which the oldest message of the subscription has been waiting; 0: none waits. */
gint64 bus_flow_oldest_us (const BusSubscription *subscription, gint64 now_us);

/* Encoded and waiting bytes. */
static inline gsize
bus_flow_bytes (const BusFlow *flow)
{
  return bus_outq_bytes (&flow->outq) + flow->waiting_bytes;
}
