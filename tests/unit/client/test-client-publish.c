/* SPDX-License-Identifier: Apache-2.0 */
#include "client-log.h"

#include "deye-bus-client-private.h"

/*
 * M08, publishing: messages that wait for credit, the order in which they are sent and end, cancelled messages, and the bound of
 * the queue. The script grants the credit.
 */

typedef ClientFixture Fixture;

/* The ends of asynchronous calls, in order. */
typedef struct
{
  GString *ends;
  char name;
} End;

static void
on_published (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree End *end = data;
  gboolean ok = deye_bus_client_publish_finish (DEYE_BUS_CLIENT (source), result, NULL, NULL);

  g_string_append_c (end->ends, ok ? end->name : g_ascii_toupper (end->name));
}

/* Publishes a message whose payload is @name. @ends: gets @name when the call ends, as a capital when it fails. */
static void
publish_async (Fixture *f, GString *ends, char name, GCancellable *cancellable)
{
  g_autoptr (GBytes) payload = g_bytes_new (&name, 1);
  End *end = g_new (End, 1);

  *end = (End){ ends, name };
  deye_bus_client_publish_async (f->client, "events.a", payload, NULL, FALSE, cancellable, on_published, end);
}

/* Takes the payloads that were published since the last call. */
static GString *
receive_published (Fixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive (f);
  GString *received = g_string_new (NULL);

  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      if (frame->kind == WIRE_KIND_PUBLISH)
        g_string_append_len (received, (const char *) frame->envelope.payload.data,
                             (gssize) frame->envelope.payload.len);
    }
  return received;
}

static void
assert_published (Fixture *f, const char *expected)
{
  g_autoptr (GString) received = receive_published (f);

  g_assert_cmpstr (received->str, ==, expected);
}

static void
start (Fixture *f, guint64 window_messages)
{
  ScriptWelcome welcome = { .window_messages = window_messages };

  client_fixture_connect (f, &welcome);
}

/* --- order --- */

/* A synchronous publish is queued behind waiting messages and not sent before them. */
static void
test_order (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) ends = g_string_new (NULL);
  g_autoptr (GBytes) payload = g_bytes_new_static ("s", 1);
  g_autoptr (GError) error = NULL;

  start (f, 1);
  for (const char *name = "abc"; *name != '\0'; name++)
    publish_async (f, ends, *name, NULL);
  assert_published (f, "a");
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 3, 1048576);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 4, 1048576);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", payload, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  assert_published (f, "bcs");
  /* No result is reported inside a call. */
  g_assert_cmpstr (ends->str, ==, "");
  client_fixture_settle (f);
  g_assert_cmpstr (ends->str, ==, "abc");
}

typedef struct
{
  Fixture *f;
  GString *ends;
} Both;

static void
publish_two (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Both *both = data;

  publish_async (both->f, both->ends, 'a', NULL);
  publish_async (both->f, both->ends, 'b', NULL);
  script_credit (both->f->in, WIRE_CLASS_MAY_DROP, 2, 1048576);
  client_fixture_send (both->f);
}

/* Two publishes in a callback: the first one has credit at once, the second one when the client receives again. */
static void
test_order_of_completion (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) ends = g_string_new (NULL);
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  Both both = { f, ends };

  start (f, 1);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_send (f);
  subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, publish_two, &both, NULL, NULL, NULL);
  script_deliver (f->in, deye_bus_subscription_get_id (subscription), 0, 1, "events.a", "x", 1);
  client_fixture_send_and_settle (f);
  assert_published (f, "ab");
  g_assert_cmpstr (ends->str, ==, "ab");
}

/* Makes a request in the callback, when no window has credit left and an event waits in front of it. */
static void
ask_when_full (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Both *both = data;
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;

  if (deye_bus_subscription_get_delivered (subscription) > 1)
    return;
  publish_async (both->f, both->ends, 'b', NULL);
  script_credit (both->f->in, WIRE_CLASS_MAY_DROP, 3, 1048576);
  script_reply (both->f->in, 8, "answer");
  client_fixture_send (both->f);
  reply = deye_bus_client_request (both->f->client, "events.ask", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_string_append_c (both->ends, 'r');
}

static void
test_request_when_full (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) ends = g_string_new (NULL);
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  Both both = { f, ends };

  start (f, 1);
  script_subscribe_reply (f->in, 2, 3, 100000);
  client_fixture_send (f);
  subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, ask_when_full, &both, NULL, NULL, NULL);
  publish_async (f, ends, 'a', NULL);
  for (guint i = 0; i < 3; i++)
    script_deliver (f->in, deye_bus_subscription_get_id (subscription), 0, i + 1, "events.a", "x", 1);
  client_fixture_send_and_settle (f);
  assert_published (f, "ab");
  g_assert_cmpstr (ends->str, ==, "arb");
  g_assert_cmpuint (deye_bus_subscription_get_delivered (subscription), ==, 3);
}

