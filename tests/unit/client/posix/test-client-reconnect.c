/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/reconnect-fixture.h"
#include "test-watchdog.h"
#include "wire-feature.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Connecting again before the previous attempt has ended, or before its end is dispatched.
 *
 * The client has an address, since a client for a given descriptor connects only once. A synchronous call needs a broker in
 * another thread, which accepts one connection and sends WELCOME.
 */

/* --- the broker --- */

static gpointer
broker_run (gpointer data)
{
  ReconnectFixture *f = data;
  gsize len;
  const void *bytes = g_bytes_get_data (f->welcome, &len);
  GPollFD poll = { f->listener, G_IO_IN, 0 };
  int peer;

  g_poll (&poll, 1, -1);
  peer = accept (f->listener, NULL, NULL);
  g_assert_cmpint (send (peer, bytes, len, MSG_NOSIGNAL), ==, (gssize) len);
  return GINT_TO_POINTER (peer);
}

static void
broker_start (ReconnectFixture *f, guint64 features)
{
  const ScriptWelcome wish = { .features = features };
  g_autoptr (GByteArray) welcome = g_byte_array_new ();

  if (f->listener < 0)
    reconnect_fixture_listen (f, 4);
  script_welcome (welcome, &wish);
  f->welcome = g_byte_array_free_to_bytes (g_steal_pointer (&welcome));
  f->thread = g_thread_new ("broker", broker_run, f);
}

static void
broker_take_peer (ReconnectFixture *f)
{
  f->peer = GPOINTER_TO_INT (g_thread_join (g_steal_pointer (&f->thread)));
  g_clear_pointer (&f->welcome, g_bytes_unref);
}

static void
connect_again (ReconnectFixture *f)
{
  g_autoptr (GError) error = NULL;

  broker_start (f, 0);
  deye_bus_client_connect (f->client, NULL, &error);
  g_assert_no_error (error);
  broker_take_peer (f);
}

/* Asserts that the client has sent only HELLO and is still connected. */
static void
assert_connected (ReconnectFixture *f)
{
  static guint8 bytes[4096];
  g_autoptr (GByteArray) got = g_byte_array_new ();
  g_autoptr (GPtrArray) frames = NULL;
  gssize n;

  while ((n = recv (f->peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
    g_byte_array_append (got, bytes, (guint) n);
  g_assert_cmpint (n, <, 0);
  frames = script_take (got);
  g_assert_cmpuint (frames->len, ==, 1);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_HELLO), ==, 1);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_READY);
}

static void
assert_attempt_failed (ReconnectFixture *f, GQuark domain, gint code)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (f->result.calls, ==, 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, f->result.result, &error));
  g_assert_error (error, domain, code);
}

/* --- tests --- */

/* No broker listens, so the attempt has failed when connect_async() returns, but the event about it is not dispatched yet. */
static void
test_after_call (ReconnectFixture *f, gconstpointer data)
{
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
  connect_again (f);
  reconnect_fixture_settle (f);
  assert_attempt_failed (f, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_BROKER);
  assert_connected (f);
}

static void
on_state (GObject *source, GParamSpec *pspec, gpointer data)
{
  ReconnectFixture *f = data;

  if (!f->reconnect || deye_bus_client_get_state (f->client) != DEYE_BUS_CLIENT_STATE_DISCONNECTED)
    return;
  f->reconnect = FALSE;
  connect_again (f);
}

/* The usual handler of an application that always wants a connection. */
static void
test_from_handler (ReconnectFixture *f, gconstpointer data)
{
  gulong handler = g_signal_connect (f->client, "notify::state", G_CALLBACK (on_state), f);

  f->reconnect = TRUE;
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
  reconnect_fixture_settle (f);
  g_assert_false (f->reconnect);
  assert_attempt_failed (f, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_BROKER);
  assert_connected (f);
  g_signal_handler_disconnect (f->client, handler);
}

/* The attempt is cancelled while it serves the methods of the client. Then its connection ends, and the user connects
 * again, before the cancellation is dispatched. */
