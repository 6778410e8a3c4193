/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"

/* Publishing: the fields of a message, the broker's answer, credit, and the deliveries at-least-once and confirmed. */

/* --- publish --- */

/* M24: the properties of a message are on the wire, and publishes for which no call waits are written at once. */
static void
test_publish_carries (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = g_bytes_new_static ("payload", 7);
  g_autoptr (GBytes) trace = g_bytes_new_static ("0123456789abcdef", 16);
  g_autoptr (GBytes) span = g_bytes_new_static ("01234567", 8);
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  const WireEnvelope *e;

  client_fixture_connect (f, NULL);
  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.ProcessEvent");
  deye_bus_options_set_content_type (options, "application/protobuf");
  deye_bus_options_set_priority (options, 200);
  deye_bus_options_set_correlation_id (options, "c-1");
  deye_bus_options_set_parent_id (options, "c-0");
  deye_bus_options_set_root_id (options, "root");
  deye_bus_options_set_trace (options, trace, span);
  deye_bus_options_set_sequence_number (options, 42);
  deye_bus_options_set_stage (options, "enrich");
  deye_bus_options_set_ttl (options, 2000000);
  deye_bus_options_add_tag (options, "host", "a");
  deye_bus_options_add_tag (options, "host", "b=c");
  deye_bus_options_set_target (options, "not-for-a-publish");
  g_assert_true (deye_bus_client_publish (f->client, "events.process.new", payload, options, NULL, NULL, &error));
  g_assert_no_error (error);
  frames = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);
  g_assert_cmpint (calls_fixture_frame_at (frames, 0)->flags, ==, 0);
  e = &calls_fixture_frame_at (frames, 0)->envelope;
  g_assert_true (wire_span_equal (e->topic, WIRE_SPAN_LITERAL ("events.process.new")));
  g_assert_true (wire_span_equal (e->payload, WIRE_SPAN_LITERAL ("payload")));
  g_assert_true (wire_span_equal (e->type_name, WIRE_SPAN_LITERAL ("daemoneye.eventbus.v1.ProcessEvent")));
  g_assert_true (wire_span_equal (e->content_type, WIRE_SPAN_LITERAL ("application/protobuf")));
  g_assert_true (wire_span_equal (e->correlation_id, WIRE_SPAN_LITERAL ("c-1")));
  g_assert_true (wire_span_equal (e->parent_id, WIRE_SPAN_LITERAL ("c-0")));
  g_assert_true (wire_span_equal (e->root_id, WIRE_SPAN_LITERAL ("root")));
  g_assert_true (wire_span_equal (e->trace_id, WIRE_SPAN_LITERAL ("0123456789abcdef")));
  g_assert_true (wire_span_equal (e->span_id, WIRE_SPAN_LITERAL ("01234567")));
  g_assert_true (wire_span_equal (e->stage, WIRE_SPAN_LITERAL ("enrich")));
  g_assert_true (wire_span_equal (e->tags[1], WIRE_SPAN_LITERAL ("host=b=c")));
  g_assert_cmpuint (e->n_tags, ==, 2);
  g_assert_cmpuint (e->priority, ==, 200);
  g_assert_cmpuint (e->sequence_number, ==, 42);
  g_assert_cmpuint (e->ttl_us, ==, 2000000);
  g_assert_cmpuint (e->target.len, ==, 0);
}

/* The option sets the flag RETAIN, and the bit for the end with the connection, in a publish and in no other call. */
static void
test_publish_retained (Fixture *f, gconstpointer data)
{
  static const ScriptWelcome retaining = { .features = WIRE_FEATURE_RETAIN };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = g_bytes_new_static ("payload", 7);
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &retaining);
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  g_assert_true (deye_bus_client_publish (f->client, "health.x", payload, options, NULL, NULL, &error));
  g_assert_no_error (error);
  first = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);
  g_assert_cmpint (calls_fixture_frame_at (first, 0)->flags, ==, WIRE_FLAG_RETAIN);
  g_assert_cmpuint (calls_fixture_frame_at (first, 0)->envelope.delivery, ==, 0);
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_CONNECTED);
  g_assert_true (deye_bus_client_publish (f->client, "health.x", payload, options, NULL, NULL, &error));
  g_assert_no_error (error);
  second = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);
  g_assert_cmpint (calls_fixture_frame_at (second, 0)->flags, ==, WIRE_FLAG_RETAIN);
  g_assert_cmpuint (calls_fixture_frame_at (second, 0)->envelope.delivery, ==, WIRE_DELIVERY_RETAIN_CONNECTED);
}

