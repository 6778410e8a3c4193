/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leases with real processes: results that are late, sent twice or of an older lease, and works that hang. The second number in a
 * path is the number of the scenario in the list of the design.
 */

#include "system-events.h"
#include "task-scene.h"

#include <string.h>

/* The limits of progress are short for a test, but long for a handler that is about to begin. */
#define PROGRESS_US 1000000

static const BusFixtureOptions impatient = { .agent_program = TRUE, .limits = "task_progress_us=1000000" };
static const BusFixtureOptions hasty_retry = { .agent_program = TRUE, .limits = "task_retry_us=1000" };
static const BusFixtureOptions hasty_run
    = { .agent_program = TRUE, .limits = "task_progress_us=4000000\ntask_run_limit_us=4400000" };
static const BusFixtureOptions plain = { .agent_program = TRUE };

static guint64
stale_answers (TaskScene *scene)
{
  g_auto (BusStatsView) view = bus_fixture_stats (scene->bus.controller);

  return view.reply->totals->stale_answers;
}

/* 1: no other collector has the task when its late result arrives: the result counts, and the task is not run again. */
static void
test_late (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold done", NULL);
  g_autoptr (DeyeBusTask) next = NULL;
  g_autoptr (TaskRecord) record = NULL;
  g_autoptr (CollectorRecord) member = NULL;

  task_scene_wait_record (scene, "t", task_scene_has_expiries, 1);
  member = task_scene_member (scene, "w1");
  g_assert_cmpuint (member->zombie, ==, 1);
  g_assert_cmpuint (member->offered + member->running, ==, 0);
  task_scene_succeed (holder, "t", "late");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "late");
  g_assert_true (deye_bus_task_is_late (task));
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 1);
  record = task_scene_record (scene, "t");
  g_assert_cmpuint (record->expiries, ==, 1);
  next = task_scene_submit (scene, "next", "done", NULL);
  task_scene_wait (scene, deye_bus_task_is_finished (next));
  g_assert_cmpuint (task_scene_runs (holder, "t"), ==, 1);
}

/* 2: another collector has the task: the late result is refused and counted as stale, and the second result is accepted. */
static void
test_fenced (TaskScene *scene, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (&scene->bus);
  TestProcess *first = task_scene_collector_impatient (scene, "w1", 2, PROGRESS_US);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold", NULL);
  TestProcess *second;

  task_scene_expect_run (scene, first, "t", 1, 0);
  second = task_scene_collector (scene, "w2", 2);
  task_scene_expect_run (scene, second, "t", 2, 0);
  test_process_expect_line (first, "cancel t superseded");
  task_scene_succeed (first, "t", "first");
  task_scene_wait (scene, system_events_count (events, "system.task.stale") == 1);
  g_assert_cmpuint (stale_answers (scene), ==, 1);
  task_scene_wait_record (scene, "t", task_scene_has_state, DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_RUNNING);
  task_scene_succeed (second, "t", "second");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "second");
  g_assert_false (deye_bus_task_is_late (task));
  g_assert_cmpstr (deye_bus_task_get_holder (task), ==, "w2");
}

static TestProcess *
forger_start (TaskScene *scene)
{
  const char *argv[] = { bus_fixture_program ("TEST_TASK_FORGER"), scene->bus.address, "w1", NULL };
  TestProcess *forger = test_process_spawn (argv, -1, NULL);

  test_process_expect_line (forger, "registered");
  g_ptr_array_add (scene->bus.workers, forger);
  return forger;
}

static void
forger_send (TestProcess *forger, const char *command)
{
  test_process_send (forger, "%s", command);
  test_process_expect_line (forger, "sent");
}

