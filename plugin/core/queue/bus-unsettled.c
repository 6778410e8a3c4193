/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-unsettled.h"

#include "queue/bus-withheld.h"
#include "wire-hot.h"

/* --- records --- */

static void
unsettled_arm (const BusFlow *flow, BusSubscription *subscription, gint64 due_us)
{
  bus_deadline_arm (flow->shared->deadlines, &bus_subscription_need_records (subscription)->settle_timer.deadline,
                    due_us);
}

static gint64
unsettled_timeout_us (const BusFlow *flow)
{
  return (gint64) flow->shared->limits->settle_timeout_us;
}

static void
unsettled_keep (BusFlow *flow, BusSubscription *subscription, const BusMessage *message, gint64 now_us)
{
  BusRecords *records = bus_subscription_need_records (subscription);

  if (records->kept_messages++ == 0)
    unsettled_arm (flow, subscription, now_us + unsettled_timeout_us (flow));
  records->kept_bytes += message->body.len;
  bus_quota_charge (flow->shared->quota, &flow->ledger->usage, bus_message_cost (message));
}

static void
unsettled_forget (BusFlow *flow, BusSubscription *subscription, const BusMessage *message)
{
  BusRecords *records = bus_subscription_need_records (subscription);

  g_assert (records->kept_messages > 0 && records->kept_bytes >= message->body.len);
  if (--records->kept_messages == 0)
    bus_deadline_disarm (flow->shared->deadlines, &records->settle_timer.deadline);
  records->kept_bytes -= message->body.len;
  bus_quota_refund (flow->shared->quota, &flow->ledger->usage, bus_message_cost (message));
}

/* A record without a message is allocated without the member delivery. */
static gsize
unsettled_record_size (const BusMessage *message)
{
  return message != NULL ? sizeof (BusSent) : G_STRUCT_OFFSET (BusSent, delivery);
}

void
bus_unsettled_add (BusFlow *flow,
                   BusSubscription *subscription,
                   BusTicket *ticket,
                   BusMessage *message,
                   const BusDelivery *delivery,
                   gint64 now_us)
{
  BusRecords *records = bus_subscription_need_records (subscription);
  BusSent *sent = bus_cells_take (&flow->shared->quota->cells, unsettled_record_size (message));

  sent->next = NULL;
  sent->state = BUS_DELIVERY_SENT;
  sent->part_messages = 0;
  sent->index = subscription->delivered;
  sent->ticket = ticket;
  sent->message = message;
  if (message != NULL)
    {
      sent->delivery = *delivery;
      unsettled_keep (flow, subscription, message, now_us);
    }
  if (records->last != NULL)
    records->last->next = sent;
  else
    records->first = sent;
  records->last = sent;
  bus_quota_keep (flow->shared->quota, &flow->ledger->usage, sizeof (BusSent));
}

WIRE_HOT void
bus_unsettled_withhold (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket, gint64 now_us)
{
  if (bus_unsettled_extend (subscription, ticket))
    return;
  bus_withheld_note_ticket (flow, subscription, now_us);
  bus_unsettled_add (flow, subscription, bus_ticket_ref (ticket), NULL, NULL, now_us);
}

void
bus_unsettled_withhold_part (BusFlow *flow,
                             BusSubscription *subscription,
                             BusTicket *ticket,
                             guint messages,
                             gsize bytes,
                             gint64 now_us)
{
  BusSent *sent;

  bus_withheld_note_ticket (flow, subscription, now_us);
  bus_unsettled_add (flow, subscription, ticket, NULL, NULL, now_us);
  sent = subscription->records->last;
  sent->part_messages = messages;
  sent->part_bytes = bytes;
}

static void
unsettled_step (BusSent *sent, BusDeliveryEvent event)
{
  sent->state = bus_delivery_next (sent->state, event);
}

static void
unsettled_release_ticket (BusFlow *flow, BusSubscription *subscription, BusSent *sent)
{
  BusTicket *ticket = g_steal_pointer (&sent->ticket);

  bus_withheld_hand_on (subscription);
  if (sent->part_messages > 0)
    bus_ticket_unref_part (ticket, sent->part_messages, sent->part_bytes);
  else
    bus_ticket_unref (ticket);
}

/* Frees the record behind @before; NULL: the first one. */
WIRE_HOT static void
unsettled_free_next (BusFlow *flow, BusSubscription *subscription, BusSent *before)
{
  BusRecords *records = bus_subscription_need_records (subscription);
  BusSent *sent = before != NULL ? before->next : records->first;

  if (before != NULL)
    before->next = sent->next;
  else
    records->first = sent->next;
  if (sent->next == NULL)
    records->last = before;
  if (sent->ticket != NULL)
    unsettled_release_ticket (flow, subscription, sent);
  if (sent->message != NULL)
    {
      unsettled_forget (flow, subscription, sent->message);
      bus_message_unref (sent->message);
    }
  bus_cells_give (&flow->shared->quota->cells, sent);
  bus_quota_unkeep (flow->shared->quota, &flow->ledger->usage, sizeof (BusSent));
}

static void
unsettled_end_first (BusFlow *flow, BusSubscription *subscription, BusDeliveryEvent event)
{
  unsettled_step (subscription->records->first, event);
  unsettled_free_next (flow, subscription, NULL);
}

