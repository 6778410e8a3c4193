/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-socket.h"
#include "unsent-fixture.h"
#include "wire-feature.h"

/* Closing sends the queued messages within the given time, and reports the number of messages that were not sent. */

static void
remember_error (DeyeBusClient *client, GError *error, gpointer data)
{
  GError **kept = data;

  g_clear_error (kept);
  *kept = g_error_copy (error);
}

/* --- close --- */

static void
test_close_unsent (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) short_time = unsent_fixture_with_timeout (1000);
  g_autoptr (GError) reported = NULL;
  g_autoptr (GError) error = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (remember_error), &reported);
  unsent = unsent_fixture_publish_too_much (f, 20);
  g_assert_false (deye_bus_client_close_full (f->client, short_time, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  unsent_fixture_assert_number (error, unsent);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, unsent);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_CLOSED);
  client_fixture_settle (f);
  g_assert_null (reported);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
}

/* A heartbeat and requests about subscriptions that are behind the messages of the program are not counted. */
static void
test_close_own_frames (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) short_time = unsent_fixture_with_timeout (1000);
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  unsent = unsent_fixture_publish_too_much (f, 20);
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 300 * G_TIME_SPAN_SECOND, NULL));
  deye_bus_client_subscribe_async (f->client, "events.a", NULL, NULL, NULL, NULL, NULL, client_result_set, &result);
  g_assert_cmpuint (deye_bus_session_counts (f->client->session)->published, ==, 21);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, unsent);
  g_assert_false (deye_bus_client_close_full (f->client, short_time, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  unsent_fixture_assert_number (error, unsent);
  client_fixture_wait (f, result.calls > 0);
}

/* Writes to the socket of the client, without its session, until the socket takes no more. */
static void
fill_socket (Fixture *f, gsize step)
{
  static const guint8 zeros[4096];
  const WireSpan span = wire_span (zeros, step);

  while (deye_bus_socket_write (f->client->socket, &span, 1) > 0)
    continue;
}

/* A close with nothing but frames of the library in a full socket succeeds: a heartbeat, the health, and requests to the broker. */
static void
test_close_nothing_lost (Fixture *f, gconstpointer data)
{
  const ScriptWelcome welcome = { .features = WIRE_FEATURE_TASKS | WIRE_FEATURE_DELIVERY | WIRE_FEATURE_STREAM };
  g_autoptr (DeyeBusOptions) short_time = unsent_fixture_with_timeout (1000);
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  const DeyeBusCounts *counts;

  client_fixture_connect (f, &welcome);
  counts = deye_bus_session_counts (f->client->session);
  fill_socket (f, 4096);
  fill_socket (f, 1);
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 300 * G_TIME_SPAN_SECOND, NULL));
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_DEGRADED, "it is slow");
  deye_bus_client_set_last_message_async (f->client, "events.a", NULL, NULL, NULL, client_result_set, &result);
  deye_bus_client_wait_for_peer_async (f->client, "other", NULL, NULL, client_result_set, &result);
  client_fixture_settle (f);
  g_assert_cmpuint (counts->published, ==, 2);
  g_assert_cmpuint (counts->requested, ==, 2);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 0);
  deye_bus_client_close_full (f->client, short_time, NULL, &error);
  g_assert_no_error (error);
  client_fixture_wait (f, result.calls == 2);
}

/* A broker that does not read delays close() only for a short time. */
static void
test_close_bounded (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &wide);
  unsent_fixture_publish_too_much (f, 20);
  g_assert_false (deye_bus_client_close (f->client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
}

/* Messages that wait for credit are sent, and GOODBYE is the last frame. */
static void
test_close_waits_for_credit (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) rest = NULL;

  client_fixture_connect (f, &two);
  unsent_fixture_publish_async (f, "events.a", 4);
  deye_bus_client_close_async (f->client, NULL, client_result_set, &result);
  client_fixture_settle (f);
  first = client_fixture_receive (f);
  g_assert_cmpuint (first->len, ==, 2);
  g_assert_cmpuint (result.calls, ==, 0);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 4, 1048576);
  client_fixture_send (f);
  client_fixture_wait (f, result.calls > 0);
  g_assert_true (deye_bus_client_close_finish (f->client, result.result, NULL));
  rest = client_fixture_receive (f);
  g_assert_cmpuint (rest->len, ==, 3);
  g_assert_cmpint (((ScriptFrame *) rest->pdata[2])->kind, ==, WIRE_KIND_GOODBYE);
}

