/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-fixture.h"

/* Tasks of a submitter: submits, and refusals. */

typedef ClientFixture Fixture;

/* Counts emissions in the guint at @data. */
static void
count (gpointer object, gpointer data)
{
  (*(guint *) data)++;
}

/* --- submit --- */

static void
test_one_request (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = NULL;
  g_autoptr (DeyeBusTask) two = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autofree char *ids = NULL;
  g_autofree char *expected = NULL;

  client_fixture_connect (f, &with_tasks);
  one = tasks_fixture_submit (f->client, NULL);
  two = tasks_fixture_submit (f->client, NULL);
  tasks_fixture_expect_silence (f);
  g_assert_cmpint (deye_bus_task_get_state (one), ==, DEYE_BUS_TASK_STATE_SUBMITTED);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
  ids = tasks_script_repetitions (tasks_script_find (frames, "Submit"));
  expected = g_strconcat (deye_bus_task_get_id (one), " ", deye_bus_task_get_id (two), NULL);
  g_assert_cmpstr (ids, ==, expected);
  g_assert_cmpstr (deye_bus_task_get_id (one), !=, deye_bus_task_get_id (two));
  g_assert_cmpuint (tasks_script_find (frames, "Await")->envelope.credit_messages, >, 0);
}

static void
test_flush_sends (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = NULL;
  g_autoptr (DeyeBusTask) two = NULL;
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &with_tasks);
  one = tasks_fixture_submit (f->client, NULL);
  two = tasks_fixture_submit (f->client, NULL);
  deye_bus_client_flush_async (f->client, NULL, FALSE, NULL, client_result_set, &result);
  frames = client_fixture_receive (f); /* before the next turn */
  g_assert_cmpuint (tasks_script_count (frames, "Submit"), ==, 1);
  g_assert_cmpstr (deye_bus_task_get_id (one), !=, deye_bus_task_get_id (two));
  client_fixture_settle (f);
  g_assert_true (deye_bus_client_flush_finish (f->client, result.result, NULL));
}

static void
test_bounded_request (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  g_autofree char *rest = NULL;

  client_fixture_connect (f, &with_tasks);
  for (guint i = 0; i < 257; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      g_ptr_array_add (tasks, tasks_fixture_submit (f->client, id));
    }
  client_fixture_settle (f);
  first = client_fixture_receive (f);
  g_assert_cmpuint (tasks_script_count (first, "Submit"), ==, 1);
  tasks_script_accept (f->in, tasks_script_find (first, "Submit"));
  client_fixture_send_and_settle (f);
  second = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  rest = tasks_script_ids (tasks_script_find (second, "Submit"));
  g_assert_cmpstr (rest, ==, "t256");
  g_assert_cmpint (deye_bus_task_get_state (tasks->pdata[255]), ==, DEYE_BUS_TASK_STATE_QUEUED);
  g_assert_cmpint (deye_bus_task_get_state (tasks->pdata[256]), ==, DEYE_BUS_TASK_STATE_SUBMITTED);
}

/* A request contains at most as many tasks as a reply of the broker can contain verdicts. */
static void
test_bounded_verdicts (Fixture *f, gconstpointer data)
{
  const ScriptWelcome small = { .features = with_tasks.features, .largest_payload = 1024 };
  static const char *const ids[] = { "a", "b", "c", "d" };
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) frames = NULL;
  g_autofree char *first = NULL;

  client_fixture_connect (f, &small);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    g_ptr_array_add (tasks, tasks_fixture_submit (f->client, ids[i]));
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  first = tasks_script_ids (tasks_script_find (frames, "Submit"));
  g_assert_cmpstr (first, ==, "a b c");
}

