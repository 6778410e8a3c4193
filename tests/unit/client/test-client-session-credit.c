/* SPDX-License-Identifier: Apache-2.0 */
#include "session-fixture.h"
#include "session/deye-bus-session-answer.h"
#include "wire-feature.h"

/* Publishing within the windows of the broker, its answers, and calls that wait for credit. */

#define LOTS 100000u

/* --- publishing and credit --- */

static void
test_credit_stop_and_go (Fixture *f, gconstpointer data)
{
  ScriptWelcome two = { .window_messages = 2 };
  DeyeBusPending *pending[5];

  session_fixture_ready (f, &two);
  for (guint i = 0; i < 5; i++)
    pending[i] = session_fixture_publish (f, DEYE_BUS_PENDING_SENT, "events.process.new", 10);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (pending[i]->done, ==, i < 2);
  {
    g_autoptr (GPtrArray) frames = session_fixture_take (f);

    g_assert_cmpuint (frames->len, ==, 2);
  }
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 4, 1048576);
  /* Older totals, and credit of other classes, have no effect. */
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 3, 10);
  script_credit (f->in, WIRE_CLASS_CONTROL, 30, 1048576);
  session_fixture_feed (f);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (pending[i]->done, ==, i < 4);
  {
    g_autoptr (GPtrArray) frames = session_fixture_take (f);

    g_assert_cmpuint (frames->len, ==, 2);
    g_assert_cmpuint (((ScriptFrame *) frames->pdata[0])->envelope.id, ==, pending[2]->id);
    g_assert_cmpuint (((ScriptFrame *) frames->pdata[1])->envelope.id, ==, pending[3]->id);
  }
  deye_bus_session_cancel (f->session, pending[4], g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "no"));
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 9, 1048576);
  session_fixture_feed (f);
  {
    g_autoptr (GPtrArray) frames = session_fixture_take (f);

    g_assert_cmpuint (frames->len, ==, 0);
  }
  for (guint i = 0; i < 5; i++)
    deye_bus_pending_unref (pending[i]);
}

/* A call that is cancelled while it waits for credit is never sent later. */
static void
test_cancelled_message_is_never_sent (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.a" };
  g_autoptr (DeyeBusPending) first = NULL;
  g_autoptr (DeyeBusPending) late = deye_bus_pending_new (DEYE_BUS_PENDING_SENT, START_US + 10);
  g_autoptr (DeyeBusPending) patient = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  session_fixture_ready (f, &one);
  first = session_fixture_publish (f, DEYE_BUS_PENDING_SENT, "events.a", 1);
  g_assert_true (deye_bus_session_call (f->session, &call, late, NULL));
  patient = session_fixture_publish (f, DEYE_BUS_PENDING_SENT, "events.b", 1);
  deye_bus_session_tick (f->session, START_US + 10);
  g_assert_error (late->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_nonnull (strstr (late->error->message, "try again later"));
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 1);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 10, 1048576);
  session_fixture_feed (f);
  g_assert_true (patient->done);
  frames = session_fixture_take (f);
  g_assert_cmpuint (frames->len, ==, 2);
  g_assert_cmpuint (((ScriptFrame *) frames->pdata[1])->envelope.id, ==, patient->id);
}

/* The number of waiting calls is bounded, and all may be cancelled at once. */
static void
test_credit_waiting_calls (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.a" };
  g_autoptr (GError) error = NULL;
  guint n = 0;

  session_fixture_ready (f, &one);
  for (gboolean taken = TRUE; taken; n += taken ? 1 : 0)
    {
      g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (DEYE_BUS_PENDING_SENT, START_US + 10);

      taken = deye_bus_session_call (f->session, &call, pending, &error);
    }
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (n, ==, 1 + 65536);
  deye_bus_session_tick (f->session, START_US + 10);
  g_assert_cmpuint (deye_bus_session_n_waiting (f->session), ==, 0);
  g_assert_cmpuint (deye_bus_session_n_pending (f->session), ==, 0);
  g_assert_true (deye_bus_session_call (f->session, &call, NULL, NULL));
}

/* The bytes of waiting calls are bounded, too. */
static void
test_credit_waiting_bytes (Fixture *f, gconstpointer data)
{
  ScriptWelcome one = { .window_messages = 1 };
  g_autofree guint8 *zeros = g_malloc0 (1048576);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, 1048576);
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.a", .payload = payload };
  g_autoptr (GError) error = NULL;
  guint n = 0;

  session_fixture_ready (f, &one);
  while (deye_bus_session_call (f->session, &call, NULL, &error))
    n++;
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (n, ==, 1 + 64);
}

