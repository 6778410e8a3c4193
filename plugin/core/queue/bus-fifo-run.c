/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-fifo-run.h"

#include "queue/bus-fifo-private.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"

static const BusDelivery fifo_run_delivery = { .kind = WIRE_KIND_DELIVER };

gboolean
bus_fifo_append_run (BusFlow *flow, BusSubscription *subscription, BusWaitingRun *run, BusTicket *ticket, gint64 now_us)
{
  BusFifo *fifo = bus_subscription_need_fifo (subscription);
  const WireLane lane = run->class_of.lane;
  BusSlot *slot = bus_cells_take_or_null (&flow->shared->quota->cells, sizeof (BusSlot));

  if (slot == NULL)
    return FALSE;
  *slot = (BusSlot){ .state = bus_delivery_next (BUS_DELIVERY_OFFERED, BUS_DELIVERY_ON_WAIT),
                     .lane = lane,
                     .subscription = subscription,
                     .run = run,
                     .ticket = ticket,
                     .delivery = fifo_run_delivery,
                     .since_us = now_us };
  bus_fifo_slot_insert (flow, slot, fifo->last, fifo->lane_last[lane]);
  g_assert (fifo->by_topic == NULL && subscription->group == NULL);
  if (fifo_is_held (slot))
    fifo_count_held (flow, slot);
  if (fifo->first_waiting == NULL)
    fifo->first_waiting = slot;
  if (fifo->messages == 0)
    fifo->behind_since_us = now_us;
  fifo->messages += run->n;
  fifo->bytes += run->bytes;
  flow->waiting_messages += run->n;
  flow->waiting_bytes += run->cost;
  bus_quota_charge (flow->shared->quota, &flow->ledger->usage, run->cost);
  fifo_keep (flow, (run->n - 1) * sizeof (BusSlot)); /* the slot itself counts already */
  return TRUE;
}

/* Frees a run without messages, and releases its ticket. */
static void
fifo_run_clear (BusFlow *flow, BusSlot *slot)
{
  if (slot->ticket != NULL)
    bus_withheld_release (slot->subscription, g_steal_pointer (&slot->ticket));
  bus_waiting_run_free (g_steal_pointer (&slot->run));
}

/* Refunds messages that have left a run, without their slots. */
static void
fifo_run_uncount (BusFlow *flow, BusSubscription *subscription, const BusWaitingPart *part)
{
  BusFifo *fifo = bus_subscription_need_fifo (subscription);

  g_assert (fifo->messages >= part->n && fifo->bytes >= part->bytes && flow->waiting_messages >= part->n
            && flow->waiting_bytes >= part->cost);
  fifo->messages -= part->n;
  fifo->bytes -= part->bytes;
  if (fifo->messages == 0)
    fifo->behind_since_us = 0;
  flow->waiting_messages -= part->n;
  flow->waiting_bytes -= part->cost;
  bus_quota_refund (flow->shared->quota, &flow->ledger->usage, part->cost);
  bus_quota_release (flow->shared->quota, part->cost);
}

void
bus_fifo_sent_of_run (BusFlow *flow, BusSlot *slot, guint n, gint64 now_us)
{
  BusSubscription *subscription = slot->subscription;
  const gboolean is_last = n == slot->run->n;
  BusWaitingPart part;

  bus_delivery_next (bus_delivery_next (slot->state, BUS_DELIVERY_ON_CREDIT), BUS_DELIVERY_ON_SEND);
  if (fifo_is_held (slot))
    fifo_discount_held (flow, slot);
  part = bus_waiting_run_drop_first (slot->run, n);
  if (fifo_is_held (slot))
    fifo_count_held (flow, slot);
  fifo_run_uncount (flow, subscription, &part);
  fifo_unkeep (flow, (is_last ? n - 1 : n) * sizeof (BusSlot));
  bus_window_use_many (&subscription->window, n, part.payload_bytes);
  if (is_last)
    {
      fifo_run_clear (flow, slot);
      bus_fifo_slot_free (flow, slot);
    }
  /* When few messages of a long run are left, the run uses more memory than is charged for them. */
  else if (!bus_waiting_run_is_covered (slot->run, sizeof (BusSlot)))
    bus_fifo_unpack (flow, slot, slot->run->n, now_us);
  bus_unsettled_note_empty (flow->shared, subscription);
}

/* --- unpacking --- */

/* Makes a slot for the first message of a run in front of the slot of the run. The sums of the FIFO and of the queue do not
 * change. FALSE: no memory. */
static gboolean
fifo_unpack_first (BusFlow *flow, BusSlot *slot)
{
  BusSubscription *subscription = slot->subscription;
  BusCells *cells = &flow->shared->quota->cells;
  BusSlot *first = bus_cells_try_take (cells, sizeof (BusSlot));
  BusMessage *message = first != NULL ? bus_waiting_run_take_first (slot->run) : NULL;

  if (message == NULL)
    {
      if (first != NULL)
        bus_cells_give (cells, first);
      return FALSE;
    }
  *first = (BusSlot){ .state = slot->state,
                      .lane = slot->lane,
                      .subscription = subscription,
                      .message = message,
                      .delivery = slot->delivery,
                      .since_us = slot->since_us };
  bus_fifo_slot_insert (flow, first, slot->previous, slot->lane_previous);
  fifo_unkeep (flow, sizeof (BusSlot)); /* it was counted with the run */
  if (slot->ticket != NULL)
    {
      first->ticket = bus_ticket_ref (slot->ticket);
      bus_withheld_share (subscription);
    }
  if (subscription->fifo->first_waiting == slot)
    bus_subscription_need_fifo (subscription)->first_waiting = first;
  return TRUE;
}