static void
test_bounded_bytes (Fixture *f, gconstpointer data)
{
  const ScriptWelcome small = { .features = with_tasks.features, .largest_payload = 4096 };
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("scan");
  g_autoptr (GBytes) half = g_bytes_new_take (g_malloc0 (2048), 2048);
  g_autoptr (GBytes) too_large = g_bytes_new_take (g_malloc0 (4096), 4096);
  g_autoptr (DeyeBusTask) one = NULL;
  g_autoptr (DeyeBusTask) two = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *ids = NULL;

  client_fixture_connect (f, &small);
  deye_bus_task_spec_set_payload (spec, half, NULL);
  one = deye_bus_client_submit (f->client, spec, NULL);
  two = deye_bus_client_submit (f->client, spec, NULL);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  ids = tasks_script_ids (tasks_script_find (frames, "Submit"));
  g_assert_cmpstr (ids, ==, deye_bus_task_get_id (one));
  deye_bus_task_spec_set_payload (spec, too_large, NULL);
  g_assert_null (deye_bus_client_submit (f->client, spec, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
}

static void
test_wrong_spec (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("a.b");
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &with_tasks);
  g_assert_null (deye_bus_client_submit (f->client, spec, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  client_fixture_settle (f);
  tasks_fixture_expect_silence (f);
}

static void
test_no_feature (Fixture *f, gconstpointer data)
{
  const ScriptWelcome without = { .features = WIRE_FEATURE_STREAM };
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("scan");
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &without);
  g_assert_null (deye_bus_client_submit (f->client, spec, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  client_fixture_settle (f);
  tasks_fixture_expect_silence (f);
}

static void
test_not_connected (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("scan");
  g_autoptr (GError) error = NULL;

  g_assert_null (deye_bus_client_submit (f->client, spec, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
}

static void
test_same_id (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = tasks_fixture_accepted (f, "one");
  g_autoptr (DeyeBusTask) again = tasks_fixture_submit (f->client, "one");
  g_autoptr (DeyeBusTaskSpec) other = deye_bus_task_spec_new ("scan");
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_dup_spec (one);
  g_autoptr (GError) error = NULL;

  g_assert_true (one == again);
  g_assert_cmpstr (deye_bus_task_spec_get_id (spec), ==, "one");
  deye_bus_task_spec_set_id (other, "one");
  deye_bus_task_spec_set_priority (other, 9);
  g_assert_null (deye_bus_client_submit (f->client, other, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "priority"));
  client_fixture_settle (f);
  tasks_fixture_expect_silence (f);
}

/* Submitting the id of a task whose outcome was reported makes a new task, after the old one was confirmed. */
static void
submit_again (DeyeBusTask *task, gpointer data)
{
  Fixture *f = data;
  g_autoptr (DeyeBusTask) same = tasks_fixture_submit (f->client, "one");

  g_assert_true (same == task); /* the outcome of the task is still being reported */
}

static void
test_same_id_later (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = tasks_fixture_accepted (f, "one");
  g_autoptr (DeyeBusTask) again = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  g_signal_connect (one, "finished", G_CALLBACK (submit_again), f);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_CANCELLED);
  client_fixture_send_and_settle (f);
  again = tasks_fixture_submit (f->client, "one");
  g_assert_true (again != one);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
  g_assert_true (tasks_script_find (frames, "Settle") == frames->pdata[0]);
  g_assert_true (tasks_script_find (frames, "Submit") == frames->pdata[1]);
  tasks_script_accept (f->in, frames->pdata[0]);
  tasks_script_accept (f->in, frames->pdata[1]);
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (again), ==, DEYE_BUS_TASK_STATE_QUEUED);
  g_assert_cmpuint (tasks_fixture_n_live (f), ==, 1);
}

/* --- refusals --- */

static void
test_refused (Fixture *f, gconstpointer data)
{
  const ScriptVerdict full
      = { .status = WIRE_STATUS_LIMIT, .detail = "too many", .setting = "task_queue", .value = 77 };
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  guint finished = 0;

  client_fixture_connect (f, &with_tasks);
  task = tasks_fixture_submit (f->client, "one");
  g_signal_connect (task, "finished", G_CALLBACK (count), &finished);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  tasks_script_answer (f->in, tasks_script_find (frames, "Submit"), 1, &full);
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_REFUSED);
  tasks_fixture_expect_error (task, DEYE_BUS_ERROR_LIMIT, "too many (value 77, setting task-queue)");
  g_assert_cmpuint (finished, ==, 1);
  g_assert_cmpuint (tasks_fixture_n_live (f), ==, 0);
  tasks_fixture_expect_silence (f); /* there is nothing to confirm */
}

static void
test_refused_with_state (Fixture *f, gconstpointer data)
{
  static const struct
  {
    ScriptVerdict verdict;
    DeyeBusTaskState state;
    gint code;
  } rows[] = {
    { { .status = WIRE_STATUS_QUARANTINED }, DEYE_BUS_TASK_STATE_QUARANTINED, DEYE_BUS_ERROR_FAILED },
    { { .status = WIRE_STATUS_PAYLOAD_GONE, .state = DEYE_BUS_TASK_STATE_SUCCEEDED },
      DEYE_BUS_TASK_STATE_SUCCEEDED,
      DEYE_BUS_ERROR_FAILED },
    { { .status = WIRE_STATUS_PAYLOAD_GONE, .state = 99 }, DEYE_BUS_TASK_STATE_REFUSED, DEYE_BUS_ERROR_FAILED },
    { { .status = WIRE_STATUS_DUPLICATE_ID, .state = DEYE_BUS_TASK_STATE_RUNNING },
      DEYE_BUS_TASK_STATE_REFUSED,
      DEYE_BUS_ERROR_DUPLICATE_ID },
    { { .status = WIRE_STATUS_LIMIT }, DEYE_BUS_TASK_STATE_REFUSED, DEYE_BUS_ERROR_LIMIT },
    { { .status = WIRE_STATUS_LIMIT, .state = DEYE_BUS_TASK_STATE_RUNNING },
      DEYE_BUS_TASK_STATE_UNKNOWN,
      DEYE_BUS_ERROR_LIMIT },
    { { .status = WIRE_STATUS_UNKNOWN }, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_UNKNOWN },
  };

  client_fixture_connect (f, &with_tasks);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeyeBusTask) task = tasks_fixture_submit (f->client, "one");
      g_autoptr (GPtrArray) frames = NULL;

      client_fixture_settle (f);
      frames = client_fixture_receive (f);
      tasks_script_answer (f->in, tasks_script_find (frames, "Submit"), 1, &rows[i].verdict);
      client_fixture_send_and_settle (f);
      g_assert_cmpint (deye_bus_task_get_state (task), ==, rows[i].state);
      tasks_fixture_expect_error (task, rows[i].code, "");
    }
  tasks_fixture_expect_silence (f);
}

static void
test_refused_request (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = NULL;
  g_autoptr (DeyeBusTask) two = NULL;

  client_fixture_connect (f, &with_tasks);
  one = tasks_fixture_submit (f->client, "one");
  two = tasks_fixture_submit (f->client, "two");
  client_fixture_settle (f);
  script_error (f->in, SUBMIT_ID, WIRE_STATUS_DENIED);
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (one), ==, DEYE_BUS_TASK_STATE_REFUSED);
  tasks_fixture_expect_error (one, DEYE_BUS_ERROR_DENIED, "as scripted");
  tasks_fixture_expect_error (two, DEYE_BUS_ERROR_DENIED, "as scripted");
}

