/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/reconnect-fixture.h"
#include "tasks-fixture.h"

/* Tasks over several connections: the tasks that are submitted again, and their state when the broker does not know them. */

typedef ReconnectFixture Fixture;

static const ScriptWelcome restarted = { .features = WIRE_FEATURE_STREAM | WIRE_FEATURE_TASKS, .epoch = 5 };
static const ScriptWelcome without_tasks = { .features = WIRE_FEATURE_STREAM };

static void
set_up (Fixture *f, gconstpointer data)
{
  reconnect_fixture_set_up (f, data);
  tasks_script_allow (f->client);
  deye_bus_client_set_reconnect (f->client, TRUE);
  reconnect_fixture_listen (f, 4);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  (void) deye_bus_client_close (f->client, NULL, NULL);
  reconnect_fixture_settle (f);
  reconnect_fixture_tear_down (f, data);
}

static void
connect_begin (Fixture *f)
{
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
}

/* Waits for a request with @method, and returns the frames that arrived with it. */
static GPtrArray *
receive_until (Fixture *f, const char *method)
{
  for (;;)
    {
      g_autoptr (GPtrArray) frames = reconnect_fixture_receive (f);

      if (tasks_script_find (frames, method) != NULL)
        return g_steal_pointer (&frames);
      g_main_context_iteration (f->context, TRUE);
    }
}

static void
send_script (Fixture *f, GByteArray *bytes)
{
  reconnect_fixture_send (f, bytes);
  reconnect_fixture_settle (f);
}

/* The connection is lost, and another one is ready. */
static void
lose (Fixture *f)
{
  close (f->peer);
  f->peer = -1;
  while (deye_bus_client_get_state (f->client) == DEYE_BUS_CLIENT_STATE_READY)
    g_main_context_iteration (f->context, TRUE);
}

/* A task that the broker has accepted. The stream is open. */
static DeyeBusTask *
accepted (Fixture *f, const char *id)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GPtrArray) frames = NULL;
  DeyeBusTask *task;

  connect_begin (f);
  reconnect_fixture_welcome (f, &with_tasks);
  task = tasks_fixture_submit (f->client, id);
  frames = receive_until (f, "Await");
  tasks_script_accept (bytes, tasks_script_find (frames, "Submit"));
  tasks_script_push (
      bytes, tasks_script_find (frames, "Await")->envelope.id,
      &(const ScriptPush){ .id = id, .state = DEYE_BUS_TASK_STATE_RUNNING, .holder = "p1", .attempt = 2 });
  send_script (f, bytes);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_RUNNING);
  return task;
}

static void
expect_submit (GPtrArray *frames, const char *expected)
{
  g_autofree char *text = tasks_script_repetitions (tasks_script_find (frames, "Submit"));

  g_assert_cmpstr (text, ==, expected);
}

static void
expect_end (DeyeBusTask *task, DeyeBusTaskState state, gint code)
{
  g_autoptr (GError) error = deye_bus_task_dup_error (task);

  g_assert_cmpint (deye_bus_task_get_state (task), ==, state);
  g_assert_error (error, DEYE_BUS_ERROR, code);
}

/* The answer to the next submit. */
static void
answer_submit (Fixture *f, const char *expected, const ScriptVerdict *verdict)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GPtrArray) frames = receive_until (f, "Submit");

  expect_submit (frames, expected);
  tasks_script_answer (bytes, tasks_script_find (frames, "Submit"), 1, verdict);
  send_script (f, bytes);
}

/* --- submitted again --- */

static void
test_submitted_again (Fixture *f, gconstpointer data)
{
  const ScriptVerdict held = { .state = DEYE_BUS_TASK_STATE_QUEUED, .reason = DEYE_BUS_WAIT_REASON_ADOPTION_HOLD };
  g_autoptr (DeyeBusTask) one = accepted (f, "one");
  g_autoptr (DeyeBusTask) two = tasks_fixture_submit (f->client, "two");
  g_autoptr (DeyeBusTask) three = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GPtrArray) second = NULL;
  g_autoptr (GPtrArray) again = NULL;
  g_auto (ClientResult) waiting = { 0 };
  g_autoptr (GBytes) result = NULL;

  deye_bus_task_wait_async (one, NULL, client_result_set, &waiting);
  second = receive_until (f, "Submit"); /* and no answer */
  lose (f);
  three = tasks_fixture_submit (f->client, "three");
  g_assert_cmpint (deye_bus_task_get_state (one), ==, DEYE_BUS_TASK_STATE_RUNNING); /* as far as is known */
  reconnect_fixture_welcome (f, &restarted);
  again = receive_until (f, "Await");
  expect_submit (again, "one+p1/2 two+ three");
  tasks_script_answer (bytes, tasks_script_find (again, "Submit"), 3, &held);
  send_script (f, bytes);
  g_assert_cmpint (deye_bus_task_get_state (two), ==, DEYE_BUS_TASK_STATE_QUEUED);
  g_assert_cmpint (deye_bus_task_get_wait_reason (one), ==, DEYE_BUS_WAIT_REASON_ADOPTION_HOLD);
  g_assert_cmpstr (deye_bus_task_get_holder (one), ==, "p1");
  tasks_script_push (bytes, tasks_script_find (again, "Await")->envelope.id,
                     &(const ScriptPush){ .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .result = "rows" });
  send_script (f, bytes);
  g_assert_cmpuint (waiting.calls, ==, 1);
  result = deye_bus_task_wait_finish (one, waiting.result, NULL);
  g_assert_cmpuint (g_bytes_get_size (result), ==, 4);
}