/* --- cancelled calls --- */

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) ends = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  start (f, 1);
  publish_async (f, ends, 'a', NULL);
  publish_async (f, ends, 'b', cancellable);
  publish_async (f, ends, 'c', NULL);
  g_cancellable_cancel (cancellable);
  client_fixture_settle (f);
  g_assert_cmpstr (ends->str, ==, "aB");
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 2, 1048576);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (ends->str, ==, "aBc");
  assert_published (f, "ac");
  g_assert_cmpuint (deye_bus_session_n_waiting (f->client->session), ==, 0);
}

/* Only messages that were sent count as published. */
static void
test_counts_only_sent_messages (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  start (f, 1);
  deye_bus_options_set_timeout (options, 1000);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, options, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (deye_bus_client_publish (f->client, "events.a", NULL, options, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_nonnull (strstr (error->message, "try again later"));
  g_assert_cmpuint (deye_bus_session_counts (f->client->session)->published, ==, 1);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 2, 1048576);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
  g_assert_cmpuint (deye_bus_session_counts (f->client->session)->published, ==, 2);
}

/* --- bounds --- */

/* A program only publishes and never runs its context: frames of the broker are read when there is no credit left, and the
 * number of answers that are kept is bounded. */
static void
test_never_iterated (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) received = g_string_new (NULL);

  start (f, 10);
  client_fixture_settle (f);
  for (guint i = 1; i <= 1000; i++)
    {
      g_autoptr (GBytes) payload = g_bytes_new_static ("x", 1);

      if (i % 10 == 1)
        {
          g_autoptr (GString) more = receive_published (f);

          g_string_append (received, more->str);
          script_credit (f->in, WIRE_CLASS_MAY_DROP, i + 9, 1048576);
          client_fixture_send (f);
        }
      g_assert_true (deye_bus_client_publish (f->client, "events.a", payload, NULL, NULL, NULL, NULL));
    }
  {
    g_autoptr (GString) more = receive_published (f);

    g_string_append (received, more->str);
  }
  g_assert_cmpuint (received->len, ==, 1000);
  g_assert_cmpuint (f->client->events.count, ==, 0);
  g_assert_cmpuint (deye_bus_session_n_pending (f->client->session), ==, 0);
  g_assert_cmpuint (deye_bus_outbuf_bytes (deye_bus_session_out (f->client->session)), ==, 0);
}

/* The same while there is credit: frames of the broker are still read, because the broker disconnects a client that does not
 * read. */
static void
test_never_iterated_reads (Fixture *f, gconstpointer data)
{
  start (f, 1000);
  client_fixture_settle (f);
  for (guint64 i = 0; i < 200; i++)
    script_error (f->in, 2 * i + 3, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  for (guint i = 0; i < 500; i++)
    g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
  g_assert_cmpuint (f->client->events.refused, ==, 200);
}

/* Each class has its own bound of waiting messages: a flood of events does not prevent an unsubscribe. */
static void
test_bounds_of_classes (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) ends = g_string_new (NULL);
  g_autoptr (GBytes) large = g_bytes_new_take (g_malloc0 (1 << 20), 1 << 20);
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (ClientResult) refused = { NULL, 0 };

  start (f, 1);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_send (f);
  subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, NULL, NULL, NULL, NULL, NULL);
  publish_async (f, ends, 'a', NULL);
  for (guint i = 0; i < 64; i++)
    deye_bus_client_publish_async (f->client, "events.a", large, NULL, FALSE, NULL, NULL, NULL);
  deye_bus_client_publish_async (f->client, "events.a", NULL, NULL, FALSE, NULL, client_result_set, &refused);
  client_fixture_wait (f, refused.calls > 0);
  g_assert_false (deye_bus_client_publish_finish (f->client, refused.result, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_clear_error (&error);
  /* The control window is used up as well, and then gets credit. */
  script_credit (f->in, WIRE_CLASS_CONTROL, 2, 1048576);
  script_reply (f->in, 136, "");
  client_fixture_send (f);
  g_assert_true (deye_bus_subscription_unsubscribe (subscription, NULL, &error));
  g_assert_no_error (error);
  /* A waiting message keeps a reference to the client. */
  client_fixture_close_unsent (f, 64);
  client_fixture_settle (f);
  g_assert_cmpstr (ends->str, ==, "a");
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/publish/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M08-order", test_order);
  ADD ("M08-order-of-completion", test_order_of_completion);
  ADD ("M08-request-when-full", test_request_when_full);
  ADD ("M08-cancelled", test_cancelled);
  ADD ("counts-only-sent-messages", test_counts_only_sent_messages);
  ADD ("M08-never-iterated", test_never_iterated);
  ADD ("M08-never-iterated-reads", test_never_iterated_reads);
  ADD ("M08-bounds-of-classes", test_bounds_of_classes);
  return g_test_run ();
}
