/* SPDX-License-Identifier: Apache-2.0 */
#include "sender-fixture.h"

#include "test-watchdog.h"

/*
 * Senders: messages that any thread puts into a sender reach the broker in order when the client's context runs. None is dropped,
 * and messages that cannot be sent are reported.
 */

static const ScriptWelcome two = { .window_messages = 2 };
static const ScriptWelcome featured = { .features = WIRE_FEATURE_DELIVERY };

/* --- order and delay --- */

/* The messages of a sender wait for the loop of the client. */
static void
test_waits_for_loop (SenderFixture *f, gconstpointer data)
{
  sender_fixture_put_elsewhere (f, "abc");
  sender_fixture_expect (f, "");
  g_assert_cmpuint (deye_bus_sender_get_queued (f->sender), ==, 3);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->base.client), ==, 3);
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "abc");
  g_assert_cmpuint (deye_bus_sender_get_queued (f->sender), ==, 0);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->base.client), ==, 0);
  sender_fixture_put_elsewhere (f, "d");
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "abcd");
}

static gpointer
put_later (gpointer data)
{
  SenderFixture *f = data;

  for (guint i = 0; i < 100; i++)
    {
      sender_fixture_put (f, "x");
      g_thread_yield ();
    }
  return NULL;
}

/* Each message wakes the client's thread if it sleeps in poll(). */
static void
test_wakes_loop (SenderFixture *f, gconstpointer data)
{
  GThread *thread = g_thread_new ("sender", put_later, f);

  sender_fixture_wait (f, 100);
  g_thread_join (thread);
}

/* Receives until the sender's message has arrived, and only then answers the call for which the client's thread waits. */
static gpointer
put_and_answer (gpointer data)
{
  SenderFixture *f = data;
  g_autoptr (GByteArray) got = g_byte_array_new ();
  guint8 bytes[4096];
  guint publishes = 0;

  sender_fixture_put (f, "s");
  while (publishes < 2)
    {
      gsize n = raw_socket_receive (f->base.peer, bytes, sizeof bytes);
      g_autoptr (GPtrArray) frames = NULL;

      g_byte_array_append (got, bytes, (guint) n);
      frames = script_take (got);
      publishes += script_count (frames, WIRE_KIND_PUBLISH);
    }
  script_ack (f->base.in, 2, 1, 1);
  client_fixture_send (&f->base);
  return NULL;
}

/* A synchronous call sends the messages of senders, too. */
static void
test_wakes_call (SenderFixture *f, gconstpointer data)
{
  GThread *thread = g_thread_new ("sender", put_and_answer, f);
  DeyeBusPublishResult result;
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_client_publish (f->base.client, SENDER_TOPIC, NULL, NULL, &result, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
}

/* --- bounds --- */

/* A full sender returns WOULD_BLOCK. No message is dropped, and there is room again after the client has sent some. */
static void
test_full (SenderFixture *f, gconstpointer data)
{
  g_object_unref (f->sender);
  f->sender = deye_bus_sender_new (f->base.client, 3, 0, NULL);
  sender_fixture_put (f, "abc");
  sender_fixture_put_fails (f, DEYE_BUS_ERROR_WOULD_BLOCK);
  client_fixture_settle (&f->base);
  sender_fixture_put (f, "d");
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "abcd");
}

