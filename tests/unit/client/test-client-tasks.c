/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"
#include "tasks-script.h"

/* Tasks of a submitter: submit, state, outcome, and what is confirmed to the broker. */

typedef ClientFixture Fixture;

/* Ids of the first requests of a client. */
#define SUBMIT_ID 2u
#define AWAIT_ID  4u

static void
set_up (Fixture *f, gconstpointer data)
{
  client_fixture_set_up (f, data);
  tasks_script_allow (f->client);
}

#define PUSH(f, ...) tasks_script_push ((f)->in, AWAIT_ID, &(const ScriptPush){ __VA_ARGS__ })

/* @id: NULL: drawn. */
static DeyeBusTask *
submit (Fixture *f, const char *id)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("scan");
  g_autoptr (GError) error = NULL;
  DeyeBusTask *task;

  deye_bus_task_spec_set_id (spec, id);
  task = deye_bus_client_submit (f->client, spec, &error);
  g_assert_no_error (error);
  return task;
}

/* The broker has accepted a task with this id, and the stream is open. */
static DeyeBusTask *
accepted (Fixture *f, const char *id)
{
  DeyeBusTask *task;
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &with_tasks);
  task = submit (f, id);
  client_fixture_settle (f);
  frames = client_fixture_hear (f);
  g_assert_cmpuint (tasks_script_find (frames, "Submit")->envelope.id, ==, SUBMIT_ID);
  g_assert_cmpuint (tasks_script_find (frames, "Await")->envelope.id, ==, AWAIT_ID);
  tasks_script_accept (f->in, tasks_script_find (frames, "Submit"));
  client_fixture_say_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_QUEUED);
  return task;
}

/* Asserts that the client sent one Settle and nothing else. */
static void
expect_settle (Fixture *f, const char *ids)
{
  g_autoptr (GPtrArray) frames = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  g_autofree char *settled = NULL;

  g_assert_nonnull (tasks_script_find (frames, "Settle"));
  settled = tasks_script_ids (frames->pdata[0]);
  g_assert_cmpstr (settled, ==, ids);
}

static void
expect_silence (Fixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_hear (f);

  g_assert_cmpuint (frames->len, ==, 0);
}

static void
expect_error (DeyeBusTask *task, gint code, const char *text)
{
  g_autoptr (GError) error = deye_bus_task_dup_error (task);

  g_assert_error (error, DEYE_BUS_ERROR, code);
  g_assert_nonnull (strstr (error->message, text));
  g_assert_null (deye_bus_task_get_result (task));
  g_assert_true (deye_bus_task_is_finished (task));
}

/* Count emissions, into the guint at @data. */
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

static guint
n_live (Fixture *f)
{
  return f->client->tasks->order.length;
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
  one = submit (f, NULL);
  two = submit (f, NULL);
  expect_silence (f);
  g_assert_cmpint (deye_bus_task_get_state (one), ==, DEYE_BUS_TASK_STATE_SUBMITTED);
  client_fixture_settle (f);
  frames = client_fixture_hear (f);
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
  one = submit (f, NULL);
  two = submit (f, NULL);
  deye_bus_client_flush_async (f->client, NULL, FALSE, NULL, client_result_set, &result);
  frames = client_fixture_hear (f); /* before the next turn */
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

      g_ptr_array_add (tasks, submit (f, id));
    }
  client_fixture_settle (f);
  first = client_fixture_hear (f);
  g_assert_cmpuint (tasks_script_count (first, "Submit"), ==, 1);
  tasks_script_accept (f->in, tasks_script_find (first, "Submit"));
  client_fixture_say_and_settle (f);
  second = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  rest = tasks_script_ids (tasks_script_find (second, "Submit"));
  g_assert_cmpstr (rest, ==, "t256");
  g_assert_cmpint (deye_bus_task_get_state (tasks->pdata[255]), ==, DEYE_BUS_TASK_STATE_QUEUED);
  g_assert_cmpint (deye_bus_task_get_state (tasks->pdata[256]), ==, DEYE_BUS_TASK_STATE_SUBMITTED);
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
  frames = client_fixture_hear (f);
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
  expect_silence (f);
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
  expect_silence (f);
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
  g_autoptr (DeyeBusTask) one = accepted (f, "one");
  g_autoptr (DeyeBusTask) again = submit (f, "one");
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
  expect_silence (f);
}

