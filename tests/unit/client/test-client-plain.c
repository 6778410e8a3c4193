/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"
#include "session/deye-bus-option-fields.h"

/* Plain publishes: alone and mixed with general ones, they give the same frames, credit and errors as general ones. */

static gboolean
plain_publish (Fixture *f, const char *topic, gsize len, DeyeBusOptions *options, GError **error)
{
  g_autoptr (GBytes) payload = g_bytes_new_take (g_malloc0 (len + 1), len);

  return deye_bus_client_publish (f->client, topic, payload, options, NULL, NULL, error);
}

static const ScriptFrame *
plain_expect (GPtrArray *frames, guint i, const char *topic, gsize len)
{
  const ScriptFrame *frame = calls_fixture_frame_at (frames, i);

  g_assert_cmpint (frame->kind, ==, WIRE_KIND_PUBLISH);
  g_assert_cmpint (frame->flags, ==, 0);
  g_assert_cmpuint (frame->envelope.id, ==, 3 + 2 * i);
  g_assert_true (wire_span_equal (frame->envelope.topic, wire_span_str (topic)));
  g_assert_cmpuint (frame->envelope.payload.len, ==, len);
  return frame;
}

/* Publishes by the internal call, which is always general. */
static gboolean
general_publish (Fixture *f, const char *topic, gsize len, DeyeBusOptions *options)
{
  g_autoptr (GBytes) payload = g_bytes_new_take (g_malloc0 (len + 1), len);
  const DeyeBusCall call = {
    .kind = WIRE_KIND_PUBLISH, .topic = topic, .target = "", .payload = payload, .options = options, .ahead = TRUE
  };
  gboolean ok = deye_bus_session_call (f->client->session, &call, NULL, NULL);

  deye_bus_client_write (f->client);
  return ok;
}

/* Asserts that only the ids differ, which are the first field and have one byte. */
static void
plain_expect_same (const ScriptFrame *plain, const ScriptFrame *general)
{
  gsize len, general_len;
  const guint8 *body = g_bytes_get_data (plain->body, &len);
  const guint8 *general_body = g_bytes_get_data (general->body, &general_len);

  g_assert_cmpint (plain->kind, ==, general->kind);
  g_assert_cmpint (plain->flags, ==, general->flags);
  g_assert_cmpuint (plain->envelope.id + 2, ==, general->envelope.id);
  g_assert_cmpmem (body + 2, len - 2, general_body + 2, general_len - 2);
}

static void
test_same_frames (Fixture *f, gconstpointer data)
{
  static const gsize lens[] = { 0, 1, 128, DEYE_BUS_OUTBUF_COPY_MAX, DEYE_BUS_OUTBUF_COPY_MAX + 1 };
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, NULL);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (lens); i++)
    if (i % 2 == 0)
      g_assert_true (plain_publish (f, "events.process.new", lens[i / 2], NULL, NULL));
    else
      g_assert_true (general_publish (f, "events.process.new", lens[i / 2], NULL));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 2 * G_N_ELEMENTS (lens));
  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = plain_expect (frames, i, "events.process.new", lens[i / 2]);

      if (i % 2 == 1)
        plain_expect_same (calls_fixture_frame_at (frames, i - 1), frame);
    }
}

/* --- with options --- */

/* Calls setter number @i. Returns FALSE if there is none. */
static gboolean
options_step (DeyeBusOptions *options, guint i)
{
  static const guint8 zeros[16];
  g_autoptr (GBytes) trace = g_bytes_new (zeros, 16);

  switch (i)
    {
    case 0:
      break;
    case 1:
      deye_bus_options_set_timeout (options, G_TIME_SPAN_SECOND);
      break;
    case 2:
      deye_bus_options_set_ttl (options, G_TIME_SPAN_MINUTE);
      break;
    case 3:
      deye_bus_options_set_priority (options, 7);
      break;
    case 4:
      deye_bus_options_set_type_name (options, "daemoneye.ProcessEvent");
      break;
    case 5:
      deye_bus_options_set_correlation_id (options, "c");
      deye_bus_options_set_parent_id (options, "p");
      deye_bus_options_set_root_id (options, "r");
      break;
    case 6:
      deye_bus_options_set_stage (options, "s");
      deye_bus_options_set_content_type (options, "application/protobuf");
      deye_bus_options_set_method (options, "m");
      deye_bus_options_set_target (options, "not of a publish");
      break;
    case 7:
      deye_bus_options_set_trace (options, trace, NULL);
      deye_bus_options_set_sequence_number (options, G_MAXUINT64);
      break;
    case 8:
      deye_bus_options_add_tag (options, "host", "alpha");
      break;
    case 9:
      deye_bus_options_add_tag (options, "host", "");
      break;
    case 10:
      deye_bus_options_set_depth (options, 3);
      break;
    case 11:
      deye_bus_options_set_wait_for_ready (options, TRUE);
      break;
    default:
      return FALSE;
    }
  return TRUE;
}

