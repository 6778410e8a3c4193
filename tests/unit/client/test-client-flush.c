/* SPDX-License-Identifier: Apache-2.0 */
#include "unsent-fixture.h"

/* Waiting until all messages are written, or until the broker has handled them. */

static void
script_pong (GByteArray *out, guint64 answers)
{
  WireEnvelope pong;

  wire_envelope_init (&pong);
  pong.answers = answers;
  script_frame (out, WIRE_KIND_PONG, 0, &pong);
}

/* --- flush --- */

static void
test_flush_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 0);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_clear_error (&error);
  client_fixture_connect (f, NULL);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 0);
  g_assert_true (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

static void
test_flush_timeout (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) short_time = unsent_fixture_with_timeout (1);
  g_autoptr (GError) error = NULL;
  guint64 unsent, property;
  guint received = 0;

  client_fixture_connect (f, &wide);
  unsent = unsent_fixture_publish_too_much (f, 20);
  g_object_get (f->client, "unsent", &property, NULL);
  g_assert_cmpuint (property, ==, unsent);
  g_assert_false (deye_bus_client_flush (f->client, short_time, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  unsent_fixture_assert_number (error, unsent);
  /* The messages stay queued. */
  while (deye_bus_client_get_unsent (f->client) > 0)
    {
      received += unsent_fixture_count_frames (f);
      client_fixture_settle (f);
    }
  g_assert_true (deye_bus_client_flush (f->client, short_time, FALSE, NULL, NULL));
  received += unsent_fixture_count_frames (f);
  g_assert_cmpuint (received, ==, 20);
}

/* The call does not wait for messages that are published after it. */
static void
test_flush_socket (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  guint received = 0;

  client_fixture_connect (f, &wide);
  unsent_fixture_publish_too_much (f, 20);
  deye_bus_client_flush_async (f->client, NULL, FALSE, NULL, client_result_set, &result);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  unsent_fixture_publish_large (f, 40);
  while (result.calls == 0)
    {
      received += unsent_fixture_count_frames (f);
      client_fixture_settle (f);
    }
  g_assert_true (deye_bus_client_flush_finish (f->client, result.result, NULL));
  g_assert_cmpuint (received, >, 0);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), >, 0);
  while (deye_bus_client_get_unsent (f->client) > 0)
    {
      received += unsent_fixture_count_frames (f);
      client_fixture_settle (f);
    }
  received += unsent_fixture_count_frames (f);
  g_assert_cmpuint (received, ==, 60);
}

/* Messages of any class that wait for credit count as not sent; messages of other classes may overtake them. */
static void
test_flush_credit (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };

  client_fixture_connect (f, &two);
  unsent_fixture_publish_async (f, "events.a", 4);
  unsent_fixture_publish_async (f, "tasks.a", 3);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 3);
  deye_bus_client_flush_async (f->client, NULL, FALSE, NULL, client_result_set, &result);
  unsent_fixture_publish_async (f, "events.a", 1);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 4, 1048576);
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 2);
  script_credit (f->in, WIRE_CLASS_MUST_KEEP, 3, 1048576);
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_true (deye_bus_client_flush_finish (f->client, result.result, NULL));
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 1);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 5, 1048576);
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 0);
}

/* A waiting call that is cancelled does not delay a flush. */
static void
test_flush_after_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { NULL, 0 };

  client_fixture_connect (f, &two);
  unsent_fixture_publish_async (f, "events.a", 2);
  deye_bus_client_publish_async (f->client, "events.a", NULL, NULL, FALSE, cancellable, NULL, NULL);
  deye_bus_client_flush_async (f->client, NULL, FALSE, NULL, client_result_set, &result);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  g_cancellable_cancel (cancellable);
  client_fixture_settle (f);
  g_assert_true (deye_bus_client_flush_finish (f->client, result.result, NULL));
}

