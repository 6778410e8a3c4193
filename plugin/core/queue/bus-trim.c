/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-trim.h"

#include "queue/bus-block.h"
#include "queue/bus-fifo-run.h"
#include "queue/bus-room.h"

/* --- other bounds --- */

/* The next slot that is not a gap. Dropping a message may free gaps beside it, but no other message, so this slot stays valid. */
static BusSlot *
trim_next_message (BusSlot *slot, gboolean oldest_first)
{
  do
    slot = oldest_first ? slot->next : slot->previous;
  while (slot != NULL && slot->state == BUS_DELIVERY_LOST);
  return slot;
}

/* The same, unpacked if it is in a run. @slot: (nullable): NULL: begins with the first one */
static BusSlot *
trim_unpack_next (BusFlow *flow,
                  const BusSubscription *subscription,
                  BusSlot *slot,
                  gboolean oldest_first,
                  gint64 now_us)
{
  return oldest_first ? bus_fifo_unpack_next (flow, subscription, slot, now_us)
                      : bus_fifo_unpack_previous (flow, subscription, slot, now_us);
}

/* Drops all messages but the newest one of each topic. */
static void
trim_conflate (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  BusSlot *previous;

  /* Only the newest message of a topic is indexed. */
  for (BusSlot *slot = bus_fifo_newest (subscription); slot != NULL; slot = previous)
    {
      previous = trim_next_message (slot, FALSE);
      if (!slot->is_indexed && !slot->delivery.is_kept)
        bus_fifo_drop (flow, slot, BUS_LOSS_FULL, now_us);
    }
}

static gboolean
trim_is_over (const BusFlow *flow, const BusSubscription *subscription, gboolean was_block, gint64 now_us)
{
  guint64 messages = bus_room_bounded_messages (subscription);

  if (was_block && messages > 0
      && (bus_room_own_bytes (flow) > bus_room_queue_max (flow, now_us)
          || flow->waiting_messages - flow->held_messages > flow->shared->limits->queue_hard_messages))
    return TRUE;
  return messages > 1
         && (messages > subscription->bounds.messages
             || bus_room_bounded_bytes (subscription) > subscription->bounds.bytes);
}

/* Drops messages above the new bounds. The policies error and block do not drop messages that they have accepted. @was_block: the
 * policy was block until now, and the credit of the publishers has been returned. So far only the windows of the publishers
 * bounded these messages; now the bounds of the peer's queue apply to them, and error drops messages, too. */
static void
trim_queue (BusFlow *flow, BusSubscription *subscription, gboolean was_block, gint64 now_us)
{
  BusOverflow policy = subscription->bounds.policy;
  BusLoss loss = policy == BUS_OVERFLOW_ERROR ? BUS_LOSS_REFUSED : BUS_LOSS_FULL;
  gboolean oldest_first = bus_overflow_drops_oldest (policy);
  BusSlot *slot, *next;

  if (policy == BUS_OVERFLOW_BLOCK || (policy == BUS_OVERFLOW_ERROR && !was_block))
    return;
  slot = oldest_first ? bus_fifo_oldest (subscription) : bus_fifo_newest (subscription);
  for (; slot != NULL && trim_is_over (flow, subscription, was_block, now_us); slot = next)
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
  gboolean was_block = subscription->bounds.policy == BUS_OVERFLOW_BLOCK && policy != BUS_OVERFLOW_BLOCK;
  guint64 missed = subscription->extra->missed;

  bus_fifo_unpack_all (flow, subscription, now_us);
  subscription->bounds = *bounds;
  if (policy != BUS_OVERFLOW_BLOCK)
    {
      bus_block_end (flow, subscription);
      bus_block_restore (flow, subscription, now_us);
    }
  bus_fifo_index (flow, subscription, policy == BUS_OVERFLOW_CONFLATE);
  if (policy == BUS_OVERFLOW_CONFLATE)
    trim_conflate (flow, subscription, now_us);
  trim_queue (flow, subscription, was_block, now_us);
  bus_flow_send_gaps (flow, subscription, now_us);
  bus_flow_note_level (flow, now_us);
  return subscription->extra->missed - missed;
}

/* --- the broker is full --- */

/* The queue of a subscription, with its length at the time when the queues were compared. */
typedef struct
{
  guint64 bytes;
  BusSubscription *subscription;
} TrimQueue;

