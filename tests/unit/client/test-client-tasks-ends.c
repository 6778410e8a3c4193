/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-fixture.h"

/* Tasks when their client ends, when the broker sends wrong frames, when the stream ends, and results of other clients. */

typedef ClientFixture Fixture;

/* Submits a task; the broker has not answered. */
static DeyeBusTask *
sent (Fixture *f, const char *id)
{
  DeyeBusTask *task;
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &with_tasks);
  task = tasks_fixture_submit (f->client, id);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (tasks_script_count (frames, "Submit"), ==, 1);
  return task;
}

static DeyeBusTask *
running (Fixture *f, const char *id)
{
  DeyeBusTask *task = sent (f, id);

  tasks_script_accept_early (f->in, SUBMIT_ID, id);
  TASKS_PUSH (f, .id = id, .state = DEYE_BUS_TASK_STATE_RUNNING, .holder = "p1", .attempt = 1);
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_RUNNING);
  return task;
}

static void
expect_end (DeyeBusTask *task, DeyeBusTaskState state, gint code)
{
  g_autoptr (GError) error = deye_bus_task_dup_error (task);

  g_assert_cmpint (deye_bus_task_get_state (task), ==, state);
  g_assert_error (error, DEYE_BUS_ERROR, code);
}

static void
count (gpointer object, gpointer data)
{
  (*(guint *) data)++;
}

static void
count_changes (gpointer object, GParamSpec *pspec, gpointer data)
{
  (*(guint *) data)++;
}

/* --- the client ends --- */