static void
test_full_of_bytes (SenderFixture *f, gconstpointer data)
{
  g_autofree guint8 *zeros = g_malloc0 (2000);
  g_autoptr (GBytes) small = g_bytes_new (zeros, 400);
  g_autoptr (GBytes) large = g_bytes_new (zeros, 2000);
  g_autoptr (GError) error = NULL;

  g_object_unref (f->sender);
  f->sender = deye_bus_sender_new (f->base.client, 0, 1024, NULL);
  g_assert_false (deye_bus_sender_publish (f->sender, SENDER_TOPIC, large, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_clear_error (&error);
  g_assert_true (deye_bus_sender_publish (f->sender, SENDER_TOPIC, small, NULL, NULL));
  g_assert_true (deye_bus_sender_publish (f->sender, SENDER_TOPIC, small, NULL, NULL));
  g_assert_false (deye_bus_sender_publish (f->sender, SENDER_TOPIC, small, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  client_fixture_settle (&f->base);
  g_assert_true (deye_bus_sender_publish (f->sender, SENDER_TOPIC, small, NULL, NULL));
}

/* Without credit messages stay in the sender, so that its bound holds. */
static void
test_credit (SenderFixture *f, gconstpointer data)
{
  sender_fixture_put_elsewhere (f, "abcd");
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "ab");
  g_assert_cmpuint (deye_bus_sender_get_queued (f->sender), ==, 2);
  script_credit (f->base.in, WIRE_CLASS_MAY_DROP, 3, 1048576);
  client_fixture_send_and_settle (&f->base);
  sender_fixture_expect (f, "abc");
  script_credit (f->base.in, WIRE_CLASS_MAY_DROP, 5, 1048576);
  client_fixture_send_and_settle (&f->base);
  sender_fixture_expect (f, "abcd");
}

/* --- refused --- */

static void
count_error (DeyeBusClient *client, const GError *error, gpointer data)
{
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_EXPIRED);
  ++*(guint *) data;
}

/* Waits until more than @us have passed. */
static void
sender_await_us (gint64 us)
{
  const gint64 until_us = g_get_monotonic_time () + us;

  while (g_get_monotonic_time () <= until_us)
    g_thread_yield ();
}

/* The time to live begins with the call of the thread. Expired messages are reported and counted. */
static void
test_expired (SenderFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  guint errors = 0;

  g_signal_connect (f->base.client, "error", G_CALLBACK (count_error), &errors);
  deye_bus_options_set_ttl (options, 1);
  g_assert_true (deye_bus_sender_publish (f->sender, SENDER_TOPIC, NULL, options, NULL));
  sender_fixture_put (f, "a");
  sender_await_us (1);
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "a");
  g_assert_cmpuint (errors, ==, 1);
  g_assert_cmpuint (deye_bus_sender_get_refused (f->sender), ==, 1);
}

/* Invalid arguments are errors of the call. */
static void
test_invalid (SenderFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autofree guint8 *zeros = g_malloc0 (2 << 20);
  g_autoptr (GBytes) large = g_bytes_new (zeros, 2 << 20);
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_ttl (options, -1);
  g_assert_false (deye_bus_sender_publish (f->sender, SENDER_TOPIC, NULL, options, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (deye_bus_sender_publish (f->sender, "events.\xff", NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_TOPIC);
  g_clear_error (&error);
  g_assert_false (deye_bus_sender_publish (f->sender, SENDER_TOPIC, large, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "");
  g_assert_cmpuint (deye_bus_sender_get_refused (f->sender), ==, 0);
}

/* A message that needs an acknowledgement gets it; its refusal is reported and counted. */
static void
on_denied (DeyeBusClient *client, const GError *error, gpointer data)
{
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  ++*(guint *) data;
}

static void
test_acknowledged (SenderFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  guint errors = 0;

  g_signal_connect (f->base.client, "error", G_CALLBACK (on_denied), &errors);
  deye_bus_options_set_at_least_once (options, TRUE);
  g_assert_true (deye_bus_sender_publish (f->sender, SENDER_TOPIC, NULL, options, NULL));
  g_assert_true (deye_bus_sender_publish (f->sender, SENDER_TOPIC, NULL, options, NULL));
  client_fixture_settle (&f->base);
  script_ack (f->base.in, 2, 1, 1);
  script_error (f->base.in, 4, WIRE_STATUS_DENIED);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpuint (errors, ==, 1);
  g_assert_cmpuint (deye_bus_sender_get_refused (f->sender), ==, 1);
}

/* --- the end --- */

/* A closed sender accepts no messages, and its queued messages are sent. The same if the sender is freed. */
static void
test_close (SenderFixture *f, gconstpointer data)
{
  sender_fixture_put (f, "a");
  deye_bus_sender_close (f->sender);
  deye_bus_sender_close (f->sender);
  sender_fixture_put_fails (f, DEYE_BUS_ERROR_CLOSED);
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "a");
  g_object_unref (f->sender);
  f->sender = deye_bus_sender_new (f->base.client, 0, 0, NULL);
  sender_fixture_put (f, "b");
  g_clear_object (&f->sender);
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "ab");
}

/* Closing the client sends the messages of its senders. */
static void
test_client_closed (SenderFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  sender_fixture_put (f, "ab");
  g_assert_true (deye_bus_client_close (f->base.client, NULL, &error));
  g_assert_no_error (error);
  sender_fixture_expect (f, "ab");
  sender_fixture_put_fails (f, DEYE_BUS_ERROR_CLOSED);
  g_assert_false (deye_bus_sender_flush (f->sender, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_null (deye_bus_sender_new (f->base.client, 0, 0, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

/* Messages without credit count as unsent. */
static void
test_client_closed_unsent (SenderFixture *f, gconstpointer data)
{
  sender_fixture_put (f, "abcde");
  client_fixture_close_unsent (&f->base, 3);
  sender_fixture_expect (f, "ab");
}

static void
test_client_freed (SenderFixture *f, gconstpointer data)
{
  sender_fixture_put (f, "ab");
  g_assert_finalize_object (g_steal_pointer (&f->base.client));
  sender_fixture_expect (f, "ab");
  sender_fixture_put_fails (f, DEYE_BUS_ERROR_CLOSED);
  g_assert_false (deye_bus_sender_flush (f->sender, NULL, FALSE, NULL, NULL));
}

/* A binding may dispose a client that it keeps. */
static void
test_client_disposed (SenderFixture *f, gconstpointer data)
{
  g_object_run_dispose (G_OBJECT (f->base.client));
  sender_fixture_put_fails (f, DEYE_BUS_ERROR_CLOSED);
  g_assert_null (deye_bus_sender_new (f->base.client, 0, 0, NULL));
}

/* The connection ends permanently: the messages of the sender are reported, and it accepts no more. */
static void
on_unsent (DeyeBusClient *client, const GError *error, gpointer data)
{
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  g_assert_nonnull (strstr (error->message, ": 2"));
  ++*(guint *) data;
}

static void
test_connection_lost (SenderFixture *f, gconstpointer data)
{
  guint errors = 0;

  g_signal_connect (f->base.client, "error", G_CALLBACK (on_unsent), &errors);
  sender_fixture_put (f, "ab");
  client_fixture_settle (&f->base);
  sender_fixture_put (f, "cd"); /* no credit */
  client_fixture_disconnect (&f->base);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (errors, ==, 1);
  g_assert_cmpuint (deye_bus_sender_get_refused (f->sender), ==, 2);
  sender_fixture_put_fails (f, DEYE_BUS_ERROR_NOT_CONNECTED);
}

/* --- many threads --- */

#define N_THREADS  4u
#define N_MESSAGES 5000u

typedef struct
{
  SenderFixture *f;
  DeyeBusSender *sender;
  char name;
} Thread;

/* Sends messages with consecutive numbers. When the sender is full, it flushes it, as the error recommends. */
static gpointer
send_many (gpointer data)
{
  const Thread *thread = data;

  for (guint32 i = 0; i < N_MESSAGES; i++)
    {
      guint8 bytes[8] = { (guint8) thread->name };
      g_autoptr (GBytes) payload = NULL;
      g_autoptr (GError) error = NULL;

      memcpy (bytes + 4, &i, sizeof i);
      payload = g_bytes_new (bytes, sizeof bytes);
      while (!deye_bus_sender_publish (thread->sender, SENDER_TOPIC, payload, NULL, &error))
        {
          g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
          g_clear_error (&error);
          g_assert_true (deye_bus_sender_flush (thread->sender, NULL, FALSE, NULL, NULL));
        }
    }
  return NULL;
}

/* Returns the number of received messages; asserts that the messages of each thread are in order. */
static guint
take_numbers (SenderFixture *f, guint32 next[N_THREADS])
{
  g_autoptr (GPtrArray) frames = client_fixture_receive (&f->base);

  for (guint i = 0; i < frames->len; i++)
    {
      WireSpan payload = calls_fixture_frame_at (frames, i)->envelope.payload;
      guint32 number;

      memcpy (&number, payload.data + 4, sizeof number);
      g_assert_cmpuint (number, ==, next[payload.data[0] - 'a']++);
    }
  return frames->len;
}

static void
test_many_threads (SenderFixture *f, gconstpointer data)
{
  guint32 next[N_THREADS] = { 0 };
  Thread threads[N_THREADS];
  GThread *running[N_THREADS];
  guint64 n = 0;

  for (guint i = 0; i < N_THREADS; i++)
    {
      threads[i] = (Thread){ f, deye_bus_sender_new (f->base.client, 100, 0, NULL), (char) ('a' + i) };
      running[i] = g_thread_new ("sender", send_many, &threads[i]);
    }
  while (n < N_THREADS * N_MESSAGES)
    {
      guint got;

      g_main_context_iteration (f->base.context, TRUE);
      got = take_numbers (f, next);
      n += got;
      if (got == 0)
        continue;
      script_credit (f->base.in, WIRE_CLASS_MAY_DROP, n + 1000, n * 1000 + 1048576);
      client_fixture_send (&f->base);
    }
  for (guint i = 0; i < N_THREADS; i++)
    {
      client_fixture_settle (&f->base); /* a flush may wait for the loop */
      g_thread_join (running[i]);
      g_object_unref (threads[i].sender);
    }
}

static gpointer
send_until_closed (gpointer data)
{
  DeyeBusSender *sender = data;
  g_autoptr (GError) error = NULL;

  while (!g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED))
    {
      g_clear_error (&error);
      (void) deye_bus_sender_publish (sender, SENDER_TOPIC, NULL, NULL, &error);
    }
  return NULL;
}

/* The client is freed while threads publish; the threads have the last references to the senders. */
static void
test_freed_meanwhile (SenderFixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  GThread *running[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    running[i] = g_thread_new ("sender", send_until_closed, f->sender);
  for (guint i = 0; i < 100; i++)
    g_main_context_iteration (f->base.context, FALSE);
  g_cancellable_cancel (cancelled);
  (void) deye_bus_client_close (f->base.client, cancelled, NULL); /* there is not enough credit for all */
  client_fixture_settle (&f->base);
  g_assert_finalize_object (g_steal_pointer (&f->base.client));
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (running[i]);
}

/* --- bindings --- */

/* An object that was made without a constructor function is a closed sender. */
static void
test_bare (void)
{
  g_autoptr (DeyeBusSender) sender = g_object_new (DEYE_BUS_TYPE_SENDER, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (deye_bus_sender_publish (sender, SENDER_TOPIC, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (deye_bus_sender_flush (sender, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  deye_bus_sender_close (sender);
  g_assert_cmpuint (deye_bus_sender_get_queued (sender), ==, 0);
  g_assert_cmpuint (deye_bus_sender_get_refused (sender), ==, 0);
}

/* A client that was never connected. */
static void
test_not_connected (void)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new ("/nowhere", "tester", "procmond");
  g_autoptr (DeyeBusSender) sender = deye_bus_sender_new (client, 0, 0, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (deye_bus_sender_publish (sender, SENDER_TOPIC, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_clear_error (&error);
  g_assert_false (deye_bus_sender_flush (sender, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
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
    { "/client/sender/waits-for-loop", test_waits_for_loop, NULL },
    { "/client/sender/wakes-loop", test_wakes_loop, NULL },
    { "/client/sender/wakes-call", test_wakes_call, NULL },
    { "/client/sender/full", test_full, NULL },
    { "/client/sender/full-of-bytes", test_full_of_bytes, NULL },
    { "/client/sender/credit", test_credit, &two },
    { "/client/sender/expired", test_expired, NULL },
    { "/client/sender/invalid", test_invalid, NULL },
    { "/client/sender/acknowledged", test_acknowledged, &featured },
    { "/client/sender/close", test_close, NULL },
    { "/client/sender/client-closed", test_client_closed, NULL },
    { "/client/sender/client-closed-unsent", test_client_closed_unsent, &two },
    { "/client/sender/client-freed", test_client_freed, NULL },
    { "/client/sender/client-disposed", test_client_disposed, NULL },
    { "/client/sender/connection-lost", test_connection_lost, &two },
    { "/client/sender/many-threads", test_many_threads, NULL },
    { "/client/sender/freed-meanwhile", test_freed_meanwhile, NULL },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, SenderFixture, tests[i].welcome, sender_fixture_set_up, tests[i].test,
                sender_fixture_tear_down);
  g_test_add_func ("/client/sender/bare", test_bare);
  g_test_add_func ("/client/sender/not-connected", test_not_connected);
  return g_test_run ();
}
