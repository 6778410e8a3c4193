/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-plain.h"

#include "session/deye-bus-option-fields.h"
#include "session/deye-bus-session-data.h"
#include "wire-hot.h"
#include "wire-text.h"

/* FALSE: the topic is not valid, or not plain; session-send may refuse it. */
static gboolean
plain_learn_topic (DeyeBusSession *session, const char *topic)
{
  WireSpan text = wire_span_str (topic);

  if (text.len == 0 || text.len > WIRE_PUBLISH_TOPIC_MAX || !wire_text_is_utf8 (text))
    return FALSE;
  wire_publish_set_topic (&session->plain.field, text);
  session->plain.features = session->welcome.features;
  session->plain.credit_class
      = wire_class_of (WIRE_KIND_PUBLISH, text, DEYE_BUS_OUTBUF_COPY_MAX, session->welcome.features).credit_class;
  return TRUE;
}

/* The class depends on whether the payload is small. Each payload that is copied is small in that sense. */
G_STATIC_ASSERT (DEYE_BUS_OUTBUF_COPY_MAX <= WIRE_CONTROL_PAYLOAD_MAX);

static gboolean
plain_has_topic (DeyeBusSession *session, const char *topic)
{
  return (session->plain.features == session->welcome.features && session->plain.field.len > 0
          && wire_publish_topic_is (&session->plain.field, topic))
         || plain_learn_topic (session, topic);
}

static gboolean
plain_may_start (const DeyeBusSession *session, gsize payload_len)
{
  return session->state == DEYE_BUS_SESSION_READY && payload_len <= DEYE_BUS_OUTBUF_COPY_MAX
         && payload_len <= session->welcome.largest_payload;
}

static void
plain_write (DeyeBusSession *session, guint64 id, guint8 flags, WireSpan more, WireSpan payload)
{
  guint8 *frame = deye_bus_outbuf_begin (&session->out, WIRE_PUBLISH_HEAD_MAX + more.len + payload.len);
  guint8 *end = wire_publish_put_head (frame, flags, id, &session->plain.field, more, (guint32) payload.len);

  if (payload.len > 0)
    memcpy (end, payload.data, payload.len);
  end += payload.len;
  deye_bus_outbuf_end (&session->out, (gsize) (end - frame));
  deye_bus_window_use (&session->send_queue.windows[session->plain.credit_class], (gsize) (end - frame));
}

/* FALSE: a publish with @options is not plain, or the broker does not have their features. */
static gboolean
plain_take_options (const DeyeBusSession *session, const DeyeBusOptions *options, WireSpan *more)
{
  const DeyeBusOptionFields *fields = deye_bus_option_fields (options);

  if (fields == NULL || (fields->features & ~session->welcome.features) != 0)
    return FALSE;
  *more = wire_span (fields->bytes, fields->len);
  return TRUE;
}

WIRE_HOT guint64
deye_bus_session_write_plain (DeyeBusSession *session,
                              const char *topic,
                              GBytes *payload,
                              const DeyeBusOptions *options,
                              guint8 flags,
                              gboolean waits)
{
  WireSpan data = { NULL, 0 }, more = { NULL, 0 };
  guint64 id;

  if (payload != NULL)
    data.data = g_bytes_get_data (payload, &data.len);
  if (!plain_may_start (session, data.len) || !plain_has_topic (session, topic)
      || (options != NULL && !plain_take_options (session, options, &more))
      || !deye_bus_send_queue_may_start (&session->send_queue, session->plain.credit_class))
    return 0;
  session->last_id += 2;
  id = session->last_id | (waits ? 0 : 1);
  plain_write (session, id, flags, more, data);
  return id;
}
