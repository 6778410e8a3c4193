/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-fifo-run.h"

#include "queue/bus-fifo-private.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"

static const BusDelivery fifo_run_delivery = { .kind = WIRE_KIND_DELIVER };

void
bus_fifo_append_run (BusFlow *flow, BusSubscription *subscription, BusWaitingRun *run, BusTicket *ticket, gint64 now_us)
{
  BusFifo *fifo = bus_subscription_need_fifo (subscription);
  const WireLane lane = run->class_of.lane;
  BusSlot *slot = bus_fifo_slot_new (flow, subscription, fifo->last, fifo->lane_last[lane],
                                     bus_delivery_next (BUS_DELIVERY_OFFERED, BUS_DELIVERY_ON_WAIT), lane);

  g_assert (fifo->by_topic == NULL && subscription->group == NULL);
  slot->run = run;
  slot->ticket = ticket;
  slot->delivery = fifo_run_delivery;
  slot->since_us = now_us;
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
}

/* Frees the slot of a run without messages. */
static void
fifo_run_end (BusFlow *flow, BusSlot *slot)
{
  if (slot->ticket != NULL)
    bus_withheld_release (slot->subscription, g_steal_pointer (&slot->ticket));
  bus_waiting_run_free (g_steal_pointer (&slot->run));
  bus_fifo_slot_free (flow, slot);
}

void
bus_fifo_sent_of_run (BusFlow *flow, BusSlot *slot, guint n)
{
  BusSubscription *subscription = slot->subscription;
  BusFifo *fifo = bus_subscription_need_fifo (subscription);
  const gboolean is_last = n == slot->run->n;
  BusWaitingPart part;

  bus_delivery_next (bus_delivery_next (slot->state, BUS_DELIVERY_ON_CREDIT), BUS_DELIVERY_ON_SEND);
  if (fifo_is_held (slot))
    fifo_discount_held (flow, slot);
  part = bus_waiting_run_drop_first (slot->run, n);
  if (fifo_is_held (slot))
    fifo_count_held (flow, slot);
  g_assert (fifo->messages >= n && fifo->bytes >= part.bytes && flow->waiting_messages >= n
            && flow->waiting_bytes >= part.cost);
  fifo->messages -= n;
  fifo->bytes -= part.bytes;
  if (fifo->messages == 0)
    fifo->behind_since_us = 0;
  flow->waiting_messages -= n;
  flow->waiting_bytes -= part.cost;
  bus_quota_refund (flow->shared->quota, &flow->ledger->usage, part.cost);
  bus_quota_release (flow->shared->quota, part.cost);
  fifo_unkeep (flow, (is_last ? n - 1 : n) * sizeof (BusSlot));
  bus_window_use_many (&subscription->window, n, part.payload_bytes);
  if (is_last)
    fifo_run_end (flow, slot);
  /* When few messages of a long run are left, the run uses more memory than is charged for them. */
  else if (!bus_waiting_run_is_covered (slot->run, sizeof (BusSlot)))
    bus_fifo_unpack (flow, slot, slot->run->n);
  bus_unsettled_note_empty (flow->shared, subscription);
}

/* --- unpacking --- */

void
bus_fifo_unpack_all (BusFlow *flow, BusSubscription *subscription)
{
  for (BusSlot *slot = subscription->fifo->first_waiting; slot != NULL; slot = slot->next)
    if (slot->run != NULL)
      bus_fifo_unpack (flow, slot, slot->run->n);
}

BusSlot *
bus_fifo_unpack_slot (BusFlow *flow, BusSlot *slot)
{
  BusSlot *before;

  if (slot == NULL || slot->run == NULL)
    return slot;
  before = slot->previous;
  bus_fifo_unpack (flow, slot, slot->run->n);
  return before != NULL ? before->next : slot->subscription->fifo->first;
}

BusSlot *
bus_fifo_unpack_oldest (BusFlow *flow, const BusSubscription *subscription)
{
  return bus_fifo_unpack_slot (flow, bus_fifo_oldest (subscription));
}
