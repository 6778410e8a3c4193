/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The last messages of a publisher whose broker is stopped for a while: each one is received, or reported as not sent.
 * The publisher is a client in this process, in a context that only the test runs.
 */

#include "bus-fixture.h"
#include "worker-talk.h"

#define TOPIC "events.process.lifecycle"
#define N     500u
#define SIZE  2000u

typedef struct
{
  BusFixture bus;
  TestProcess *subscriber;
  GMainContext *context;
  DeyeBusClient *publisher;
  guint64 published;
  guint64 reported; /* number of messages that the signal reported as not sent */
} LastFixture;

static void
on_error (DeyeBusClient *client, GError *error, gpointer data)
{
  LastFixture *f = data;

  g_test_message ("%s", error->message);
  f->reported += deye_bus_client_get_unsent (client);
}

static void
set_up (LastFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  bus_fixture_set_up (&f->bus, data);
  f->subscriber = bus_fixture_worker (&f->bus, "subscriber", "procmond");
  worker_subscribe (f->subscriber, "s", TOPIC " - count");
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
  f->publisher = deye_bus_client_new (f->bus.address, "publisher", "procmond");
  deye_bus_client_set_reconnect (f->publisher, FALSE);
  g_main_context_pop_thread_default (f->context);
  g_assert_true (deye_bus_client_connect (f->publisher, NULL, &error));
  g_assert_no_error (error);
  g_signal_connect (f->publisher, "error", G_CALLBACK (on_error), f);
}

static void
tear_down (LastFixture *f, gconstpointer data)
{
  if (f->publisher != NULL)
    g_assert_finalize_object (f->publisher);
  g_main_context_unref (f->context);
  bus_fixture_tear_down (&f->bus, data);
}

static void
publish (LastFixture *f, guint n, gsize size)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (f->published++, size);

      deye_bus_client_publish (f->publisher, TOPIC, payload, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
    }
}

/* Waits until the publisher has disconnected and exactly @n of its messages were received. */
static void
assert_received (LastFixture *f, guint64 n)
{
  WorkerGot got;

  bus_fixture_wait_peers (&f->bus, 2);
  worker_await (f->subscriber, "s", n);
  bus_fixture_assert_idle (&f->bus);
  got = worker_report (f->subscriber, "s");
  g_assert_cmpuint (got.received, ==, n);
}

static DeyeBusOptions *
with_timeout_ms (gint64 timeout_ms)
{
  DeyeBusOptions *options = deye_bus_options_new ();

  deye_bus_options_set_timeout (options, timeout_ms * G_TIME_SPAN_MILLISECOND);
  return options;
}

/* --- the ends --- */

static void
test_unref (LastFixture *f, gconstpointer data)
{
  test_process_suspend (f->bus.broker);
  publish (f, N, SIZE);
  g_assert_finalize_object (g_steal_pointer (&f->publisher));
  test_process_resume (f->bus.broker);
  g_test_message ("%" G_GUINT64_FORMAT " of %u reported as not sent", f->reported, N);
  g_assert_cmpuint (f->reported, >, 0);
  assert_received (f, N - f->reported);
}

static void
test_close (LastFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint64 unsent;

  test_process_suspend (f->bus.broker);
  publish (f, N, SIZE);
  g_assert_false (deye_bus_client_close (f->publisher, NULL, &error));
  g_test_message ("%s", error->message);
  unsent = deye_bus_client_get_unsent (f->publisher);
  test_process_resume (f->bus.broker);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  assert_received (f, N - unsent);
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_client_close_full_finish (DEYE_BUS_CLIENT (source), result, &error));
  g_assert_no_error (error);
  *(gboolean *) data = TRUE;
}

/* With enough time no message is lost. */
static void
test_close_in_time (LastFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = with_timeout_ms (60000);
  gboolean closed = FALSE;

  test_process_suspend (f->bus.broker);
  publish (f, N, SIZE);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->publisher), >, 0);
  g_main_context_push_thread_default (f->context);
  deye_bus_client_close_full_async (f->publisher, options, NULL, on_closed, &closed);
  g_main_context_pop_thread_default (f->context);
  test_process_resume (f->bus.broker);
  while (!closed)
    g_main_context_iteration (f->context, TRUE);
  assert_received (f, N);
}

static void
test_flush (LastFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = with_timeout_ms (100);
  g_autoptr (GError) error = NULL;
  guint64 unsent;

  test_process_suspend (f->bus.broker);
  publish (f, N, SIZE);
  g_assert_false (deye_bus_client_flush (f->publisher, options, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_test_message ("%s", error->message);
  g_clear_error (&error);
  unsent = deye_bus_client_get_unsent (f->publisher);
  g_assert_cmpuint (unsent, >, 0);
  test_process_resume (f->bus.broker);
  g_assert_true (deye_bus_client_flush (f->publisher, NULL, TRUE, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->publisher), ==, 0);
  g_assert_finalize_object (g_steal_pointer (&f->publisher));
  g_assert_cmpuint (f->reported, ==, 0);
  assert_received (f, N);
}

/* The broker cannot write to a publisher that has disconnected, but still reads the bytes that the publisher wrote before. */
static void
test_own_subscription (LastFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) own = NULL;
  g_autoptr (GError) error = NULL;

  own = deye_bus_client_subscribe (f->publisher, TOPIC, NULL, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  publish (f, 100, SIZE);
  g_assert_true (deye_bus_client_flush (f->publisher, NULL, TRUE, NULL, NULL));
  test_process_suspend (f->bus.broker);
  publish (f, 100, SIZE);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->publisher), ==, 0);
  g_clear_object (&own);
  g_assert_finalize_object (g_steal_pointer (&f->publisher));
  g_assert_cmpuint (f->reported, ==, 0);
  test_process_resume (f->bus.broker);
  assert_received (f, 200);
}

/* The program publishes in a long loop, and never runs the client's context. */
static void
test_loop (LastFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  publish (f, 50000, 64);
  g_assert_true (deye_bus_client_flush (f->publisher, NULL, FALSE, NULL, &error));
  g_assert_no_error (error);
  worker_await (f->subscriber, "s", 50000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/integration/last/" path, LastFixture, NULL, set_up, function, tear_down)
  ADD ("unref", test_unref);
  ADD ("close", test_close);
  ADD ("close-in-time", test_close_in_time);
  ADD ("flush", test_flush);
  ADD ("own-subscription", test_own_subscription);
  ADD ("loop", test_loop);
  return g_test_run ();
}