static void
test_publish_acknowledged (Fixture *f, gconstpointer data)
{
  DeyeBusPublishResult result;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  script_ack (f->in, 2, 3, 2);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, &result, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (result.sequence, ==, 77);
  g_assert_cmpuint (result.matched, ==, 3);
  g_assert_cmpuint (result.refused, ==, 1);
  script_ack (f->in, 4, 5, 5);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_broadcast (f->client, "events.a", NULL, NULL, &result, NULL, &error));
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive (f);

    g_assert_cmpint (calls_fixture_frame_at (frames, 0)->flags, ==, WIRE_FLAG_WANT_ACK);
    g_assert_cmpint (calls_fixture_frame_at (frames, 1)->flags, ==, WIRE_FLAG_WANT_ACK | WIRE_FLAG_BROADCAST);
  }
}

static void
test_publish_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) refused = NULL;

  client_fixture_connect (f, NULL);
  g_signal_connect (f->client, "error", G_CALLBACK (calls_fixture_remember_error), &refused);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
  frames = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);
  script_error (f->in, calls_fixture_frame_at (frames, 0)->envelope.id, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  client_fixture_wait (f, refused != NULL);
  g_assert_error (refused, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
}

static void
count_error (DeyeBusClient *client, GError *error, gpointer data)
{
  guint *counts = data;

  counts[error->domain == DEYE_BUS_ERROR ? error->code : 0]++;
}

/* Each call without a callback that fails emits the signal error, except a cancelled one. */
static void
test_failures_without_a_handler (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  g_autoptr (DeyeBusOptions) options = calls_fixture_with_timeout (20000);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint counts[G_MAXUINT8] = { 0 };

  client_fixture_connect (f, &one);
  g_signal_connect (f->client, "error", G_CALLBACK (count_error), counts);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
  deye_bus_client_publish_async (f->client, "events.b", NULL, options, FALSE, NULL, NULL, NULL);
  client_fixture_wait (f, counts[DEYE_BUS_ERROR_WOULD_BLOCK] == 1);
  deye_bus_client_broadcast_async (f->client, "events.\xff", NULL, NULL, NULL, NULL, NULL);
  client_fixture_wait (f, counts[DEYE_BUS_ERROR_BAD_TOPIC] == 1);
  deye_bus_client_publish_async (f->client, "events.c", NULL, NULL, FALSE, cancellable, NULL, NULL);
  deye_bus_client_direct_async (f->client, "netmond", "events.d", NULL, NULL, FALSE, NULL, NULL, NULL);
  g_cancellable_cancel (cancellable);
  client_fixture_settle (f);
  client_fixture_close_unsent (f, 1);
  client_fixture_wait (f, counts[DEYE_BUS_ERROR_CLOSED] == 1);
  client_fixture_settle (f);
  g_assert_cmpuint (counts[0], ==, 0);
  g_assert_cmpuint (counts[DEYE_BUS_ERROR_CLOSED], ==, 1);
  g_assert_cmpuint (counts[DEYE_BUS_ERROR_WOULD_BLOCK], ==, 1);
}

/* A call without a callback holds the client until it has ended. */
static void
test_holds_without_a_handler (Fixture *f, gconstpointer data)
{
  const guint refs = G_OBJECT (f->client)->ref_count;
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, NULL);
  deye_bus_client_publish_async (f->client, "events.a", NULL, NULL, TRUE, NULL, NULL, NULL);
  g_assert_cmpuint (G_OBJECT (f->client)->ref_count, ==, refs + 1);
  frames = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);
  script_ack (f->in, calls_fixture_frame_at (frames, 0)->envelope.id, 1, 1);
  client_fixture_send (f);
  client_fixture_settle (f);
  g_assert_cmpuint (G_OBJECT (f->client)->ref_count, ==, refs);
}

