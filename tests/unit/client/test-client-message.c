/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-error-private.h"
#include "deye-bus-message-private.h"
#include "deye-bus-options-private.h"
#include "deye-bus-subscribe-options-private.h"
#include "deye-bus.h"
#include "test-watchdog.h"

/* Boxed values: messages, options, errors. */

/* Returns a frame with the envelope, as a broker sends it. */
static GByteArray *
encode (const WireEnvelope *envelope)
{
  GByteArray *bytes = g_byte_array_new ();
  gsize len = wire_envelope_size (envelope) + envelope->payload.len;
  guint8 *end;

  g_byte_array_set_size (bytes, WIRE_FRAME_HEADER_LEN + (guint) len);
  wire_frame_put_header (bytes->data, WIRE_KIND_DELIVER, 0, (guint32) len);
  end = wire_envelope_write (envelope, bytes->data + WIRE_FRAME_HEADER_LEN);
  if (envelope->payload.len > 0)
    memcpy (end, envelope->payload.data, envelope->payload.len);
  return bytes;
}

/* @step: the bytes that are read at a time: the frame stays in place, or is collected in the reader's block. @pool: (nullable) */
static DeyeBusMessage *
decode_into (DeyeBusMessagePool *pool, GByteArray *bytes, gsize step)
{
  WireFrameReader reader;
  WireFrame frame;
  WireEnvelope envelope;
  WireFrameResult result = WIRE_FRAME_MORE;
  DeyeBusMessage *message;

  wire_frame_reader_init (&reader, 1u << 20);
  for (gsize at = 0; at < bytes->len && result == WIRE_FRAME_MORE; at += step)
    {
      WireSpan input = wire_span (bytes->data + at, MIN (step, bytes->len - at));

      result = wire_frame_reader_next (&reader, &input, &frame);
    }
  g_assert_cmpint (result, ==, WIRE_FRAME_COMPLETE);
  g_assert_cmpint (wire_envelope_read (frame.body, frame.kind, WIRE_FROM_BROKER, &envelope).status, ==, WIRE_STATUS_OK);
  message = deye_bus_message_new (pool, &reader, &frame, &envelope);
  wire_frame_reader_clear (&reader);
  return message;
}

static DeyeBusMessage *
decode (GByteArray *bytes, gsize step)
{
  return decode_into (NULL, bytes, step);
}

static DeyeBusOptions *
full_options (void)
{
  DeyeBusOptions *options = deye_bus_options_new ();
  g_autoptr (GBytes) trace = g_bytes_new_static ("0123456789abcdef", 16);
  g_autoptr (GBytes) span = g_bytes_new_static ("01234567", 8);

  deye_bus_options_set_timeout (options, 5000000);
  deye_bus_options_set_ttl (options, 750000);
  deye_bus_options_set_method (options, "Ping");
  deye_bus_options_set_target (options, "peer");
  deye_bus_options_set_type_name (options, "a.b.C");
  deye_bus_options_set_content_type (options, "text/plain");
  deye_bus_options_set_priority (options, 255);
  deye_bus_options_set_correlation_id (options, "c-1");
  deye_bus_options_set_parent_id (options, "c-0");
  deye_bus_options_set_root_id (options, "root");
  deye_bus_options_set_trace (options, trace, span);
  deye_bus_options_set_sequence_number (options, 42);
  deye_bus_options_set_stage (options, "enrich");
  deye_bus_options_add_tag (options, "host", "a");
  deye_bus_options_add_tag (options, "empty", "");
  return options;
}

