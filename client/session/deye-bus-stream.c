/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-stream.h"

#include "deye-bus-message-private.h"

DeyeBusStream *
deye_bus_stream_new (guint64 messages, guint64 bytes)
{
  DeyeBusStream *stream = g_new0 (DeyeBusStream, 1);

  stream->refs = 1;
  g_queue_init (&stream->inbox);
  deye_bus_window_open (&stream->window, messages, bytes);
  return stream;
}

DeyeBusStream *
deye_bus_stream_ref (DeyeBusStream *stream)
{
  stream->refs++;
  return stream;
}

void
deye_bus_stream_unref (DeyeBusStream *stream)
{
  if (--stream->refs > 0)
    return;
  g_queue_clear_full (&stream->inbox, (GDestroyNotify) deye_bus_message_unref);
  g_clear_error (&stream->error);
  g_free (stream);
}

static gboolean
stream_message_costs (const DeyeBusMessage *message)
{
  return message->accept_seq != 0;
}

gboolean
deye_bus_stream_put (DeyeBusStream *stream, DeyeBusMessage *message)
{
  gboolean costs = stream_message_costs (message);
  gboolean has_credit = !costs || deye_bus_window_is_open (&stream->window);

  if (costs)
    deye_bus_window_use (&stream->window, message->payload.len);
  g_queue_push_tail (&stream->inbox, message);
  return has_credit;
}

/* TRUE if the caller has to send a CREDIT frame. */
static gboolean
stream_return_credit (DeyeBusStream *stream, gsize bytes, gint64 now_us)
{
  gboolean credit = deye_bus_window_return (&stream->window, bytes);

  if (stream->credit_us == 0)
    stream->credit_us = now_us;
  if (!credit && now_us - stream->credit_us >= DEYE_BUS_STREAM_CREDIT_US)
    credit = deye_bus_window_return_rest (&stream->window);
  if (credit)
    stream->credit_us = now_us;
  return credit;
}

DeyeBusMessage *
deye_bus_stream_take (DeyeBusStream *stream, gint64 now_us, gboolean *credit)
{
  DeyeBusMessage *message = g_queue_pop_head (&stream->inbox);

  *credit = message != NULL && stream_message_costs (message)
            && stream_return_credit (stream, message->payload.len, now_us);
  return message;
}

void
deye_bus_stream_restart (DeyeBusStream *stream)
{
  g_queue_clear_full (&stream->inbox, (GDestroyNotify) deye_bus_message_unref);
}

void
deye_bus_stream_end (DeyeBusStream *stream, GError *error)
{
  stream->ended = TRUE;
  stream->error = error;
}

void
deye_bus_stream_wake (DeyeBusStream *stream, DeyeBusEvents *events)
{
  if (!stream->waiting || stream->waking)
    return;
  stream->waking = TRUE;
  deye_bus_events_push (events,
                        (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_ANSWER, .subject = deye_bus_stream_ref (stream) });
}
