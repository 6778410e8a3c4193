/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include <string.h>

/* The last messages: flush, close with a timeout, and the report of messages that were not sent. */

typedef ClientFixture Fixture;

static DeyeBusOptions *
with_timeout (gint64 timeout_us)
{
  DeyeBusOptions *options = deye_bus_options_new ();

  deye_bus_options_set_timeout (options, timeout_us);
  return options;
}

static void
remember_error (DeyeBusClient *client, GError *error, gpointer data)
{
  GError **kept = data;

  g_clear_error (kept);
  *kept = g_error_copy (error);
}

static void
publish_large (Fixture *f, guint n)
{
  g_autoptr (GBytes) payload = g_bytes_new_take (g_malloc0 (100000), 100000);

  for (guint i = 0; i < n; i++)
    g_assert_true (deye_bus_client_publish (f->client, "events.a", payload, NULL, NULL, NULL, NULL));
}

/* Publishes messages of 100,000 bytes, of which the socket takes only some. Returns the number of the others. */
static guint64
publish_too_much (Fixture *f, guint n)
{
  guint64 unsent;

  publish_large (f, n);
  unsent = deye_bus_client_get_unsent (f->client);
  g_assert_cmpuint (unsent, >, 0);
  g_assert_cmpuint (unsent, <, n);
  return unsent;
}

static guint
count_frames (Fixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_hear (f);

  return frames->len;
}

static const ScriptWelcome wide = { .window_bytes = 64u << 20 };
static const ScriptWelcome two = { .window_messages = 2 };

static void
script_pong (GByteArray *out, guint64 answers)
{
  WireEnvelope pong;

  wire_envelope_init (&pong);
  pong.answers = answers;
  script_frame (out, WIRE_KIND_PONG, 0, &pong);
}

static void
assert_number (const GError *error, guint64 number)
{
  g_autofree char *text = g_strdup_printf (": %" G_GUINT64_FORMAT, number);

  g_assert_nonnull (strstr (error->message, text));
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
  g_autoptr (DeyeBusOptions) short_time = with_timeout (1);
  g_autoptr (GError) error = NULL;
  guint64 unsent, property;
  guint heard = 0;

  client_fixture_connect (f, &wide);
  unsent = publish_too_much (f, 20);
  g_object_get (f->client, "unsent", &property, NULL);
  g_assert_cmpuint (property, ==, unsent);
  g_assert_false (deye_bus_client_flush (f->client, short_time, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  assert_number (error, unsent);
  /* They stay queued. */
  while (deye_bus_client_get_unsent (f->client) > 0)
    {
      heard += count_frames (f);
      client_fixture_settle (f);
    }
  g_assert_true (deye_bus_client_flush (f->client, short_time, FALSE, NULL, NULL));
  heard += count_frames (f);
  g_assert_cmpuint (heard, ==, 20);
}

/* What is published after the call is not waited for. */
static void
test_flush_socket (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  guint heard = 0;

  client_fixture_connect (f, &wide);
  publish_too_much (f, 20);
  deye_bus_client_flush_async (f->client, NULL, FALSE, NULL, client_result_set, &result);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  publish_large (f, 40);
  while (result.calls == 0)
    {
      heard += count_frames (f);
      client_fixture_settle (f);
    }
  g_assert_true (deye_bus_client_flush_finish (f->client, result.result, NULL));
  g_assert_cmpuint (heard, >, 0);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), >, 0);
  while (deye_bus_client_get_unsent (f->client) > 0)
    {
      heard += count_frames (f);
      client_fixture_settle (f);
    }
  heard += count_frames (f);
  g_assert_cmpuint (heard, ==, 60);
}

static void
publish_async (Fixture *f, const char *topic, guint n)
{
  for (guint i = 0; i < n; i++)
    deye_bus_client_publish_async (f->client, topic, NULL, NULL, FALSE, NULL, NULL, NULL);
}