/* M24: values from the options are on the wire, and the accessors return them. */
static void
check_full (gsize step)
{
  g_autoptr (DeyeBusOptions) original = full_options ();
  g_autoptr (DeyeBusOptions) options = deye_bus_options_copy (original);
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GBytes) trace = NULL;
  g_autoptr (GBytes) span = NULL;
  g_auto (GStrv) tags = NULL;
  WireEnvelope envelope;
  gsize len;

  wire_envelope_init (&envelope);
  deye_bus_options_fill (options, &envelope);
  envelope.sender = wire_span_str ("procmond-1");
  envelope.topic = wire_span_str ("events.process.new");
  envelope.accept_seq = 7;
  envelope.accept_time_us = 1234567;
  envelope.remaining_us = 99;
  envelope.attempt = 3;
  envelope.payload = wire_span_str ("payload");
  bytes = encode (&envelope);
  g_clear_pointer (&original, deye_bus_options_free);
  message = decode (bytes, step);
  memset (bytes->data, 0xff, bytes->len);

  g_assert_cmpstr (deye_bus_message_get_topic (message), ==, "events.process.new");
  g_assert_cmpstr (deye_bus_message_get_sender (message), ==, "procmond-1");
  g_assert_cmpstr (deye_bus_message_get_method (message), ==, "Ping");
  g_assert_cmpstr (deye_bus_message_get_type_name (message), ==, "a.b.C");
  g_assert_cmpstr (deye_bus_message_get_content_type (message), ==, "text/plain");
  g_assert_cmpstr (deye_bus_message_get_correlation_id (message), ==, "c-1");
  g_assert_cmpstr (deye_bus_message_get_parent_id (message), ==, "c-0");
  g_assert_cmpstr (deye_bus_message_get_root_id (message), ==, "root");
  g_assert_cmpstr (deye_bus_message_get_stage (message), ==, "enrich");
  g_assert_cmpuint (deye_bus_message_get_sequence (message), ==, 7);
  g_assert_cmpint (deye_bus_message_get_accept_time (message), ==, 1234567);
  g_assert_cmpint (deye_bus_message_get_remaining (message), ==, 99);
  g_assert_cmpint (deye_bus_message_get_ttl (message), ==, 750000);
  g_assert_cmpuint (deye_bus_message_get_attempt (message), ==, 3);
  g_assert_cmpuint (deye_bus_message_get_sequence_number (message), ==, 42);
  g_assert_cmpuint (deye_bus_message_get_priority (message), ==, 255);
  g_assert_false (deye_bus_message_is_final (message));
  trace = deye_bus_message_dup_trace_id (message);
  span = deye_bus_message_dup_span_id (message);
  g_assert_cmpmem (g_bytes_get_data (trace, NULL), g_bytes_get_size (trace), "0123456789abcdef", 16);
  g_assert_cmpmem (g_bytes_get_data (span, NULL), g_bytes_get_size (span), "01234567", 8);
  tags = deye_bus_message_dup_tags (message);
  g_assert_cmpuint (g_strv_length (tags), ==, 2);
  g_assert_cmpstr (tags[0], ==, "host=a");
  g_assert_cmpstr (tags[1], ==, "empty=");
  g_assert_cmpmem (deye_bus_message_get_data (message, &len), len, "payload", 7);
}

static void
test_full (void)
{
  check_full (G_MAXUINT16); /* in place */
  check_full (1);           /* collected in a block, which the message takes over */
  check_full (30);
}

static void
test_empty (void)
{
  WireEnvelope envelope;
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_auto (GStrv) tags = NULL;
  gsize len;

  /* If a string is the last field, its NUL follows the body. */
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("events.a");
  bytes = encode (&envelope);
  message = decode (bytes, G_MAXUINT16);
  g_assert_cmpstr (deye_bus_message_get_topic (message), ==, "events.a");
  g_assert_cmpstr (deye_bus_message_get_sender (message), ==, "");
  g_assert_null (deye_bus_message_get_method (message));
  g_assert_null (deye_bus_message_get_type_name (message));
  g_assert_null (deye_bus_message_get_correlation_id (message));
  g_assert_null (deye_bus_message_dup_trace_id (message));
  g_assert_null (deye_bus_message_get_data (message, &len));
  g_assert_cmpuint (len, ==, 0);
  payload = deye_bus_message_dup_payload (message);
  g_assert_cmpuint (g_bytes_get_size (payload), ==, 0);
  tags = deye_bus_message_dup_tags (message);
  g_assert_null (tags[0]);
}

