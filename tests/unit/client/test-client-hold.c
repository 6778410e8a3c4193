/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"

/* Held clients: when messages are written; other behaviour does not change. */

#define LARGE (DEYE_BUS_HELD_MAX / 4)

static void
test_release_writes (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, NULL);
  g_assert_false (deye_bus_client_is_held (f->client));
  deye_bus_client_hold (f->client);
  g_assert_true (deye_bus_client_is_held (f->client));
  calls_fixture_publish (f, 3, 10);
  calls_fixture_expect (f, 0);
  deye_bus_client_release (f->client);
  calls_fixture_expect (f, 3);
  g_assert_false (deye_bus_client_is_held (f->client));
  calls_fixture_publish (f, 1, 10);
  calls_fixture_expect (f, 1);
}

static void
test_nested (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, NULL);
  {
    g_autoptr (DeyeBusHolder) outer G_GNUC_UNUSED = deye_bus_holder_new (f->client);

    {
      g_autoptr (DeyeBusHolder) inner G_GNUC_UNUSED = deye_bus_holder_new (f->client);

      calls_fixture_publish (f, 1, 10);
    }
    calls_fixture_publish (f, 1, 10);
    calls_fixture_expect (f, 0);
  }
  calls_fixture_expect (f, 2);
}

/* An unbalanced release has no effect, also not on the next hold. */
static void
test_unbalanced (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, NULL);
  deye_bus_client_release (f->client);
  deye_bus_client_hold (f->client);
  calls_fixture_publish (f, 1, 10);
  calls_fixture_expect (f, 0);
  deye_bus_client_release (f->client);
  calls_fixture_expect (f, 1);
}

/* At most 64 KiB wait. */
static void
test_bound (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, NULL);
  deye_bus_client_hold (f->client);
  calls_fixture_publish (f, 3, LARGE);
  calls_fixture_expect (f, 0);
  calls_fixture_publish (f, 1, LARGE);
  calls_fixture_expect (f, 4);
  calls_fixture_publish (f, 1, 10);
  calls_fixture_expect (f, 0);
  deye_bus_client_release (f->client);
  calls_fixture_expect (f, 1);
}

/* A call that waits for an answer first writes the held messages, and so does a flush. */
static void
test_waits_write (Fixture *f, gconstpointer data)
{
  DeyeBusPublishResult result;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  deye_bus_client_hold (f->client);
  calls_fixture_publish (f, 2, 10);
  script_ack (f->in, 6, 1, 1); /* the two messages have the ids 3 and 5 */
  client_fixture_send (f);
  g_assert_true (deye_bus_client_publish (f->client, "events.process.new", NULL, NULL, &result, NULL, &error));
  g_assert_no_error (error);
  calls_fixture_expect (f, 3);
  calls_fixture_publish (f, 2, 10);
  g_assert_true (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_assert_no_error (error);
  calls_fixture_expect (f, 2);
  deye_bus_client_release (f->client);
}

/* The context writes held messages before it polls, although the client is still held. */
static void
test_context_writes (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, NULL);
  client_fixture_settle (f);
  deye_bus_client_hold (f->client);
  calls_fixture_publish (f, 2, 10);
  calls_fixture_expect (f, 0);
  client_fixture_settle (f);
  calls_fixture_expect (f, 2);
  deye_bus_client_release (f->client);
}

/* Held messages count as not sent, and close() writes them before GOODBYE. */
static void
test_close_writes (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  deye_bus_client_hold (f->client);
  calls_fixture_publish (f, 2, 10);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 2);
  g_assert_true (deye_bus_client_close (f->client, NULL, &error));
  g_assert_no_error (error);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 3); /* two messages and GOODBYE */
}

/* --- many --- */

static void
test_many (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *payloads[3];
  gsize n = 0;

  client_fixture_connect (f, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (payloads); i++)
    payloads[i] = g_bytes_new (&"abc"[i], 1);
  g_assert_true (deye_bus_client_publish_many (f->client, "events.process.new", payloads, 3, NULL, &n, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 3);
  g_assert_false (deye_bus_client_is_held (f->client));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      WireSpan expected = wire_span ((const guint8 *) &"abc"[i], 1);

      g_assert_true (wire_span_equal (calls_fixture_frame_at (frames, i)->envelope.payload, expected));
      g_bytes_unref (payloads[i]);
    }
}

