/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-fifo-private.h"

#include "base/bus-key.h"
#include "base/bus-probe.h"
#include "queue/bus-lane.h"
#include "queue/bus-report.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"

BusTicket *
bus_fifo_take_ticket (BusFlow *flow, BusSlot *slot)
{
  BusTicket *ticket = g_steal_pointer (&slot->ticket);

  if (ticket != NULL && !fifo_is_held (slot))
    fifo_discount_held (flow, slot);
  return ticket;
}

static void
fifo_keep_message (BusFifo *fifo, const BusSlot *slot)
{
  fifo->kept_messages++;
  fifo->kept_bytes += slot->message->body.len;
}

static void
fifo_forget_message (BusFlow *flow, BusFifo *fifo, const BusSlot *slot)
{
  g_assert (fifo->kept_messages > 0 && fifo->kept_bytes >= slot->message->body.len);
  fifo->kept_messages--;
  fifo->kept_bytes -= slot->message->body.len;
  fifo_discount_held (flow, slot);
}

static void
fifo_charge (BusFlow *flow, const BusMessage *message)
{
  flow->waiting_bytes += bus_message_cost (message);
  bus_quota_charge (flow->shared->quota, &flow->ledger->usage, bus_message_cost (message));
}

static void
fifo_refund (BusFlow *flow, const BusMessage *message)
{
  g_assert (flow->waiting_bytes >= bus_message_cost (message));
  flow->waiting_bytes -= bus_message_cost (message);
  bus_quota_refund (flow->shared->quota, &flow->ledger->usage, bus_message_cost (message));
}

/* --- the look-up by topic --- */

static void
fifo_index_slot (BusFlow *flow, BusSlot *slot)
{
  BusFifo *fifo = bus_subscription_need_fifo (slot->subscription);
  BusKey key = bus_key (flow->shared->seed, slot->message->topic);
  BusSlot *older = g_hash_table_lookup (fifo->by_topic, &key);

  if (older != NULL)
    older->is_indexed = FALSE;
  else
    fifo_keep (flow, BUS_FIFO_INDEX_COST);
  /* The text of the key is a part of the message of the slot, so key and slot are replaced together. */
  g_hash_table_replace (fifo->by_topic, g_memdup2 (&key, sizeof key), slot);
  slot->is_indexed = TRUE;
}

static void
fifo_unindex_slot (BusFlow *flow, BusSlot *slot)
{
  BusKey key;

  if (!slot->is_indexed)
    return;
  key = bus_key (flow->shared->seed, slot->message->topic);
  g_hash_table_remove (slot->subscription->fifo->by_topic, &key);
  slot->is_indexed = FALSE;
  fifo_unkeep (flow, BUS_FIFO_INDEX_COST);
}

void
bus_fifo_index (BusFlow *flow, BusSubscription *subscription, gboolean wanted)
{
  BusFifo *fifo;

  if (wanted == (subscription->fifo->by_topic != NULL))
    return;
  fifo = bus_subscription_need_fifo (subscription);
  if (wanted)
    fifo->by_topic = g_hash_table_new_full (bus_key_hash, bus_key_equal, g_free, NULL);
  for (BusSlot *slot = fifo->first; slot != NULL; slot = slot->next)
    if (slot->state != BUS_DELIVERY_LOST && wanted && !slot->delivery.is_kept)
      fifo_index_slot (flow, slot);
    else if (slot->state != BUS_DELIVERY_LOST)
      fifo_unindex_slot (flow, slot);
  if (!wanted)
    g_clear_pointer (&fifo->by_topic, g_hash_table_unref);
}

BusSlot *
bus_fifo_find (const BusFlow *flow, const BusSubscription *subscription, WireSpan topic)
{
  BusKey key;

  if (subscription->fifo->by_topic == NULL)
    return NULL;
  key = bus_key (flow->shared->seed, topic);
  return g_hash_table_lookup (subscription->fifo->by_topic, &key);
}

/* --- links --- */

static void
fifo_link_in_lane (BusFifo *fifo, BusSlot *slot, BusSlot *after)
{
  slot->lane_previous = after;
  slot->lane_next = after != NULL ? after->lane_next : fifo->lane_first[slot->lane];
  if (slot->lane_next != NULL)
    slot->lane_next->lane_previous = slot;
  else
    fifo->lane_last[slot->lane] = slot;
  if (after != NULL)
    after->lane_next = slot;
  else
    fifo->lane_first[slot->lane] = slot;
}