/* The submit of an id whose outcome the program has is a new one, behind the confirmation of the old one. */
static void
submit_again (DeyeBusTask *task, gpointer data)
{
  Fixture *f = data;
  g_autoptr (DeyeBusTask) same = submit (f, "one");

  g_assert_true (same == task); /* its outcome is just being reported */
}

static void
test_same_id_later (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = accepted (f, "one");
  g_autoptr (DeyeBusTask) again = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  g_signal_connect (one, "finished", G_CALLBACK (submit_again), f);
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_CANCELLED);
  client_fixture_say_and_settle (f);
  again = submit (f, "one");
  g_assert_true (again != one);
  client_fixture_settle (f);
  frames = client_fixture_hear (f);
  g_assert_cmpuint (frames->len, ==, 2);
  g_assert_true (tasks_script_find (frames, "Settle") == frames->pdata[0]);
  g_assert_true (tasks_script_find (frames, "Submit") == frames->pdata[1]);
  tasks_script_accept (f->in, frames->pdata[0]);
  tasks_script_accept (f->in, frames->pdata[1]);
  client_fixture_say_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (again), ==, DEYE_BUS_TASK_STATE_QUEUED);
  g_assert_cmpuint (n_live (f), ==, 1);
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
  task = submit (f, "one");
  g_signal_connect (task, "finished", G_CALLBACK (count), &finished);
  client_fixture_settle (f);
  frames = client_fixture_hear (f);
  tasks_script_answer (f->in, tasks_script_find (frames, "Submit"), 1, &full);
  client_fixture_say_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_REFUSED);
  expect_error (task, DEYE_BUS_ERROR_LIMIT, "too many (value 77, setting task-queue)");
  g_assert_cmpuint (finished, ==, 1);
  g_assert_cmpuint (n_live (f), ==, 0);
  expect_silence (f); /* there is nothing to confirm */
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
    { { .status = WIRE_STATUS_UNKNOWN }, DEYE_BUS_TASK_STATE_UNKNOWN, DEYE_BUS_ERROR_UNKNOWN },
  };

  client_fixture_connect (f, &with_tasks);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeyeBusTask) task = submit (f, "one");
      g_autoptr (GPtrArray) frames = NULL;

      client_fixture_settle (f);
      frames = client_fixture_hear (f);
      tasks_script_answer (f->in, tasks_script_find (frames, "Submit"), 1, &rows[i].verdict);
      client_fixture_say_and_settle (f);
      g_assert_cmpint (deye_bus_task_get_state (task), ==, rows[i].state);
      expect_error (task, rows[i].code, "");
    }
  expect_silence (f);
}

static void
test_refused_request (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = NULL;
  g_autoptr (DeyeBusTask) two = NULL;

  client_fixture_connect (f, &with_tasks);
  one = submit (f, "one");
  two = submit (f, "two");
  client_fixture_settle (f);
  script_error (f->in, SUBMIT_ID, WIRE_STATUS_DENIED);
  client_fixture_say_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (one), ==, DEYE_BUS_TASK_STATE_REFUSED);
  expect_error (one, DEYE_BUS_ERROR_DENIED, "as scripted");
  expect_error (two, DEYE_BUS_ERROR_DENIED, "as scripted");
}

