/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"

/* Plain publishes: with each other and with those that are not plain, they give the same frames, credit and errors. */

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

/* Empty options make a call general. Only the ids differ. */
static void
test_same_frames (Fixture *f, gconstpointer data)
{
  static const gsize lens[] = { 0, 1, 128, DEYE_BUS_OUTBUF_COPY_MAX, DEYE_BUS_OUTBUF_COPY_MAX + 1 };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, NULL);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (lens); i++)
    g_assert_true (plain_publish (f, "events.process.new", lens[i / 2], i % 2 == 0 ? NULL : options, NULL));
  frames = client_fixture_hear (f);
  g_assert_cmpuint (frames->len, ==, 2 * G_N_ELEMENTS (lens));
  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = plain_expect (frames, i, "events.process.new", lens[i / 2]);

      g_assert_cmpuint (g_bytes_get_size (frame->body), ==,
                        g_bytes_get_size (calls_fixture_frame_at (frames, i & ~1u)->body));
    }
}

/* The properties that the session remembers of a topic apply to no other topic, and not to other content of the same memory. */
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
  frames = client_fixture_hear (f);
  g_assert_cmpuint (frames->len, ==, G_N_ELEMENTS (topics));
  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    plain_expect (frames, i, topics[i], 1);
}

/* A topic that is refused is not remembered. */
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
    g_autoptr (GPtrArray) frames = client_fixture_hear (f);

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

/* Each class has its own credit, which plain messages use as all others do. */
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
  client_fixture_say (f);
  g_assert_true (plain_publish (f, "events.a", 1, NULL, NULL)); /* waits, and reads the credit */
  plain_expect_would_block (f, "events.a");
  frames = client_fixture_hear (f);
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
  /* Credit that has not started the waiting call yet, as when it waits for a call of another class as well. */
  deye_bus_window_grant (&f->client->session->send_queue.windows[WIRE_CLASS_MAY_DROP], 3, 1 << 20);
  g_assert_true (plain_publish (f, "events.a", 2, NULL, NULL));
  frames = client_fixture_hear (f);
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