/* The messages before the one that fails are published, and their number is returned. */
static void
test_many_fails (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *zeros = g_malloc0 (2 << 20);
  g_autoptr (GBytes) small = g_bytes_new_static ("s", 1);
  g_autoptr (GBytes) large = g_bytes_new (zeros, 2 << 20);
  GBytes *payloads[] = { small, small, large, small };
  g_autoptr (GError) error = NULL;
  gsize n = 99;

  client_fixture_connect (f, NULL);
  g_assert_false (deye_bus_client_publish_many (f->client, "events.process.new", payloads, 4, NULL, &n, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_cmpuint (n, ==, 2);
  calls_fixture_expect (f, 2);
  g_assert_true (deye_bus_client_publish_many (f->client, "events.process.new", NULL, 0, NULL, &n, NULL, NULL));
  g_assert_cmpuint (n, ==, 0);
}

/* At most 64 KiB wait at any time, and the last messages wait until the caller releases the client. */
static void
test_many_bound (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) large = g_bytes_new_take (g_malloc0 (LARGE), LARGE);
  GBytes *payloads[] = { large, large, large, large, large };

  client_fixture_connect (f, NULL);
  deye_bus_client_hold (f->client);
  g_assert_true (deye_bus_client_publish_many (f->client, "events.process.new", payloads, 5, NULL, NULL, NULL, NULL));
  calls_fixture_expect (f, 4);
  deye_bus_client_release (f->client);
  calls_fixture_expect (f, 1);
}

/* --- coalesce --- */

static void
count_call (guint *count)
{
  ++*count;
}

/* The first message is written at once. Messages that follow closely wait until the context runs; on a slow machine some are
 * written earlier, which is allowed. */
static void
test_coalesce (Fixture *f, gconstpointer data)
{
  guint n_notified = 0;

  client_fixture_connect (f, NULL);
  client_fixture_settle (f);
  g_assert_false (deye_bus_client_get_coalesce (f->client));
  g_signal_connect_swapped (f->client, "notify::coalesce", G_CALLBACK (count_call), &n_notified);
  deye_bus_client_set_coalesce (f->client, TRUE);
  deye_bus_client_set_coalesce (f->client, TRUE);
  g_assert_cmpuint (n_notified, ==, 1);
  g_assert_true (deye_bus_client_get_coalesce (f->client));
  calls_fixture_publish (f, 1, 10);
  calls_fixture_expect (f, 1);
  calls_fixture_publish (f, 100, 10);
  client_fixture_settle (f);
  calls_fixture_expect (f, 100);
  g_object_set (f->client, "coalesce", FALSE, NULL);
  calls_fixture_publish (f, 2, 10);
  calls_fixture_expect (f, 2);
}

/* A flush writes the waiting messages. */
static void
test_coalesce_flush (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  deye_bus_client_set_coalesce (f->client, TRUE);
  calls_fixture_publish (f, 50, 10);
  g_assert_true (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_assert_no_error (error);
  calls_fixture_expect (f, 50);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/client/hold/release-writes", test_release_writes },
    { "/client/hold/nested", test_nested },
    { "/client/hold/unbalanced", test_unbalanced },
    { "/client/hold/bound", test_bound },
    { "/client/hold/waits-write", test_waits_write },
    { "/client/hold/context-writes", test_context_writes },
    { "/client/hold/close-writes", test_close_writes },
    { "/client/many/in-order", test_many },
    { "/client/many/fails", test_many_fails },
    { "/client/many/bound", test_many_bound },
    { "/client/coalesce/context-writes", test_coalesce },
    { "/client/coalesce/flush-writes", test_coalesce_flush },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, client_fixture_set_up, tests[i].test, client_fixture_tear_down);
  return g_test_run ();
}
