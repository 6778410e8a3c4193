/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include "deye-bus-client-private.h"
#include "wire-feature.h"

/*
 * Requests with more than one answer, as requester and as responder. The broker's side is the script's. Ids of calls are
 * even: connecting takes none, so the first request has the id 2.
 */

typedef ClientFixture Fixture;

#define TOPIC   "control.collector.task.process"
#define REQUEST 2u

static const ScriptWelcome with_streams = { .features = WIRE_FEATURE_STREAM };

/* An answer of a member. @ended: members that have ended with it, 0: it is a part. */
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
  frames = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
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
  for (guint i = 0; i < 2; i++) /* again and again */
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
  client_fixture_say (f);
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
  client_fixture_say (f);
  expect_answer (answers, "a", FALSE);
  expect_end (answers, DEYE_BUS_ERROR_RESPONDER_GONE);
}

/* Credit returns when a quarter of the window was taken, not when it arrived. */
static void
test_credit (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *credit;

  for (guint i = 0; i < 64; i++)
    ANSWER (f, .sender = "one", .payload = "x", .flags = WIRE_FLAG_PROGRESS);
  client_fixture_say_and_settle (f);
  {
    g_autoptr (GPtrArray) none = client_fixture_hear (f);

    g_assert_cmpuint (none->len, ==, 0);
  }
  for (guint i = 0; i < 16; i++)
    expect_answer (answers, "x", FALSE);
  client_fixture_settle (f);
  frames = client_fixture_hear_one (f, WIRE_KIND_CREDIT);
  credit = frames->pdata[0];
  g_assert_cmpuint (credit->envelope.id, ==, REQUEST);
  g_assert_cmpuint (credit->envelope.subscription, ==, 0);
  g_assert_cmpuint (credit->envelope.credit_messages, ==, 64 + 16);
  g_assert_cmpuint (credit->envelope.credit_bytes, ==, (1 << 20) + 16);
}

/* A broker that ignores the window breaks the protocol. */
static void
test_no_credit (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);

  for (guint i = 0; i < 65; i++)
    ANSWER (f, .sender = "one", .payload = "x", .flags = WIRE_FLAG_PROGRESS);
  client_fixture_say_and_settle (f);
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
  client_fixture_say (f);
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

/* Answers that arrived before the deadline are not thrown away. */
static void
test_many_overdue (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 2);

  ANSWER (f, .sender = "one", .payload = "a", .flags = 0, .asked = 2, .answered = 1, .failed = 0);
  ANSWER (f, .sender = "bus", .payload = "", .flags = WIRE_FLAG_FINAL, .asked = 2, .answered = 1, .failed = 0,
          .status = WIRE_STATUS_TIMEOUT);
  client_fixture_say (f);
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
  client_fixture_say (f);
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
  client_fixture_say (f);
  expect_answer (answers, "a", TRUE);
}

/* --- the end --- */

static void
expect_cancel (Fixture *f)
{
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_settle (f);
  frames = client_fixture_hear_one (f, WIRE_KIND_CANCEL);
  g_assert_cmpuint (((const ScriptFrame *) frames->pdata[0])->envelope.id, ==, REQUEST);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = start (f, 0);
  g_autoptr (GError) error = NULL;

  ANSWER (f, .sender = "one", .payload = "a", .flags = WIRE_FLAG_PROGRESS);
  client_fixture_say_and_settle (f);
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

/* The client's context is owned by the test's thread, so the request is cancelled when it runs. */
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
  frames = client_fixture_hear (f);
  g_assert_cmpuint (frames->len, ==, 0);
}

/* --- as responder --- */

typedef struct
{
  Fixture *f;
  guint handled;
  DeyeBusMessage *request;
} Served;

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Served *served = data;

  served->handled++;
  g_clear_pointer (&served->request, deye_bus_message_unref);
  served->request = deye_bus_message_ref (message);
}

static DeyeBusSubscription *
serve (Served *served, const ScriptWelcome *welcome)
{
  DeyeBusSubscription *subscription;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (served->f, welcome);
  script_subscribe_reply (served->f->in, 2, 100, 10000);
  client_fixture_say (served->f);
  subscription = deye_bus_client_serve (served->f->client, TOPIC, NULL, on_request, served, NULL, NULL, &error);
  g_assert_no_error (error);
  g_ptr_array_unref (client_fixture_hear (served->f));
  return subscription;
}

static void
script_cancel (Fixture *f, guint64 route)
{
  WireEnvelope cancel;

  wire_envelope_init (&cancel);
  cancel.route_id = route;
  script_frame (f->in, WIRE_KIND_CANCEL, 0, &cancel);
}

/* O06: a request that is cancelled before its handler starts is not handled. */
static void
test_cancelled_before (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  script_cancel (f, 500);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 504, TOPIC, NULL, "q");
  client_fixture_say_and_settle (f);
  g_assert_cmpuint (served.handled, ==, 1);
  g_assert_cmpuint (deye_bus_message_get_data (served.request, NULL)[0], ==, 'q');
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

/* The first handler blocks while the CANCEL of the second request arrives. */
static void
on_request_cancel_next (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Served *served = data;

  if (served->handled++ > 0)
    return;
  script_cancel (served->f, 504);
  client_fixture_say (served->f);
}

static void
test_cancelled_while_another_is_handled (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  client_fixture_connect (f, &with_streams);
  script_subscribe_reply (f->in, 2, 100, 10000);
  client_fixture_say (f);
  subscription = deye_bus_client_serve (f->client, TOPIC, NULL, on_request_cancel_next, &served, NULL, NULL, NULL);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  script_request (f->in, deye_bus_subscription_get_id (subscription), 504, TOPIC, NULL, "q");
  client_fixture_say_and_settle (f);
  g_assert_cmpuint (served.handled, ==, 1);
}

