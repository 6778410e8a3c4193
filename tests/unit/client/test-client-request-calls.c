/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"
#include "wire-feature.h"

/* Requests: their replies, cancellation and timeouts. */

/* --- request --- */

static void
test_request (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  gsize len;

  client_fixture_connect (f, NULL);
  deye_bus_options_set_method (options, "Ping");
  deye_bus_options_set_target (options, "peer");
  script_reply (f->in, 2, "pong");
  client_fixture_send (f);
  reply = deye_bus_client_request (f->client, "control.collector.peer", NULL, options, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (deye_bus_message_get_data (reply, &len), len, "pong", 4);
  g_assert_true (deye_bus_message_is_final (reply));
  g_assert_cmpstr (deye_bus_message_get_sender (reply), ==, "peer");
  g_assert_cmpstr (deye_bus_message_get_topic (reply), ==, "");
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  g_assert_true (wire_span_equal (calls_fixture_frame_at (frames, 0)->envelope.method, WIRE_SPAN_LITERAL ("Ping")));
  g_assert_true (wire_span_equal (calls_fixture_frame_at (frames, 0)->envelope.target, WIRE_SPAN_LITERAL ("peer")));
}

static void
test_request_async (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GCancellable) unused = g_cancellable_new ();
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  deye_bus_client_request_async (f->client, "tasks.procmond", NULL, NULL, unused, client_result_set, &result);
  script_reply (f->in, 2, "done");
  client_fixture_send (f);
  client_fixture_wait (f, result.calls > 0);
  reply = deye_bus_client_request_finish (f->client, result.result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (reply);
  g_cancellable_cancel (unused);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 1);
}

static void
test_request_cancelled (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  deye_bus_client_request_async (f->client, "tasks.procmond", NULL, NULL, cancellable, client_result_set, &result);
  g_cancellable_cancel (cancellable);
  g_assert_cmpuint (result.calls, ==, 0);
  client_fixture_wait (f, result.calls > 0);
  g_assert_null (deye_bus_client_request_finish (f->client, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CANCEL)->envelope.id, ==, 2);
  /* A late answer is discarded. */
  script_reply (f->in, 2, "late");
  client_fixture_send (f);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 1);
}

typedef struct
{
  RawSocket *peer;
  GCancellable *cancellable;
} Canceller;

static gpointer
cancel_when_asked (gpointer data)
{
  Canceller *canceller = data;

  raw_socket_wait (canceller->peer);
  g_cancellable_cancel (canceller->cancellable);
  return NULL;
}

static void
test_request_cancelled_sync (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Canceller canceller = { f->peer, cancellable };
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  client_fixture_connect (f, NULL);
  thread = g_thread_new ("canceller", cancel_when_asked, &canceller);
  reply = deye_bus_client_request (f->client, "tasks.procmond", NULL, NULL, cancellable, &error);
  g_thread_join (thread);
  g_assert_null (reply);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  frames = client_fixture_receive (f);
  g_assert_nonnull (script_find (frames, WIRE_KIND_CANCEL));
}

static void
test_request_timeout (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = calls_fixture_with_timeout (20000);
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  reply = deye_bus_client_request (f->client, "tasks.procmond", NULL, options, NULL, &error);
  g_assert_null (reply);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_clear_error (&error);
  deye_bus_client_request_async (f->client, "tasks.procmond", NULL, options, NULL, client_result_set, &result);
  client_fixture_wait (f, result.calls > 0);
  g_assert_null (deye_bus_client_request_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
}

/* A binding disposes a client that it keeps, while calls wait. */
static void
test_disposed (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) first = { NULL, 0 };
  g_auto (ClientResult) second = { NULL, 0 };
  g_auto (ClientResult) third = { NULL, 0 };
  g_autoptr (DeyeBusAnswers) answers = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &(const ScriptWelcome){ .features = WIRE_FEATURE_STREAM });
  answers = deye_bus_client_request_stream (f->client, "tasks.c", NULL, NULL, 0, 0, NULL);
  deye_bus_answers_next_async (answers, cancellable, client_result_set, &third);
  deye_bus_client_request_async (f->client, "tasks.a", NULL, NULL, NULL, client_result_set, &first);
  deye_bus_client_request_async (f->client, "tasks.b", NULL, NULL, cancellable, client_result_set, &second);
  g_object_run_dispose (G_OBJECT (f->client));
  client_fixture_settle (f);
  g_assert_cmpuint (first.calls, ==, 1);
  g_assert_null (deye_bus_client_request_finish (f->client, first.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_assert_cmpuint (second.calls, ==, 1);
  g_assert_cmpuint (third.calls, ==, 1);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/calls/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("request", test_request);
  ADD ("request-async", test_request_async);
  ADD ("request-cancelled", test_request_cancelled);
  ADD ("request-cancelled-sync", test_request_cancelled_sync);
  ADD ("request-timeout", test_request_timeout);
  ADD ("request-disposed", test_disposed);
  return g_test_run ();
}
