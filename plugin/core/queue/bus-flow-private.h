/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"

/*
 * Slots and entries, seen by the rooms that move them: bus-fifo, bus-flow, bus-admit, bus-block, bus-shed. Nobody else
 * looks in here.
 */

typedef enum
{
  BUS_SLOT_QUEUED,  /* hangs in an entry, has its credit */
  BUS_SLOT_WAITING, /* waits for credit */
  BUS_SLOT_GAP,
} BusSlotState;

struct BusSlot
{
  BusSlotState state;
  WireLane lane;
  gboolean is_indexed; /* in the FIFO's by_topic */
  BusSubscription *subscription;
  BusSlot *previous; /* in the subscription's FIFO */
  BusSlot *next;
  BusSlot *lane_previous; /* of those of its lane there */
  BusSlot *lane_next;

  /* not GAP */
  BusMessage *message; /* own reference */
  BusTicket *ticket;   /* nullable; own reference */
  BusTimer *expiry;    /* NULL: lives for ever */
  BusDelivery delivery;
  gint64 since_us;
  BusEntry *entry;           /* QUEUED */
  BusSlot *sibling_previous; /* in the entry */
  BusSlot *sibling_next;

  /* GAP */
  guint64 gap_from;
  guint64 gap_to;
  guint64 gap_count;
  BusLoss gap_loss;
};

struct BusEntry
{
  BusEntry *previous; /* in the lane */
  BusEntry *next;
  BusMessage *message;
  WireLane lane;
  BusDelivery delivery;
  BusSlot *slots;
  gboolean plain; /* for the peer itself: encoded without slots */
};

/* --- bus-fifo --- */

/* The approximate memory that the index by topic needs for a message. */
#define BUS_FIFO_INDEX_COST 96u

/* What a waiting message costs its peer besides its slot: the message in full. */
gsize bus_message_cost (const BusMessage *message);

/* Appends a message to the subscription's FIFO, WAITING. @ticket: (transfer full) (nullable) */
BusSlot *bus_fifo_append (BusFlow *flow,
                          BusSubscription *subscription,
                          BusMessage *message,
                          BusTicket *ticket,
                          const BusDelivery *delivery,
                          gint64 now_us);
/* It got credit. */
void bus_fifo_queue (BusFlow *flow, BusSlot *slot, BusEntry *entry);
/* Takes it out, whatever it is; an entry that it leaves empty goes as well. @ticket: (out) (transfer full) (nullable):
 * where its ticket goes; NULL: given up. */
void bus_fifo_remove (BusFlow *flow, BusSlot *slot, BusTicket **ticket);

/* Takes its ticket away; NULL: it has none. Transfer full. */
BusTicket *bus_fifo_take_ticket (BusFlow *flow, BusSlot *slot);

/* The oldest and the newest message; NULL: none. */
BusSlot *bus_fifo_oldest (const BusSubscription *subscription);
BusSlot *bus_fifo_newest (const BusSubscription *subscription);
/* Conflate: the one that waits with this topic; NULL: none. */
BusSlot *bus_fifo_find (const BusFlow *flow, const BusSubscription *subscription, WireSpan topic);
/* The policy became conflate, or was: builds the look-up by topic, or drops it. Of several messages to one topic the
 * newest is found. */
void bus_fifo_index (BusFlow *flow, BusSubscription *subscription, gboolean wanted);

/* The message of a slot is lost: a gap stands in its place, or one beside it grows. */
void bus_fifo_drop (BusFlow *flow, BusSlot *slot, BusLoss loss, gint64 now_us);
/* A message that was never taken in is lost: the gap stands at the end. */
void bus_fifo_lose (BusFlow *flow,
                    BusSubscription *subscription,
                    WireLane lane,
                    guint domain,
                    guint64 accept_seq,
                    BusLoss loss,
                    gint64 now_us);

/* --- bus-flow --- */

/* An entry at the end of its lane, without slots yet. */
BusEntry *bus_flow_enter (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery);
/* One that will have none: for the peer itself. */
void bus_flow_enter_plain (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery);
void bus_flow_leave (BusFlow *flow, BusEntry *entry);
gboolean bus_flow_lane_is_clear (const BusFlow *flow, WireLane lane);
/* Encodes for the first @n of shared->now, from where the bytes lie. FALSE: no memory, and nothing was done. */
gboolean bus_flow_encode_now (BusFlow *flow,
                              BusInbound *inbound,
                              WireLane lane,
                              const BusDelivery *delivery,
                              guint n,
                              gint64 now_us);
/* It was encoded for this subscription. @ticket: (transfer full) (nullable) */
void bus_flow_delivered (BusFlow *flow, BusSubscription *subscription, guint domain, BusTicket *ticket, gint64 now_us);
/* Tells the gaps of a lane that stand before its first message. FALSE: there is no memory for one of them, and nothing may
 * go before it. */
gboolean bus_flow_tell_first (BusFlow *flow, BusSubscription *subscription, WireLane lane);
/* There was no memory to encode what goes first: its timer comes back to it. */
void bus_flow_retry (BusFlow *flow, gint64 now_us);
/* What waits and has credit hangs in its lanes from here on. */
void bus_flow_advance (BusFlow *flow, BusSubscription *subscription);
/* The time to live of a message is over. */
void bus_flow_expire (BusFlow *flow, BusSlot *slot, gint64 now_us);
/* The level of the soft limit is looked at again. */
void bus_flow_note_level (BusFlow *flow, gint64 now_us);
