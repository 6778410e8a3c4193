/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-stream.h"

#include "queue/bus-admit.h"
#include "queue/bus-room.h"

BusStream *
bus_stream_new (BusFlow *flow, guint64 messages, guint64 bytes, gpointer owner)
{
  BusStream *stream = g_new0 (BusStream, 1);

  stream->flow = flow;
  bus_window_init (&stream->window, messages, bytes);
  stream->block_timer.kind = BUS_TIMER_STREAM;
  stream->block_timer.owner = owner;
  bus_quota_keep (flow->shared->quota, &flow->ledger->usage, sizeof (BusStream));
  return stream;
}

/* --- replies that wait --- */

static gsize
stream_item_cost (const BusStreamItem *item)
{
  return bus_message_cost (item->message) + sizeof (BusStreamItem);
}

static void
stream_take_ticket (BusStream *stream, BusStreamItem *item, BusTicket *ticket, gint64 now_us)
{
  BusFlow *flow = stream->flow;

  item->ticket = ticket;
  if (ticket == NULL)
    return;
  flow->held_bytes += stream_item_cost (item);
  flow->held_messages++;
  if (stream->tickets++ > 0)
    return;
  stream->progress_us = now_us;
  bus_deadline_arm (flow->shared->deadlines, &stream->block_timer.deadline,
                    now_us + (gint64) flow->shared->limits->longest_block_us);
}

static void
stream_give_up_ticket (BusStream *stream, BusStreamItem *item)
{
  BusFlow *flow = stream->flow;

  if (item->ticket == NULL)
    return;
  flow->held_bytes -= stream_item_cost (item);
  flow->held_messages--;
  bus_ticket_unref (g_steal_pointer (&item->ticket));
  if (--stream->tickets == 0)
    bus_deadline_disarm (flow->shared->deadlines, &stream->block_timer.deadline);
}

/* @item: (transfer full): from the cells of the queue, not set yet */
static void
stream_append (BusStream *stream,
               BusStreamItem *item,
               BusMessage *message,
               BusTicket *ticket,
               const BusStreamFrame *frame,
               gint64 now_us)
{
  BusFlow *flow = stream->flow;

  *item = (BusStreamItem){ .frame = *frame };
  item->message = bus_message_ref (message);
  item->link.data = item;
  g_queue_push_tail_link (&stream->waiting, &item->link);
  flow->waiting_bytes += stream_item_cost (item);
  flow->waiting_messages++;
  bus_quota_charge (flow->shared->quota, &flow->ledger->usage, bus_message_cost (message));
  bus_quota_keep (flow->shared->quota, &flow->ledger->usage, sizeof (BusStreamItem));
  stream_take_ticket (stream, item, ticket, now_us);
}

static void
stream_remove (BusStream *stream, BusStreamItem *item)
{
  BusFlow *flow = stream->flow;

  stream_give_up_ticket (stream, item);
  flow->waiting_bytes -= stream_item_cost (item);
  flow->waiting_messages--;
  bus_quota_refund (flow->shared->quota, &flow->ledger->usage, bus_message_cost (item->message));
  bus_quota_unkeep (flow->shared->quota, &flow->ledger->usage, sizeof (BusStreamItem));
  g_queue_unlink (&stream->waiting, &item->link);
  bus_message_unref (item->message);
  bus_cells_give (&flow->shared->quota->cells, item);
}

void
bus_stream_drop (BusStream *stream)
{
  while (stream->waiting.head != NULL)
    stream_remove (stream, stream->waiting.head->data);
}

void
bus_stream_free (BusStream *stream)
{
  BusFlow *flow = stream->flow;

  bus_stream_drop (stream);
  bus_quota_unkeep (flow->shared->quota, &flow->ledger->usage, sizeof (BusStream));
  g_free (stream);
}

/* --- offering --- */

static gboolean
stream_may_pass (const BusStream *stream, BusStreamKind kind)
{
  return kind == BUS_STREAM_OWN || bus_window_is_open (&stream->window);
}

static gboolean
stream_pass (BusStream *stream, BusInbound *inbound, const BusStreamFrame *frame, gint64 now_us)
{
  if (!bus_admit_plain (stream->flow, inbound, frame->lane, &frame->delivery, now_us))
    return FALSE;
  if (frame->kind != BUS_STREAM_OWN)
    bus_window_use (&stream->window, inbound->envelope->payload.len);
  return TRUE;
}

/* The waiting report of progress of a responder. NULL: none. */
static BusStreamItem *
stream_find_progress (const BusStream *stream, guint64 route)
{
  for (GList *link = stream->waiting.tail; link != NULL; link = link->prev)
    {
      BusStreamItem *item = link->data;

      if (item->frame.kind == BUS_STREAM_PROGRESS && item->frame.route == route)
        return item;
    }
  return NULL;
}

/* TRUE if a waiting reply gets a ticket: then the window of the responder bounds it, otherwise the bounds of the queue do. A
 * responder that is the requester itself gets none, because it might wait for itself forever. */
static gboolean
stream_has_ticket (const BusStream *stream, const BusInbound *inbound, BusStreamKind kind)
{
  return kind == BUS_STREAM_REPLY && inbound->publisher != NULL && inbound->publisher != stream->flow->ledger
         && inbound->class_of.credit_class != WIRE_CLASS_NONE;
}