static void
fifo_unlink_from_lane (BusFifo *fifo, BusSlot *slot)
{
  if (slot->lane_previous != NULL)
    slot->lane_previous->lane_next = slot->lane_next;
  else
    fifo->lane_first[slot->lane] = slot->lane_next;
  if (slot->lane_next != NULL)
    slot->lane_next->lane_previous = slot->lane_previous;
  else
    fifo->lane_last[slot->lane] = slot->lane_previous;
}

void
bus_fifo_slot_insert (BusFlow *flow, BusSlot *slot, BusSlot *after, BusSlot *lane_after)
{
  BusFifo *fifo = bus_subscription_need_fifo (slot->subscription);

  fifo_link_in_lane (fifo, slot, lane_after);
  slot->previous = after;
  slot->next = after != NULL ? after->next : fifo->first;
  if (slot->next != NULL)
    slot->next->previous = slot;
  else
    fifo->last = slot;
  if (after != NULL)
    after->next = slot;
  else
    fifo->first = slot;
  if (slot->state == BUS_DELIVERY_LOST)
    fifo->gaps[slot->lane]++;
  fifo_keep (flow, sizeof (BusSlot));
}

static BusSlot *
fifo_next_waiting (BusSlot *slot)
{
  while (slot != NULL && slot->state != BUS_DELIVERY_WAITING)
    slot = slot->next;
  return slot;
}

void
bus_fifo_slot_free (BusFlow *flow, BusSlot *slot)
{
  BusFifo *fifo = bus_subscription_need_fifo (slot->subscription);

  if (fifo->first_waiting == slot)
    fifo->first_waiting = fifo_next_waiting (slot->next);
  if (slot->previous != NULL)
    slot->previous->next = slot->next;
  else
    fifo->first = slot->next;
  if (slot->next != NULL)
    slot->next->previous = slot->previous;
  else
    fifo->last = slot->previous;
  fifo_unlink_from_lane (fifo, slot);
  if (slot->state == BUS_DELIVERY_LOST)
    fifo->gaps[slot->lane]--;
  bus_cells_give (&flow->shared->quota->cells, slot);
  fifo_unkeep (flow, sizeof (BusSlot));
}

/* --- messages --- */

/* Makes the timer of a slot that is not in the FIFO yet, if its message expires. FALSE: no memory. */
static gboolean
fifo_make_expiry (BusFlow *flow, BusSlot *slot, const BusMessage *message)
{
  gboolean is_request = slot->delivery.kind == WIRE_KIND_REQUEST;
  gint64 due_us = is_request ? slot->delivery.due_us : message->expires_us;

  if (due_us == 0)
    return TRUE;
  slot->expiry = bus_cells_take_or_null (&flow->shared->quota->cells, sizeof (BusTimer));
  if (slot->expiry == NULL)
    return FALSE;
  *slot->expiry = (BusTimer){ .kind = BUS_TIMER_EXPIRY, .owner = slot };
  bus_deadline_arm (flow->shared->deadlines, &slot->expiry->deadline, due_us);
  fifo_keep (flow, sizeof (BusTimer));
  return TRUE;
}

static void
fifo_disarm_expiry (BusFlow *flow, BusSlot *slot)
{
  if (slot->expiry == NULL)
    return;
  bus_deadline_disarm (flow->shared->deadlines, &slot->expiry->deadline);
  bus_cells_give (&flow->shared->quota->cells, slot->expiry);
  slot->expiry = NULL;
  fifo_unkeep (flow, sizeof (BusTimer));
}

/* Makes a slot, with its timer, that is not in the FIFO yet. NULL: no memory. */
static BusSlot *
fifo_make_slot (BusFlow *flow, BusSubscription *subscription, const BusMessage *message, const BusDelivery *delivery)
{
  BusCells *cells = &flow->shared->quota->cells;
  BusSlot *slot = bus_cells_take_or_null (cells, sizeof (BusSlot));

  if (slot == NULL)
    return NULL;
  *slot = (BusSlot){ .state = bus_delivery_next (BUS_DELIVERY_OFFERED, BUS_DELIVERY_ON_WAIT),
                     .lane = message->class_of.lane,
                     .subscription = subscription,
                     .delivery = *delivery };
  if (fifo_make_expiry (flow, slot, message))
    return slot;
  bus_cells_give (cells, slot);
  return NULL;
}

