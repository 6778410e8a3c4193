/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include "control.pb-c.h"
#include "envelope.pb-c.h"

static guint8 *
add_frame (GByteArray *out, guint8 kind, guint8 flags, gsize len)
{
  guint at = out->len;

  g_byte_array_set_size (out, at + WIRE_FRAME_HEADER_LEN + (guint) len);
  wire_frame_put_header (out->data + at, kind, flags, (guint32) len);
  return out->data + at + WIRE_FRAME_HEADER_LEN;
}

void
script_frame (GByteArray *out, guint8 kind, guint8 flags, const WireEnvelope *envelope)
{
  guint8 *body = add_frame (out, kind, flags, wire_envelope_size (envelope) + envelope->payload.len);
  guint8 *end = wire_envelope_write (envelope, body);

  if (envelope->payload.len > 0)
    memcpy (end, envelope->payload.data, envelope->payload.len);
}

static void
add_packed (GByteArray *out, guint8 kind, const ProtobufCMessage *message)
{
  protobuf_c_message_pack (message, add_frame (out, kind, 0, protobuf_c_message_get_packed_size (message)));
}

void
script_welcome (GByteArray *out, const ScriptWelcome *wish)
{
  static const ScriptWelcome nothing;
  const ScriptWelcome *w = wish != NULL ? wish : &nothing;
  Daemoneye__Eventbus__V1__Welcome welcome = DAEMONEYE__EVENTBUS__V1__WELCOME__INIT;
  Daemoneye__Eventbus__V1__Window windows[3];
  Daemoneye__Eventbus__V1__Window *list[3];
  char id[] = "tester", version[] = "script 1";

  for (guint i = 0; i < 3; i++)
    {
      daemoneye__eventbus__v1__window__init (&windows[i]);
      windows[i].class_ = i + 1;
      windows[i].messages = w->window_messages != 0 ? w->window_messages : 1000;
      windows[i].bytes = w->window_bytes != 0 ? w->window_bytes : 1048576;
      list[i] = &windows[i];
    }
  welcome.version = w->version != 0 ? w->version : 1u << 16;
  welcome.epoch = w->epoch != 0 ? w->epoch : 4711;
  welcome.id = id;
  welcome.role = 1;
  welcome.largest_payload = w->largest_payload != 0 ? w->largest_payload : 1048576;
  welcome.n_windows = 3;
  welcome.windows = list;
  welcome.software_version = version;
  welcome.features = w->features;
  add_packed (out, WIRE_KIND_WELCOME, &welcome.base);
}

void
script_goodbye (GByteArray *out, guint32 status, const char *detail)
{
  script_goodbye_for (out, status, detail, 0);
}

void
script_goodbye_for (GByteArray *out, guint32 status, const char *detail, guint64 retry_us)
{
  Daemoneye__Eventbus__V1__Goodbye goodbye = DAEMONEYE__EVENTBUS__V1__GOODBYE__INIT;
  g_autofree char *text = g_strdup (detail);

  goodbye.status = status;
  goodbye.retry_us = retry_us;
  goodbye.detail = text;
  add_packed (out, WIRE_KIND_GOODBYE, &goodbye.base);
}