static void
test_without_credit (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  g_autoptr (DeyeBusOptions) options = calls_fixture_with_timeout (20000);
  g_auto (ClientResult) first = { NULL, 0 }, second = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &one);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
  g_assert_false (deye_bus_client_publish (f->client, "events.b", NULL, options, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_nonnull (strstr (error->message, "try again later"));
  g_clear_error (&error);
  deye_bus_client_publish_async (f->client, "events.c", NULL, NULL, FALSE, NULL, client_result_set, &first);
  deye_bus_client_publish_async (f->client, "events.d", NULL, NULL, FALSE, NULL, client_result_set, &second);
  client_fixture_settle (f);
  g_assert_cmpuint (first.calls, ==, 0);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 2, 1048576);
  client_fixture_send (f);
  client_fixture_wait (f, first.calls > 0);
  g_assert_cmpuint (second.calls, ==, 0);
  g_assert_true (deye_bus_client_publish_finish (f->client, first.result, NULL, NULL));
  /* The second call ends with the client. */
  client_fixture_close_unsent (f, 1);
  client_fixture_wait (f, second.calls > 0);
  g_assert_false (deye_bus_client_publish_finish (f->client, second.result, NULL, &error));
}

/* More bytes than a socket buffer takes: the source continues when there is room. */
static void
test_publish_much (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc0 (300000);
  g_autoptr (GBytes) payload = g_bytes_new (bytes, 300000);
  guint received = 0;

  ScriptWelcome wide = { .window_bytes = 16u << 20 };

  client_fixture_connect (f, &wide);
  for (guint i = 0; i < 20; i++)
    g_assert_true (deye_bus_client_publish (f->client, "events.a", payload, NULL, NULL, NULL, NULL));
  while (received < 20)
    {
      g_autoptr (GPtrArray) frames = client_fixture_receive (f);

      for (guint i = 0; i < frames->len; i++)
        g_assert_cmpuint (calls_fixture_frame_at (frames, i)->envelope.payload.len, ==, 300000);
      received += frames->len;
      if (received < 20)
        g_main_context_iteration (f->context, TRUE);
    }
}

static void
test_direct (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = calls_fixture_with_timeout (20000);
  g_autoptr (GError) error = NULL;
  WireEnvelope delivered;

  client_fixture_connect (f, NULL);
  script_ack (f->in, 2, 1, 1);
  wire_envelope_init (&delivered);
  delivered.answers = 2;
  script_frame (f->in, WIRE_KIND_DELIVERED, 0, &delivered);
  script_error (f->in, 4, WIRE_STATUS_ABSENT);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_direct (f->client, "other", "events.a", NULL, NULL, TRUE, NULL, &error));
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);

    g_assert_cmpint (calls_fixture_frame_at (frames, 0)->flags, ==, WIRE_FLAG_WANT_ACK | WIRE_FLAG_WANT_DELIVERED);
    g_assert_true (wire_span_equal (calls_fixture_frame_at (frames, 0)->envelope.target, WIRE_SPAN_LITERAL ("other")));
    g_assert_cmpuint (calls_fixture_frame_at (frames, 0)->envelope.deadline_us, ==, 30000000);
  }
  script_error (f->in, 4, WIRE_STATUS_ABSENT);
  client_fixture_send (f);
  g_assert_false (deye_bus_client_direct (f->client, "other", "events.a", NULL, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_ABSENT);
  g_clear_error (&error);
  script_ack (f->in, 6, 1, 1);
  client_fixture_send (f);
  g_assert_false (deye_bus_client_direct (f->client, "other", "events.a", NULL, options, TRUE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
}

/* --- at least once, and confirmed by a group --- */

static void
connect_delivering (Fixture *f)
{
  client_fixture_connect (f, NULL);
  f->client->session->welcome.features |= WIRE_FEATURE_DELIVERY; /* does not depend on the features of this build */
}

static void
test_at_least_once (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_at_least_once (options, TRUE);
  connect_delivering (f);
  script_ack (f->in, 2, 1, 1);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, options, NULL, NULL, &error));
  g_assert_no_error (error);
  script_error (f->in, 4, WIRE_STATUS_LIMIT);
  client_fixture_send (f);
  g_assert_false (deye_bus_client_publish (f->client, "events.a", NULL, options, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive (f);

    /* The client awaits the broker's answer although no result was requested, and each message has its own number. */
    g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 2);
    for (guint i = 0; i < 2; i++)
      {
        g_assert_cmpint (calls_fixture_frame_at (frames, i)->flags, ==, WIRE_FLAG_WANT_ACK);
        g_assert_cmpuint (calls_fixture_frame_at (frames, i)->envelope.delivery, ==, WIRE_DELIVERY_AT_LEAST_ONCE);
        g_assert_cmpuint (calls_fixture_frame_at (frames, i)->envelope.message_id, ==, i + 1);
      }
  }
}