BusSlot *
bus_fifo_append (BusFlow *flow,
                 BusSubscription *subscription,
                 BusMessage *message,
                 BusTicket *ticket,
                 const BusDelivery *delivery,
                 gint64 now_us)
{
  BusFifo *fifo = bus_subscription_need_fifo (subscription);
  BusSlot *slot = fifo_make_slot (flow, subscription, message, delivery);

  if (slot == NULL)
    return NULL;
  bus_fifo_slot_insert (flow, slot, fifo->last, fifo->lane_last[slot->lane]);
  slot->message = bus_message_ref (message);
  slot->ticket = ticket;
  if (fifo_is_held (slot))
    fifo_count_held (flow, slot);
  if (delivery->is_kept)
    fifo_keep_message (fifo, slot);
  if (delivery->mark != NULL)
    delivery->mark->slot = slot;
  slot->since_us = now_us;
  if (fifo->first_waiting == NULL)
    fifo->first_waiting = slot;
  if (fifo->messages == 0)
    fifo->behind_since_us = now_us;
  fifo->messages++;
  fifo->bytes += message->body.len;
  flow->waiting_messages++;
  fifo_charge (flow, message);
  if (fifo->by_topic != NULL && !delivery->is_kept)
    fifo_index_slot (flow, slot);
  return slot;
}

/* Only the first waiting message can get credit, so the FIFO stays in order. */
void
bus_fifo_queue (BusFlow *flow, BusSlot *slot, BusEntry *entry)
{
  BusFifo *fifo = bus_subscription_need_fifo (slot->subscription);

  g_assert (fifo->first_waiting == slot);
  fifo->first_waiting = fifo_next_waiting (slot->next);
  slot->state = bus_delivery_next (slot->state, BUS_DELIVERY_ON_CREDIT);
  flow->lanes[slot->lane].bytes += bus_message_cost (slot->message);
  slot->entry = entry;
  slot->sibling_next = entry->slots;
  if (entry->slots != NULL)
    entry->slots->sibling_previous = slot;
  entry->slots = slot;
}

gboolean
bus_fifo_advance_to_run (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  BusSlot *slot;

  while ((slot = subscription->fifo->first_waiting) != NULL && slot->run == NULL
         && bus_subscription_is_open (subscription))
    {
      BusEntry *entry = bus_lane_enter (flow, slot->lane, slot->message, &slot->delivery);

      if (entry == NULL)
        {
          bus_lane_retry (flow, now_us);
          return FALSE;
        }
      bus_window_use (&subscription->window, slot->message->payload_len);
      bus_fifo_queue (flow, slot, entry);
    }
  return TRUE;
}

void
bus_fifo_advance (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  const BusWindow *window = &subscription->window;

  while (bus_fifo_advance_to_run (flow, subscription, now_us) && subscription->fifo->first_waiting != NULL
         && bus_subscription_is_open (subscription))
    bus_fifo_unpack (flow, subscription->fifo->first_waiting,
                     (guint) MIN (window->granted_messages - window->used_messages, G_MAXUINT), now_us);
}

static void
fifo_unqueue (BusFlow *flow, BusSlot *slot)
{
  BusEntry *entry = slot->entry;

  g_assert (flow->lanes[slot->lane].bytes >= bus_message_cost (slot->message));
  flow->lanes[slot->lane].bytes -= bus_message_cost (slot->message);
  if (slot->sibling_previous != NULL)
    slot->sibling_previous->sibling_next = slot->sibling_next;
  else
    entry->slots = slot->sibling_next;
  if (slot->sibling_next != NULL)
    slot->sibling_next->sibling_previous = slot->sibling_previous;
  if (entry->slots == NULL && !entry->plain)
    bus_lane_leave (flow, entry);
}

/* Frees and refunds everything that belongs to the message of a slot; the slot stays in the FIFO. */
static void
fifo_strip (BusFlow *flow, BusSlot *slot, BusTicket **ticket)
{
  BusFifo *fifo = bus_subscription_need_fifo (slot->subscription);
  BusTicket *own = bus_fifo_take_ticket (flow, slot);

  g_assert (fifo->messages > 0 && fifo->bytes >= slot->message->body.len && flow->waiting_messages > 0);
  if (slot->delivery.is_kept)
    fifo_forget_message (flow, fifo, slot);
  if (slot->delivery.mark != NULL)
    slot->delivery.mark->slot = NULL;
  fifo->messages--;
  fifo->bytes -= slot->message->body.len;
  if (fifo->messages == 0)
    fifo->behind_since_us = 0;
  bus_unsettled_note_empty (flow->shared, slot->subscription);
  flow->waiting_messages--;
  fifo_unindex_slot (flow, slot);
  fifo_disarm_expiry (flow, slot);
  if (slot->state == BUS_DELIVERY_QUEUED)
    fifo_unqueue (flow, slot);
  fifo_refund (flow, slot->message);
  if (ticket != NULL)
    *ticket = own;
  else if (own != NULL)
    bus_withheld_release (slot->subscription, own);
  g_clear_pointer (&slot->message, bus_message_unref);
}

