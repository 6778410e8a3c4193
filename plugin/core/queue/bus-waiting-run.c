/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-waiting-run.h"

#define SLACK 16u /* behind the frames: bus_run_write_frame() copies in steps of 16 bytes */

G_STATIC_ASSERT (sizeof (BusWaitingRun) + sizeof (BusWaitingMessage) + BUS_RUN_FRONT_MAX + BUS_RUN_BODY_MAX + SLACK
                 <= BUS_CELL_MAX);
G_STATIC_ASSERT (sizeof (BusMessage) + BUS_RUN_BODY_MAX <= BUS_CELL_MAX);

static guint
waiting_run_subscription_len (guint32 subscription)
{
  guint8 bytes[WIRE_STAMP_OWN_MAX (1)];

  return (guint) (wire_stamp_subscription (bytes, subscription) - bytes);
}

/* The largest number of bytes in front of a body. */
static gsize
waiting_run_front (const BusRun *run, guint subscription_len)
{
  return WIRE_FRAME_HEADER_LEN + run->head_len + wire_varint_size (run->first_seq + run->n) + run->tail_len
         + subscription_len;
}

/* The number of messages that fit into a cell. @size: (out): of that cell */
static guint
waiting_run_count (const BusRun *run, guint from, guint n, gsize front, gsize *size)
{
  guint fit = 0;
  gsize sum = sizeof (BusWaitingRun) + SLACK;

  for (; fit < n; fit++)
    {
      const gsize more = sizeof (BusWaitingMessage) + front + run->messages[from + fit].body.len;

      if (sum + more > BUS_CELL_MAX)
        break;
      sum += more;
    }
  *size = sum;
  return fit;
}

static gsize
waiting_run_cost (const BusRun *run, guint from, guint n)
{
  gsize cost = 0;

  for (guint i = from; i < from + n; i++)
    cost += bus_message_size (run->messages[i].body.len);
  return cost;
}

static void
waiting_run_encode (BusWaitingRun *waiting, const BusRun *run, guint from, guint32 subscription)
{
  guint8 *at = waiting->frames;

  for (guint i = 0; i < waiting->n; i++)
    {
      const BusRunMessage *message = &run->messages[from + i];

      at = bus_run_write_frame (at, run, from + i, subscription);
      waiting->messages[i] = (BusWaitingMessage){ .id = message->id,
                                                  .end = (guint32) (at - waiting->frames),
                                                  .body_len = (guint32) message->body.len,
                                                  .payload_len = (guint32) message->payload_len,
                                                  .topic_at = (guint32) (message->topic.data - message->body.data) };
      waiting->bytes += message->body.len;
      waiting->payload_bytes += message->payload_len;
    }
}

BusWaitingRun *
bus_waiting_run_new (BusQuota *quota, const BusRun *run, guint from, guint n, guint32 subscription)
{
  const guint subscription_len = waiting_run_subscription_len (subscription);
  gsize size;
  const guint fit = waiting_run_count (run, from, n, waiting_run_front (run, subscription_len), &size);
  const gsize cost = waiting_run_cost (run, from, fit);
  BusWaitingRun *waiting;

  if (!bus_quota_hold (quota, cost))
    return NULL;
  waiting = bus_cells_try_take (&quota->cells, size);
  if (waiting == NULL)
    {
      bus_quota_release (quota, cost);
      return NULL;
    }
  *waiting = (BusWaitingRun){ .quota = quota,
                              .n = fit,
                              .first_seq = run->first_seq + from,
                              .class_of = run->class_of,
                              .domain = run->domain,
                              .topic_len = (guint) run->messages[from].topic.len,
                              .subscription_len = subscription_len,
                              .size = size,
                              .cost = cost };
  waiting->frames = (guint8 *) (waiting->messages + fit);
  waiting_run_encode (waiting, run, from, subscription);
  return waiting;
}