/* The balance may become negative by one message, and each class has its own. */
static void
test_credit_in_bytes (Fixture *f, gconstpointer data)
{
  ScriptWelcome few = { .window_bytes = 100 };
  g_autoptr (DeyeBusPending) large = NULL;
  g_autoptr (DeyeBusPending) second = NULL;
  g_autoptr (DeyeBusPending) other = NULL;

  session_fixture_ready (f, &few);
  large = session_fixture_publish (f, DEYE_BUS_PENDING_SENT, "events.process.new", 100000);
  second = session_fixture_publish (f, DEYE_BUS_PENDING_SENT, "events.process.new", 1);
  other = session_fixture_publish (f, DEYE_BUS_PENDING_SENT, "results.procmond", 1);
  g_assert_true (large->done);
  g_assert_false (second->done);
  g_assert_true (other->done);
  {
    g_autoptr (GPtrArray) frames = session_fixture_take (f);

    g_assert_cmpuint (frames->len, ==, 2);
    g_assert_cmpuint (((ScriptFrame *) frames->pdata[0])->envelope.payload.len, ==, 100000);
  }
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 1000, 100200);
  session_fixture_feed (f);
  g_assert_true (second->done);
}

static void
test_too_large (Fixture *f, gconstpointer data)
{
  ScriptWelcome small = { .largest_payload = 1000 };
  g_autofree guint8 *zeros = g_malloc0 (1001);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, 1001);
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.a", .payload = payload };
  g_autoptr (GError) error = NULL;

  session_fixture_ready (f, &small);
  g_assert_false (deye_bus_session_call (f->session, &call, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "limit 1000, value 1001, setting max-payload"));
}

static void
test_not_text (Fixture *f, gconstpointer data)
{
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.\xff" };
  g_autoptr (GError) error = NULL;

  session_fixture_ready (f, NULL);
  g_assert_false (deye_bus_session_call (f->session, &call, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_TOPIC);
}

static void
test_acks (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) good = NULL;
  g_autoptr (DeyeBusPending) partly = NULL;
  g_autoptr (DeyeBusPending) full = NULL;

  session_fixture_ready (f, NULL);
  good = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  partly = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  full = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  script_ack (f->in, good->id, 3, 3);
  script_ack (f->in, partly->id, 3, 1);
  script_ack (f->in, full->id, 2, 0);
  script_ack (f->in, 123456, 2, 0); /* for an unknown id */
  session_fixture_feed (f);
  g_assert_no_error (good->error);
  g_assert_cmpuint (good->result.sequence, ==, 77);
  g_assert_cmpuint (good->result.queued, ==, 3);
  g_assert_no_error (partly->error);
  g_assert_cmpuint (partly->result.refused, ==, 2);
  g_assert_error (full->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
}

/* A refusal of a publish without an acknowledgement is an event; an answer that arrives too late is ignored. */
static void
test_refused_unasked (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) unasked = NULL;
  g_autoptr (DeyeBusPending) given_up = NULL;

  session_fixture_ready (f, NULL);
  unasked = session_fixture_publish (f, DEYE_BUS_PENDING_SENT, "events.a", 1);
  given_up = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "events.a", 1);
  deye_bus_session_cancel (f->session, given_up, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "no"));
  script_error (f->in, unasked->id, WIRE_STATUS_DENIED);
  script_error (f->in, given_up->id, WIRE_STATUS_DENIED);
  session_fixture_feed (f);
  g_assert_cmpuint (session_fixture_count_events (f, DEYE_BUS_EVENT_REFUSED), ==, 1);
}

/* The end of a block affects several messages, so it is reported to the application even if a call waits for the answer to the
 * last one. */
