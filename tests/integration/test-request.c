/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Requests between real processes: the requester gets an answer, or at once an error with the reason why no answer will arrive.
 */

#include "bus-fixture.h"
#include "worker-talk.h"

#define TOPIC "control.collector.task.process"

typedef struct
{
  DeyeBusMessage *answer;
  GError *error;
  gboolean done;
} Answer;

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  answer->answer = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, &answer->error);
  answer->done = TRUE;
}

static void
answer_clear (Answer *answer)
{
  g_clear_pointer (&answer->answer, deye_bus_message_unref);
  g_clear_error (&answer->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

static TestProcess *
server (BusFixture *f, const char *id, const char *mode, const char *group)
{
  TestProcess *process = bus_fixture_worker (f, id, "procmond");

  test_process_send (process, "serve s " TOPIC " %s %s", group, mode);
  test_process_expect_line (process, "serving s");
  return process;
}

static void
test_200_sizes_come_back_unchanged (BusFixture *f, gconstpointer data)
{
  server (f, "procmond-1", "echo", "-");
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (i, 8 + i * 200);
      g_autoptr (GError) error = NULL;
      g_autoptr (DeyeBusMessage) answer = deye_bus_client_request (f->controller, TOPIC, payload, NULL, NULL, &error);
      g_autoptr (GBytes) back = NULL;

      g_assert_no_error (error);
      back = deye_bus_message_dup_payload (answer);
      g_assert_true (g_bytes_equal (back, payload));
      g_assert_true (deye_bus_message_is_final (answer));
      g_assert_cmpstr (deye_bus_message_get_sender (answer), ==, "procmond-1");
    }
}

/* Servers of one topic take turns, with or without an explicit group. */
static void
assert_shared (BusFixture *f, const char *group)
{
  TestProcess *servers[3];

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", i + 1);

      servers[i] = server (f, id, "echo", group);
    }
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (i, 64);
      g_autoptr (GError) error = NULL;
      g_autoptr (DeyeBusMessage) answer = deye_bus_client_request (f->controller, TOPIC, payload, NULL, NULL, &error);

      g_assert_no_error (error);
      g_assert_nonnull (answer);
    }
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *got = NULL;

      test_process_send (servers[i], "report s");
      got = test_process_expect (servers[i], "got s");
      g_assert_cmpstr (got, ==, "100 0 0 0");
    }
}

static void
test_servers_take_turns (BusFixture *f, gconstpointer data)
{
  assert_shared (f, "-");
}

static void
test_group_takes_turns (BusFixture *f, gconstpointer data)
{
  assert_shared (f, "local-procmond-workers");
}

/* A plain subscriber never sees a request. */
static void
test_no_responders (BusFixture *f, gconstpointer data)
{
  TestProcess *process = bus_fixture_worker (f, "procmond-1", "procmond");
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) answer = NULL;
  g_autofree char *got = NULL;

  test_process_send (process, "subscribe s " TOPIC " - count");
  test_process_expect_line (process, "subscribed s");
  answer = deye_bus_client_request (f->controller, TOPIC, NULL, NULL, NULL, &error);
  g_assert_null (answer);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_RESPONDERS);
  test_process_send (process, "report s");
  got = test_process_expect (process, "got s");
  g_assert_cmpstr (got, ==, "0 0 0 0");
}

static void
test_responder_killed (BusFixture *f, gconstpointer data)
{
  TestProcess *process = server (f, "procmond-1", "hold", "-");
  Answer answers[8] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      deye_bus_client_request_async (f->controller, TOPIC, NULL, NULL, NULL, on_answer, &answers[i]);
      test_process_expect_line (process, "holding s");
    }
  bus_fixture_kill_worker (f, process);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      bus_fixture_wait (f, answers[i].done);
      g_assert_error (answers[i].error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_RESPONDER_GONE);
    }
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answer_clear (&answers[i]);
}

