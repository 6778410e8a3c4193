/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-fifo.h"

/*
 * The parts of bus-fifo that bus-fifo-run uses as well: inserting and freeing slots, and the amounts that a slot adds to the sums
 * of its queue; and the one function of bus-fifo-run that bus-fifo calls. Only these two files include this header.
 */

/* In bus-fifo-run. Unpacks the first @n messages of a run, or all if it has fewer. Without memory the run is lost: @slot is then a
 * gap, or was freed. */
void bus_fifo_unpack (BusFlow *flow, BusSlot *slot, guint n, gint64 now_us);

/* Inserts a slot that the caller has made behind @after, and in its lane behind @lane_after. NULL: at the beginning of the FIFO,
 * or of the lane. */
void bus_fifo_slot_insert (BusFlow *flow, BusSlot *slot, BusSlot *after, BusSlot *lane_after);

/* Unlinks a slot from its FIFO and frees it. The caller has removed its message or run before. */
void bus_fifo_slot_free (BusFlow *flow, BusSlot *slot);

/* The messages from @from to @to, which the slot had, were removed and are lost: leaves a gap at their place. The slot may be
 * freed. */
void bus_fifo_leave_gap (BusFlow *flow, BusSlot *slot, BusLoss loss, guint64 from, guint64 to);

/* Counts and reports @count messages that were lost. */
void bus_fifo_count_loss (BusFlow *flow,
                          BusSubscription *subscription,
                          const BusLostAt *at,
                          guint64 count,
                          BusLoss loss,
                          gint64 now_us);

/* Slots, timers and look-ups count as memory of the queue, like messages. */
static inline void
fifo_keep (BusFlow *flow, gsize bytes)
{
  flow->waiting_bytes += bytes;
  bus_quota_keep (flow->shared->quota, &flow->ledger->usage, bytes);
}

static inline void
fifo_unkeep (BusFlow *flow, gsize bytes)
{
  g_assert (flow->waiting_bytes >= bytes);
  flow->waiting_bytes -= bytes;
  bus_quota_unkeep (flow->shared->quota, &flow->ledger->usage, bytes);
}

/* TRUE if the bounds of the queue do not count the message: it has a ticket, so the window of its publisher bounds it, or it is
 * delivered at least once, so bus-unsettled bounds it. */
static inline gboolean
fifo_is_held (const BusSlot *slot)
{
  return slot->ticket != NULL || slot->delivery.is_kept;
}

/* The number of messages of a slot that is not a gap, and their cost without their slots. Each message of a run counts with a slot
 * of its own, as if it waited alone. */
static inline guint
fifo_slot_messages (const BusSlot *slot)
{
  return slot->run != NULL ? slot->run->n : 1;
}

static inline gsize
fifo_slot_cost (const BusSlot *slot)
{
  return slot->run != NULL ? slot->run->cost : bus_message_cost (slot->message);
}

static inline gsize
fifo_held_cost (const BusSlot *slot)
{
  return fifo_slot_cost (slot) + fifo_slot_messages (slot) * sizeof (BusSlot);
}

static inline void
fifo_count_held (BusFlow *flow, const BusSlot *slot)
{
  flow->held_messages += fifo_slot_messages (slot);
  flow->held_bytes += fifo_held_cost (slot);
}

static inline void
fifo_discount_held (BusFlow *flow, const BusSlot *slot)
{
  g_assert (flow->held_messages >= fifo_slot_messages (slot) && flow->held_bytes >= fifo_held_cost (slot));
  flow->held_messages -= fifo_slot_messages (slot);
  flow->held_bytes -= fifo_held_cost (slot);
}