/* @older: (nullable): the report of progress that it replaces; then only the bytes by which it is larger need room */
static gboolean
stream_has_room (const BusStream *stream,
                 const BusInbound *inbound,
                 const BusStreamFrame *frame,
                 const BusStreamItem *older,
                 gint64 now_us)
{
  const gsize replaced = older != NULL ? older->message->body.len : 0;
  const BusNeed need = { .len = inbound->frame.body.len - MIN (replaced, inbound->frame.body.len),
                         .lane = frame->lane,
                         .now_us = now_us };
  BusExcess excess;

  if (older != NULL && need.len == 0)
    return TRUE;
  return stream_has_ticket (stream, inbound, frame->kind) || !bus_room_excess (stream->flow, NULL, &need, &excess);
}

/* Makes everything that a reply needs to wait. FALSE: no memory; nothing was done. @item, @ticket: (out) (transfer full) */
static gboolean
stream_prepare (BusStream *stream,
                BusInbound *inbound,
                const BusStreamFrame *frame,
                BusStreamItem **item,
                BusTicket **ticket,
                gint64 now_us)
{
  BusCells *cells = &stream->flow->shared->quota->cells;
  const gboolean is_held = stream_has_ticket (stream, inbound, frame->kind);

  *ticket = NULL;
  if (bus_inbound_keep (inbound) == NULL)
    return FALSE;
  *item = bus_cells_take_or_null (cells, sizeof (BusStreamItem));
  if (*item == NULL)
    return FALSE;
  if (is_held && (*ticket = bus_inbound_ticket (inbound, now_us)) == NULL)
    {
      bus_cells_give (cells, *item);
      return FALSE;
    }
  return TRUE;
}

static BusStreamResult
stream_let_wait (BusStream *stream, BusInbound *inbound, const BusStreamFrame *frame, gint64 now_us)
{
  BusStreamItem *older = NULL;
  BusStreamFrame newer = *frame;
  BusStreamItem *item;
  BusTicket *ticket;

  if (frame->kind == BUS_STREAM_PROGRESS)
    older = stream_find_progress (stream, frame->route);
  if (!stream_has_room (stream, inbound, frame, older, now_us)
      || !stream_prepare (stream, inbound, frame, &item, &ticket, now_us))
    return BUS_STREAM_FULL;
  if (older != NULL)
    {
      newer.delivery.merged = older->frame.delivery.merged + 1;
      stream_remove (stream, older);
    }
  stream_append (stream, item, inbound->kept, ticket, &newer, now_us);
  bus_flow_note_level (stream->flow, now_us);
  return BUS_STREAM_WAITS;
}

/* --- credit --- */

gboolean
bus_stream_advance (BusStream *stream, gint64 now_us)
{
  GList *link;

  while ((link = stream->waiting.head) != NULL
         && stream_may_pass (stream, ((const BusStreamItem *) link->data)->frame.kind))
    {
      BusStreamItem *item = link->data;
      BusStreamFrame frame = item->frame;
      WireEnvelope envelope;
      BusInbound inbound;
      gboolean is_passed;

      bus_inbound_view_kept (&inbound, item->message, NULL, &envelope);
      stream_remove (stream, item);
      is_passed = stream_pass (stream, &inbound, &frame, now_us);
      bus_inbound_clear (&inbound);
      if (!is_passed)
        return FALSE;
    }
  bus_flow_note_level (stream->flow, now_us);
  return TRUE;
}

BusStreamResult
bus_stream_offer (BusStream *stream, BusInbound *inbound, const BusStreamFrame *frame, gint64 now_us)
{
  if (bus_stream_waits (stream) || !stream_may_pass (stream, frame->kind))
    {
      BusStreamResult result = stream_let_wait (stream, inbound, frame, now_us);

      /* The report of progress that it replaced may have been the obstacle to a frame of the broker, which needs no credit. */
      return result == BUS_STREAM_WAITS && !bus_stream_advance (stream, now_us) ? BUS_STREAM_FULL : result;
    }
  return stream_pass (stream, inbound, frame, now_us) ? BUS_STREAM_PASSED : BUS_STREAM_FULL;
}

BusWindowResult
bus_stream_credit (BusStream *stream, guint64 messages, guint64 bytes, gint64 now_us)
{
  guint64 before = stream->window.granted_messages;
  BusWindowResult result = bus_window_set_granted (&stream->window, messages, bytes, stream->window.used_messages);

  if (result == BUS_WINDOW_GRANTED && messages > before)
    stream->progress_us = now_us; /* the same totals again are no progress */
  return result;
}

gboolean
bus_stream_is_stuck (BusStream *stream, gint64 now_us)
{
  BusFlow *flow = stream->flow;
  gint64 longest_us = (gint64) flow->shared->limits->longest_block_us;
  gint64 due_us = stream->progress_us + longest_us;

  for (const GList *link = stream->waiting.head; link != NULL; link = link->next)
    if (((const BusStreamItem *) link->data)->ticket != NULL)
      {
        due_us
            = MIN (due_us, ((const BusStreamItem *) link->data)->ticket->since_us + BUS_STREAM_PATIENCE * longest_us);
        break; /* replies wait in the order of their arrival, so this is the oldest ticket */
      }
  if (now_us >= due_us)
    return TRUE;
  bus_deadline_arm (flow->shared->deadlines, &stream->block_timer.deadline, due_us);
  return FALSE;
}
