/* SPDX-License-Identifier: Apache-2.0 */
#include "sender-fixture.h"

#include "test-watchdog.h"

/* The flush of senders: it ends in the calling thread when the messages before it are written, and not earlier. */

static const ScriptWelcome two = { .window_messages = 2 };

typedef struct
{
  SenderFixture *f;
  DeyeBusOptions *options;
  GCancellable *cancellable;
  gint ended; /* atomic */
  gboolean ok;
  GError *error;
} Flush;

static gpointer
flush_in_thread (gpointer data)
{
  Flush *flush = data;

  flush->ok = deye_bus_sender_flush (flush->f->sender, flush->options, FALSE, flush->cancellable, &flush->error);
  g_atomic_int_set (&flush->ended, TRUE);
  g_main_context_wakeup (flush->f->base.context);
  return NULL;
}

/* A flush ends when the messages before it are written, and not earlier. */
static void
test_flush (SenderFixture *f, gconstpointer data)
{
  Flush flush = { .f = f };
  GThread *thread;

  sender_fixture_put (f, "abc"); /* credit for two */
  thread = g_thread_new ("flush", flush_in_thread, &flush);
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "ab");
  g_assert_false (g_atomic_int_get (&flush.ended));
  script_credit (f->base.in, WIRE_CLASS_MAY_DROP, 3, 1048576);
  client_fixture_send (&f->base);
  client_fixture_wait (&f->base, g_atomic_int_get (&flush.ended));
  g_thread_join (thread);
  g_assert_no_error (flush.error);
  g_assert_true (flush.ok);
  sender_fixture_expect (f, "abc");
}

/* The context does not run, so the flush ends at its timeout. */
static void
test_flush_overdue (SenderFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = calls_fixture_with_timeout (1000);
  Flush flush = { .f = f, .options = options };

  sender_fixture_put (f, "a");
  g_thread_join (g_thread_new ("flush", flush_in_thread, &flush));
  g_assert_error (flush.error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_clear_error (&flush.error);
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "a");
}

static void
test_flush_cancelled (SenderFixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Flush flush = { .f = f, .cancellable = cancellable };
  GThread *thread;

  sender_fixture_put (f, "a");
  thread = g_thread_new ("flush", flush_in_thread, &flush);
  g_thread_yield ();
  g_cancellable_cancel (cancellable);
  g_thread_join (thread);
  g_assert_error (flush.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&flush.error);
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "a");
}

/* A flush in the client's thread sends the messages itself. */
static void
test_flush_here (SenderFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = calls_fixture_with_timeout (1000);
  g_autoptr (GError) error = NULL;

  sender_fixture_put (f, "ab");
  g_assert_true (deye_bus_sender_flush (f->sender, NULL, FALSE, NULL, &error));
  g_assert_no_error (error);
  sender_fixture_expect (f, "ab");
  sender_fixture_put (f, "c"); /* no credit */
  g_assert_false (deye_bus_sender_flush (f->sender, options, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  sender_fixture_expect (f, "ab");
  client_fixture_close_unsent (&f->base, 1);
}

static void
test_flush_async (SenderFixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_auto (ClientResult) late = { 0 };
  g_autoptr (DeyeBusOptions) options = calls_fixture_with_timeout (1000);
  g_autoptr (GError) error = NULL;

  sender_fixture_put (f, "ab");
  deye_bus_sender_flush_async (f->sender, NULL, FALSE, NULL, client_result_set, &result);
  g_assert_cmpuint (result.calls, ==, 0);
  client_fixture_wait (&f->base, result.calls > 0);
  g_assert_true (deye_bus_sender_flush_finish (f->sender, result.result, &error));
  g_assert_no_error (error);
  sender_fixture_expect (f, "ab");
  sender_fixture_put (f, "c");
  deye_bus_sender_flush_async (f->sender, options, FALSE, NULL, client_result_set, &late);
  client_fixture_wait (&f->base, late.calls > 0);
  g_assert_false (deye_bus_sender_flush_finish (f->sender, late.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  client_fixture_close_unsent (&f->base, 1);
}

static void
test_flush_async_cancelled (SenderFixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  sender_fixture_put (f, "abc");
  deye_bus_sender_flush_async (f->sender, NULL, FALSE, cancellable, client_result_set, &result);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (result.calls, ==, 0);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (&f->base, result.calls > 0);
  g_assert_false (deye_bus_sender_flush_finish (f->sender, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  client_fixture_close_unsent (&f->base, 1);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (SenderFixture *f, gconstpointer data);
    const ScriptWelcome *welcome;
  } tests[] = {
    { "/client/sender/flush", test_flush, &two },
    { "/client/sender/flush-overdue", test_flush_overdue, NULL },
    { "/client/sender/flush-cancelled", test_flush_cancelled, NULL },
    { "/client/sender/flush-here", test_flush_here, &two },
    { "/client/sender/flush-async", test_flush_async, &two },
    { "/client/sender/flush-async-cancelled", test_flush_async_cancelled, &two },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, SenderFixture, tests[i].welcome, sender_fixture_set_up, tests[i].test,
                sender_fixture_tear_down);
  return g_test_run ();
}