/* A message without a time to live is refused; direct messages and broadcasts are sent unchanged. */
static void
test_hold (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  connect_delivering (f);
  deye_bus_options_set_hold (options, TRUE);
  g_assert_false (deye_bus_client_publish (f->client, "events.a", NULL, options, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "deye_bus_options_set_ttl"));
  deye_bus_options_set_ttl (options, G_TIME_SPAN_MINUTE);
  script_ack (f->in, 4, 1, 1);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, options, NULL, NULL, NULL));
  script_ack (f->in, 6, 1, 1);
  client_fixture_send (f);
  g_assert_true (
      deye_bus_client_broadcast (f->client, "events.a", NULL, options, &(DeyeBusPublishResult){ 0 }, NULL, NULL));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 2);
  g_assert_cmpint (calls_fixture_frame_at (frames, 0)->flags, ==, WIRE_FLAG_WANT_ACK);
  g_assert_cmpuint (calls_fixture_frame_at (frames, 0)->envelope.delivery, ==, WIRE_DELIVERY_HOLD);
  g_assert_cmpuint (calls_fixture_frame_at (frames, 0)->envelope.ttl_us, ==, G_TIME_SPAN_MINUTE);
  g_assert_cmpuint (calls_fixture_frame_at (frames, 1)->envelope.delivery, ==, 0);
}

static void
test_confirmed (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = calls_fixture_with_timeout (20000);
  g_autoptr (GError) error = NULL;
  WireEnvelope delivered;

  connect_delivering (f);
  script_ack (f->in, 2, 1, 1);
  wire_envelope_init (&delivered);
  delivered.answers = 2;
  script_frame (f->in, WIRE_KIND_DELIVERED, 0, &delivered);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_publish_confirmed (f->client, "events.a", NULL, NULL, NULL, &error));
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);

    g_assert_cmpint (calls_fixture_frame_at (frames, 0)->flags, ==, WIRE_FLAG_WANT_ACK | WIRE_FLAG_WANT_DELIVERED);
    g_assert_cmpuint (calls_fixture_frame_at (frames, 0)->envelope.target.len, ==, 0);
    g_assert_cmpuint (calls_fixture_frame_at (frames, 0)->envelope.deadline_us, ==, 30000000);
    g_assert_cmpuint (calls_fixture_frame_at (frames, 0)->envelope.message_id, ==, 1);
  }
  script_error (f->in, 4, WIRE_STATUS_NO_RESPONDERS);
  client_fixture_send (f);
  g_assert_false (deye_bus_client_publish_confirmed (f->client, "events.a", NULL, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_RESPONDERS);
  g_clear_error (&error);
  script_ack (f->in, 6, 1, 1); /* accepted, but never confirmed */
  client_fixture_send (f);
  g_assert_false (deye_bus_client_publish_confirmed (f->client, "events.a", NULL, options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/calls/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M24/publish-carries", test_publish_carries);
  ADD ("publish-retained", test_publish_retained);
  ADD ("publish-acknowledged", test_publish_acknowledged);
  ADD ("publish-refused", test_publish_refused);
  ADD ("M08-publish-without-credit", test_without_credit);
  ADD ("M08-failures-without-a-handler", test_failures_without_a_handler);
  ADD ("holds-without-a-handler", test_holds_without_a_handler);
  ADD ("publish-much", test_publish_much);
  ADD ("direct", test_direct);
  ADD ("M06-at-least-once", test_at_least_once);
  ADD ("K08-hold", test_hold);
  ADD ("M06-confirmed", test_confirmed);
  return g_test_run ();
}
