/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * The FIFO of one subscription: messages that wait for it, and gaps where others were lost.
 *
 * Each element is a slot. A message first waits for credit (WAITING). With credit it is QUEUED: the slot hangs in an
 * entry of its lane as well, so that either side can drop it in O(1). A lost message leaves a gap at its place: first
 * and last accept sequence, count and reason. A gap is encoded when everything of its lane in front of it is.
 *
 * Lanes overtake each other, so the slots of each lane are linked in an order of their own as well, in which the
 * other lane does not stand in the way. Between two messages of a lane there is at most one gap for each reason, so
 * the number of gaps is bounded by the number of waiting messages, whatever is lost.
 *
 * Every loss of a message that was matched passes through bus_fifo_drop() or bus_fifo_lose(), which make the gap, count
 * the loss and report it, or through bus_fifo_discard(), which has no gap to make. Which message is dropped is decided by
 * bus-admit (bounds, shedding), bus-block (the end of a block), bus-flow (time to live) and bus-reroute (the end of the
 * subscription).
 *
 * Invariant: a FIFO is [queued | gap]* [waiting | gap]*; what it keeps is charged to the ledger of its peer.
 */

/* The approximate memory that the look-up by topic needs for a message. */
#define BUS_FIFO_INDEX_COST 96u

/* Appends a message, WAITING. @ticket: (transfer full) (nullable) */
BusSlot *bus_fifo_append (BusFlow *flow,
                          BusSubscription *subscription,
                          BusMessage *message,
                          BusTicket *ticket,
                          const BusDelivery *delivery,
                          gint64 now_us);

/* Queues the first waiting message, which has credit, in @entry. */
void bus_fifo_queue (BusFlow *flow, BusSlot *slot, BusEntry *entry);

/* Queues waiting messages in their lanes as far as the window allows. */
void bus_fifo_advance (BusFlow *flow, BusSubscription *subscription);

/* Removes a slot, message or gap; an entry that becomes empty leaves its lane. @ticket: (out) (transfer full)
 * (nullable): receives its ticket; NULL: the ticket is given up. */
void bus_fifo_remove (BusFlow *flow, BusSlot *slot, BusTicket **ticket);

/* Removes a message that is not lost: it is handed on, or given up with its requester. Its credit was not used. @ticket:
 * as above */
void bus_fifo_withdraw (BusFlow *flow, BusSlot *slot, BusTicket **ticket);

/* Removes and returns the slot's ticket; NULL: it has none. Transfer full. */
BusTicket *bus_fifo_take_ticket (BusFlow *flow, BusSlot *slot);

/* The oldest and the newest message; NULL: none. */
BusSlot *bus_fifo_oldest (const BusSubscription *subscription);
BusSlot *bus_fifo_newest (const BusSubscription *subscription);

/* The policy conflate: the waiting message of this topic; NULL: none. */
BusSlot *bus_fifo_find (const BusFlow *flow, const BusSubscription *subscription, WireSpan topic);

/* Builds the look-up by topic that the policy conflate needs, or drops it. Of several messages to one topic the
 * newest is found; one that is kept is never found. */
void bus_fifo_index (BusFlow *flow, BusSubscription *subscription, gboolean wanted);

/* Drops the message of a slot: a gap takes its place, or an adjacent one grows. */
void bus_fifo_drop (BusFlow *flow, BusSlot *slot, BusLoss loss, gint64 now_us);

/* The message of a route (0: none) will not be sent, and was sent to the peer of that queue. */
void bus_fifo_note_dropped (BusFlowShared *shared, guint64 route_id, BusLoss loss);
void bus_fifo_note_sent (BusFlow *flow, guint64 route_id);

/* A message that waited is discarded because the subscription has ended: it is counted and reported, but no gap follows. */
void bus_fifo_discard (BusFlow *flow, BusSubscription *subscription, const BusMessage *message, gint64 now_us);

/* The place of a loss, of a message that had no place in the queue yet. */
typedef struct
{
  WireLane lane;
  guint domain;
  guint64 accept_seq; /* of the message, or of the report of its publisher */
} BusLostAt;

/* @count messages that were never accepted are lost: their gap stands at the end. */
void bus_fifo_lose (BusFlow *flow,
                    BusSubscription *subscription,
                    const BusLostAt *at,
                    guint64 count,
                    BusLoss loss,
                    gint64 now_us);