static void
test_close (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) old = running (f, "old");
  g_autoptr (DeyeBusTask) new = tasks_fixture_submit (f->client, "new");
  g_autoptr (GPtrArray) frames = NULL;
  g_auto (ClientResult) waiting = { 0 };
  g_autoptr (GError) error = NULL;
  guint finished = 0;

  g_signal_connect (old, "finished", G_CALLBACK (count), &finished);
  g_signal_connect (new, "finished", G_CALLBACK (count), &finished);
  deye_bus_task_wait_async (old, NULL, client_result_set, &waiting);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 2); /* submitted tasks are sent before the end */
  g_assert_true (tasks_script_find (frames, "Submit") == frames->pdata[0]);
  g_assert_cmpint (((ScriptFrame *) frames->pdata[1])->kind, ==, WIRE_KIND_GOODBYE);
  expect_end (old, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_CLOSED);
  expect_end (new, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_CLOSED);
  client_fixture_settle (f);
  g_assert_cmpuint (finished, ==, 2);
  g_assert_cmpuint (waiting.calls, ==, 1);
  g_assert_null (deye_bus_task_wait_finish (old, waiting.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

/* More tasks than fit in one request, and no call waits for the answers. */
static void
test_close_sends_all (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &with_tasks);
  for (guint i = 0; i < 600; i++)
    {
      g_autoptr (DeyeBusTask) task = tasks_fixture_submit (f->client, NULL);

      g_assert_nonnull (task);
    }
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (tasks_script_count (frames, "Submit"), ==, 3);
}

static void
test_dispose (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) old = running (f, "old");
  g_autoptr (DeyeBusTask) new = tasks_fixture_submit (f->client, "new");
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) later = NULL;
  g_auto (ClientResult) waiting = { 0 };

  g_assert_finalize_object (g_steal_pointer (&f->client));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (tasks_script_count (frames, "Submit"), ==, 1);
  expect_end (old, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_CLOSED);
  expect_end (new, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_CLOSED);
  g_assert_null (deye_bus_task_wait (old, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  deye_bus_task_wait_async (old, NULL, client_result_set, &waiting);
  client_fixture_settle (f);
  g_assert_null (deye_bus_task_wait_finish (old, waiting.result, &later));
  g_assert_error (later, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  deye_bus_task_cancel (old);
}

/* A pending wait holds the client. */
static void
test_dispose_while_waiting (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = running (f, "one");
  g_auto (ClientResult) waiting = { 0 };
  g_autoptr (GBytes) result = NULL;
  gpointer client = f->client;

  g_object_add_weak_pointer (client, &client);
  deye_bus_task_wait_async (task, NULL, client_result_set, &waiting);
  g_clear_object (&f->client);
  g_assert_nonnull (client);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .result = "rows");
  client_fixture_send_and_settle (f);
  result = deye_bus_task_wait_finish (task, waiting.result, NULL);
  g_assert_cmpuint (g_bytes_get_size (result), ==, 4);
  client_result_clear (&waiting);
  g_assert_null (client);
}

static void
test_run_dispose (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = running (f, "one");
  g_auto (ClientResult) waiting = { 0 };
  g_autoptr (GError) error = NULL;

  deye_bus_task_wait_async (task, NULL, client_result_set, &waiting);
  g_object_run_dispose (G_OBJECT (f->client));
  client_fixture_settle (f);
  g_assert_cmpuint (waiting.calls, ==, 1);
  g_assert_null (deye_bus_task_wait_finish (task, waiting.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

/* A client for a given descriptor does not connect again. */
static void
test_connection_lost (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = running (f, "one");
  g_autoptr (GError) error = NULL;

  client_fixture_disconnect (f);
  g_assert_null (deye_bus_task_wait (task, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  expect_end (task, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_NOT_CONNECTED);
}

static void
test_without_client (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = g_object_new (DEYE_BUS_TYPE_TASK, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (deye_bus_task_get_id (task));
  g_assert_null (deye_bus_task_dup_spec (task));
  deye_bus_task_cancel (task);
  g_assert_null (deye_bus_task_wait (task, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

/* --- wrong frames of a broker --- */

static void
test_wrong_pushes (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = running (f, "one");
  guint changes = 0;

  g_signal_connect (task, "notify", G_CALLBACK (count_changes), &changes);
  TASKS_PUSH (f, .id = "other", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  TASKS_PUSH (f, .id = "", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  TASKS_PUSH (f, .id = "one", .state = 0);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_REFUSED);
  TASKS_PUSH (f, .id = "one", .state = 4711);
  tasks_script_push_bytes (f->in, AWAIT_ID, "\xff\xff\xff");
  tasks_script_push_bytes (f->in, AWAIT_ID, "");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (changes, ==, 0);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_RUNNING);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_QUEUED);
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_QUEUED); /* pushes still arrive */
}

static void
test_after_the_end (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = running (f, "one");
  g_autoptr (GPtrArray) frames = NULL;
  guint finished = 0;

  g_signal_connect (task, "finished", G_CALLBACK (count), &finished);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .result = "rows");
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_RUNNING, .holder = "p2", .attempt = 2);
  client_fixture_send_and_settle (f);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_FAILED, .error_text = "no");
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_SUCCEEDED);
  g_assert_cmpstr (deye_bus_task_get_holder (task), ==, "p1");
  g_assert_null (deye_bus_task_dup_error (task));
  g_assert_cmpuint (finished, ==, 1);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (tasks_script_count (frames, "Settle"), ==, 1);
}

/* A result that arrives before the broker has accepted the task is ignored. */
static void
test_too_early (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = sent (f, "one");

  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .result = "rows");
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_SUBMITTED);
}

/* If an answer is invalid or lacks tasks, the tasks are submitted again as repetitions. */
static void
test_wrong_answers (Fixture *f, gconstpointer data)
{
  const ScriptVerdict accepted = { .state = DEYE_BUS_TASK_STATE_QUEUED };
  g_autoptr (DeyeBusTask) one = NULL;
  g_autoptr (DeyeBusTask) two = NULL;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  g_autoptr (GPtrArray) third = NULL;
  g_autofree char *both = NULL;
  g_autofree char *rest = NULL;
  DeyeBusTaskLane *lane;

  client_fixture_connect (f, &with_tasks);
  one = tasks_fixture_submit (f->client, "one");
  two = tasks_fixture_submit (f->client, "two");
  client_fixture_settle (f);
  first = client_fixture_receive (f);
  lane = &f->client->tasks->lanes[DEYE_BUS_TASK_LANE_SUBMIT];
  script_reply (f->in, SUBMIT_ID, "\xff\xff");
  client_fixture_send_and_settle (f);
  client_fixture_wait (f, lane->pending != NULL);
  second = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  both = tasks_script_repetitions (second->pdata[0]);
  g_assert_cmpstr (both, ==, "one+ two+");
  tasks_script_answer (f->in, second->pdata[0], 1, &accepted);
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (one), ==, DEYE_BUS_TASK_STATE_QUEUED);
  client_fixture_wait (f, lane->pending != NULL);
  third = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  rest = tasks_script_repetitions (third->pdata[0]);
  g_assert_cmpstr (rest, ==, "two+");
  tasks_script_accept_early (f->in, ((ScriptFrame *) third->pdata[0])->envelope.id, "three");
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (two), ==, DEYE_BUS_TASK_STATE_SUBMITTED);
}

/* --- the stream --- */