/* The same for a server without a callback. */
static void
test_cancelled_before_next (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (DeyeBusMessage) request = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &with_streams);
  script_subscribe_reply (f->in, 2, 100, 10000);
  client_fixture_say (f);
  subscription = deye_bus_client_serve (f->client, TOPIC, NULL, NULL, NULL, NULL, NULL, NULL);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  script_cancel (f, 500);
  client_fixture_say (f);
  g_assert_null (deye_bus_subscription_next (subscription, 0, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 504, TOPIC, NULL, "q");
  client_fixture_say (f);
  request = deye_bus_subscription_next (subscription, G_TIME_SPAN_MINUTE, NULL, NULL);
  g_assert_cmpuint (deye_bus_message_get_data (request, NULL)[0], ==, 'q');
}

static void
test_watch (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);
  g_autoptr (GCancellable) watch = NULL;
  g_autoptr (GCancellable) same = NULL;
  g_autoptr (GCancellable) late = NULL;

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_say_and_settle (f);
  watch = deye_bus_client_watch_request (f->client, served.request, NULL);
  same = deye_bus_client_watch_request (f->client, served.request, NULL);
  g_assert_true (watch == same);
  g_assert_false (g_cancellable_is_cancelled (watch));
  script_cancel (f, 500);
  client_fixture_say_and_settle (f);
  g_assert_true (g_cancellable_is_cancelled (watch));
  late = deye_bus_client_watch_request (f->client, served.request, NULL);
  g_assert_true (g_cancellable_is_cancelled (late));
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

static void
test_watch_answered (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);
  g_autoptr (GCancellable) watch = NULL;

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_say_and_settle (f);
  watch = deye_bus_client_watch_request (f->client, served.request, NULL);
  g_assert_true (deye_bus_client_respond (f->client, served.request, NULL, NULL, NULL));
  client_fixture_hang_up (f);
  client_fixture_settle (f);
  g_assert_false (g_cancellable_is_cancelled (watch));
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

static void
test_watch_disconnected (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);
  g_autoptr (GCancellable) watch = NULL;

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_say_and_settle (f);
  watch = deye_bus_client_watch_request (f->client, served.request, NULL);
  client_fixture_hang_up (f);
  client_fixture_wait (f, g_cancellable_is_cancelled (watch));
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

static gboolean
respond_part (Served *served, gsize len)
{
  g_autofree guint8 *bytes = g_malloc0 (len);
  g_autoptr (GBytes) payload = g_bytes_new (bytes, len);

  return deye_bus_client_respond_part (served->f->client, served->request, payload, NULL, NULL);
}

/* The sizes of the replies that were sent since the last look: a number for each. */
static char *
hear_replies (Fixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_hear (f);
  GString *heard = g_string_new (NULL);

  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      if (frame->kind == WIRE_KIND_REPLY)
        g_string_append_printf (heard, "%s%" G_GSIZE_FORMAT, heard->len > 0 ? " " : "", frame->envelope.payload.len);
    }
  return g_string_free (heard, FALSE);
}

/* T07: a small last reply does not overtake a large part that waits for credit of another class; a call of that class
 * that has nothing to do with it is not held up. */
static void
test_order_of_parts (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  const ScriptWelcome narrow = { .features = WIRE_FEATURE_STREAM, .window_messages = 2 };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &narrow); /* takes one of the class control */
  g_autofree char *rest = NULL;
  g_autoptr (GBytes) last = g_bytes_new_static ("bye", 3);

  script_credit (f->in, WIRE_CLASS_CONTROL, 100, 1 << 20);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_say_and_settle (f);
  for (guint i = 0; i < 3; i++)
    g_assert_true (respond_part (&served, 20000)); /* above 16 KiB: may-drop, of which there are two */
  g_assert_true (respond_part (&served, 10));
  g_assert_true (deye_bus_client_respond (f->client, served.request, last, NULL, NULL));
  g_assert_true (deye_bus_client_publish (f->client, "health.x", last, NULL, NULL, NULL, NULL));
  client_fixture_settle (f);
  {
    g_autoptr (GPtrArray) frames = client_fixture_hear (f);

    g_assert_cmpuint (script_count (frames, WIRE_KIND_REPLY), ==, 2);
    g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 1);
  }
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 100, 1 << 20);
  client_fixture_say_and_settle (f);
  rest = hear_replies (f);
  g_assert_cmpstr (rest, ==, "20000 10 3");
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

static void
test_part_unsupported (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  const ScriptWelcome old = { .features = 0 };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &old);
  g_autoptr (GError) error = NULL;

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_say_and_settle (f);
  g_assert_false (deye_bus_client_respond_part (f->client, served.request, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_assert_true (deye_bus_client_respond (f->client, served.request, NULL, NULL, NULL));
  g_clear_pointer (&served.request, deye_bus_message_unref);
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
  ADD ("bare-object", test_bare_object);
  ADD ("M27-unsupported", test_unsupported);
  ADD ("cancelled-before", test_cancelled_before);
  ADD ("cancelled-while-another-is-handled", test_cancelled_while_another_is_handled);
  ADD ("cancelled-before-next", test_cancelled_before_next);
  ADD ("watch", test_watch);
  ADD ("watch-answered", test_watch_answered);
  ADD ("watch-disconnected", test_watch_disconnected);
  ADD ("order-of-parts", test_order_of_parts);
  ADD ("M27-part-unsupported", test_part_unsupported);
  return g_test_run ();
}