/* After each setter, the next plain message is the same as a general one. */
static void
test_options (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &(const ScriptWelcome){ .features = WIRE_FEATURE_DELIVERY });
  for (guint i = 0; options_step (options, i); i++)
    {
      g_autoptr (DeyeBusOptions) copy = deye_bus_options_copy (options);

      g_assert_true (plain_publish (f, "events.a", 1, options, NULL));
      g_assert_true (plain_publish (f, "events.a", 1, copy, NULL));
      g_assert_true (general_publish (f, "events.a", 1, options));
      frames = client_fixture_receive (f);
      g_assert_cmpuint (frames->len, ==, 3);
      plain_expect_same (calls_fixture_frame_at (frames, 1), calls_fixture_frame_at (frames, 2));
      g_assert_cmpuint (g_bytes_get_size (calls_fixture_frame_at (frames, 0)->body), ==,
                        g_bytes_get_size (calls_fixture_frame_at (frames, 1)->body));
      g_clear_pointer (&frames, g_ptr_array_unref);
    }
}

/* Options that are refused are refused each time. */
static void
test_options_refused (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *correlation_id;
    gint64 ttl_us;
    guint depth;
    DeyeBusError code;
  } rows[] = {
    { "\xff", 0, 0, DEYE_BUS_ERROR_INVALID_ARGUMENT },
    { NULL, -1, 0, DEYE_BUS_ERROR_INVALID_ARGUMENT },
    { NULL, 0, 1, DEYE_BUS_ERROR_UNSUPPORTED }, /* the broker has no feature */
  };

  client_fixture_connect (f, NULL);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
      g_autoptr (GError) error = NULL;

      g_assert_true (plain_publish (f, "events.a", 1, options, NULL));
      deye_bus_options_set_correlation_id (options, rows[i / 2].correlation_id);
      deye_bus_options_set_ttl (options, rows[i / 2].ttl_us);
      deye_bus_options_set_depth (options, rows[i / 2].depth);
      g_assert_false (plain_publish (f, "events.a", 1, options, &error));
      g_assert_error (error, DEYE_BUS_ERROR, (gint) rows[i / 2].code);
    }
}

/* Messages whose options need a state in the session are not plain. */
static void
test_options_general (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &(const ScriptWelcome){ .features = WIRE_FEATURE_DELIVERY | WIRE_FEATURE_RETAIN });
  g_assert_true (plain_publish (f, "events.a", 1, options, NULL));
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_CONNECTED);
  g_assert_true (plain_publish (f, "events.a", 1, options, NULL));
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_NONE);
  deye_bus_options_set_want_hops (options, TRUE);
  g_assert_true (plain_publish (f, "events.a", 1, options, NULL));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 3);
  g_assert_cmpint (calls_fixture_frame_at (frames, 1)->flags, ==, WIRE_FLAG_RETAIN);
  g_assert_cmpuint (calls_fixture_frame_at (frames, 1)->envelope.delivery, ==, WIRE_DELIVERY_RETAIN_CONNECTED);
  g_assert_cmpint (calls_fixture_frame_at (frames, 2)->flags, ==, 0);
  g_assert_cmpuint (calls_fixture_frame_at (frames, 2)->envelope.hops_before.len, >, 0);
}

typedef struct
{
  const DeyeBusOptions *options;
  const DeyeBusOptionFields *fields;
  gint *ready;
} OptionsThread;

static gpointer
options_thread_run (gpointer data)
{
  OptionsThread *thread = data;

  g_atomic_int_inc (thread->ready);
  while (g_atomic_int_get (thread->ready) < 2)
    g_thread_yield ();
  thread->fields = deye_bus_option_fields (thread->options);
  return NULL;
}