/* The client does not know whether the first submit arrived; the same broker answers that it did not. */
static void
test_lost_submit (Fixture *f, gconstpointer data)
{
  const ScriptVerdict unknown = { .status = WIRE_STATUS_UNKNOWN };
  const ScriptVerdict queued = { .state = DEYE_BUS_TASK_STATE_QUEUED };
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GPtrArray) first = NULL;

  connect_begin (f);
  reconnect_fixture_welcome (f, &with_tasks);
  task = tasks_fixture_submit (f->client, "one");
  first = receive_until (f, "Submit");
  lose (f);
  reconnect_fixture_welcome (f, &with_tasks);
  answer_submit (f, "one+", &unknown);
  answer_submit (f, "one", &queued);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_QUEUED);
}

/* The connection ends with a status that would refuse the task if it were the answer to the submit. */
static void
test_goodbye (Fixture *f, gconstpointer data)
{
  const ScriptVerdict queued = { .state = DEYE_BUS_TASK_STATE_QUEUED };
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  connect_begin (f);
  reconnect_fixture_welcome (f, &with_tasks);
  task = tasks_fixture_submit (f->client, "one");
  first = receive_until (f, "Submit");
  script_goodbye (bytes, WIRE_STATUS_LIMIT, "too much");
  reconnect_fixture_send (f, bytes);
  lose (f);
  g_assert_false (deye_bus_task_is_finished (task));
  reconnect_fixture_welcome (f, &with_tasks);
  answer_submit (f, "one+", &queued);
}

/* Another broker does not know whether the first submit arrived; if it did, the former broker may have run the task: the
 * outcome is unknown. */
static void
test_unknown (Fixture *f, gconstpointer data)
{
  const ScriptVerdict unknown = { .status = WIRE_STATUS_UNKNOWN };
  g_autoptr (DeyeBusTask) one = NULL;
  g_autoptr (GPtrArray) first = NULL;

  connect_begin (f);
  reconnect_fixture_welcome (f, &with_tasks);
  one = tasks_fixture_submit (f->client, "one");
  first = receive_until (f, "Submit");
  lose (f);
  reconnect_fixture_welcome (f, &restarted);
  answer_submit (f, "one+", &unknown);
  expect_end (one, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_UNKNOWN);
}

static void
test_forgotten (Fixture *f, gconstpointer data)
{
  const ScriptVerdict unknown = { .status = WIRE_STATUS_UNKNOWN };
  g_autoptr (DeyeBusTask) one = accepted (f, "one");

  lose (f);
  reconnect_fixture_welcome (f, &with_tasks);
  answer_submit (f, "one+p1/2", &unknown);
  expect_end (one, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_UNKNOWN);
}

/* The next broker has no room; a collector may still work on the task. */
static void
test_refused_later (Fixture *f, gconstpointer data)
{
  const ScriptVerdict full = { .status = WIRE_STATUS_LIMIT };
  g_autoptr (DeyeBusTask) one = accepted (f, "one");

  lose (f);
  reconnect_fixture_welcome (f, &restarted);
  answer_submit (f, "one+p1/2", &full);
  expect_end (one, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_LIMIT);
}

static void
test_older_broker (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = accepted (f, "one");
  g_autoptr (DeyeBusTask) two = NULL;

  lose (f);
  two = tasks_fixture_submit (f->client, "two");
  reconnect_fixture_welcome (f, &without_tasks);
  reconnect_fixture_settle (f);
  expect_end (one, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_UNSUPPORTED);
  expect_end (two, DEYE_BUS_TASK_STATE_REFUSED, DEYE_BUS_ERROR_UNSUPPORTED);
}

/* --- other waiting requests --- */