static void
add_bus_reply (GByteArray *out, guint64 answers, const ProtobufCMessage *message)
{
  guint8 packed[64];
  WireEnvelope envelope;

  g_assert_cmpuint (protobuf_c_message_get_packed_size (message), <=, sizeof packed);
  wire_envelope_init (&envelope);
  envelope.answers = answers;
  envelope.sender = wire_span_str ("bus");
  envelope.payload = wire_span (packed, protobuf_c_message_pack (message, packed));
  script_frame (out, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
}

void
script_subscribe_reply (GByteArray *out, guint64 answers, guint64 window_messages, guint64 window_bytes)
{
  Daemoneye__Eventbus__V1__SubscribeReply reply = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REPLY__INIT;

  reply.accept_seq = 1;
  reply.window_messages = window_messages;
  reply.window_bytes = window_bytes;
  add_bus_reply (out, answers, &reply.base);
}

void
script_subscribed (GByteArray *out, guint64 answers, guint32 policy, guint64 window_messages, guint64 window_bytes)
{
  Daemoneye__Eventbus__V1__SubscribeReply reply = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REPLY__INIT;

  reply.accept_seq = 1;
  reply.window_messages = window_messages;
  reply.window_bytes = window_bytes;
  reply.policy = policy;
  reply.queue_messages = 1000;
  reply.queue_bytes = 100000;
  add_bus_reply (out, answers, &reply.base);
}

void
script_subscribed_retained (GByteArray *out, guint64 answers, guint64 window_messages, guint64 window_bytes)
{
  Daemoneye__Eventbus__V1__SubscribeReply reply = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REPLY__INIT;

  reply.accept_seq = 1;
  reply.window_messages = window_messages;
  reply.window_bytes = window_bytes;
  reply.retained = TRUE;
  add_bus_reply (out, answers, &reply.base);
}

void
script_adjusted (GByteArray *out, guint64 answers, guint32 policy, guint64 queue_messages, guint64 queue_bytes)
{
  Daemoneye__Eventbus__V1__AdjustReply reply = DAEMONEYE__EVENTBUS__V1__ADJUST_REPLY__INIT;

  reply.policy = policy;
  reply.queue_messages = queue_messages;
  reply.queue_bytes = queue_bytes;
  add_bus_reply (out, answers, &reply.base);
}

void
script_reply (GByteArray *out, guint64 answers, const char *payload)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = answers;
  envelope.sender = wire_span_str ("peer");
  envelope.payload = wire_span_str (payload);
  script_frame (out, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
}

void
script_error (GByteArray *out, guint64 answers, guint32 status)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = answers;
  envelope.status = status;
  envelope.detail = wire_span_str ("as scripted");
  script_frame (out, WIRE_KIND_ERROR, 0, &envelope);
}

void
script_block_over (GByteArray *out, guint64 answers, guint64 dropped)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = answers;
  envelope.status = WIRE_STATUS_WOULD_BLOCK;
  envelope.value = dropped;
  envelope.limit = 30000000;
  envelope.setting = wire_span_str ("longest_block_us");
  script_frame (out, WIRE_KIND_ERROR, 0, &envelope);
}

void
script_ack (GByteArray *out, guint64 answers, guint matched, guint queued)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = answers;
  envelope.accept_seq = 77;
  envelope.matched = matched;
  envelope.queued = queued;
  envelope.refused = matched - queued;
  envelope.status = envelope.refused > 0 ? WIRE_STATUS_WOULD_BLOCK : WIRE_STATUS_OK;
  script_frame (out, WIRE_KIND_ACK, 0, &envelope);
}

void
script_deliver (GByteArray *out,
                guint32 subscription,
                guint32 second,
                guint64 accept_seq,
                const char *topic,
                const void *payload,
                gsize len)
{
  guint32 ids[] = { subscription, second };
  guint8 packed[10];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.sender = wire_span_str ("peer");
  envelope.accept_seq = accept_seq;
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (ids, second != 0 ? 2 : 1, packed));
  envelope.topic = wire_span_str (topic);
  envelope.payload = wire_span (payload, len);
  script_frame (out, WIRE_KIND_DELIVER, 0, &envelope);
}

void
script_retained (GByteArray *out, guint32 subscription, guint64 accept_seq, const char *topic, const char *payload)
{
  guint8 packed[5];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.sender = wire_span_str ("peer");
  envelope.accept_seq = accept_seq;
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (&subscription, 1, packed));
  envelope.retained = TRUE;
  envelope.topic = wire_span_str (topic);
  envelope.payload = wire_span_str (payload);
  script_frame (out, WIRE_KIND_DELIVER, 0, &envelope);
}

void
script_retained_end (GByteArray *out, guint32 subscription)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.retained = TRUE;
  envelope.subscription = subscription;
  script_frame (out, WIRE_KIND_DELIVER, 0, &envelope);
}