/* The payload as GBytes holds a reference to the message; a GValue holds the message as a boxed value. */
static void
test_lifetime (void)
{
  WireEnvelope envelope;
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  DeyeBusMessage *message;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("events.a");
  envelope.payload = wire_span_str ("kept");
  bytes = encode (&envelope);
  message = decode (bytes, G_MAXUINT16);
  g_value_init (&value, DEYE_BUS_TYPE_MESSAGE);
  g_value_set_boxed (&value, message);
  payload = deye_bus_message_dup_payload (message);
  g_assert_true (g_bytes_get_data (payload, NULL) == deye_bus_message_get_data (message, NULL));
  deye_bus_message_unref (message);
  g_value_reset (&value);
  g_assert_cmpmem (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload), "kept", 4);
}

static GByteArray *
encode_plain (const char *topic, const char *payload)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.payload = wire_span_str (payload);
  return encode (&envelope);
}

static GByteArray *
encode_full (void)
{
  g_autoptr (DeyeBusOptions) options = full_options ();
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  deye_bus_options_fill (options, &envelope);
  envelope.retained = 1;
  envelope.attempt = 7;
  return encode (&envelope);
}

/* A reused block contains no data of the earlier message. */
static void
test_pool_reuse (void)
{
  g_autoptr (GByteArray) full = encode_full ();
  g_autoptr (GByteArray) empty = encode_plain ("events.a", "");
  const gsize more = full->len + sizeof (DeyeBusMessageRare) - empty->len;
  g_autofree char *payload = g_strnfill (more, 'x'); /* so both need a block of the same class */
  g_autoptr (GByteArray) plain = encode_plain ("events.a", payload);
  g_auto (GStrv) tags = NULL;
  DeyeBusMessagePool pool = { 0 };
  DeyeBusMessage *message = decode_into (&pool, full, G_MAXUINT16);
  const gpointer block = message;
  const guint8 size_class = message->size_class;

  deye_bus_message_drop (message, &pool);
  g_assert_cmpuint (pool.kept_bytes, >=, sizeof (DeyeBusMessage) + full->len);
  message = decode_into (&pool, plain, G_MAXUINT16);
  g_assert_cmpuint (message->size_class, ==, size_class);
  g_assert_true (message == block);
  g_assert_cmpuint (pool.kept_bytes, ==, 0);
  g_assert_cmpstr (deye_bus_message_get_topic (message), ==, "events.a");
  g_assert_cmpstr (deye_bus_message_get_sender (message), ==, "");
  g_assert_null (deye_bus_message_get_method (message));
  g_assert_null (deye_bus_message_get_stage (message));
  g_assert_null (deye_bus_message_dup_trace_id (message));
  g_assert_cmpuint (deye_bus_message_get_attempt (message), ==, 1);
  g_assert_cmpuint (deye_bus_message_get_priority (message), ==, 0);
  g_assert_false (deye_bus_message_is_retained (message));
  g_assert_true (deye_bus_message_check (message, NULL));
  tags = deye_bus_message_dup_tags (message);
  g_assert_null (tags[0]);
  deye_bus_message_drop (message, &pool);
  deye_bus_message_pool_clear (&pool);
  g_assert_cmpuint (pool.kept_bytes, ==, 0);
}

/* A block has room for the size that was asked for, and at most half as much again. It is given for the same size again. */
static void
test_pool_classes (void)
{
  DeyeBusMessagePool pool = { 0 };

  for (gsize wanted = 1; wanted <= 16384; wanted++)
    {
      gsize size = wanted, again = wanted;
      guint8 size_class, class_again;
      gpointer block = deye_bus_message_pool_take (&pool, &size, &size_class);

      g_assert_cmpuint (size_class, <, DEYE_BUS_MESSAGE_POOL_CLASSES);
      g_assert_cmpuint (size, >=, wanted);
      g_assert_cmpuint (size, <=, MAX (256, wanted + wanted / 2));
      deye_bus_message_pool_give (&pool, block, 0, size_class);
      g_assert_cmpuint (pool.kept_bytes, >=, size);
      g_assert_true (deye_bus_message_pool_take (&pool, &again, &class_again) == block);
      g_assert_cmpuint (class_again, ==, size_class);
      deye_bus_message_pool_give (&pool, block, 0, class_again);
    }
  deye_bus_message_pool_clear (&pool);
}