/* An outcome is confirmed on the next connection, and its task is not submitted again. */
static void
test_settled_later (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = accepted (f, "one");
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  g_autofree char *ids = NULL;

  tasks_script_push (bytes, f->client->tasks->await->stream->id,
                     &(const ScriptPush){ .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED });
  send_script (f, bytes);
  first = receive_until (f, "Settle");
  lose (f);
  reconnect_fixture_welcome (f, &with_tasks);
  second = receive_until (f, "Settle");
  ids = tasks_script_ids (tasks_script_find (second, "Settle"));
  g_assert_cmpstr (ids, ==, "one");
  g_assert_null (tasks_script_find (second, "Submit"));
  tasks_script_accept (bytes, tasks_script_find (second, "Settle"));
  send_script (f, bytes);
  g_assert_cmpuint (f->client->tasks->order.length, ==, 0);
  g_assert_true (deye_bus_task_is_finished (one));
}

static void
test_cancelled_later (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = accepted (f, "one");
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GPtrArray) again = NULL;
  g_autoptr (GPtrArray) cancel = NULL;

  lose (f);
  deye_bus_task_cancel (one);
  reconnect_fixture_welcome (f, &with_tasks);
  again = receive_until (f, "Submit");
  g_assert_null (tasks_script_find (again, "Cancel"));
  tasks_script_accept (bytes, tasks_script_find (again, "Submit"));
  send_script (f, bytes);
  cancel = receive_until (f, "Cancel");
}

/* --- not connected --- */

static void
test_submitted_before_connect (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  connect_begin (f);
  one = tasks_fixture_submit (f->client, "one");
  g_assert_cmpint (deye_bus_task_get_state (one), ==, DEYE_BUS_TASK_STATE_SUBMITTED);
  reconnect_fixture_welcome (f, &with_tasks);
  frames = receive_until (f, "Submit");
  expect_submit (frames, "one");
}

static void
test_no_room (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("scan");
  g_autoptr (GBytes) large = g_bytes_new_take (g_malloc0 (9 << 20), 9 << 20);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) many = NULL;

  connect_begin (f);
  deye_bus_task_spec_set_payload (spec, large, NULL);
  g_object_unref (deye_bus_client_submit (f->client, spec, NULL));
  g_assert_null (deye_bus_client_submit (f->client, spec, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  deye_bus_task_spec_set_payload (spec, NULL, NULL);
  for (guint i = 1; i < 10000; i++)
    g_object_unref (deye_bus_client_submit (f->client, spec, NULL));
  g_assert_null (deye_bus_client_submit (f->client, spec, &many));
  g_assert_error (many, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
}

/* The client does not connect again: tasks that were sent may continue. */
static void
test_given_up (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = accepted (f, "one");
  g_autoptr (DeyeBusTask) two = NULL;
  g_autoptr (GError) error = NULL;

  lose (f);
  two = tasks_fixture_submit (f->client, "two");
  deye_bus_client_set_reconnect (f->client, FALSE);
  g_assert_null (deye_bus_task_wait (two, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  expect_end (one, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_NOT_CONNECTED);
  expect_end (two, DEYE_BUS_TASK_STATE_REFUSED, DEYE_BUS_ERROR_NOT_CONNECTED);
}

/* The next broker gets the rest of the deadline and of the delay. */
static void
test_times_continue (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("scan");
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) again = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__SubmitRequest *request;
  const ScriptVerdict delayed = { .state = DEYE_BUS_TASK_STATE_DELAYED };
  WireGuardError error;

  deye_bus_task_spec_set_timeout (spec, 600 * G_TIME_SPAN_SECOND);
  deye_bus_task_spec_set_delay (spec, 500 * G_TIME_SPAN_SECOND);
  connect_begin (f);
  reconnect_fixture_welcome (f, &with_tasks);
  task = deye_bus_client_submit (f->client, spec, NULL);
  first = receive_until (f, "Submit");
  tasks_script_answer (bytes, tasks_script_find (first, "Submit"), 1, &delayed);
  send_script (f, bytes);
  lose (f);
  reconnect_fixture_welcome (f, &restarted);
  again = receive_until (f, "Submit");
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__submit_request__descriptor,
                             tasks_script_find (again, "Submit")->envelope.payload, 0, &error);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->tasks[0]->deadline_us, <, 600 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (request->tasks[0]->deadline_us, >, 500 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (request->tasks[0]->not_before_us, <, 500 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (request->tasks[0]->not_before_us, >, 0);
}

#define ADD(path, function) g_test_add ("/client/tasks-reconnect/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("submitted-again", test_submitted_again);
  ADD ("lost-submit", test_lost_submit);
  ADD ("goodbye", test_goodbye);
  ADD ("unknown", test_unknown);
  ADD ("forgotten", test_forgotten);
  ADD ("refused-later", test_refused_later);
  ADD ("older-broker", test_older_broker);
  ADD ("settled-later", test_settled_later);
  ADD ("cancelled-later", test_cancelled_later);
  ADD ("submitted-before-connect", test_submitted_before_connect);
  ADD ("no-room", test_no_room);
  ADD ("given-up", test_given_up);
  ADD ("times-continue", test_times_continue);
  return g_test_run ();
}
