/* SPDX-License-Identifier: Apache-2.0 */
#include "answers-fixture.h"

/* Requests with several answers, from the view of the requester. */

/* An answer of a member. @ended: the number of members that have ended with it; 0: it is a part of an answer. */
typedef struct
{
  const char *sender;
  const char *payload;
  guint8 flags;
  guint asked;
  guint answered;
  guint failed;
  guint32 status;
} Answer;

static void
script_answer (Fixture *f, const Answer *answer)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = REQUEST;
  envelope.sender = wire_span_str (answer->sender);
  envelope.payload = wire_span_str (answer->payload);
  envelope.matched = answer->asked;
  envelope.queued = answer->answered;
  envelope.refused = answer->failed;
  envelope.status = answer->status;
  envelope.accept_seq = answer->status == WIRE_STATUS_OK && !g_str_equal (answer->sender, "bus") ? 7 : 0;
  script_frame (f->in, WIRE_KIND_REPLY, answer->flags, &envelope);
}
#define ANSWER(f, ...) script_answer (f, &(const Answer){ __VA_ARGS__ })

static DeyeBusAnswers *
start (Fixture *f, gint expect)
{
  DeyeBusAnswers *answers;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  const ScriptFrame *request;

  client_fixture_connect (f, &with_streams);
  answers = deye_bus_client_request_stream (f->client, TOPIC, NULL, NULL, expect, 1000, &error);
  g_assert_no_error (error);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  request = frames->pdata[0];
  g_assert_cmpuint (request->envelope.id, ==, REQUEST);
  g_assert_cmpuint (request->envelope.expect, ==, expect < 0 ? G_MAXUINT32 : expect > 1 ? (guint) expect : 0);
  g_assert_cmpuint (request->envelope.stall_us, ==, 1000);
  g_assert_cmpuint (request->envelope.credit_messages, ==, 64);
  g_assert_cmpuint (request->envelope.credit_bytes, ==, 1 << 20);
  return answers;
}

static void
expect_answer (DeyeBusAnswers *answers, const char *payload, gboolean final)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) message = deye_bus_answers_next (answers, NULL, &error);
  gsize len = 0;
  const guint8 *data;

  g_assert_no_error (error);
  g_assert_nonnull (message);
  data = deye_bus_message_get_data (message, &len);
  g_assert_cmpmem (data, len, payload, strlen (payload));
  g_assert_cmpint (deye_bus_message_is_final (message), ==, final);
  g_assert_true (deye_bus_message_check (message, NULL));
}

/* @code: 0: without an error. */
static void
expect_end (DeyeBusAnswers *answers, gint code)
{
  for (guint i = 0; i < 2; i++) /* a repeated call returns the same */
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (deye_bus_answers_next (answers, NULL, &error));
      if (code == 0)
        g_assert_no_error (error);
      else
        g_assert_error (error, DEYE_BUS_ERROR, code);
    }
  g_assert_true (deye_bus_answers_is_ended (answers));
}

/* --- one responder --- */

static void
test_stream (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);

  ANSWER (f, .sender = "one", .payload = "a", .flags = WIRE_FLAG_PROGRESS);
  ANSWER (f, .sender = "one", .payload = "b", .flags = WIRE_FLAG_PROGRESS);
  ANSWER (f, .sender = "one", .payload = "c", .flags = WIRE_FLAG_FINAL);
  client_fixture_send (f);
  expect_answer (answers, "a", FALSE);
  expect_answer (answers, "b", FALSE);
  expect_answer (answers, "c", TRUE);
  expect_end (answers, 0);
  g_assert_cmpuint (deye_bus_answers_get_asked (answers), ==, 0);
}

static void
test_stream_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 1);

  ANSWER (f, .sender = "one", .payload = "a", .flags = WIRE_FLAG_PROGRESS);
  script_error (f->in, REQUEST, WIRE_STATUS_RESPONDER_GONE);
  client_fixture_send (f);
  expect_answer (answers, "a", FALSE);
  expect_end (answers, DEYE_BUS_ERROR_RESPONDER_GONE);
}

/* Credit returns when answers are taken, not when they arrive. test-client-session-credit.c checks the delay. */
static void
test_credit (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *credit;

  for (guint i = 0; i < 64; i++)
    ANSWER (f, .sender = "one", .payload = "x", .flags = WIRE_FLAG_PROGRESS);
  client_fixture_send_and_settle (f);
  {
    g_autoptr (GPtrArray) none = client_fixture_receive (f);

    g_assert_cmpuint (none->len, ==, 0);
  }
  for (guint i = 0; i < 64; i++)
    expect_answer (answers, "x", FALSE);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, >=, 4);
  credit = frames->pdata[frames->len - 1];
  g_assert_cmpuint (credit->kind, ==, WIRE_KIND_CREDIT);
  g_assert_cmpuint (credit->envelope.id, ==, REQUEST);
  g_assert_cmpuint (credit->envelope.subscription, ==, 0);
  g_assert_cmpuint (credit->envelope.credit_messages, >, 64 + 48);
  g_assert_cmpuint (credit->envelope.credit_bytes, ==, (1 << 20) - 64 + credit->envelope.credit_messages);
}