/* The tasks of a request that was not handled are submitted again, marked as repetitions, after a pause. */
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
  one = submit (f, "one");
  two = submit (f, "two");
  client_fixture_settle (f);
  script_error (f->in, SUBMIT_ID, WIRE_STATUS_WOULD_BLOCK);
  client_fixture_say_and_settle (f);
  (void) client_fixture_hear_credit (f);
  lane = &f->client->tasks->lanes[DEYE_BUS_TASK_LANE_SUBMIT];
  g_assert_cmpint (lane->pause_us, ==, DEYE_BUS_TASKS_PAUSE_US);
  client_fixture_wait (f, lane->pending != NULL);
  again = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  repeated = tasks_script_repetitions (again->pdata[0]);
  g_assert_cmpstr (repeated, ==, "one+ two+");

  /* The same broker does not know them: it never got them. */
  tasks_script_answer (f->in, again->pdata[0], 2, &unknown);
  client_fixture_say_and_settle (f);
  anew = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  plain = tasks_script_repetitions (anew->pdata[0]);
  g_assert_cmpstr (plain, ==, "one two");
  tasks_script_accept (f->in, anew->pdata[0]);
  client_fixture_say_and_settle (f);
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
  g_assert_cmpuint (n, ==, 7); /* 0.1 0.2 0.4 0.8 1.6 3.2 5 */
  g_assert_cmpint (deye_bus_tasks_next_pause (pause_us), ==, 5 * G_TIME_SPAN_SECOND);
}

/* --- pushes --- */

typedef struct
{
  guint64 done;
  guint64 total;
  char *text;
  guint calls;
} Seen;

static void
see_progress (DeyeBusTask *task, guint64 done, guint64 total, const char *text, gpointer data)
{
  Seen *seen = data;

  seen->done = done;
  seen->total = total;
  g_free (seen->text);
  seen->text = g_strdup (text);
  seen->calls++;
}

static void
test_states (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = accepted (f, "one");
  Seen seen = { 0 };
  guint states = 0, reasons = 0, holders = 0, finished = 0;
  guint64 done, total;

  g_signal_connect (task, "notify::state", G_CALLBACK (count_changes), &states);
  g_signal_connect (task, "notify::wait-reason", G_CALLBACK (count_changes), &reasons);
  g_signal_connect (task, "notify::holder", G_CALLBACK (count_changes), &holders);
  g_signal_connect (task, "progress", G_CALLBACK (see_progress), &seen);
  g_signal_connect (task, "finished", G_CALLBACK (count), &finished);

  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_QUEUED, .reason = DEYE_BUS_WAIT_REASON_NO_CAPABILITY,
        .cause = "nobody");
  client_fixture_say_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_wait_reason (task), ==, DEYE_BUS_WAIT_REASON_NO_CAPABILITY);
  g_assert_cmpstr (deye_bus_task_get_cause (task), ==, "nobody");
  g_assert_cmpuint (seen.calls + finished, ==, 0);

  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_RUNNING, .holder = "p1", .attempt = 1, .doing = "half", .done = 5,
        .total = 10, .skipped = 3);
  client_fixture_say_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_RUNNING);
  g_assert_cmpint (deye_bus_task_get_wait_reason (task), ==, DEYE_BUS_WAIT_REASON_NONE);
  g_assert_cmpstr (deye_bus_task_get_holder (task), ==, "p1");
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 1);
  g_assert_cmpstr (deye_bus_task_get_progress (task, &done, &total), ==, "half");
  g_assert_cmpuint (done, ==, 5);
  g_assert_cmpuint (total, ==, 10);
  g_assert_cmpuint (seen.done + seen.total, ==, 15);
  g_assert_cmpstr (seen.text, ==, "half");
  g_assert_cmpuint (deye_bus_task_get_skipped (task), ==, 3);

  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .holder = "p1", .attempt = 1, .late = TRUE,
        .result = "rows", .result_type = "example.Rows", .skipped = 2);
  client_fixture_say_and_settle (f);
  g_assert_true (deye_bus_task_is_finished (task));
  g_assert_true (deye_bus_task_is_late (task));
  g_assert_cmpmem (g_bytes_get_data (deye_bus_task_get_result (task), NULL), 4, "rows", 4);
  g_assert_cmpstr (deye_bus_task_get_result_type (task), ==, "example.Rows");
  g_assert_null (deye_bus_task_dup_error (task));
  g_assert_cmpuint (deye_bus_task_get_skipped (task), ==, 5);
  g_assert_cmpuint (seen.calls, ==, 1);
  g_assert_cmpuint (finished, ==, 1);
  g_assert_cmpuint (states, ==, 2);
  g_assert_cmpuint (reasons, ==, 2);
  g_assert_cmpuint (holders, ==, 1);
  g_free (seen.text);
}

