/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Submitters with real processes: an id identifies one task, results outlive their submitters, failed tasks are delayed, and a
 * submitter with a blocked main loop loses nothing. The second number in a path is the number of the scenario in the list of the
 * design.
 */

#include "task-scene.h"

#include "wire-status.h"

#include <string.h>

#define N_MANY        10000u
#define MANY_BYTES    256u
#define MOST_FRAMES   (128u * 1024u)
#define BLOCKED_MS    10000u
#define RETRY_LONG_US 50000u
#define N_SETTLED     16u /* the least that task_settled_ids can be */

#define TASK_STATE(name) DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_##name

typedef Daemoneye__Eventbus__V1__SubmitReply SubmitReply;
typedef Daemoneye__Eventbus__V1__SubmitRequest SubmitRequest;
typedef Daemoneye__Eventbus__V1__SubmitVerdict SubmitVerdict;
typedef Daemoneye__Eventbus__V1__TaskSpec WireTaskSpec;

static const BusFixtureOptions plain = { .agent_program = TRUE };
static const BusFixtureOptions forgetful
    = { .agent_program = TRUE, .limits = "task_window_us=1000\ntask_settled_ids=16\ntask_recovery_us=1000" };
static const BusFixtureOptions quick_retry = { .agent_program = TRUE, .limits = "task_retry_us=1000" };

static TestProcess *
submitter_start (TaskScene *scene, const char *id)
{
  const char *argv[] = { bus_fixture_program ("TEST_TASK_SUBMITTER"), scene->bus.address, id, NULL };
  TestProcess *submitter = test_process_spawn (argv, -1, NULL);

  test_process_expect_line (submitter, "connected");
  g_ptr_array_add (scene->bus.workers, submitter);
  return submitter;
}

static void
expect_text (TestProcess *process, const char *prefix, const char *text)
{
  g_autofree char *rest = test_process_expect (process, prefix);

  g_assert_cmpstr (rest, ==, text);
}

static WireTaskSpec
wire_spec (const char *id, const char *act)
{
  WireTaskSpec spec = DAEMONEYE__EVENTBUS__V1__TASK_SPEC__INIT;

  spec.id = (char *) (gsize) id;
  spec.operation = (char *) (gsize) "scan";
  spec.payload = (ProtobufCBinaryData){ strlen (act), (guint8 *) (gsize) act };
  return spec;
}

/* A request to submit one task with values that the library would not send. */
static SubmitVerdict *
submit_raw (TaskScene *scene, WireTaskSpec *spec)
{
  SubmitRequest request = DAEMONEYE__EVENTBUS__V1__SUBMIT_REQUEST__INIT;
  WireTaskSpec *specs[] = { spec };
  SubmitReply *reply;
  SubmitVerdict *verdict;

  request.tasks = specs;
  request.n_tasks = 1;
  reply = (SubmitReply *) task_scene_ask (scene, "control.collector.task", "Submit", &request.base,
                                          &daemoneye__eventbus__v1__submit_reply__descriptor);
  g_assert_cmpuint (reply->n_verdicts, ==, 1);
  verdict = g_steal_pointer (&reply->verdicts[0]);
  reply->n_verdicts = 0;
  daemoneye__eventbus__v1__submit_reply__free_unpacked (reply, NULL);
  return verdict;
}

/* Submits the task again with the flag resubmit. Returns the status. */
static guint32
resubmit (TaskScene *scene, const char *id, const char *act)
{
  WireTaskSpec spec = wire_spec (id, act);
  SubmitVerdict *verdict;
  guint32 status;

  spec.resubmit = TRUE;
  verdict = submit_raw (scene, &spec);
  status = verdict->status;
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  return status;
}

/* 16: two processes submit the same task at once: it runs once, and both get its result. */
static void
test_same (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 2);
  TestProcess *first = submitter_start (scene, "s1");
  TestProcess *second = submitter_start (scene, "s2");

  test_process_send (first, "submit t hold");
  test_process_send (second, "submit t hold");
  test_process_expect_line (first, "submitted t");
  test_process_expect_line (second, "submitted t");
  test_process_expect_line (holder, "run t 1 0");
  task_scene_succeed (holder, "t", "one");
  expect_text (first, "ended t", "6 one");
  expect_text (second, "ended t", "6 one");
  g_assert_cmpuint (task_scene_runs (holder, "t"), ==, 0);
}