/* A broker that ignores the window breaks the protocol. */
static void
test_no_credit (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);

  for (guint i = 0; i < 65; i++)
    ANSWER (f, .sender = "one", .payload = "x", .flags = WIRE_FLAG_PROGRESS);
  client_fixture_send_and_settle (f);
  g_assert_true (deye_bus_answers_is_ended (answers));
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
}

/* --- several responders --- */

static void
test_many (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, DEYE_BUS_EXPECT_ALL);
  g_autoptr (DeyeBusMessage) failed = NULL;
  g_autoptr (GError) error = NULL;

  ANSWER (f, .sender = "one", .payload = "a", .flags = WIRE_FLAG_PROGRESS);
  ANSWER (f, .sender = "one", .payload = "b", .flags = 0, .asked = 3, .answered = 1, .failed = 0);
  ANSWER (f, .sender = "two", .payload = "", .flags = 0, .asked = 3, .answered = 1, .failed = 1,
          .status = WIRE_STATUS_RESPONDER_GONE);
  ANSWER (f, .sender = "three", .payload = "c", .flags = 0, .asked = 3, .answered = 2, .failed = 1);
  ANSWER (f, .sender = "bus", .payload = "", .flags = WIRE_FLAG_FINAL, .asked = 3, .answered = 2, .failed = 1,
          .status = WIRE_STATUS_OK);
  client_fixture_send (f);
  expect_answer (answers, "a", FALSE);
  expect_answer (answers, "b", TRUE);
  failed = deye_bus_answers_next (answers, NULL, NULL);
  g_assert_cmpstr (deye_bus_message_get_sender (failed), ==, "two");
  g_assert_false (deye_bus_message_check (failed, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_RESPONDER_GONE);
  expect_answer (answers, "c", TRUE);
  expect_end (answers, 0);
  g_assert_cmpuint (deye_bus_answers_get_asked (answers), ==, 3);
  g_assert_cmpuint (deye_bus_answers_get_answered (answers), ==, 2);
  g_assert_cmpuint (deye_bus_answers_get_failed (answers), ==, 1);
}

/* Answers that arrived before the deadline are not discarded. */
static void
test_many_overdue (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 2);

  ANSWER (f, .sender = "one", .payload = "a", .flags = 0, .asked = 2, .answered = 1, .failed = 0);
  ANSWER (f, .sender = "bus", .payload = "", .flags = WIRE_FLAG_FINAL, .asked = 2, .answered = 1, .failed = 0,
          .status = WIRE_STATUS_TIMEOUT);
  client_fixture_send (f);
  expect_answer (answers, "a", TRUE);
  expect_end (answers, DEYE_BUS_ERROR_TIMEOUT);
  g_assert_cmpuint (deye_bus_answers_get_answered (answers), ==, 1);
}

/* --- asynchronous --- */