/* Queues of equal length are ordered by the number of the subscription, so that the same input always gives the same output. */
static gboolean
trim_is_longer (const TrimQueue *one, const TrimQueue *other)
{
  return one->bytes > other->bytes || (one->bytes == other->bytes && one->subscription->id < other->subscription->id);
}

/* Moves a queue down in the heap until those below it are shorter. */
static void
trim_sift (TrimQueue *heap, guint n, guint at)
{
  const TrimQueue moved = heap[at];
  guint below;

  while ((below = 2 * at + 1) < n)
    {
      if (below + 1 < n && trim_is_longer (&heap[below + 1], &heap[below]))
        below++;
      if (!trim_is_longer (&heap[below], &moved))
        break;
      heap[at] = heap[below];
      at = below;
    }
  heap[at] = moved;
}

/* All queues from which messages may be dropped, as a heap with the longest one first. */
static GArray *
trim_queues (const BusSubscriptions *subscriptions)
{
  GArray *heap = g_array_sized_new (FALSE, FALSE, sizeof (TrimQueue), bus_subscriptions_size (subscriptions));
  BusSubscription *subscription;
  guint at = 0;

  while ((subscription = bus_subscriptions_next (subscriptions, &at)) != NULL)
    {
      const TrimQueue queue = { subscription->fifo->bytes, subscription };

      /* Requests are not dropped: they have a bound (max_pending_requests) and a deadline of their own. */
      if (bus_room_bounded_messages (queue.subscription) > 0 && !queue.subscription->serves)
        g_array_append_val (heap, queue);
    }
  for (guint i = heap->len / 2; i-- > 0;)
    trim_sift ((TrimQueue *) (void *) heap->data, heap->len, i);
  return heap;
}

/* Removes the longest queue from the heap. NULL: none is left. The lengths of the others remain valid, because dropping messages
 * of one queue changes no other queue. */
static BusSubscription *
trim_longest (GArray *heap)
{
  TrimQueue *queues = (TrimQueue *) (void *) heap->data;
  BusSubscription *longest;

  if (heap->len == 0)
    return NULL;
  longest = queues[0].subscription;
  queues[0] = queues[heap->len - 1];
  g_array_set_size (heap, heap->len - 1);
  if (heap->len > 0)
    trim_sift (queues, heap->len, 0);
  return longest;
}

/*
 * Drops messages of one peer because the broker or an account is full.
 *
 * The longest queue loses messages first: it is the one whose client is furthest behind, so a subscription that keeps up loses
 * nothing because of another one. The obvious loop, which searches for the longest queue again at each message, is too slow just
 * when the broker is full: for a peer with a thousand short queues it compares a thousand queues for each message. So the lengths
 * are put into a heap once, and messages are dropped from the longest queue until enough is free or this queue has no more, then
 * from the next one. This drops more from one queue than a fair distribution would; in return it is one loss with one gap for one
 * subscription instead of a small loss for many.
 *
 * The result is measured by waiting_bytes, which includes slots, entries and timers. It need not be free memory: a message that
 * other queues share is freed with its last reference. bus-shed therefore checks the memory of the broker after each call.
 */
gsize
bus_trim_shed (BusFlow *flow, const BusSubscriptions *subscriptions, gsize bytes, gint64 now_us)
{
  g_autoptr (GArray) queues = trim_queues (subscriptions);
  gsize before = flow->waiting_bytes;
  BusSubscription *subscription;

  while (before - flow->waiting_bytes < bytes && (subscription = trim_longest (queues)) != NULL)
    {
      gboolean oldest_first = bus_overflow_drops_oldest (bus_subscription_policy (subscription));
      BusSlot *slot, *next;

      /* Only the runs that lose messages are unpacked, each before the message in front of it gives up its credit. */
      slot = trim_unpack_next (flow, subscription, NULL, oldest_first, now_us);
      for (; slot != NULL && before - flow->waiting_bytes < bytes; slot = next)
        {
          next = trim_unpack_next (flow, subscription, slot, oldest_first, now_us);
          if (!slot->delivery.is_kept)
            bus_fifo_drop (flow, slot, BUS_LOSS_LIMIT, now_us);
        }
    }
  return before - flow->waiting_bytes;
}