/* The slot of a run becomes the slot of its last message. FALSE: no memory. */
static gboolean
fifo_unpack_last (BusSlot *slot)
{
  slot->message = bus_waiting_run_take_first (slot->run);
  if (slot->message == NULL)
    return FALSE;
  bus_waiting_run_free (g_steal_pointer (&slot->run));
  return TRUE;
}

/* Unpacks up to @n messages, but not the last one of the run. @n: (inout): the part of it that is left. FALSE: no memory. */
static gboolean
fifo_unpack_some (BusFlow *flow, BusSlot *slot, guint *n)
{
  for (; *n > 0 && slot->run->n > 1; --*n)
    if (!fifo_unpack_first (flow, slot))
      return FALSE;
  return TRUE;
}

/* FALSE: no memory; a part may have been unpacked. */
static gboolean
fifo_try_unpack (BusFlow *flow, BusSlot *slot, guint n)
{
  if (!fifo_unpack_some (flow, slot, &n))
    return FALSE;
  if (n == 0 && !bus_waiting_run_is_covered (slot->run, sizeof (BusSlot)))
    {
      n = slot->run->n;
      if (!fifo_unpack_some (flow, slot, &n))
        return FALSE;
    }
  return n == 0 || fifo_unpack_last (slot);
}

/* Counts the @n messages from @at on, so that the report names the range from the first to the last one. */
static void
fifo_run_count_loss (BusFlow *flow, BusSubscription *subscription, const BusLostAt *at, guint n, gint64 now_us)
{
  BusLostAt last = *at;

  last.accept_seq += n - 1;
  if (n > 1)
    bus_fifo_count_loss (flow, subscription, at, n - 1, BUS_LOSS_NO_MEMORY, now_us);
  bus_fifo_count_loss (flow, subscription, &last, 1, BUS_LOSS_NO_MEMORY, now_us);
}

/* All messages of the run are lost: there is no memory to unpack them. */
static void
fifo_run_lose (BusFlow *flow, BusSlot *slot, gint64 now_us)
{
  BusSubscription *subscription = slot->subscription;
  const guint n = slot->run->n;
  const BusLostAt at = { slot->lane, slot->run->domain, bus_waiting_run_seq (slot->run) };
  BusWaitingPart all;

  if (fifo_is_held (slot))
    fifo_discount_held (flow, slot);
  all = bus_waiting_run_drop_first (slot->run, n);
  fifo_run_uncount (flow, subscription, &all);
  fifo_unkeep (flow, (n - 1) * sizeof (BusSlot));
  fifo_run_clear (flow, slot);
  bus_fifo_leave_gap (flow, slot, BUS_LOSS_NO_MEMORY, at.accept_seq, at.accept_seq + n - 1);
  fifo_run_count_loss (flow, subscription, &at, n, now_us);
  bus_unsettled_note_empty (flow->shared, subscription);
}

/* Each message that leaves the run gets a slot in front of the slot of the run, so the order does not change and the caller's
 * iterator, which points to the slot of the run, stays valid. The slot of the run becomes the slot of its last message.
 *
 * The sums of the FIFO and the queue do not change either, because each message of a run is charged as if it had its own slot.
 * This charge must cover the memory of the run. The cell of a run does not become smaller when messages leave it: the charges of a
 * few remaining messages would be less than the cell. A peer could then occupy more memory than its quotas count. So when the rest
 * is not covered any more, it is unpacked as well, even if the caller needs fewer messages. */
void
bus_fifo_unpack (BusFlow *flow, BusSlot *slot, guint n, gint64 now_us)
{
  if (!fifo_try_unpack (flow, slot, n))
    fifo_run_lose (flow, slot, now_us);
}

/* The first slot, beginning with @slot, that is not a gap. */
static BusSlot *
fifo_run_message (BusSlot *slot, gboolean forwards)
{
  while (slot != NULL && slot->state == BUS_DELIVERY_LOST)
    slot = forwards ? slot->next : slot->previous;
  return slot;
}

BusSlot *
bus_fifo_unpack_next (BusFlow *flow, const BusSubscription *subscription, BusSlot *after, gint64 now_us)
{
  BusSlot *slot;

  while ((slot = fifo_run_message (after != NULL ? after->next : subscription->fifo->first, TRUE)) != NULL
         && slot->run != NULL)
    bus_fifo_unpack (flow, slot, slot->run->n, now_us);
  return slot;
}

BusSlot *
bus_fifo_unpack_previous (BusFlow *flow, const BusSubscription *subscription, BusSlot *before, gint64 now_us)
{
  BusSlot *slot;

  while ((slot = fifo_run_message (before != NULL ? before->previous : subscription->fifo->last, FALSE)) != NULL
         && slot->run != NULL)
    bus_fifo_unpack (flow, slot, slot->run->n, now_us);
  return slot;
}

void
bus_fifo_unpack_all (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  BusSlot *slot = NULL;

  while ((slot = bus_fifo_unpack_next (flow, subscription, slot, now_us)) != NULL)
    continue;
}