/* Two threads that publish with the same options for the first time get the same fields. */
static void
test_options_threads (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
      gint ready = 0;
      OptionsThread here = { options, NULL, &ready }, there = here;
      GThread *thread = g_thread_new ("options", options_thread_run, &there);

      options_thread_run (&here);
      g_thread_join (thread);
      g_assert_nonnull (here.fields);
      g_assert_true (here.fields == there.fields);
    }
}

/* --- without --- */

/* The cached properties of a topic apply to no other topic, even one at the same address. */
static void
test_topics (Fixture *f, gconstpointer data)
{
  static const char *const topics[]
      = { "events.a", "events.a", "events.ab", "events.a", "events", "events.b", "health.a" };
  g_autoptr (GPtrArray) frames = NULL;
  char topic[16];

  client_fixture_connect (f, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    {
      g_strlcpy (topic, topics[i], sizeof topic);
      g_assert_true (plain_publish (f, topic, 1, NULL, NULL));
    }
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, G_N_ELEMENTS (topics));
  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    plain_expect (frames, i, topics[i], 1);
}

/* A refused topic is not cached. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) limit = NULL;

      if (i == 0)
        client_fixture_connect (f, &(const ScriptWelcome){ .largest_payload = 100 });
      g_assert_true (plain_publish (f, "events.a", 100, NULL, NULL));
      g_assert_false (plain_publish (f, "events.\xff", 1, NULL, &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_TOPIC);
      g_assert_false (plain_publish (f, "events.a", 101, NULL, &limit));
      g_assert_error (limit, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
    }
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive (f);

    g_assert_cmpuint (frames->len, ==, 2);
  }
}

static void
plain_expect_would_block (Fixture *f, const char *topic)
{
  g_autoptr (DeyeBusOptions) soon = calls_fixture_with_timeout (1);
  g_autoptr (GError) error = NULL;

  g_assert_false (plain_publish (f, topic, 1, soon, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
}

/* Each class has its own credit, which plain messages use like all others. */
static void
test_credit (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &(const ScriptWelcome){ .window_messages = 2 });
  g_assert_true (plain_publish (f, "events.a", 1, NULL, NULL));
  g_assert_true (plain_publish (f, "health.a", 1, NULL, NULL));
  g_assert_true (plain_publish (f, "events.a", 1, NULL, NULL));
  plain_expect_would_block (f, "events.a");
  g_assert_true (plain_publish (f, "health.a", 1, NULL, NULL));
  plain_expect_would_block (f, "health.a");
  g_assert_true (plain_publish (f, "tasks.a", 1, NULL, NULL));
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 3, 1 << 20);
  client_fixture_send (f);
  g_assert_true (plain_publish (f, "events.a", 1, NULL, NULL)); /* waits, and reads the credit */
  plain_expect_would_block (f, "events.a");
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 6);
}

/* A call that waits for credit is not overtaken. */
static void
test_order (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("first", 5);
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &(const ScriptWelcome){ .window_messages = 1 });
  g_assert_true (plain_publish (f, "events.a", 1, NULL, NULL));
  deye_bus_client_publish_async (f->client, "events.a", payload, NULL, FALSE, NULL, NULL, NULL);
  /* The same when credit has arrived and the waiting call is still queued, for example behind a call of another class. */
  deye_bus_window_grant (&f->client->session->send_queue.windows[WIRE_CLASS_MAY_DROP], 3, 1 << 20);
  g_assert_true (plain_publish (f, "events.a", 2, NULL, NULL));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 3);
  plain_expect (frames, 0, "events.a", 1);
  plain_expect (frames, 1, "events.a", 5);
  plain_expect (frames, 2, "events.a", 2);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/client/plain/same-frames", test_same_frames },
    { "/client/plain/options", test_options },
    { "/client/plain/options-refused", test_options_refused },
    { "/client/plain/options-general", test_options_general },
    { "/client/plain/options-threads", test_options_threads },
    { "/client/plain/topics", test_topics },
    { "/client/plain/refused", test_refused },
    { "/client/plain/credit", test_credit },
    { "/client/plain/order", test_order },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, client_fixture_set_up, tests[i].test, client_fixture_tear_down);
  return g_test_run ();
}