static void
test_stream_ends (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = running (f, "one");
  DeyeBusTasks *tasks = f->client->tasks;
  g_autoptr (GPtrArray) second = NULL;
  g_autoptr (GPtrArray) third = NULL;

  script_error (f->in, AWAIT_ID, WIRE_STATUS_LIMIT);
  client_fixture_send_and_settle (f);
  g_assert_null (tasks->await);
  g_assert_cmpint (tasks->await_pause_us, ==, DEYE_BUS_TASKS_PAUSE_US);
  client_fixture_wait (f, tasks->await != NULL);
  second = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  g_assert_nonnull (tasks_script_find (second, "Await"));

  /* A stream that was open for a long time is opened again at once. */
  tasks->await_since_us -= 6 * G_TIME_SPAN_SECOND;
  script_error (f->in, ((ScriptFrame *) second->pdata[0])->envelope.id, WIRE_STATUS_TIMEOUT);
  client_fixture_send_and_settle (f);
  third = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  g_assert_nonnull (tasks_script_find (third, "Await"));
  g_assert_cmpint (tasks->await_pause_us, ==, 0);
  tasks_script_push (f->in, ((ScriptFrame *) third->pdata[0])->envelope.id,
                     &(const ScriptPush){ .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED });
  client_fixture_send_and_settle (f);
  g_assert_true (deye_bus_task_is_finished (task));
}

/* --- results of other clients --- */

/* @request: the id of the request; each call uses the next id. */
static void
fetch (Fixture *f, guint64 request, const ScriptPush *push, const char *expected, gint code)
{
  g_autoptr (GBytes) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *type_name = NULL;

  tasks_script_result (f->in, request, push);
  client_fixture_send (f);
  result = deye_bus_client_fetch_result (f->client, "one", &type_name, NULL, &error);
  if (code != 0)
    {
      g_assert_error (error, DEYE_BUS_ERROR, code);
      g_assert_null (type_name);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (result, NULL), g_bytes_get_size (result), expected, strlen (expected));
  g_assert_cmpstr (type_name, ==, push->result_type);
}

static void
test_fetch (Fixture *f, gconstpointer data)
{
  const ScriptPush typed
      = { .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .result = "rows", .result_type = "example.Rows" };
  const ScriptPush empty = { .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED };
  const ScriptPush busy = { .id = "one", .state = DEYE_BUS_TASK_STATE_RUNNING };
  const ScriptPush failed = { .id = "one", .state = DEYE_BUS_TASK_STATE_FAILED };
  const ScriptPush dropped = { .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .dropped = TRUE };
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *request;

  client_fixture_connect (f, &with_tasks);
  fetch (f, 2, &typed, "rows", 0);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  request = tasks_script_find (frames, "Result");
  g_assert_nonnull (request);
  g_assert_true (wire_span_equal (request->envelope.payload, WIRE_SPAN_LITERAL ("\x0a\x03"
                                                                                "one")));
  fetch (f, 4, &empty, "", 0);
  fetch (f, 6, &busy, NULL, DEYE_BUS_ERROR_WOULD_BLOCK);
  fetch (f, 8, &failed, NULL, DEYE_BUS_ERROR_FAILED);
  fetch (f, 10, &dropped, NULL, DEYE_BUS_ERROR_FAILED);
}

static void
test_fetch_refused (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_auto (ClientResult) malformed = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) wrong = NULL;
  g_autoptr (GError) unreadable = NULL;

  client_fixture_connect (f, &with_tasks);
  g_assert_null (deye_bus_client_fetch_result (f->client, "a.b", NULL, NULL, &wrong));
  g_assert_error (wrong, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  deye_bus_client_fetch_result_async (f->client, "one", NULL, client_result_set, &result);
  deye_bus_client_fetch_result_async (f->client, "two", NULL, client_result_set, &malformed);
  script_error (f->in, 2, WIRE_STATUS_ABSENT);
  script_reply (f->in, 4, "\xff");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (result.calls + malformed.calls, ==, 2);
  g_assert_null (deye_bus_client_fetch_result_finish (f->client, result.result, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_ABSENT);
  g_assert_nonnull (strstr (error->message, "task"));
  g_assert_null (deye_bus_client_fetch_result_finish (f->client, malformed.result, NULL, &unreadable));
  g_assert_error (unreadable, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PROTOCOL);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/tasks-ends/" path, Fixture, NULL, tasks_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("close", test_close);
  ADD ("close-sends-all", test_close_sends_all);
  ADD ("dispose", test_dispose);
  ADD ("dispose-while-waiting", test_dispose_while_waiting);
  ADD ("run-dispose", test_run_dispose);
  ADD ("connection-lost", test_connection_lost);
  ADD ("without-client", test_without_client);
  ADD ("wrong-pushes", test_wrong_pushes);
  ADD ("after-the-end", test_after_the_end);
  ADD ("too-early", test_too_early);
  ADD ("wrong-answers", test_wrong_answers);
  ADD ("stream-ends", test_stream_ends);
  ADD ("fetch", test_fetch);
  ADD ("fetch-refused", test_fetch_refused);
  return g_test_run ();
}