/* --- a subscription that drains --- */

void
bus_unsettled_note_empty (BusFlowShared *shared, BusSubscription *subscription)
{
  BusSubscriptionExtra *extra;

  if (!bus_subscription_is_draining (subscription) || subscription->extra->is_emptied
      || !bus_unsettled_is_empty (subscription))
    return;
  extra = bus_subscription_need_extra (subscription);
  extra->is_emptied = TRUE;
  g_queue_push_tail_link (&shared->emptied, &extra->emptied_link);
}

void
bus_unsettled_unlist_empty (BusFlowShared *shared, BusSubscription *subscription)
{
  BusSubscriptionExtra *extra;

  if (!subscription->extra->is_emptied)
    return;
  extra = bus_subscription_need_extra (subscription);
  g_queue_unlink (&shared->emptied, &extra->emptied_link);
  extra->is_emptied = FALSE;
}

/* --- settling --- */

/* Updates the longest time for which the client lately held messages: the old value is halved each time. A time above the longest
 * block is ignored, because the client hung. */
static void
unsettled_learn_usual (const BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  gint64 held_us = bus_subscription_stalled_us (subscription, now_us);

  subscription->unsettled.usual_us
      = MAX (held_us <= bus_withheld_longest_us (flow) ? held_us : 0, subscription->unsettled.usual_us / 2);
}

void
bus_unsettled_settle (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  guint64 settled = subscription->window.granted_messages - subscription->window.window_messages;

  if (settled <= subscription->unsettled.settled)
    return; /* the same totals again are no progress */
  subscription->unsettled.settled = settled;
  if (subscription->records != &bus_no_records)
    bus_subscription_need_records (subscription)->progress_us = now_us;
  unsettled_learn_usual (flow, subscription, now_us);
  subscription->unsettled.since_us = subscription->delivered > settled ? now_us : 0;
  while (subscription->records->first != NULL && subscription->records->first->index <= settled)
    unsettled_end_first (flow, subscription, BUS_DELIVERY_ON_SETTLE);
  bus_unsettled_note_empty (flow->shared, subscription);
}

void
bus_unsettled_release_tickets (BusFlow *flow, BusSubscription *subscription)
{
  BusSent *before = NULL;
  BusSent *sent;

  while ((sent = before != NULL ? before->next : subscription->records->first) != NULL)
    {
      if (sent->message == NULL)
        {
          unsettled_free_next (flow, subscription, before);
          continue;
        }
      if (sent->ticket != NULL)
        unsettled_release_ticket (flow, subscription, sent);
      before = sent;
    }
}

void
bus_unsettled_end (BusFlow *flow, BusSubscription *subscription)
{
  while (subscription->records->first != NULL)
    unsettled_end_first (flow, subscription, BUS_DELIVERY_ON_END);
}

/* --- messages that are kept --- */

gboolean
bus_unsettled_excess (const BusFlow *flow, const BusSubscription *subscription, gsize len, BusExcess *excess)
{
  const BusLimits *limits = flow->shared->limits;
  const guint64 messages = subscription->fifo->kept_messages + subscription->records->kept_messages + 1;
  const guint64 bytes = subscription->fifo->kept_bytes + subscription->records->kept_bytes + len;

  if (messages > limits->unsettled_messages)
    *excess = (BusExcess){ BUS_LIMIT_unsettled_messages, limits->unsettled_messages, messages };
  else if (bytes > limits->unsettled_bytes)
    *excess = (BusExcess){ BUS_LIMIT_unsettled_bytes, limits->unsettled_bytes, bytes };
  else
    return FALSE;
  return TRUE;
}

BusSent *
bus_unsettled_next_kept (const BusSubscription *subscription, const BusSent *after)
{
  BusSent *sent = after != NULL ? after->next : subscription->records->first;

  while (sent != NULL && sent->message == NULL)
    sent = sent->next;
  return sent;
}

guint64
bus_unsettled_count_withdrawn (const BusSubscription *subscription)
{
  guint64 n = 0;

  for (const BusSent *sent = subscription->records->first; sent != NULL; sent = sent->next)
    n += sent->state == BUS_DELIVERY_WITHDRAWN ? 1 : 0;
  return n;
}

BusParcel *
bus_unsettled_take (BusFlow *flow, BusSubscription *subscription, BusSent *sent)
{
  BusParcel *parcel = g_new0 (BusParcel, 1);

  unsettled_step (sent, BUS_DELIVERY_ON_WITHDRAW);
  unsettled_forget (flow, subscription, sent->message);
  parcel->message = g_steal_pointer (&sent->message);
  parcel->delivery = sent->delivery;
  parcel->ticket = g_steal_pointer (&sent->ticket);
  if (parcel->ticket != NULL)
    bus_withheld_hand_on (subscription);
  return parcel;
}

gboolean
bus_unsettled_expire (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  gint64 due_us = subscription->unsettled.since_us + unsettled_timeout_us (flow);
  gboolean is_late = now_us >= due_us;

  unsettled_arm (flow, subscription, is_late ? now_us + unsettled_timeout_us (flow) : due_us);
  return is_late;
}