/* A message that is still referenced is not returned to the pool and does not change. */
static void
test_pool_kept (void)
{
  g_autoptr (GByteArray) bytes = encode_plain ("events.a", "kept");
  g_autoptr (GByteArray) others = encode_plain ("events.b", "other");
  DeyeBusMessagePool pool = { 0 };
  DeyeBusMessage *message = decode_into (&pool, bytes, G_MAXUINT16);
  g_autoptr (DeyeBusMessage) kept = deye_bus_message_ref (message);
  DeyeBusMessage *other;
  gsize len;

  deye_bus_message_drop (message, &pool);
  g_assert_cmpuint (pool.kept_bytes, ==, 0);
  other = decode_into (&pool, others, G_MAXUINT16);
  g_assert_true (other != kept);
  g_assert_cmpstr (deye_bus_message_get_topic (kept), ==, "events.a");
  g_assert_cmpmem (deye_bus_message_get_data (kept, &len), len, "kept", 4);
  deye_bus_message_drop (other, &pool);
  deye_bus_message_pool_clear (&pool);
}

static gpointer
unref_elsewhere (gpointer data)
{
  GAsyncQueue *queue = data;
  DeyeBusMessage *message;

  while (*deye_bus_message_get_topic (message = g_async_queue_pop (queue)) != 'z')
    {
      g_assert_cmpstr (deye_bus_message_get_topic (message), ==, "events.a");
      deye_bus_message_unref (message);
    }
  deye_bus_message_unref (message);
  return NULL;
}

/* Another thread and the owner of the pool release their references at the same time; the last one frees the message. */
static void
test_pool_threads (void)
{
  g_autoptr (GByteArray) bytes = encode_plain ("events.a", "x");
  g_autoptr (GByteArray) last = encode_plain ("z", "x");
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  GThread *thread = g_thread_new ("other", unref_elsewhere, queue);
  DeyeBusMessagePool pool = { 0 };

  for (guint i = 0; i <= 20000; i++)
    {
      DeyeBusMessage *message = decode_into (&pool, i < 20000 ? bytes : last, G_MAXUINT16);

      g_async_queue_push (queue, deye_bus_message_ref (message));
      deye_bus_message_drop (message, &pool);
    }
  g_thread_join (thread);
  deye_bus_message_pool_clear (&pool);
}

/* The size of the pool is bounded for any number and size of messages. */
static void
test_pool_bounds (void)
{
  g_autofree char *large = g_strnfill (20000, 'x');
  g_autoptr (GByteArray) bytes = encode_plain ("events.a", "x");
  g_autoptr (GByteArray) large_bytes = encode_plain ("events.a", large);
  g_autoptr (GPtrArray) messages = g_ptr_array_new ();
  DeyeBusMessagePool pool = { 0 };

  for (guint i = 0; i < 3000; i++)
    g_ptr_array_add (messages, decode_into (&pool, i == 0 ? large_bytes : bytes, G_MAXUINT16));
  for (guint i = 0; i < messages->len; i++)
    {
      deye_bus_message_drop (messages->pdata[i], &pool);
      g_assert_cmpuint (pool.kept_bytes, <=, DEYE_BUS_MESSAGE_POOL_BYTES);
      g_assert_true (i > 0 || pool.kept_bytes == 0);
    }
  g_assert_cmpuint (pool.kept_bytes, ==, DEYE_BUS_MESSAGE_POOL_BYTES);
  deye_bus_message_pool_clear (&pool);
}