/* Messages that wait for credit count as not sent, in every class; others may overtake them. */
static void
test_flush_credit (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };

  client_fixture_connect (f, &two);
  publish_async (f, "events.a", 4);
  publish_async (f, "tasks.a", 3);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 3);
  deye_bus_client_flush_async (f->client, NULL, FALSE, NULL, client_result_set, &result);
  publish_async (f, "events.a", 1);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 4, 1048576);
  client_fixture_say_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 2);
  script_credit (f->in, WIRE_CLASS_MUST_KEEP, 3, 1048576);
  client_fixture_say_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_true (deye_bus_client_flush_finish (f->client, result.result, NULL));
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 1);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 5, 1048576);
  client_fixture_say_and_settle (f);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, 0);
}

/* A waiting call that is given up holds no flush up. */
static void
test_flush_after_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { NULL, 0 };

  client_fixture_connect (f, &two);
  publish_async (f, "events.a", 2);
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
  publish_async (f, "events.a", 3);
  deye_bus_client_flush_async (f->client, NULL, TRUE, NULL, client_result_set, &result);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 3, 1048576);
  client_fixture_say_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  frames = client_fixture_hear (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 3);
  last = frames->pdata[frames->len - 1];
  g_assert_cmpint (last->kind, ==, WIRE_KIND_PING);
  /* The PONG of another PING ends nothing. */
  script_pong (f->in, last->envelope.id + 2);
  client_fixture_say_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  script_pong (f->in, last->envelope.id);
  client_fixture_say_and_settle (f);
  g_assert_true (deye_bus_client_flush_finish (f->client, result.result, NULL));
}

static void
count_calls (DeyeBusClient *client, GError *error, gpointer data)
{
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  (*(guint *) data)++;
}

/* A refusal that the signal has not reported yet fails the flush, whether it came before the call or during it. */
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
  client_fixture_say (f);
  g_assert_true (deye_bus_client_publish (f->client, "events.b", NULL, NULL, &acked, NULL, NULL)); /* id 4 */
  g_assert_true (deye_bus_client_publish (f->client, "events.c", NULL, NULL, NULL, NULL, NULL));   /* id 7 */
  script_error (f->in, 7, WIRE_STATUS_DENIED);
  script_pong (f->in, 8);
  client_fixture_say (f);
  g_assert_false (deye_bus_client_flush (f->client, NULL, TRUE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  assert_number (error, 2);
  g_clear_error (&error);
  g_assert_cmpuint (reported, ==, 0);
  client_fixture_settle (f);
  g_assert_cmpuint (reported, ==, 2);
  script_pong (f->in, 10);
  client_fixture_say (f);
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

/* The connection ends: what was written has an unknown outcome, the rest was not sent. */
static void
test_flush_disconnected (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) written = { NULL, 0 };
  g_auto (ClientResult) waiting = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &two);
  publish_async (f, "events.a", 2);
  deye_bus_client_flush_async (f->client, NULL, TRUE, NULL, client_result_set, &written);
  publish_async (f, "events.a", 1);
  deye_bus_client_flush_async (f->client, NULL, TRUE, NULL, client_result_set, &waiting);
  client_fixture_settle (f);
  client_fixture_hang_up (f);
  client_fixture_wait (f, written.calls > 0 && waiting.calls > 0);
  g_assert_false (deye_bus_client_flush_finish (f->client, written.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_flush_finish (f->client, waiting.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  assert_number (error, 1);
}

/* --- close --- */

static void
test_close_unsent (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) short_time = with_timeout (1000);
  g_autoptr (GError) reported = NULL;
  g_autoptr (GError) error = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (remember_error), &reported);
  unsent = publish_too_much (f, 20);
  g_assert_false (deye_bus_client_close_full (f->client, short_time, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  assert_number (error, unsent);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, unsent);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_CLOSED);
  client_fixture_settle (f);
  g_assert_null (reported);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
}

/* A broker that does not read holds close() up for a moment, not for ever. */
static void
test_close_bounded (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &wide);
  publish_too_much (f, 20);
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
  publish_async (f, "events.a", 4);
  deye_bus_client_close_async (f->client, NULL, client_result_set, &result);
  client_fixture_settle (f);
  first = client_fixture_hear (f);
  g_assert_cmpuint (first->len, ==, 2);
  g_assert_cmpuint (result.calls, ==, 0);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 4, 1048576);
  client_fixture_say (f);
  client_fixture_wait (f, result.calls > 0);
  g_assert_true (deye_bus_client_close_finish (f->client, result.result, NULL));
  rest = client_fixture_hear (f);
  g_assert_cmpuint (rest->len, ==, 3);
  g_assert_cmpint (((ScriptFrame *) rest->pdata[2])->kind, ==, WIRE_KIND_GOODBYE);
}