/* Changes between two dispatches are one; those that read see the newest. */
static void
test_coalesced (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = accepted (f, "one");
  guint states = 0;
  guint state;

  g_signal_connect (task, "notify::state", G_CALLBACK (count_changes), &states);
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_OFFERED);
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_RUNNING);
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_CANCELLING);
  client_fixture_say_and_settle (f);
  g_assert_cmpuint (states, ==, 1);
  g_object_get (task, "state", &state, NULL);
  g_assert_cmpuint (state, ==, DEYE_BUS_TASK_STATE_CANCELLING);
}

static void
test_ends (Fixture *f, gconstpointer data)
{
  static const struct
  {
    ScriptPush push;
    gint code;
    const char *text;
    const char *name;
  } rows[] = {
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_FAILED, .error_name = "Broken", .error_text = "no disk" },
      DEYE_BUS_ERROR_FAILED,
      "no disk",
      "Broken" },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_FAILED, .cause = "17 interruptions" },
      DEYE_BUS_ERROR_FAILED,
      "17 interruptions",
      NULL },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_TIMED_OUT, .cause = "waited" },
      DEYE_BUS_ERROR_TIMEOUT,
      "waited",
      NULL },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_CANCELLED, .unconfirmed = TRUE },
      DEYE_BUS_ERROR_CANCELLED,
      "cancelled",
      NULL },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_QUARANTINED, .cause = "2 deaths" },
      DEYE_BUS_ERROR_FAILED,
      "2 deaths",
      NULL },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .dropped = TRUE }, DEYE_BUS_ERROR_FAILED, "kept", NULL },
  };
  guint finished = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeyeBusTask) task = i == 0 ? accepted (f, "one") : submit (f, "one");
      g_autoptr (GPtrArray) frames = NULL;
      g_autoptr (GPtrArray) settle = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *name = NULL;

      client_fixture_settle (f);
      frames = client_fixture_hear (f);
      if (i > 0)
        tasks_script_accept (f->in, tasks_script_find (frames, "Submit"));
      g_signal_connect (task, "finished", G_CALLBACK (count), &finished);
      tasks_script_push (f->in, AWAIT_ID, &rows[i].push);
      client_fixture_say_and_settle (f);
      expect_error (task, rows[i].code, rows[i].text);
      g_assert_cmpint (deye_bus_task_get_state (task), ==, rows[i].push.state);
      g_assert_cmpint (deye_bus_task_is_unconfirmed (task), ==, rows[i].push.unconfirmed);
      error = deye_bus_task_dup_error (task);
      name = deye_bus_error_get_name (error);
      g_assert_cmpstr (name, ==, rows[i].name);
      g_assert_cmpuint (finished, ==, i + 1);
      settle = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
      tasks_script_accept (f->in, settle->pdata[0]);
      client_fixture_say_and_settle (f);
      g_assert_cmpuint (n_live (f), ==, 0);
    }
}

/* Without an outcome the result is empty, and it is there. */
static void
test_empty_result (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = accepted (f, "one");

  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  client_fixture_say_and_settle (f);
  g_assert_nonnull (deye_bus_task_get_result (task));
  g_assert_cmpuint (g_bytes_get_size (deye_bus_task_get_result (task)), ==, 0);
  g_assert_null (deye_bus_task_get_result_type (task));
}

/* --- settle --- */

static void
test_settle_together (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = accepted (f, "one");
  g_autoptr (DeyeBusTask) two = submit (f, "two");
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_settle (f);
  frames = client_fixture_hear (f);
  tasks_script_accept (f->in, frames->pdata[0]);
  client_fixture_say_and_settle (f);
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  PUSH (f, .id = "two", .state = DEYE_BUS_TASK_STATE_CANCELLED);
  client_fixture_say_and_settle (f);
  expect_settle (f, "one two");
  g_assert_true (deye_bus_task_is_finished (one) && deye_bus_task_is_finished (two));
  client_fixture_settle (f);
  expect_silence (f); /* once */
}