/* 3: the holder has failed attempt 1 and works on attempt 2 when it answers with the lease of attempt 1. */
static void
test_older_token (TaskScene *scene, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (&scene->bus);
  TestProcess *forger = forger_start (scene);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "- - done", NULL);
  g_autoptr (TaskRecord) record = NULL;

  test_process_expect_line (forger, "offer 1 t 1");
  forger_send (forger, "start 1 1");
  forger_send (forger, "retry 1 1");
  test_process_expect_line (forger, "offer 2 t 2");
  forger_send (forger, "start 2 2");
  forger_send (forger, "progress 2 1");
  forger_send (forger, "succeed 2 1 forged");
  task_scene_wait (scene, system_events_count (events, "system.task.stale") == 2);
  g_assert_cmpuint (stale_answers (scene), ==, 2);
  record = task_scene_record (scene, "t");
  g_assert_cmpint (record->state, ==, DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_RUNNING);
  g_assert_cmpuint (record->attempt, ==, 2);
  g_assert_cmpuint (record->failures, ==, 1);
  bus_fixture_end_worker (&scene->bus, forger);
  task_scene_collector (scene, "w2", 1);
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "w2 3");
}

/* 7: the only slot of a live collector is a zombie: it gets no offers, and an event reports it. When it answers, it gets tasks
 * again. */
static void
test_all_wait (TaskScene *scene, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (&scene->bus);
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold", NULL);
  g_autoptr (DeyeBusTask) next = NULL;
  g_autoptr (CollectorRecord) member = NULL;

  task_scene_wait (scene, system_events_count (events, "system.collector.suspect") == 1);
  next = task_scene_submit (scene, "next", "done", NULL);
  task_scene_wait_record (scene, "next", task_scene_has_reason, DAEMONEYE__EVENTBUS__V1__WAIT_REASON__WAIT_SET_ASIDE);
  member = task_scene_member (scene, "w1");
  g_assert_cmpint (member->state, ==, DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_SUSPECT);
  g_assert_nonnull (strstr (member->cause, "every slot"));
  task_scene_succeed (holder, "t", "late");
  task_scene_wait (scene, deye_bus_task_is_finished (task) && deye_bus_task_is_finished (next));
  task_scene_assert_result (task, "late");
  task_scene_assert_result (next, "w1 1");
}

/* 14: a timer reports progress while the work hangs: the run limit ends the attempt. */
static void
test_hangs (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "tick done", NULL);
  g_autoptr (TaskRecord) record = NULL;

  test_process_expect_line (holder, "cancel t expired");
  record = task_scene_record (scene, "t");
  g_assert_cmpint (record->state, ==, DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_QUEUED);
  g_assert_cmpuint (record->expiries, ==, 1);
  g_assert_nonnull (strstr (record->cause, "run limit"));
  task_scene_collector (scene, "w2", 1);
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "w2 2");
  g_assert_cmpuint (task_scene_runs (holder, "t"), ==, 1);
}

/* 15: an operation without progress has only the run limit: its work continues while leases of other tasks expire. */
static void
test_without_progress (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 4);
  g_autoptr (DeyeBusTask) task = task_scene_submit_spec (scene, task_scene_spec ("quiet", "t", "hold", NULL));
  g_autoptr (TaskRecord) record = NULL;

  task_scene_expect_run (scene, holder, "t", 1, 0);
  for (guint i = 1; i <= 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("beside-%u", i);
      G_GNUC_UNUSED g_autoptr (DeyeBusTask) beside = task_scene_submit (scene, id, "hold", NULL);

      task_scene_wait_record (scene, id, task_scene_has_expiries, 1);
    }
  record = task_scene_record (scene, "t");
  g_assert_cmpint (record->state, ==, DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_RUNNING);
  g_assert_cmpuint (record->expiries, ==, 0);
  task_scene_succeed (holder, "t", "slow");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "slow");
  g_assert_false (deye_bus_task_is_late (task));
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/scenarios/" path, TaskScene, options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("M14-01-late", &impatient, test_late);
  ADD ("K05-02-fenced", &plain, test_fenced);
  ADD ("K05-03-older-token", &hasty_retry, test_older_token);
  ADD ("D04-07-all-slots-wait", &impatient, test_all_wait);
  ADD ("D04-14-hangs", &hasty_run, test_hangs);
  ADD ("M11-15-without-progress", &impatient, test_without_progress);
#undef ADD
  return g_test_run ();
}
