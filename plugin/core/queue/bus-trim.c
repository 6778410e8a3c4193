/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-trim.h"

#include "queue/bus-block.h"
#include "queue/bus-fifo.h"
#include "queue/bus-room.h"

/* --- other bounds --- */

/* Dropping a message joins the gaps beside it, and leaves the messages alone. */
static BusSlot *
trim_next_message (BusSlot *slot, gboolean oldest_first)
{
  do
    slot = oldest_first ? slot->next : slot->previous;
  while (slot != NULL && slot->state == BUS_DELIVERY_LOST);
  return slot;
}

/* Of each topic the newest stays. */
static void
trim_conflate (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  BusSlot *previous;

  /* From the newest on: dropping joins gaps that the loop has passed. */
  for (BusSlot *slot = bus_fifo_newest (subscription); slot != NULL; slot = previous)
    {
      previous = trim_next_message (slot, FALSE);
      if (!slot->is_indexed && !slot->delivery.is_kept)
        bus_fifo_drop (flow, slot, BUS_LOSS_FULL, now_us);
    }
}

static gboolean
trim_is_over (const BusFlow *flow, const BusSubscription *subscription, gboolean unpaid, gint64 now_us)
{
  guint64 messages = bus_room_bounded_messages (subscription);

  if (unpaid && messages > 0
      && (bus_room_own_bytes (flow) > bus_room_queue_max (flow, now_us)
          || flow->waiting_messages - flow->held_messages > flow->shared->limits->queue_hard_messages))
    return TRUE;
  return messages > 1
         && (messages > subscription->bounds.messages
             || bus_room_bounded_bytes (subscription) > subscription->bounds.bytes);
}

/* The policies error and block keep what they accepted; block only while its publishers' credit is withheld for it. */
static void
trim_queue (BusFlow *flow, BusSubscription *subscription, gboolean unpaid, gint64 now_us)
{
  BusOverflow policy = subscription->bounds.policy;
  BusLoss loss = policy == BUS_OVERFLOW_ERROR ? BUS_LOSS_REFUSED : BUS_LOSS_FULL;
  gboolean oldest_first = bus_overflow_drops_oldest (policy);
  BusSlot *slot, *next;

  if (policy == BUS_OVERFLOW_BLOCK || (policy == BUS_OVERFLOW_ERROR && !unpaid))
    return;
  slot = oldest_first ? bus_fifo_oldest (subscription) : bus_fifo_newest (subscription);
  for (; slot != NULL && trim_is_over (flow, subscription, unpaid, now_us); slot = next)
    {
      next = trim_next_message (slot, oldest_first);
      if (!slot->delivery.is_kept)
        bus_fifo_drop (flow, slot, loss, now_us);
    }
}

guint64
bus_trim_adjust (BusFlow *flow, BusSubscription *subscription, const BusBounds *bounds, gint64 now_us)
{
  BusOverflow policy = bounds->policy;
  gboolean unpaid = subscription->bounds.policy == BUS_OVERFLOW_BLOCK && policy != BUS_OVERFLOW_BLOCK;
  guint64 missed = subscription->missed;

  subscription->bounds = *bounds;
  if (policy != BUS_OVERFLOW_BLOCK)
    {
      bus_block_end (flow, subscription);
      bus_block_restore (flow, subscription, now_us);
    }
  bus_fifo_index (flow, subscription, policy == BUS_OVERFLOW_CONFLATE);
  if (policy == BUS_OVERFLOW_CONFLATE)
    trim_conflate (flow, subscription, now_us);
  trim_queue (flow, subscription, unpaid, now_us);
  bus_flow_send_gaps (flow, subscription, now_us);
  bus_flow_note_level (flow, now_us);
  return subscription->missed - missed;
}

/* --- the broker is full --- */

static BusSubscription *
trim_longest (GHashTable *subscriptions)
{
  BusSubscription *longest = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, subscriptions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      BusSubscription *subscription = value;
      guint64 bytes = subscription->fifo.bytes;

      /* Requests have their own bounds and end. Equal ones by their number: the same input gives the same output. */
      if (bus_room_bounded_messages (subscription) > 0 && !subscription->serves
          && (longest == NULL || bytes > longest->fifo.bytes
              || (bytes == longest->fifo.bytes && subscription->id < longest->id)))
        longest = subscription;
    }
  return longest;
}

gsize
bus_trim_shed (BusFlow *flow, GHashTable *subscriptions, gsize bytes, gint64 now_us)
{
  gsize before = flow->waiting_bytes;
  BusSubscription *subscription;

  while (before - flow->waiting_bytes < bytes && (subscription = trim_longest (subscriptions)) != NULL)
    {
      gboolean oldest_first = bus_overflow_drops_oldest (bus_subscription_policy (subscription));
      BusSlot *slot = oldest_first ? bus_fifo_oldest (subscription) : bus_fifo_newest (subscription);
      BusSlot *next;

      for (; slot != NULL && before - flow->waiting_bytes < bytes; slot = next)
        {
          next = trim_next_message (slot, oldest_first);
          if (!slot->delivery.is_kept)
            bus_fifo_drop (flow, slot, BUS_LOSS_LIMIT, now_us);
        }
    }
  return before - flow->waiting_bytes;
}