static void
test_settle_in_the_same_turn (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = accepted (f, "one");

  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  client_fixture_say (f);
  g_assert_true (g_main_context_iteration (f->context, TRUE));
  g_assert_true (deye_bus_task_is_finished (one));
  expect_settle (f, "one");
}

/* What the program has not got is not confirmed. */
static void
test_settle_after_dispatch (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = accepted (f, "one");

  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  script_reply (f->in, 6, "");
  client_fixture_say (f);
  deye_bus_message_unref (
      deye_bus_client_request (f->client, "tasks.other", NULL, NULL, NULL, NULL)); /* reads the push */
  g_assert_true (deye_bus_task_is_finished (task));
  {
    g_autoptr (GPtrArray) frames = client_fixture_hear (f);

    g_assert_cmpuint (tasks_script_count (frames, "Settle"), ==, 0);
  }
  client_fixture_settle (f);
  expect_settle (f, "one");
}

/* A task that nobody holds is followed and confirmed as well. */
static void
test_settle_without_references (Fixture *f, gconstpointer data)
{
  DeyeBusTask *task = accepted (f, "one");

  g_object_add_weak_pointer (G_OBJECT (task), (gpointer *) &task);
  g_object_unref (task);
  g_assert_nonnull (task);
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  client_fixture_say_and_settle (f);
  g_assert_nonnull (task);
  {
    g_autoptr (GPtrArray) settle = client_fixture_hear_one (f, WIRE_KIND_REQUEST);

    tasks_script_accept (f->in, settle->pdata[0]);
  }
  client_fixture_say_and_settle (f);
  g_assert_null (task);
}

/* --- waiting --- */

static void
test_wait (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GBytes) result = NULL;
  g_autoptr (GBytes) again = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  guint finished = 0;

  client_fixture_connect (f, &with_tasks);
  task = submit (f, "one");
  g_signal_connect (task, "finished", G_CALLBACK (count), &finished);
  tasks_script_accept_early (f->in, SUBMIT_ID, "one");
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_RUNNING);
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .result = "rows");
  client_fixture_say (f);
  result = deye_bus_task_wait (task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (result, NULL), g_bytes_get_size (result), "rows", 4);
  g_assert_cmpuint (finished, ==, 0); /* user code runs in a dispatch only */
  frames = client_fixture_hear (f);
  g_assert_cmpuint (tasks_script_count (frames, "Settle"), ==, 1); /* the caller has it */
  again = deye_bus_task_wait (task, NULL, NULL);
  g_assert_true (again == result);
  client_fixture_settle (f);
  g_assert_cmpuint (finished, ==, 1);
  expect_silence (f);
}

static void
test_wait_for_failure (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = accepted (f, "one");
  g_autoptr (GError) error = NULL;

  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_TIMED_OUT);
  client_fixture_say (f);
  g_assert_null (deye_bus_task_wait (task, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
}

static void
test_wait_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = accepted (f, "one");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) sync = NULL;

  deye_bus_task_wait_async (task, cancellable, client_result_set, &result);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  g_cancellable_cancel (cancellable);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_null (deye_bus_task_wait_finish (task, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (deye_bus_task_wait (task, cancellable, &sync));
  g_assert_error (sync, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (deye_bus_task_is_finished (task)); /* the task goes on */
  expect_silence (f);
}

static void
test_wait_async (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = accepted (f, "one");
  g_auto (ClientResult) one = { 0 };
  g_auto (ClientResult) two = { 0 };
  g_auto (ClientResult) late = { 0 };
  g_autoptr (GBytes) result = NULL;
  g_autoptr (GBytes) after = NULL;

  deye_bus_task_wait_async (task, NULL, client_result_set, &one);
  deye_bus_task_wait_async (task, NULL, client_result_set, &two);
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .result = "rows");
  client_fixture_say_and_settle (f);
  g_assert_cmpuint (one.calls + two.calls, ==, 2);
  result = deye_bus_task_wait_finish (task, one.result, NULL);
  g_assert_cmpuint (g_bytes_get_size (result), ==, 4);
  expect_settle (f, "one");
  deye_bus_task_wait_async (task, NULL, client_result_set, &late);
  client_fixture_settle (f);
  after = deye_bus_task_wait_finish (task, late.result, NULL);
  g_assert_true (after == result);
}

/* --- cancel --- */

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = accepted (f, "one");
  g_autoptr (GPtrArray) frames = NULL;
  g_autofree char *ids = NULL;

  deye_bus_task_cancel (task);
  deye_bus_task_cancel (task);
  client_fixture_settle (f);
  frames = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  g_assert_nonnull (tasks_script_find (frames, "Cancel"));
  ids = tasks_script_ids (frames->pdata[0]);
  g_assert_cmpstr (ids, ==, "one");
  tasks_script_accept (f->in, frames->pdata[0]);
  PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_CANCELLED);
  client_fixture_say_and_settle (f);
  expect_error (task, DEYE_BUS_ERROR_CANCELLED, "");
  expect_settle (f, "one");
  deye_bus_task_cancel (task);
  client_fixture_settle (f);
  expect_silence (f);
}