void
script_request (GByteArray *out,
                guint32 subscription,
                guint64 route,
                const char *topic,
                const char *method,
                const char *payload)
{
  guint8 packed[5];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.sender = wire_span_str ("asker");
  envelope.accept_seq = 1;
  envelope.route_id = route;
  envelope.remaining_us = 1000000;
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (&subscription, 1, packed));
  envelope.topic = wire_span_str (topic);
  envelope.method = wire_span_str (method);
  envelope.payload = wire_span_str (payload);
  script_frame (out, WIRE_KIND_REQUEST, 0, &envelope);
}

void
script_credit (GByteArray *out, guint32 credit_class, guint64 messages, guint64 bytes)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.credit_class = credit_class;
  envelope.credit_messages = messages;
  envelope.credit_bytes = bytes;
  script_frame (out, WIRE_KIND_CREDIT, 0, &envelope);
}

void
script_gap (GByteArray *out, guint32 subscription, guint64 from, guint64 to, guint64 count)
{
  script_gap_for (out, subscription, from, to, count, WIRE_STATUS_SLOW_CONSUMER);
}

void
script_gap_for (GByteArray *out, guint32 subscription, guint64 from, guint64 to, guint64 count, guint32 reason)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.subscription = subscription;
  envelope.gap_from = from;
  envelope.gap_to = to;
  envelope.gap_count = count;
  envelope.gap_reason = reason;
  script_frame (out, WIRE_KIND_GAP, 0, &envelope);
}

/* --- from the client --- */

void
script_frame_free (ScriptFrame *frame)
{
  g_bytes_unref (frame->body);
  g_free (frame);
}

static ScriptFrame *
take_apart (const WireFrame *frame)
{
  ScriptFrame *made = g_new0 (ScriptFrame, 1);
  WireReadResult result;
  gsize len;
  gconstpointer data;

  made->kind = frame->kind;
  made->flags = frame->flags;
  made->body = g_bytes_new (frame->body.data, frame->body.len);
  if (frame->kind == WIRE_KIND_HELLO || frame->kind == WIRE_KIND_GOODBYE)
    return made;
  data = g_bytes_get_data (made->body, &len);
  result = wire_envelope_read (wire_span (data, len), frame->kind, WIRE_FROM_CLIENT, &made->envelope);
  g_assert_cmpstr (result.problem, ==, NULL);
  g_assert_cmpint (result.status, ==, WIRE_STATUS_OK);
  return made;
}

GPtrArray *
script_take (GByteArray *bytes)
{
  GPtrArray *frames = g_ptr_array_new_with_free_func ((GDestroyNotify) script_frame_free);
  gsize used = 0;

  for (;;)
    {
      WireFrameReader reader;
      /* An empty array may have no data. */
      WireSpan input = bytes->len > 0 ? wire_span (bytes->data + used, bytes->len - used) : wire_span (NULL, 0);
      WireFrame frame;
      WireFrameResult result;

      wire_frame_reader_init (&reader, 32u << 20);
      result = input.len > 0 ? wire_frame_reader_next (&reader, &input, &frame) : WIRE_FRAME_MORE;
      g_assert_cmpint (result, !=, WIRE_FRAME_BAD);
      if (result == WIRE_FRAME_COMPLETE)
        {
          g_ptr_array_add (frames, take_apart (&frame));
          used = bytes->len - input.len;
        }
      wire_frame_reader_clear (&reader);
      if (result == WIRE_FRAME_MORE)
        break;
    }
  if (used > 0)
    g_byte_array_remove_range (bytes, 0, (guint) used);
  return frames;
}

const ScriptFrame *
script_find (GPtrArray *frames, guint8 kind)
{
  for (guint i = 0; i < frames->len; i++)
    if (((ScriptFrame *) frames->pdata[i])->kind == kind)
      return frames->pdata[i];
  return NULL;
}

guint
script_count (GPtrArray *frames, guint8 kind)
{
  guint n = 0;

  for (guint i = 0; i < frames->len; i++)
    n += ((ScriptFrame *) frames->pdata[i])->kind == kind ? 1 : 0;
  return n;
}