static void
test_timeout (BusFixture *f, gconstpointer data)
{
  TestProcess *process = server (f, "procmond-1", "late", "-");
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) answer = NULL;

  deye_bus_options_set_timeout (options, 50 * G_TIME_SPAN_MILLISECOND);
  answer = deye_bus_client_request (f->controller, TOPIC, NULL, options, NULL, &error);
  g_assert_null (answer);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);

  /* A late answer is discarded without any effect. */
  test_process_expect_line (process, "holding s");
  test_process_send (process, "answer s");
  worker_do (process, "stats", "stats");
}

static void
test_error_answer (BusFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) answer = NULL;
  g_autofree char *name = NULL;

  server (f, "procmond-1", "fail", "-");
  answer = deye_bus_client_request (f->controller, TOPIC, NULL, NULL, NULL, &error);
  g_assert_null (answer);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_FAILED);
  name = deye_bus_error_get_name (error);
  g_assert_cmpstr (name, ==, "org.example.NoDisk");
  g_assert_nonnull (g_strstr_len (error->message, -1, "the disk is gone"));
}

static void
test_cancel (BusFixture *f, gconstpointer data)
{
  TestProcess *process = server (f, "procmond-1", "hold", "-");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Answer) answer = { 0 };

  deye_bus_client_request_async (f->controller, TOPIC, NULL, NULL, cancellable, on_answer, &answer);
  test_process_expect_line (process, "holding s");
  g_cancellable_cancel (cancellable);
  bus_fixture_wait (f, answer.done);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Requests to a named peer: one of several that serve the topic, one that is not connected, and one that does not serve it. */
static void
test_target (BusFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (DeyeBusMessage) answer = NULL;
  g_autoptr (GError) error = NULL;

  server (f, "procmond-1", "echo", "-");
  server (f, "procmond-2", "echo", "-");
  bus_fixture_worker (f, "procmond-3", "procmond");
  deye_bus_options_set_target (options, "procmond-2");
  for (guint i = 0; i < 10; i++)
    {
      g_clear_pointer (&answer, deye_bus_message_unref);
      answer = deye_bus_client_request (f->controller, TOPIC, NULL, options, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (deye_bus_message_get_sender (answer), ==, "procmond-2");
    }
  deye_bus_options_set_target (options, "procmond-9");
  g_assert_null (deye_bus_client_request (f->controller, TOPIC, NULL, options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_ABSENT);
  g_clear_error (&error);
  deye_bus_options_set_target (options, "procmond-3");
  g_assert_null (deye_bus_client_request (f->controller, TOPIC, NULL, options, NULL, &error));
  g_test_message ("not serving: %s", error->message);
  g_assert_true (g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_RESPONDERS)
                 || g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_SUBSCRIBED));
}

/* Requests that the broker itself answers; a collector sees its own entry only. */
static void
test_broker_calls (BusFixture *f, gconstpointer data)
{
  TestProcess *first = bus_fixture_worker (f, "procmond-1", "procmond");
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) pong
      = deye_bus_client_request (f->controller, "control.bus.ping", NULL, NULL, NULL, &error);
  g_autofree char *seen = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (deye_bus_message_get_sender (pong), ==, "bus");
  bus_fixture_worker (f, "procmond-2", "procmond");
  test_process_send (first, "stats");
  seen = test_process_expect (first, "stats");
  g_assert_cmpstr (seen, ==, "1 procmond-1");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/request/" path, BusFixture, NULL, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("M02-200-sizes-come-back-unchanged", test_200_sizes_come_back_unchanged);
  ADD ("M06-servers-take-turns", test_servers_take_turns);
  ADD ("M06-group-takes-turns", test_group_takes_turns);
  ADD ("no-responders", test_no_responders);
  ADD ("M15-responder-killed", test_responder_killed);
  ADD ("O06-timeout-and-late-answer", test_timeout);
  ADD ("error-answer", test_error_answer);
  ADD ("cancel", test_cancel);
  ADD ("M04-target", test_target);
  ADD ("broker-calls", test_broker_calls);
#undef ADD
  return g_test_run ();
}