static void
test_cancel_unsent (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = NULL;
  guint finished = 0;

  client_fixture_connect (f, &with_tasks);
  task = submit (f, "one");
  g_signal_connect (task, "finished", G_CALLBACK (count), &finished);
  deye_bus_task_cancel (task);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_CANCELLED);
  client_fixture_settle (f);
  g_assert_cmpuint (finished, ==, 1);
  expect_error (task, DEYE_BUS_ERROR_CANCELLED, "before");
  expect_silence (f);
}

/* A cancel never overtakes the submit. */
static void
test_cancel_sent (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GPtrArray) submitted = NULL;
  g_autoptr (GPtrArray) cancelled = NULL;

  client_fixture_connect (f, &with_tasks);
  task = submit (f, "one");
  client_fixture_settle (f);
  submitted = client_fixture_hear (f);
  deye_bus_task_cancel (task);
  client_fixture_settle (f);
  expect_silence (f);
  tasks_script_accept (f->in, tasks_script_find (submitted, "Submit"));
  client_fixture_say_and_settle (f);
  cancelled = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  g_assert_nonnull (tasks_script_find (cancelled, "Cancel"));
}

/* The id of a task that has ended may belong to another one by then. */
static void
test_cancel_ended (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = accepted (f, "one");
  g_autoptr (DeyeBusTask) two = submit (f, "two");
  g_autoptr (GPtrArray) submitted = NULL;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;

  client_fixture_settle (f);
  submitted = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  tasks_script_accept (f->in, submitted->pdata[0]);
  client_fixture_say_and_settle (f);
  deye_bus_task_cancel (one);
  client_fixture_settle (f);
  first = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  deye_bus_task_cancel (two); /* waits for the answer to the first one */
  PUSH (f, .id = "two", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  tasks_script_accept (f->in, first->pdata[0]);
  client_fixture_say_and_settle (f);
  second = client_fixture_hear_one (f, WIRE_KIND_REQUEST);
  g_assert_nonnull (tasks_script_find (second, "Settle"));
  g_assert_false (deye_bus_task_is_finished (one));
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/tasks/" path, Fixture, NULL, set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("one-request", test_one_request);
  ADD ("flush-sends", test_flush_sends);
  ADD ("bounded-request", test_bounded_request);
  ADD ("bounded-bytes", test_bounded_bytes);
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
  ADD ("states", test_states);
  ADD ("coalesced", test_coalesced);
  ADD ("ends", test_ends);
  ADD ("empty-result", test_empty_result);
  ADD ("settle-together", test_settle_together);
  ADD ("settle-in-the-same-turn", test_settle_in_the_same_turn);
  ADD ("settle-after-dispatch", test_settle_after_dispatch);
  ADD ("settle-without-references", test_settle_without_references);
  ADD ("wait", test_wait);
  ADD ("wait-for-failure", test_wait_for_failure);
  ADD ("wait-cancelled", test_wait_cancelled);
  ADD ("wait-async", test_wait_async);
  ADD ("cancel", test_cancel);
  ADD ("cancel-unsent", test_cancel_unsent);
  ADD ("cancel-sent", test_cancel_sent);
  ADD ("cancel-ended", test_cancel_ended);
  return g_test_run ();
}