/* If the broker did not handle a request, its tasks are submitted again after a pause, marked as repetitions. */
static void
test_overload (Fixture *f, gconstpointer data)
{
  const ScriptVerdict unknown = { .status = WIRE_STATUS_UNKNOWN };
  g_autoptr (DeyeBusTask) one = NULL;
  g_autoptr (DeyeBusTask) two = NULL;
  g_autoptr (GPtrArray) again = NULL;
  g_autoptr (GPtrArray) anew = NULL;
  g_autofree char *repeated = NULL;
  g_autofree char *plain = NULL;
  DeyeBusTaskLane *lane;

  client_fixture_connect (f, &with_tasks);
  one = tasks_fixture_submit (f->client, "one");
  two = tasks_fixture_submit (f->client, "two");
  client_fixture_settle (f);
  script_error (f->in, SUBMIT_ID, WIRE_STATUS_WOULD_BLOCK);
  client_fixture_send_and_settle (f);
  (void) client_fixture_receive_credit (f);
  lane = &f->client->tasks->lanes[DEYE_BUS_TASK_LANE_SUBMIT];
  g_assert_cmpint (lane->pause_us, ==, DEYE_BUS_TASKS_PAUSE_US);
  client_fixture_wait (f, lane->pending != NULL);
  again = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  repeated = tasks_script_repetitions (again->pdata[0]);
  g_assert_cmpstr (repeated, ==, "one+ two+");

  /* The same broker does not know the tasks, so it never received them. */
  tasks_script_answer (f->in, again->pdata[0], 2, &unknown);
  client_fixture_send_and_settle (f);
  anew = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  plain = tasks_script_repetitions (anew->pdata[0]);
  g_assert_cmpstr (plain, ==, "one two");
  tasks_script_accept (f->in, anew->pdata[0]);
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (two), ==, DEYE_BUS_TASK_STATE_QUEUED);
  g_assert_cmpint (lane->pause_us, ==, 0);
}

static void
test_pause_doubles (Fixture *f, gconstpointer data)
{
  gint64 pause_us = 0;
  guint n = 0;

  for (; pause_us < DEYE_BUS_TASKS_PAUSE_MAX_US; n++)
    pause_us = deye_bus_tasks_next_pause (pause_us);
  g_assert_cmpuint (n, ==, 7); /* in seconds: 0.1 0.2 0.4 0.8 1.6 3.2 5 */
  g_assert_cmpint (deye_bus_tasks_next_pause (pause_us), ==, 5 * G_TIME_SPAN_SECOND);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/tasks/" path, Fixture, NULL, tasks_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("one-request", test_one_request);
  ADD ("flush-sends", test_flush_sends);
  ADD ("bounded-request", test_bounded_request);
  ADD ("bounded-bytes", test_bounded_bytes);
  ADD ("F02-bounded-verdicts", test_bounded_verdicts);
  ADD ("wrong-spec", test_wrong_spec);
  ADD ("no-feature", test_no_feature);
  ADD ("not-connected", test_not_connected);
  ADD ("same-id", test_same_id);
  ADD ("same-id-later", test_same_id_later);
  ADD ("refused", test_refused);
  ADD ("refused-with-state", test_refused_with_state);
  ADD ("refused-request", test_refused_request);
  ADD ("overload", test_overload);
  ADD ("pause-doubles", test_pause_doubles);
  return g_test_run ();
}