static void
test_after_cancelled_methods (ReconnectFixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  broker_start (f, WIRE_FEATURE_PEER_METHODS);
  deye_bus_client_connect_async (f->client, cancellable, client_result_set, &f->result);
  while (deye_bus_client_get_state (f->client) != DEYE_BUS_CLIENT_STATE_CONNECTED)
    g_main_context_iteration (f->context, TRUE);
  broker_take_peer (f);
  g_cancellable_cancel (cancellable);
  g_main_context_iteration (f->context, FALSE);
  g_assert_cmpuint (f->result.calls, ==, 0);

  close (f->peer);
  g_assert_null (deye_bus_client_request (f->client, "tasks.a", NULL, NULL, NULL, NULL));
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  connect_again (f);
  reconnect_fixture_settle (f);
  assert_attempt_failed (f, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_connected (f);
}

/* A call is refused while another attempt waits for its next try, and does not start a try itself. */
static void
test_refused (ReconnectFixture *f, gconstpointer data)
{
  g_auto (ClientResult) second = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  struct sockaddr_un address;
  gint64 due_us;
  int early;

  reconnect_fixture_listen (f, 0);
  address = reconnect_fixture_address (f);
  early = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (early, (struct sockaddr *) &address, sizeof address), ==, 0);
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
  f->peer = accept (f->listener, NULL, NULL);
  g_assert_cmpint (f->peer, >=, 0);
  due_us = g_get_monotonic_time () + 10 * G_TIME_SPAN_MILLISECOND;
  while (g_get_monotonic_time () < due_us) /* until the next try is due, without dispatching it */
    g_thread_yield ();
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &second);
  g_assert_cmpint (accept (f->listener, NULL, NULL), <, 0);
  g_assert_cmpint (errno, ==, EAGAIN);

  reconnect_fixture_settle (f);
  g_assert_cmpuint (second.calls, ==, 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, second.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  deye_bus_client_close (f->client, NULL, NULL);
  reconnect_fixture_settle (f);
  g_assert_cmpuint (f->result.calls, ==, 1);
  close (early);
}

/* --- publishing without a connection --- */