void
bus_fifo_remove (BusFlow *flow, BusSlot *slot, BusTicket **ticket)
{
  if (slot->state != BUS_DELIVERY_LOST)
    fifo_strip (flow, slot, ticket);
  bus_fifo_slot_free (flow, slot);
}

BusSlot *
bus_fifo_oldest (const BusSubscription *subscription)
{
  BusSlot *slot = subscription->fifo->first;

  while (slot != NULL && slot->state == BUS_DELIVERY_LOST)
    slot = slot->next;
  return slot;
}

BusSlot *
bus_fifo_newest (const BusSubscription *subscription)
{
  BusSlot *slot = subscription->fifo->last;

  while (slot != NULL && slot->state == BUS_DELIVERY_LOST)
    slot = slot->previous;
  return slot;
}

/* --- gaps --- */

static gboolean
fifo_is_other_gap (const BusSlot *slot, BusLoss loss)
{
  return slot != NULL && slot->state == BUS_DELIVERY_LOST && slot->gap_loss != loss;
}

/* The gap with the reason @loss among the adjacent gaps that end with @slot (@backwards), or that begin with it. NULL: none. */
static BusSlot *
fifo_find_gap (BusSlot *slot, gboolean backwards, BusLoss loss)
{
  while (fifo_is_other_gap (slot, loss))
    slot = backwards ? slot->lane_previous : slot->lane_next;
  return slot != NULL && slot->state == BUS_DELIVERY_LOST ? slot : NULL;
}

static void
fifo_grow_gap (BusSlot *gap, guint64 from, guint64 to, guint64 count)
{
  gap->gap_from = gap->gap_count == 0 ? from : MIN (gap->gap_from, from);
  gap->gap_to = MAX (gap->gap_to, to);
  gap->gap_count += count;
}

void
bus_fifo_count_loss (BusFlow *flow,
                     BusSubscription *subscription,
                     const BusLostAt *at,
                     guint64 count,
                     BusLoss loss,
                     gint64 now_us)
{
  BusSubscriptionExtra *extra = bus_subscription_need_extra (subscription);

  BUS_PROBE3 (drop, subscription->id, at->accept_seq, loss);
  extra->missed += count;
  extra->losses.missed_by[loss] += count;
  flow->missed += count;
  bus_report_need_losses (flow)->missed_by[loss] += count;
  flow->shared->missed_by[loss] += count;
  flow->shared->domains[at->domain].missed += count;
  bus_report_loss (flow, subscription, at->domain, at->accept_seq, count, loss, now_us);
}

/* The message between two sequences of gaps was removed: joins the sequences, so that one gap for each reason is left. */
static void
fifo_join_gaps (BusFlow *flow, BusSlot *left, BusSlot *right)
{
  while (right != NULL && right->state == BUS_DELIVERY_LOST)
    {
      BusSlot *next = right->lane_next;
      BusSlot *same = fifo_find_gap (left, TRUE, right->gap_loss);

      if (same != NULL)
        {
          fifo_grow_gap (same, right->gap_from, right->gap_to, right->gap_count);
          bus_fifo_slot_free (flow, right);
        }
      right = next;
    }
}

static void
fifo_note_route (BusFlowShared *shared, const BusRouteNote *note)
{
  if (note->route_id == 0)
    return;
  if (shared->route_notes == NULL)
    shared->route_notes = g_array_new (FALSE, FALSE, sizeof (BusRouteNote));
  g_array_append_val (shared->route_notes, *note);
}

void
bus_fifo_note_dropped (BusFlowShared *shared, guint64 route_id, BusLoss loss)
{
  fifo_note_route (shared, &(const BusRouteNote){ .route_id = route_id, .loss = loss });
}

void
bus_fifo_note_sent (BusFlow *flow, guint64 route_id)
{
  fifo_note_route (flow->shared, &(const BusRouteNote){ .route_id = route_id, .sent_to = flow });
}