/* A request that is not sent yet is dropped by close(), because its caller would not get the answer. */
static void
test_close_drops_waiting_request (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &two);
  unsent_fixture_publish_async (f, "tasks.a", 2);
  deye_bus_client_request_async (f->client, "tasks.b", NULL, NULL, NULL, client_result_set, &result);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_wait (f, result.calls > 0);
  g_assert_null (deye_bus_client_request_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

static void
test_close_async_unsent (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  unsent = unsent_fixture_publish_too_much (f, 20);
  deye_bus_client_close_full_async (f->client, NULL, cancellable, client_result_set, &result);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, result.calls > 0);
  g_assert_false (deye_bus_client_close_full_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  unsent_fixture_assert_number (error, unsent);
}

/* Two parts of a program close the client: both wait, and both get the result. */
static void
test_close_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) first = { NULL, 0 };
  g_auto (ClientResult) second = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &wide);
  unsent_fixture_publish_too_much (f, 20);
  deye_bus_client_close_async (f->client, NULL, client_result_set, &first);
  deye_bus_client_close_full_async (f->client, NULL, cancellable, client_result_set, &second);
  client_fixture_settle (f);
  g_assert_cmpuint (first.calls + second.calls, ==, 0);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, first.calls > 0 && second.calls > 0);
  g_assert_false (deye_bus_client_close_finish (f->client, first.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_close_full_finish (f->client, second.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
}

/* The largest timeout does not overflow to a time that has passed. */
static void
test_close_longest (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) longest = unsent_fixture_with_timeout (G_MAXINT64);
  g_auto (ClientResult) flushed = { NULL, 0 };
  g_auto (ClientResult) closed = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &wide);
  unsent_fixture_publish_too_much (f, 20);
  deye_bus_client_flush_async (f->client, longest, FALSE, NULL, client_result_set, &flushed);
  client_fixture_settle (f);
  g_assert_cmpuint (flushed.calls, ==, 0);
  deye_bus_client_close_full_async (f->client, longest, NULL, client_result_set, &closed);
  client_fixture_settle (f);
  g_assert_cmpuint (closed.calls, ==, 0);
  while (closed.calls == 0)
    {
      unsent_fixture_count_frames (f);
      client_fixture_settle (f);
    }
  g_assert_true (deye_bus_client_close_full_finish (f->client, closed.result, &error));
  g_assert_no_error (error);
}

static void
test_without_a_handler (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) short_time = unsent_fixture_with_timeout (1);
  g_autoptr (GError) reported = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (remember_error), &reported);
  unsent = unsent_fixture_publish_too_much (f, 20);
  deye_bus_client_close_full_async (f->client, short_time, NULL, NULL, NULL);
  client_fixture_wait (f, reported != NULL);
  g_assert_error (reported, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  unsent_fixture_assert_number (reported, unsent);
}

/* A binding disposes a client that it keeps, while a close waits: the close ends with the number of unsent messages. */
static void
test_disposed (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) first = { NULL, 0 };
  g_auto (ClientResult) second = { NULL, 0 };
  g_autoptr (GError) reported = NULL;
  g_autoptr (GError) error = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (remember_error), &reported);
  unsent = unsent_fixture_publish_too_much (f, 20);
  deye_bus_client_close_async (f->client, NULL, client_result_set, &first);
  deye_bus_client_close_full_async (f->client, NULL, cancellable, client_result_set, &second);
  g_object_run_dispose (G_OBJECT (f->client));
  client_fixture_settle (f);
  g_assert_cmpuint (first.calls, ==, 1);
  g_assert_cmpuint (second.calls, ==, 1);
  g_assert_false (deye_bus_client_close_finish (f->client, first.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  unsent_fixture_assert_number (error, unsent);
  g_assert_no_error (reported);
}

/* The same with a close that has no callback: the signal reports the messages. */
static void
test_disposed_without_a_callback (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) reported = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (remember_error), &reported);
  unsent = unsent_fixture_publish_too_much (f, 20);
  deye_bus_client_close_async (f->client, NULL, NULL, NULL);
  g_object_run_dispose (G_OBJECT (f->client));
  g_assert_error (reported, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  unsent_fixture_assert_number (reported, unsent);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/client/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)
  ADD ("close/unsent", test_close_unsent);
  ADD ("close/own-frames", test_close_own_frames);
  ADD ("close/nothing-lost", test_close_nothing_lost);
  ADD ("close/bounded", test_close_bounded);
  ADD ("close/waits-for-credit", test_close_waits_for_credit);
  ADD ("close/drops-waiting-request", test_close_drops_waiting_request);
  ADD ("close/async-unsent", test_close_async_unsent);
  ADD ("close/twice", test_close_twice);
  ADD ("close/longest-timeout", test_close_longest);
  ADD ("close/without-a-handler", test_without_a_handler);
  ADD ("close/disposed", test_disposed);
  ADD ("close/disposed-without-a-callback", test_disposed_without_a_callback);
  return g_test_run ();
}