static void
publish_meanwhile (ReconnectFixture *f, const char *topic)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_client_publish (f->client, topic, NULL, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
start_without_broker (ReconnectFixture *f)
{
  deye_bus_client_set_reconnect (f->client, TRUE);
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
  publish_meanwhile (f, "events.process.lifecycle");
  publish_meanwhile (f, "results.procmond");
}

/* Messages are sent in order when the client is ready, and flush() returns the number of waiting ones. */
static void
test_stash (ReconnectFixture *f, gconstpointer data)
{
  g_auto (ClientResult) async = { NULL, 0 };
  g_autoptr (GByteArray) got = g_byte_array_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  guint8 bytes[4096];
  gssize n;

  start_without_broker (f);
  deye_bus_client_publish_async (f->client, "events.process.third", NULL, NULL, FALSE, NULL, client_result_set, &async);
  while (async.calls == 0)
    g_main_context_iteration (f->context, TRUE);
  g_assert_true (deye_bus_client_publish_finish (f->client, async.result, NULL, &error));
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 3);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_assert_nonnull (strstr (error->message, "3"));
  reconnect_fixture_listen (f, 4);
  reconnect_fixture_welcome (f, NULL);
  reconnect_fixture_settle (f);
  while ((n = recv (f->peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
    g_byte_array_append (got, bytes, (guint) n);
  frames = script_take (got);
  g_assert_cmpuint (frames->len, ==, 4); /* HELLO and these */
  for (guint i = 0; i < 3; i++)
    {
      static const char *const topics[] = { "events.process.lifecycle", "results.procmond", "events.process.third" };
      const ScriptFrame *frame = frames->pdata[i + 1];

      g_assert_cmpint (frame->kind, ==, WIRE_KIND_PUBLISH);
      g_assert_true (wire_span_equal (frame->envelope.topic, wire_span_str (topics[i])));
    }
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 0);
}

/* close() does not wait for a broker, and reports the number of lost messages. */
static void
test_stash_closed (ReconnectFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  start_without_broker (f);
  g_assert_null (deye_bus_client_request (f->client, "tasks.a", NULL, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_close (f->client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  g_assert_nonnull (strstr (error->message, "2"));
  reconnect_fixture_settle (f);
}

static void
count_errors (DeyeBusClient *client, const GError *error, gpointer data)
{
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  ++*(guint *) data;
}

/* The client stops its attempts: the signal reports the waiting messages. */
static void
test_stash_given_up (ReconnectFixture *f, gconstpointer data)
{
  guint errors = 0;

  g_signal_connect (f->client, "error", G_CALLBACK (count_errors), &errors);
  start_without_broker (f);
  deye_bus_client_set_reconnect (f->client, FALSE);
  reconnect_fixture_settle (f);
  g_assert_cmpuint (errors, ==, 1);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 0);
}

/* A call can wait for a connection before the first attempt, as it can between two connections. */
static void
test_wait_for_ready (ReconnectFixture *f, gconstpointer data)
{
  g_auto (ClientResult) request = { NULL, 0 };
  g_auto (ClientResult) flush = { NULL, 0 };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GByteArray) answer = g_byte_array_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_wait_for_ready (options, TRUE);
  deye_bus_client_request_async (f->client, "tasks.a", NULL, options, NULL, client_result_set, &request);
  reconnect_fixture_settle (f);
  g_assert_null (deye_bus_client_request_finish (f->client, request.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED); /* connect() was not called */
  g_clear_error (&error);
  client_result_clear (&request);
  request.calls = 0;

  deye_bus_client_set_reconnect (f->client, TRUE);
  deye_bus_client_connect_async (f->client, NULL, NULL, NULL);
  deye_bus_client_request_async (f->client, "tasks.a", NULL, options, NULL, client_result_set, &request);
  deye_bus_client_flush_async (f->client, options, FALSE, NULL, client_result_set, &flush);
  reconnect_fixture_settle (f);
  g_assert_cmpuint (request.calls + flush.calls, ==, 0);
  reconnect_fixture_listen (f, 4);
  reconnect_fixture_welcome (f, NULL);
  while (flush.calls == 0)
    g_main_context_iteration (f->context, TRUE);
  g_assert_true (deye_bus_client_flush_finish (f->client, flush.result, &error));
  frames = reconnect_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
  script_reply (answer, ((ScriptFrame *) frames->pdata[1])->envelope.id, "done");
  g_assert_cmpint (send (f->peer, answer->data, answer->len, MSG_NOSIGNAL), ==, (gssize) answer->len);
  while (request.calls == 0)
    g_main_context_iteration (f->context, TRUE);
  reply = deye_bus_client_request_finish (f->client, request.result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (reply);
}

/* The timeout counts while the client connects, also in a synchronous call. */
static void
test_wait_for_ready_timeout (ReconnectFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_wait_for_ready (options, TRUE);
  deye_bus_options_set_timeout (options, 20 * G_TIME_SPAN_MILLISECOND);
  deye_bus_client_set_reconnect (f->client, TRUE);
  deye_bus_client_connect_async (f->client, NULL, NULL, NULL);
  g_assert_null (deye_bus_client_request (f->client, "tasks.a", NULL, options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_flush (f->client, options, TRUE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  reconnect_fixture_settle (f);
}

static void
note_error (DeyeBusClient *client, const GError *error, gpointer data)
{
  g_string_append_printf (data, "%d:%s;", error->code, error->message);
}

/* Messages that were written just before the end of the connection are reported, once; they are not sent again. */
static void
test_uncertain (ReconnectFixture *f, gconstpointer data)
{
  g_autoptr (GString) errors = g_string_new (NULL);
  g_autoptr (GPtrArray) frames = NULL;

  g_signal_connect (f->client, "error", G_CALLBACK (note_error), errors);
  deye_bus_client_set_reconnect (f->client, TRUE);
  deye_bus_client_connect_async (f->client, NULL, NULL, NULL);
  reconnect_fixture_listen (f, 4);
  reconnect_fixture_welcome (f, NULL);
  for (guint i = 0; i < 3; i++)
    g_assert_true (deye_bus_client_publish (f->client, "events.process.lifecycle", NULL, NULL, NULL, NULL, NULL));
  reconnect_fixture_settle (f);
  reconnect_fixture_welcome (f, NULL);
  reconnect_fixture_settle (f);
  g_assert_true (g_str_has_prefix (errors->str, "1:"));
  g_assert_nonnull (strstr (errors->str, ": 3 ("));
  frames = reconnect_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  g_string_truncate (errors, 0);
  reconnect_fixture_welcome (f, NULL);
  reconnect_fixture_settle (f);
  g_assert_cmpstr (errors->str, ==, "");
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  reconnect_fixture_settle (f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define RECONNECT_TEST(name, function)                                                                                 \
  g_test_add ("/client/reconnect/" name, ReconnectFixture, NULL, reconnect_fixture_set_up, function,                   \
              reconnect_fixture_tear_down)
  RECONNECT_TEST ("after-call", test_after_call);
  RECONNECT_TEST ("M16-wait-for-ready", test_wait_for_ready);
  RECONNECT_TEST ("M16-wait-for-ready-timeout", test_wait_for_ready_timeout);
  RECONNECT_TEST ("M16-uncertain", test_uncertain);
  RECONNECT_TEST ("from-handler", test_from_handler);
  RECONNECT_TEST ("after-cancelled-methods", test_after_cancelled_methods);
  RECONNECT_TEST ("refused", test_refused);
  RECONNECT_TEST ("M16-stash", test_stash);
  RECONNECT_TEST ("M16-stash-closed", test_stash_closed);
  RECONNECT_TEST ("M16-stash-given-up", test_stash_given_up);
  return g_test_run ();
}