/* The caller of a request that is not sent yet would not get the answer. */
static void
test_close_drops_waiting_request (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &two);
  publish_async (f, "tasks.a", 2);
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
  unsent = publish_too_much (f, 20);
  deye_bus_client_close_full_async (f->client, NULL, cancellable, client_result_set, &result);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, result.calls > 0);
  g_assert_false (deye_bus_client_close_full_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  assert_number (error, unsent);
}

/* Two parts of a program close the client: both wait, and both learn the end. */
static void
test_close_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) first = { NULL, 0 };
  g_auto (ClientResult) second = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &wide);
  publish_too_much (f, 20);
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

/* The largest timeout is a long time, and not one that is over. */
static void
test_close_longest (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) longest = with_timeout (G_MAXINT64);
  g_auto (ClientResult) flushed = { NULL, 0 };
  g_auto (ClientResult) closed = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &wide);
  publish_too_much (f, 20);
  deye_bus_client_flush_async (f->client, longest, FALSE, NULL, client_result_set, &flushed);
  client_fixture_settle (f);
  g_assert_cmpuint (flushed.calls, ==, 0);
  deye_bus_client_close_full_async (f->client, longest, NULL, client_result_set, &closed);
  client_fixture_settle (f);
  g_assert_cmpuint (closed.calls, ==, 0);
  while (closed.calls == 0)
    {
      count_frames (f);
      client_fixture_settle (f);
    }
  g_assert_true (deye_bus_client_close_full_finish (f->client, closed.result, &error));
  g_assert_no_error (error);
}

static void
test_close_unheard (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) short_time = with_timeout (1);
  g_autoptr (GError) reported = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (remember_error), &reported);
  unsent = publish_too_much (f, 20);
  deye_bus_client_close_full_async (f->client, short_time, NULL, NULL, NULL);
  client_fixture_wait (f, reported != NULL);
  g_assert_error (reported, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  assert_number (reported, unsent);
}

/* --- other ends --- */

typedef struct
{
  GString *order;
  guint64 unsent; /* as the error's message says */
} Ends;

static void
on_end_error (DeyeBusClient *client, GError *error, gpointer data)
{
  Ends *ends = data;

  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  assert_number (error, deye_bus_client_get_unsent (client));
  ends->unsent = deye_bus_client_get_unsent (client);
  g_string_append_c (ends->order, 'e');
}

static void
on_end_closed (DeyeBusClient *client, GError *error, gpointer data)
{
  g_string_append_c (((Ends *) data)->order, 'c');
}

static guint records[G_LOG_LEVEL_DEBUG + 1]; /* about unsent messages, by level */

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (fields[i].key, "DEYE_BUS_UNSENT"))
      {
        records[level & G_LOG_LEVEL_MASK]++;
        return G_LOG_WRITER_HANDLED;
      }
  return g_log_writer_default (level, fields, n, data);
}

static void
test_connection_lost (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  g_signal_connect (f->client, "closed", G_CALLBACK (on_end_closed), &ends);
  unsent = publish_too_much (f, 20);
  client_fixture_hang_up (f);
  client_fixture_wait (f, order->len == 2);
  g_assert_cmpstr (order->str, ==, "ec");
  g_assert_cmpuint (ends.unsent, ==, unsent);
  g_signal_handlers_disconnect_by_data (f->client, &ends);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
}