void
bus_waiting_run_free (BusWaitingRun *run)
{
  bus_quota_release (run->quota, run->cost);
  bus_cells_give (&run->quota->cells, run);
}

static guint32
waiting_run_start (const BusWaitingRun *run, guint number)
{
  return number > 0 ? run->messages[number - 1].end : 0;
}

WireSpan
bus_waiting_run_frames (const BusWaitingRun *run, guint from, guint n)
{
  const guint32 start = waiting_run_start (run, run->first + from);

  return wire_span (run->frames + start, waiting_run_start (run, run->first + from + n) - start);
}

guint
bus_waiting_run_fits (const BusWaitingRun *run, guint64 messages, guint64 bytes, gsize room)
{
  const guint n = (guint) MIN (run->n, messages);
  const guint32 start = waiting_run_start (run, run->first);
  guint64 sum = 0;
  guint fit = 0;

  if (n == 0 || (run->payload_bytes < bytes && run->messages[run->first + n - 1].end - start < room))
    return n;
  for (; fit < n && sum < bytes && waiting_run_start (run, run->first + fit) - start < room; fit++)
    sum += run->messages[run->first + fit].payload_len;
  return fit;
}

/* The stamp of waiting message number @i. */
static WireSpan
waiting_run_stamp (const BusWaitingRun *run, guint i)
{
  const BusWaitingMessage *message = &run->messages[run->first + i];
  const guint32 start = waiting_run_start (run, run->first + i) + WIRE_FRAME_HEADER_LEN;

  return wire_span (run->frames + start, message->end - message->body_len - run->subscription_len - start);
}

void
bus_waiting_run_view (const BusWaitingRun *run, guint i, BusMessage *view)
{
  const BusWaitingMessage *message = &run->messages[run->first + i];
  const guint8 *body = run->frames + message->end - message->body_len;
  const WireSpan stamp = waiting_run_stamp (run, i);

  *view = (BusMessage){ .refs = 1,
                        .quota = run->quota,
                        .held = bus_message_size (message->body_len),
                        .body = wire_span (body, message->body_len),
                        .topic = wire_span (body + message->topic_at, run->topic_len),
                        .payload_len = message->payload_len,
                        .id = message->id,
                        .accept_seq = bus_waiting_run_seq (run) + i,
                        .class_of = run->class_of,
                        .domain = run->domain };
  view->stamp.len = (guint8) stamp.len;
  memcpy (view->stamp.bytes, stamp.data, stamp.len);
}

BusMessage *
bus_waiting_run_take_first (BusWaitingRun *run)
{
  const BusWaitingMessage *first = &run->messages[run->first];
  BusMessage *message
      = bus_cells_try_take (&run->quota->cells, bus_message_room (waiting_run_stamp (run, 0).len, first->body_len));
  WireSpan body;

  if (message == NULL)
    return NULL;
  bus_waiting_run_view (run, 0, message);
  body = wire_span (bus_message_place (message), first->body_len);
  memcpy (bus_message_place (message), message->body.data, first->body_len);
  message->body = body;
  message->topic = wire_span (body.data + first->topic_at, run->topic_len);
  bus_waiting_run_drop_first (run, 1); /* the copy keeps the charge of the message */
  return message;
}

BusWaitingPart
bus_waiting_run_drop_first (BusWaitingRun *run, guint n)
{
  BusWaitingPart part = { .n = n };

  g_assert (n <= run->n);
  if (n == run->n)
    part = (BusWaitingPart){ n, run->bytes, run->payload_bytes, run->cost };
  else
    for (guint i = run->first; i < run->first + n; i++)
      {
        part.bytes += run->messages[i].body_len;
        part.payload_bytes += run->messages[i].payload_len;
        part.cost += bus_message_size (run->messages[i].body_len);
      }
  run->n -= n;
  run->first += n;
  run->bytes -= part.bytes;
  run->payload_bytes -= part.payload_bytes;
  run->cost -= part.cost;
  return part;
}