/* 17: the same id with another specification is refused, and the error names the difference. */
static void
test_differs (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 2);
  TestProcess *other = submitter_start (scene, "s1");
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold", NULL);
  WireTaskSpec urgent = wire_spec ("t", "hold");
  g_autofree char *refusal = NULL;
  SubmitVerdict *verdict;

  test_process_expect_line (holder, "run t 1 0");
  test_process_send (other, "submit t done");
  refusal = test_process_expect (other, "refused t");
  g_assert_nonnull (strstr (refusal, "payload"));
  urgent.priority = 7;
  verdict = submit_raw (scene, &urgent);
  g_assert_cmpuint (verdict->status, ==, WIRE_STATUS_DUPLICATE_ID);
  g_assert_nonnull (strstr (verdict->detail, "priority"));
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  task_scene_succeed (holder, "t", "kept");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "kept");
  g_assert_cmpuint (task_scene_runs (holder, "t"), ==, 0);
}

/* 18: the submitter is killed, and the task ends: a submit with the same id gets the result, and the task does not run again. */
static void
test_crashed (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 2);
  TestProcess *submitter = submitter_start (scene, "s1");
  TestProcess *next;

  test_process_send (submitter, "submit t hold");
  test_process_expect_line (holder, "run t 1 0");
  bus_fixture_kill_worker (&scene->bus, submitter);
  task_scene_succeed (holder, "t", "kept");
  task_scene_wait_record (scene, "t", task_scene_has_state, TASK_STATE (SUCCEEDED));
  g_assert_cmpuint (resubmit (scene, "t", "hold"), ==, WIRE_STATUS_OK);
  next = submitter_start (scene, "s1");
  test_process_send (next, "submit t hold");
  expect_text (next, "ended t", "6 kept");
  g_assert_cmpuint (resubmit (scene, "t", "hold"), ==, WIRE_STATUS_OK); /* it was accepted, and is in the window */
  g_assert_cmpuint (task_scene_runs (holder, "t"), ==, 0);
}

static guint32
resubmit_until_not (TaskScene *scene, const char *id, guint32 status)
{
  guint32 answer;

  while ((answer = resubmit (scene, id, "done")) == status)
    bus_fixture_run_briefly (&scene->bus);
  return answer;
}

/* 18: after the window only the outcome of a task is known, later nothing; it never runs a second time. */
static void
test_forgotten (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "done", NULL);

  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "w1 1");
  g_assert_cmpuint (resubmit_until_not (scene, "t", WIRE_STATUS_OK), ==, WIRE_STATUS_PAYLOAD_GONE);
  for (guint i = 0; i < N_SETTLED; i++)
    {
      g_autofree char *id = g_strdup_printf ("later-%u", i);
      g_autoptr (DeyeBusTask) later = task_scene_submit (scene, id, "done", NULL);

      task_scene_wait (scene, deye_bus_task_is_finished (later));
    }
  g_assert_cmpuint (resubmit_until_not (scene, "t", WIRE_STATUS_PAYLOAD_GONE), ==, WIRE_STATUS_UNKNOWN);
  g_assert_cmpuint (resubmit (scene, "t", "done"), ==, WIRE_STATUS_UNKNOWN);
  test_process_expect_line (holder, "run t 1 0");
  g_assert_cmpuint (task_scene_runs (holder, "t"), ==, 0);
}

/* --- 25 --- */

/* The first delay of the task in its history. */
static guint64
first_delay_us (const TaskRecord *record)
{
  for (gsize i = 0; i + 1 < record->n_history; i++)
    if (record->history[i]->state == TASK_STATE (DELAYED))
      return record->history[i]->ago_us - record->history[i + 1]->ago_us;
  g_assert_not_reached ();
}

/* 25: a handler always asks for another attempt: each attempt is delayed, and none follows the last one. */
static void
test_retry_loop (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold hold retry", NULL);
  g_autoptr (TaskRecord) record = NULL;
  g_autoptr (TaskRecord) last = NULL;

  test_process_expect_line (holder, "run t 1 0");
  test_process_send (holder, "retry t %u", RETRY_LONG_US);
  test_process_expect_line (holder, "run t 2 0");
  record = task_scene_record (scene, "t");
  g_assert_cmpuint (record->failures, ==, 1);
  g_assert_cmpuint (first_delay_us (record), >=, RETRY_LONG_US);
  test_process_send (holder, "retry t 0");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_FAILED);
  last = task_scene_record (scene, "t");
  g_assert_cmpuint (last->failures, ==, 3);
  test_process_expect_line (holder, "run t 3 0");
  g_assert_cmpuint (task_scene_runs (holder, "t"), ==, 0);
}