/* The message of the slot was removed: the slot becomes a gap. */
static void
fifo_become_gap (BusSlot *slot, BusDeliveryState lost, BusLoss loss)
{
  BusFifo *fifo = bus_subscription_need_fifo (slot->subscription);

  if (fifo->first_waiting == slot)
    fifo->first_waiting = fifo_next_waiting (slot->next);
  *slot = (BusSlot){ .state = lost,
                     .lane = slot->lane,
                     .subscription = slot->subscription,
                     .previous = slot->previous,
                     .next = slot->next,
                     .lane_previous = slot->lane_previous,
                     .lane_next = slot->lane_next,
                     .gap_loss = loss };
  fifo->gaps[slot->lane]++;
}

/* It needs no memory, because messages are dropped when memory is short: a gap beside the slot grows, or the slot itself becomes
 * the gap. */
void
bus_fifo_leave_gap (BusFlow *flow, BusSlot *slot, BusLoss loss, guint64 from, guint64 to)
{
  BusSlot *left = slot->lane_previous;
  BusSlot *right = slot->lane_next;
  BusSlot *gap = fifo_find_gap (left, TRUE, loss);
  const BusDeliveryState lost = bus_delivery_next (slot->state, BUS_DELIVERY_ON_LOSE);

  if (gap == NULL)
    gap = fifo_find_gap (right, FALSE, loss);
  if (gap != NULL)
    bus_fifo_slot_free (flow, slot);
  else
    {
      fifo_become_gap (slot, lost, loss);
      gap = slot;
    }
  fifo_grow_gap (gap, from, to, to - from + 1);
  if (left != NULL && left->state == BUS_DELIVERY_LOST)
    fifo_join_gaps (flow, left, right);
}

void
bus_fifo_drop (BusFlow *flow, BusSlot *slot, BusLoss loss, gint64 now_us)
{
  BusSubscription *subscription = slot->subscription;
  const BusLostAt at = { slot->lane, slot->message->domain, slot->message->accept_seq };
  gboolean had_credit = slot->state == BUS_DELIVERY_QUEUED;

  if (slot->delivery.kind == WIRE_KIND_DELIVER)
    bus_fifo_note_dropped (flow->shared, slot->delivery.route_id, loss);
  if (had_credit)
    bus_window_unuse (&subscription->window, slot->message->payload_len);
  fifo_strip (flow, slot, NULL);
  bus_fifo_leave_gap (flow, slot, loss, at.accept_seq, at.accept_seq);
  bus_fifo_count_loss (flow, subscription, &at, 1, loss, now_us);
  if (had_credit)
    bus_fifo_advance (flow, subscription, now_us); /* the next message gets the credit of the dropped one */
}

void
bus_fifo_withdraw (BusFlow *flow, BusSlot *slot, BusTicket **ticket)
{
  BusSlot *left = slot->lane_previous;
  BusSlot *right = slot->lane_next;

  bus_delivery_next (slot->state, BUS_DELIVERY_ON_WITHDRAW);
  if (slot->state == BUS_DELIVERY_QUEUED)
    bus_window_unuse (&slot->subscription->window, slot->message->payload_len);
  bus_fifo_remove (flow, slot, ticket);
  if (left != NULL && left->state == BUS_DELIVERY_LOST)
    fifo_join_gaps (flow, left, right);
}

void
bus_fifo_discard (BusFlow *flow, BusSubscription *subscription, const BusMessage *message, gint64 now_us)
{
  const BusLostAt at = { WIRE_LANE_DATA, message->domain, message->accept_seq };

  bus_delivery_next (BUS_DELIVERY_WITHDRAWN, BUS_DELIVERY_ON_LOSE);
  bus_fifo_count_loss (flow, subscription, &at, 1, BUS_LOSS_ENDED, now_us);
}

void
bus_fifo_lose (BusFlow *flow,
               BusSubscription *subscription,
               const BusLostAt *at,
               guint64 count,
               BusLoss loss,
               gint64 now_us)
{
  BusFifo *fifo = bus_subscription_need_fifo (subscription);
  BusSlot *gap = fifo_find_gap (fifo->lane_last[at->lane], TRUE, loss);
  BusDeliveryState lost = bus_delivery_next (BUS_DELIVERY_OFFERED, BUS_DELIVERY_ON_LOSE);

  if (gap == NULL)
    {
      gap = bus_cells_take (&flow->shared->quota->cells, sizeof (BusSlot));
      *gap = (BusSlot){ .state = lost, .lane = at->lane, .subscription = subscription };
      bus_fifo_slot_insert (flow, gap, fifo->last, fifo->lane_last[at->lane]);
    }
  gap->gap_loss = loss;
  fifo_grow_gap (gap, at->accept_seq, at->accept_seq, count);
  bus_fifo_count_loss (flow, subscription, at, count, loss, now_us);
}