static void
test_block_over (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) acknowledged = NULL;
  g_autoptr (DeyeBusPending) awaited = NULL;
  DeyeBusEvent event;

  session_fixture_ready (f, NULL);
  acknowledged = session_fixture_publish (f, DEYE_BUS_PENDING_ACK, "tasks.a", 1);
  awaited = session_fixture_publish (f, DEYE_BUS_PENDING_DELIVERED, "tasks.a", 1);
  script_ack (f->in, acknowledged->id, 1, 1);
  script_block_over (f->in, acknowledged->id, 3);
  session_fixture_feed (f);
  g_assert_no_error (acknowledged->error);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_REFUSED);
  g_assert_error ((GError *) event.subject, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_nonnull (strstr (((GError *) event.subject)->message, "send important ones again"));
  g_assert_nonnull (strstr (((GError *) event.subject)->message, "value 3, setting longest-block-us"));
  deye_bus_session_clear_event (&event);
  script_block_over (f->in, awaited->id, 2);
  session_fixture_feed (f);
  g_assert_error (awaited->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (session_fixture_count_events (f, DEYE_BUS_EVENT_REFUSED), ==, 1);
}

static void
test_error_reply (Fixture *f, gconstpointer data)
{
  DeyeBusCall call = { .kind = WIRE_KIND_REQUEST, .topic = "control.collector.task.procmond" };
  g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, FAR_US);
  g_autofree char *name = NULL;
  WireEnvelope envelope;

  session_fixture_ready (f, NULL);
  g_assert_true (deye_bus_session_call (f->session, &call, pending, NULL));
  wire_envelope_init (&envelope);
  envelope.answers = pending->id;
  envelope.status = WIRE_STATUS_FAILED;
  envelope.error_name = wire_span_str ("org.example.NoDisk");
  envelope.detail = wire_span_str ("the disk is gone");
  script_frame (f->in, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
  session_fixture_feed (f);
  g_assert_error (pending->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_FAILED);
  name = deye_bus_error_get_name (pending->error);
  g_assert_cmpstr (name, ==, "org.example.NoDisk");
  g_assert_nonnull (strstr (pending->error->message, "the disk is gone"));
}

/* --- answers of a stream --- */

static DeyeBusPending *
ask_stream (Fixture *f, guint n)
{
  static const ScriptWelcome with_streams = { .features = WIRE_FEATURE_STREAM };
  const DeyeBusCall call
      = { .kind = WIRE_KIND_REQUEST, .topic = "tasks.a", .window_messages = 64, .window_bytes = LOTS };
  DeyeBusPending *pending = deye_bus_pending_new (DEYE_BUS_PENDING_ANSWERS, FAR_US);
  WireEnvelope envelope;

  pending->stream = deye_bus_stream_new (64, LOTS);
  session_fixture_ready (f, &with_streams);
  g_assert_true (deye_bus_session_call (f->session, &call, pending, NULL));
  g_ptr_array_unref (session_fixture_take (f));
  wire_envelope_init (&envelope);
  envelope.answers = pending->id;
  envelope.sender = WIRE_SPAN_LITERAL ("one");
  envelope.payload = WIRE_SPAN_LITERAL ("xx");
  envelope.accept_seq = 7;
  for (guint i = 0; i < n; i++)
    script_frame (f->in, WIRE_KIND_REPLY, 0, &envelope);
  session_fixture_feed (f);
  return pending;
}

/* Takes @n answers at once. Returns the messages of the only CREDIT that was sent; 0: none was sent. */
static guint64
take_answers (Fixture *f, DeyeBusPending *pending, guint n, gint64 now_us)
{
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *credit;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (DeyeBusMessage) taken = deye_bus_session_take_answer (f->session, pending->stream, now_us);

      g_assert_nonnull (taken);
    }
  frames = session_fixture_take (f);
  g_assert_cmpuint (frames->len, <=, 1);
  if (frames->len == 0)
    return 0;
  credit = frames->pdata[0];
  g_assert_cmpuint (credit->kind, ==, WIRE_KIND_CREDIT);
  g_assert_cmpuint (credit->envelope.id, ==, pending->id);
  g_assert_cmpuint (credit->envelope.credit_bytes, ==, LOTS + 2 * (credit->envelope.credit_messages - 64));
  return credit->envelope.credit_messages - 64;
}

static void
test_stream_quarter (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = ask_stream (f, 64);

  g_assert_cmpuint (take_answers (f, pending, 15, START_US), ==, 0);
  g_assert_cmpuint (take_answers (f, pending, 1, START_US), ==, 16);
  g_assert_cmpuint (take_answers (f, pending, 15, START_US + DEYE_BUS_STREAM_CREDIT_US - 1), ==, 0);
  g_assert_cmpuint (take_answers (f, pending, 1, START_US + DEYE_BUS_STREAM_CREDIT_US - 1), ==, 32);
}

/* A slow program may need more time for a quarter of the window than the broker waits for credit. */
static void
test_stream_slow (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = ask_stream (f, 64);
  gint64 now_us = START_US;

  g_assert_cmpuint (take_answers (f, pending, 1, now_us), ==, 0);
  for (guint i = 2; i < 10; i++)
    g_assert_cmpuint (take_answers (f, pending, 1, now_us += DEYE_BUS_STREAM_CREDIT_US), ==, i);
  g_assert_cmpuint (take_answers (f, pending, 3, now_us), ==, 0);
  g_assert_cmpuint (take_answers (f, pending, 1, now_us += DEYE_BUS_STREAM_CREDIT_US), ==, 13);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/session/" path, Fixture, NULL, session_fixture_setup, function, session_fixture_teardown)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  test_watchdog_start ("client-session");
  ADD ("credit/stop-and-go", test_credit_stop_and_go);
  ADD ("credit/bytes", test_credit_in_bytes);
  ADD ("credit/M08-cancelled-message-is-never-sent", test_cancelled_message_is_never_sent);
  ADD ("credit/M08-waiting-calls-are-bounded", test_credit_waiting_calls);
  ADD ("credit/M08-waiting-bytes-are-bounded", test_credit_waiting_bytes);
  ADD ("too-large", test_too_large);
  ADD ("not-text", test_not_text);
  ADD ("acks", test_acks);
  ADD ("refused-unasked", test_refused_unasked);
  ADD ("M08-block-over", test_block_over);
  ADD ("error-reply", test_error_reply);
  ADD ("credit/stream-quarter", test_stream_quarter);
  ADD ("credit/B04-stream-slow", test_stream_slow);
  status = g_test_run ();
  test_watchdog_stop ();
  return status;
}