static void
test_options (void)
{
  g_autoptr (DeyeBusOptions) options = full_options ();
  g_auto (GValue) value = G_VALUE_INIT;
  WireEnvelope envelope;

  g_assert_cmpint (deye_bus_options_timeout_us (NULL), ==, 30000000);
  g_assert_cmpint (deye_bus_options_timeout_us (options), ==, 5000000);
  deye_bus_options_set_timeout (options, 0);
  g_assert_cmpint (deye_bus_options_timeout_us (options), ==, 30000000);
  deye_bus_options_set_method (options, NULL);
  deye_bus_options_set_trace (options, NULL, NULL);
  deye_bus_options_set_ttl (options, 250000);
  wire_envelope_init (&envelope);
  deye_bus_options_fill (options, &envelope);
  g_assert_cmpuint (envelope.method.len, ==, 0);
  g_assert_cmpuint (envelope.trace_id.len, ==, 0);
  g_assert_cmpuint (envelope.ttl_us, ==, 250000);
  g_assert_cmpuint (envelope.target.len, ==, 4);
  g_value_init (&value, DEYE_BUS_TYPE_OPTIONS);
  g_value_set_boxed (&value, options);
}

static void
test_subscribe_options (void)
{
  g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
  g_autoptr (DeyeBusSubscribeOptions) copy = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  deye_bus_subscribe_options_set_policy (options, DEYE_BUS_POLICY_CONFLATE);
  deye_bus_subscribe_options_set_queue_messages (options, 1);
  deye_bus_subscribe_options_set_queue_bytes (options, 2);
  deye_bus_subscribe_options_set_window_messages (options, 3);
  deye_bus_subscribe_options_set_window_bytes (options, 4);
  g_value_init (&value, DEYE_BUS_TYPE_SUBSCRIBE_OPTIONS);
  g_value_set_boxed (&value, options);
  deye_bus_subscribe_options_set_policy (options, DEYE_BUS_POLICY_DEFAULT);
  copy = g_value_dup_boxed (&value);
  g_assert_cmpint (copy->policy, ==, DEYE_BUS_POLICY_CONFLATE);
  g_assert_cmpuint (copy->queue_messages, ==, 1);
  g_assert_cmpuint (copy->queue_bytes, ==, 2);
  g_assert_cmpuint (copy->window_messages, ==, 3);
  g_assert_cmpuint (copy->window_bytes, ==, 4);
}

/* Every status of the wire has an error; the numbers stay the same where the enum has them. */
static void
test_errors (void)
{
  for (guint32 status = 0; status < 64; status++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) copy = NULL;
      WireEnvelope envelope;

      wire_envelope_init (&envelope);
      envelope.status = status;
      envelope.detail = wire_span_str ("why");
      envelope.setting = wire_span_str ("max_subscriptions");
      envelope.limit = 10;
      envelope.value = 11;
      error = deye_bus_error_from_envelope (&envelope);
      g_assert_true (error->domain == DEYE_BUS_ERROR);
      g_assert_nonnull (strstr (error->message, ": why (limit 10, value 11, setting max-subscriptions)"));
      g_assert_cmpint (error->code == DEYE_BUS_ERROR_INTERNAL && status != 44, ==, !wire_status_is_known (status));
      copy = g_error_copy (error);
      g_assert_null (deye_bus_error_get_name (copy));
    }
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  test_watchdog_start ("client-message");
  g_test_add_func ("/client/message/M24/full", test_full);
  g_test_add_func ("/client/message/empty", test_empty);
  g_test_add_func ("/client/message/lifetime", test_lifetime);
  g_test_add_func ("/client/message/pool/reuse", test_pool_reuse);
  g_test_add_func ("/client/message/pool/classes", test_pool_classes);
  g_test_add_func ("/client/message/pool/kept", test_pool_kept);
  g_test_add_func ("/client/message/pool/threads", test_pool_threads);
  g_test_add_func ("/client/message/pool/bounds", test_pool_bounds);
  g_test_add_func ("/client/options", test_options);
  g_test_add_func ("/client/subscribe-options", test_subscribe_options);
  g_test_add_func ("/client/errors", test_errors);
  status = g_test_run ();
  test_watchdog_stop ();
  return status;
}
