/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * The FIFO of one subscription: messages that wait for it, and gaps at the places where messages were lost.
 *
 * Each element is a slot. A message first waits for credit (WAITING). With credit it is QUEUED: the slot is then also linked to an
 * entry of its lane, so that it can be dropped in O(1) from either side. A lost message leaves a gap at its place: first and last
 * accept sequence, number and reason. A gap is encoded when everything of its lane in front of it has been encoded.
 *
 * Control messages overtake data messages. So the slots of each lane are also linked among themselves, and a gap waits for slots
 * of its own lane only. Losses that are neighbours are added to one gap: between two messages of a lane there is at most one gap
 * for each reason, so the number of gaps is bounded by the number of waiting messages. Example: when B and then C of the queue
 * A, B, C, D are dropped for the same reason, the queue becomes A, GAP (B to C, 2), D.
 *
 * Every loss of a message that matched the subscription passes through bus_fifo_drop() or bus_fifo_lose(), which make the gap,
 * count the loss and report it, or through bus_fifo_discard() when the subscription has ended and gets no gap. Only bus-fifo-run
 * loses messages by itself, when there is no memory to unpack a run, and makes the gap with bus_fifo_leave_gap(). Other modules
 * decide which message is dropped: bus-admit (a full queue), bus-trim (lower bounds, a full broker), bus-block (the end of a
 * block), bus-flow (time to live) and bus-reroute (the end of the subscription).
 *
 * Several messages may wait as a run, which has one slot: see bus-fifo-run. Functions below that handle one message need the slot
 * of a message that waits alone.
 *
 * Invariant: a FIFO is [queued | gap]* [waiting | gap]*; its memory is charged to the ledger of its peer.
 */

/* The approximate memory that the look-up by topic needs for a message. */
#define BUS_FIFO_INDEX_COST 96u

/* Appends a message in the state WAITING. @ticket: (transfer full) (nullable). NULL: no memory; nothing was done, and the ticket is
 * still the caller's. */
BusSlot *bus_fifo_append (BusFlow *flow,
                          BusSubscription *subscription,
                          BusMessage *message,
                          BusTicket *ticket,
                          const BusDelivery *delivery,
                          gint64 now_us);

/* Moves the first waiting message, for which the caller has used credit, to the state QUEUED, and adds its slot to @entry. */
void bus_fifo_queue (BusFlow *flow, BusSlot *slot, BusEntry *entry);

/* Both move waiting messages into their lanes, in order, as far as the window allows. bus_fifo_advance() unpacks runs for this;
 * bus_fifo_advance_to_run() stops in front of a run. Without memory for an entry, messages continue to wait, although they have
 * credit, and the retry timer is armed; bus_fifo_advance_to_run() then returns FALSE. */
void bus_fifo_advance (BusFlow *flow, BusSubscription *subscription, gint64 now_us);
gboolean bus_fifo_advance_to_run (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Removes a slot, whether it is a message or a gap; an entry that becomes empty leaves its lane. @ticket: (out) (transfer full)
 * (nullable): receives the ticket of the message; with NULL the ticket is released. */
void bus_fifo_remove (BusFlow *flow, BusSlot *slot, BusTicket **ticket);

/* Removes a message that is not lost: it is handed on, or its requester cancelled it. The window gets back the credit that was
 * used for it. @ticket: as above */
void bus_fifo_withdraw (BusFlow *flow, BusSlot *slot, BusTicket **ticket);

/* Removes and returns the slot's ticket; NULL: it has none. Transfer full. */
BusTicket *bus_fifo_take_ticket (BusFlow *flow, BusSlot *slot);

/* The slot of the oldest and of the newest message; NULL: none. It may stand for a run: see bus-fifo-run. */
BusSlot *bus_fifo_oldest (const BusSubscription *subscription);
BusSlot *bus_fifo_newest (const BusSubscription *subscription);

/* Under the policy conflate: the waiting message of this topic. NULL: none. */
BusSlot *bus_fifo_find (const BusFlow *flow, const BusSubscription *subscription, WireSpan topic);

/* Builds the look-up by topic that the policy conflate needs, or frees it. It finds the newest of several messages to one topic,
 * and never a message that is delivered at least once. */
void bus_fifo_index (BusFlow *flow, BusSubscription *subscription, gboolean wanted);

/* Drops the message of a slot: a gap takes its place, or an adjacent one grows. */
void bus_fifo_drop (BusFlow *flow, BusSlot *slot, BusLoss loss, gint64 now_us);

/* Notes for bus-confirm that the message of a route (0: none) was dropped before it was sent, or that it was sent to the peer of
 * @flow. */
void bus_fifo_note_dropped (BusFlowShared *shared, guint64 route_id, BusLoss loss);
void bus_fifo_note_sent (BusFlow *flow, guint64 route_id);

/* Counts and reports a message that waited when its subscription ended. No gap is made, because nothing is sent to it any more. */
void bus_fifo_discard (BusFlow *flow, BusSubscription *subscription, const BusMessage *message, gint64 now_us);

/* The place of a loss, for a message that never had a slot. */
typedef struct
{
  WireLane lane;
  guint domain;
  guint64 accept_seq; /* of the message, or of the report of its publisher (control.bus.lost) */
} BusLostAt;

/* Adds @count lost messages, which never had a slot, to a gap at the end of the FIFO. */
void bus_fifo_lose (BusFlow *flow,
                    BusSubscription *subscription,
                    const BusLostAt *at,
                    guint64 count,
                    BusLoss loss,
                    gint64 now_us);