static void
test_async (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);
  g_auto (ClientResult) first = { 0 };
  g_auto (ClientResult) second = { 0 };
  g_auto (ClientResult) last = { 0 };
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  deye_bus_answers_next_async (answers, NULL, client_result_set, &first);
  deye_bus_answers_next_async (answers, NULL, client_result_set, &second);
  client_fixture_wait (f, second.result != NULL);
  g_assert_null (deye_bus_answers_next_finish (answers, second.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  g_assert_null (deye_bus_answers_next (answers, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);

  ANSWER (f, .sender = "one", .payload = "a", .flags = WIRE_FLAG_FINAL);
  client_fixture_send (f);
  client_fixture_wait (f, first.result != NULL);
  message = deye_bus_answers_next_finish (answers, first.result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (deye_bus_message_get_sender (message), ==, "one");
  deye_bus_answers_next_async (answers, NULL, client_result_set, &last);
  client_fixture_wait (f, last.result != NULL);
  g_assert_null (deye_bus_answers_next_finish (answers, last.result, &error));
  g_assert_no_error (error);
}

static void
test_async_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  deye_bus_answers_next_async (answers, cancellable, client_result_set, &result);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, result.result != NULL);
  g_assert_null (deye_bus_answers_next_finish (answers, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* Only this call ended. */
  g_assert_false (deye_bus_answers_is_ended (answers));
  ANSWER (f, .sender = "one", .payload = "a", .flags = WIRE_FLAG_FINAL);
  client_fixture_send (f);
  expect_answer (answers, "a", TRUE);
}

/* --- the end --- */

static void
expect_cancel (Fixture *f)
{
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_settle (f);
  frames = client_fixture_receive_one (f, WIRE_KIND_CANCEL);
  g_assert_cmpuint (((const ScriptFrame *) frames->pdata[0])->envelope.id, ==, REQUEST);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);
  g_autoptr (GError) error = NULL;

  ANSWER (f, .sender = "one", .payload = "a", .flags = WIRE_FLAG_PROGRESS);
  client_fixture_send_and_settle (f);
  deye_bus_answers_cancel (answers);
  deye_bus_answers_cancel (answers);
  expect_cancel (f);
  expect_answer (answers, "a", FALSE);
  g_assert_null (deye_bus_answers_next (answers, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_dropped (Fixture *f, gconstpointer data)
{
  g_object_unref (start (f, 0));
  expect_cancel (f);
}

static gpointer
drop_in_thread (gpointer answers)
{
  g_object_unref (answers);
  return NULL;
}

/* The test's thread owns the client's context, so the request is cancelled when the context runs. */
static void
test_dropped_in_a_thread (Fixture *f, gconstpointer data)
{
  DeyeBusAnswers *answers = start (f, 0);

  g_assert_true (g_main_context_acquire (f->context));
  g_thread_join (g_thread_new ("drop", drop_in_thread, answers));
  g_main_context_release (f->context);
  expect_cancel (f);
}

static void
test_closed (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);

  deye_bus_client_close (f->client, NULL, NULL);
  expect_end (answers, DEYE_BUS_ERROR_CLOSED);
}

/* A closed client dispatches no events. */
static void
test_async_after_close (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);
  g_autoptr (GError) error = NULL;

  ANSWER (f, .sender = "one", .payload = "a", .flags = WIRE_FLAG_PROGRESS);
  client_fixture_send_and_settle (f);
  deye_bus_client_close (f->client, NULL, NULL);
  client_fixture_settle (f);
  for (guint i = 0; i < 3; i++) /* the answer, then the end, also for repeated calls */
    {
      g_auto (ClientResult) result = { 0 };
      g_autoptr (DeyeBusMessage) message = NULL;

      deye_bus_answers_next_async (answers, NULL, client_result_set, &result);
      g_assert_null (result.result); /* the callback never runs inside the call */
      client_fixture_settle (f);
      g_assert_nonnull (result.result);
      g_clear_error (&error);
      message = deye_bus_answers_next_finish (answers, result.result, &error);
      g_assert_true ((message != NULL) == (i == 0));
    }
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

/* The object is disposed while a call waits. A call of next_async() holds a reference, so only a binding can do this. */
static void
test_disposed_while_waiting (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  deye_bus_answers_next_async (answers, NULL, client_result_set, &result);
  g_object_run_dispose (G_OBJECT (answers));
  expect_cancel (f);
  client_fixture_wait (f, result.result != NULL);
  g_assert_null (deye_bus_answers_next_finish (answers, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  expect_end (answers, DEYE_BUS_ERROR_CLOSED);
}

static void
test_bare_object (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = g_object_new (DEYE_BUS_TYPE_ANSWERS, NULL);

  expect_end (answers, DEYE_BUS_ERROR_CLOSED);
  deye_bus_answers_cancel (answers);
}

static void
test_unsupported (Fixture *f, gconstpointer data)
{
  const ScriptWelcome old = { .features = 0 };
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &old);
  g_assert_null (deye_bus_client_request_stream (f->client, TOPIC, NULL, NULL, 0, 0, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/answers/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("stream", test_stream);
  ADD ("stream-fails", test_stream_fails);
  ADD ("credit", test_credit);
  ADD ("no-credit", test_no_credit);
  ADD ("many", test_many);
  ADD ("many-overdue", test_many_overdue);
  ADD ("async", test_async);
  ADD ("async-cancelled", test_async_cancelled);
  ADD ("cancel", test_cancel);
  ADD ("dropped", test_dropped);
  ADD ("dropped-in-a-thread", test_dropped_in_a_thread);
  ADD ("closed", test_closed);
  ADD ("async-after-close", test_async_after_close);
  ADD ("disposed-while-waiting", test_disposed_while_waiting);
  ADD ("bare-object", test_bare_object);
  ADD ("M27-unsupported", test_unsupported);
  return g_test_run ();
}