static SubmitVerdict *
submit_attempts (TaskScene *scene, const char *id, guint32 attempts)
{
  WireTaskSpec spec = wire_spec (id, "retry");

  spec.attempts_presence_case = DAEMONEYE__EVENTBUS__V1__TASK_SPEC__ATTEMPTS_PRESENCE_ATTEMPTS;
  spec.attempts = attempts;
  return submit_raw (scene, &spec);
}

/* 25: the number of attempts is always bounded: the broker and the library refuse 0 and more than the maximum. A task without a
 * number gets that of the setting. */
static void
test_attempts (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTaskSpec) zero = task_scene_spec ("scan", "zero", "retry", NULL);
  g_autoptr (DeyeBusTask) refused = NULL;
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GError) error = NULL;
  SubmitVerdict *verdict = submit_attempts (scene, "zero", 0);

  g_assert_cmpuint (verdict->status, ==, WIRE_STATUS_BAD_MESSAGE);
  g_assert_nonnull (strstr (verdict->detail, "task-attempts"));
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  verdict = submit_attempts (scene, "many", G_MAXUINT32);
  g_assert_cmpuint (verdict->status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpstr (verdict->setting, ==, "task_attempts");
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  deye_bus_task_spec_set_attempts (zero, 0);
  refused = deye_bus_client_submit (scene->submitter, zero, &error);
  g_assert_null (refused);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  task = task_scene_submit_spec (scene, task_scene_spec ("scan", "none", "retry", NULL));
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_FAILED);
  test_process_expect_line (holder, "run none 3 0");
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 3);
  g_assert_cmpuint (task_scene_runs (holder, "zero") + task_scene_runs (holder, "many"), ==, 0);
}

/* --- a submitter that is blocked --- */

static guint64
tasks_succeeded (TaskScene *scene)
{
  g_auto (BusStatsView) view = bus_fixture_stats (scene->bus.controller);

  return view.reply->totals->tasks_succeeded;
}

/* The agent keeps the states of tasks in their records, so only few frames wait for the submitter. */
static void
assert_frames_bounded (TaskScene *scene, const char *submitter)
{
  g_auto (BusStatsView) view = bus_fixture_stats (scene->bus.controller);

  g_assert_cmpuint (bus_stats_view_peer (&view, submitter)->queued_bytes, <=, MOST_FRAMES);
}

static gboolean
on_unblock (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* The submitter is suspended for BLOCKED_MS, and all its tasks end in this time. */
static void
suspend_submitter (TaskScene *scene, TestProcess *submitter)
{
  GSource *timer = g_timeout_source_new (BLOCKED_MS);
  gboolean is_over = FALSE;

  g_source_set_callback (timer, on_unblock, &is_over, NULL);
  test_process_suspend (submitter);
  g_source_attach (timer, scene->bus.context);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("w%u", i);

      task_scene_collector (scene, id, 64);
    }
  while (tasks_succeeded (scene) < N_MANY)
    bus_fixture_run_briefly (&scene->bus);
  assert_frames_bounded (scene, "s1");
  task_scene_wait (scene, is_over);
  g_source_unref (timer);
  test_process_resume (submitter);
}

/* The submitter of 10,000 tasks is suspended: it is not disconnected, and gets every result. */
static void
test_blocked (TaskScene *scene, gconstpointer data)
{
  TestProcess *submitter = submitter_start (scene, "s1");
  g_autofree char *all = g_strdup_printf ("%u", N_MANY);

  test_process_send (submitter, "many %u %u", N_MANY, MANY_BYTES);
  expect_text (submitter, "submitted", all);
  suspend_submitter (scene, submitter);
  expect_text (submitter, "results", all);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/" path, TaskScene, options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("scenarios/M11-16-same-task", &plain, test_same);
  ADD ("scenarios/M11-17-other-specification", &plain, test_differs);
  ADD ("scenarios/K03-18-submitter-crashed", &plain, test_crashed);
  ADD ("scenarios/K03-18-forgotten", &forgetful, test_forgotten);
  ADD ("scenarios/M11-25-retry-loop", &quick_retry, test_retry_loop);
  ADD ("scenarios/M11-25-attempts", &quick_retry, test_attempts);
  ADD ("tasks/M09-M11-S29-ten-thousand-blocked-submitter", &plain, test_blocked);
#undef ADD
  return g_test_run ();
}