/* A program that never runs its context learns it from close(). */
static void
test_connection_lost_close (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  g_autoptr (GError) error = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  g_signal_connect (f->client, "closed", G_CALLBACK (on_end_closed), &ends);
  unsent = publish_too_much (f, 20);
  client_fixture_hang_up (f);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_clear_error (&error);
  g_assert_false (deye_bus_client_close (f->client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  assert_number (error, unsent);
  g_assert_nonnull (strstr (error->message, "connection ended"));
  /* No second report: neither by the signal nor by the last reference. */
  client_fixture_settle (f);
  g_assert_null (strchr (order->str, 'e'));
}

/* The same without a dispatch between close() and the last reference. */
static void
test_connection_lost_close_unref (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  publish_too_much (f, 20);
  client_fixture_hang_up (f);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, NULL));
  g_assert_false (deye_bus_client_close (f->client, NULL, NULL));
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpstr (order->str, ==, "");
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE] + records[G_LOG_LEVEL_WARNING], ==, 0);
}

/* --- the last reference --- */

static void
test_unref (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  guint64 unsent;
  guint heard = 0;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  g_signal_connect (f->client, "closed", G_CALLBACK (on_end_closed), &ends);
  unsent = publish_too_much (f, 20);
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpstr (order->str, ==, "e");
  g_assert_cmpuint (ends.unsent, ==, unsent);
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE], ==, 1);
  for (guint last = 1; last > 0; heard += last)
    last = count_frames (f);
  g_assert_cmpuint (heard + ends.unsent, ==, 20);
}

/* A loss that the signal was about to report is reported all the same. */
static void
test_unref_after_loss (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  unsent = publish_too_much (f, 20);
  client_fixture_hang_up (f);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, NULL));
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpstr (order->str, ==, "e");
  g_assert_cmpuint (ends.unsent, ==, unsent);
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE], ==, 1);
}

/* What the socket takes at once is sent, and nothing is reported. */
static void
test_unref_all_sent (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, NULL);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpstr (order->str, ==, "");
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE] + records[G_LOG_LEVEL_WARNING], ==, 0);
  frames = client_fixture_hear (f);
  g_assert_cmpuint (frames->len, ==, 2);
}

/* Nobody handles the signal. */
static void
test_unref_warning (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, &wide);
  publish_too_much (f, 20);
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE], ==, 0);
  g_assert_cmpuint (records[G_LOG_LEVEL_WARNING], ==, 1);
}

static void
keep_client (DeyeBusClient *client, GError *error, gpointer data)
{
  DeyeBusClient **kept = data;
  g_autoptr (GError) refused = NULL;

  g_assert_false (deye_bus_client_publish (client, "events.a", NULL, NULL, NULL, NULL, &refused));
  g_assert_error (refused, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  *kept = g_object_ref (client);
}

/* A handler may make calls, and take a reference. */
static void
test_unref_revived (Fixture *f, gconstpointer data)
{
  DeyeBusClient *kept = NULL;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (keep_client), &kept);
  publish_too_much (f, 20);
  g_object_unref (g_steal_pointer (&f->client));
  g_assert_nonnull (kept);
  g_assert_true (deye_bus_client_close (kept, NULL, NULL));
  g_assert_finalize_object (kept);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
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
  ADD ("close/unsent", test_close_unsent);
  ADD ("close/bounded", test_close_bounded);
  ADD ("close/waits-for-credit", test_close_waits_for_credit);
  ADD ("close/drops-waiting-request", test_close_drops_waiting_request);
  ADD ("close/async-unsent", test_close_async_unsent);
  ADD ("close/twice", test_close_twice);
  ADD ("close/longest-timeout", test_close_longest);
  ADD ("close/unheard", test_close_unheard);
  ADD ("unsent/connection-lost", test_connection_lost);
  ADD ("unsent/connection-lost-close", test_connection_lost_close);
  ADD ("unsent/connection-lost-close-unref", test_connection_lost_close_unref);
  ADD ("unsent/unref", test_unref);
  ADD ("unsent/unref-after-loss", test_unref_after_loss);
  ADD ("unsent/unref-all-sent", test_unref_all_sent);
  ADD ("unsent/unref-warning", test_unref_warning);
  ADD ("unsent/unref-revived", test_unref_revived);
  return g_test_run ();
}