static void
test_flush_accepted (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *last;

  client_fixture_connect (f, &two);
  unsent_fixture_publish_async (f, "events.a", 3);
  deye_bus_client_flush_async (f->client, NULL, TRUE, NULL, client_result_set, &result);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 3, 1048576);
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 3);
  last = frames->pdata[frames->len - 1];
  g_assert_cmpint (last->kind, ==, WIRE_KIND_PING);
  /* The PONG that answers another PING does not end the flush. */
  script_pong (f->in, last->envelope.id + 2);
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  script_pong (f->in, last->envelope.id);
  client_fixture_send_and_settle (f);
  g_assert_true (deye_bus_client_flush_finish (f->client, result.result, NULL));
}

static void
count_calls (DeyeBusClient *client, GError *error, gpointer data)
{
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  (*(guint *) data)++;
}

/* A flush fails with a refusal that the signal has not reported yet, whether it arrived before or during the call. */
static void
test_flush_refused (Fixture *f, gconstpointer data)
{
  DeyeBusPublishResult acked = { 0 };
  g_autoptr (GError) error = NULL;
  guint reported = 0;

  client_fixture_connect (f, NULL);
  g_signal_connect (f->client, "error", G_CALLBACK (count_calls), &reported);
  script_error (f->in, 3, WIRE_STATUS_DENIED);
  script_ack (f->in, 4, 0, 0);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL)); /* id 3 */
  client_fixture_send (f);
  g_assert_true (deye_bus_client_publish (f->client, "events.b", NULL, NULL, &acked, NULL, NULL)); /* id 4 */
  g_assert_true (deye_bus_client_publish (f->client, "events.c", NULL, NULL, NULL, NULL, NULL));   /* id 7 */
  script_error (f->in, 7, WIRE_STATUS_DENIED);
  script_pong (f->in, 8);
  client_fixture_send (f);
  g_assert_false (deye_bus_client_flush (f->client, NULL, TRUE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  unsent_fixture_assert_number (error, 2);
  g_clear_error (&error);
  g_assert_cmpuint (reported, ==, 0);
  client_fixture_settle (f);
  g_assert_cmpuint (reported, ==, 2);
  script_pong (f->in, 10);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_flush (f->client, NULL, TRUE, NULL, &error));
  g_assert_no_error (error);
}

static void
test_flush_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  deye_bus_client_flush_async (f->client, NULL, TRUE, cancellable, client_result_set, &result);
  g_cancellable_cancel (cancellable);
  client_fixture_settle (f);
  g_assert_false (deye_bus_client_flush_finish (f->client, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* The connection ends: written messages have an unknown outcome, and the others were not sent. */
static void
test_flush_disconnected (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) written = { NULL, 0 };
  g_auto (ClientResult) waiting = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &two);
  unsent_fixture_publish_async (f, "events.a", 2);
  deye_bus_client_flush_async (f->client, NULL, TRUE, NULL, client_result_set, &written);
  unsent_fixture_publish_async (f, "events.a", 1);
  deye_bus_client_flush_async (f->client, NULL, TRUE, NULL, client_result_set, &waiting);
  client_fixture_settle (f);
  client_fixture_disconnect (f);
  client_fixture_wait (f, written.calls > 0 && waiting.calls > 0);
  g_assert_false (deye_bus_client_flush_finish (f->client, written.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_flush_finish (f->client, waiting.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  unsent_fixture_assert_number (error, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/client/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)
  ADD ("flush/nothing", test_flush_nothing);
  ADD ("flush/timeout", test_flush_timeout);
  ADD ("flush/socket", test_flush_socket);
  ADD ("flush/credit", test_flush_credit);
  ADD ("flush/after-cancel", test_flush_after_cancel);
  ADD ("flush/accepted", test_flush_accepted);
  ADD ("flush/refused", test_flush_refused);
  ADD ("flush/cancelled", test_flush_cancelled);
  ADD ("flush/disconnected", test_flush_disconnected);
  return g_test_run ();
}
