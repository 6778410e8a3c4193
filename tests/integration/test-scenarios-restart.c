/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The agent or a holder is killed while tasks run, with real processes: the next agent connects the tasks of the submitter with
 * their holders again. The second number in a path is the number of the scenario in the list of the design.
 */

#include "task-scene.h"

#define N_HELD 64u

#define TASK_STATE(name) DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_##name

static const BusFixtureOptions plain = { .agent_program = TRUE };
static const BusFixtureOptions short_window = { .agent_program = TRUE, .limits = "task_recovery_us=300000" };

static void
expect_claims (TaskScene *scene, guint adopted, guint unmatched)
{
  g_auto (BusStatsView) view = bus_fixture_stats (scene->bus.controller);

  g_assert_cmpuint (view.reply->totals->claims_adopted, ==, adopted);
  g_assert_cmpuint (view.reply->totals->claims_unmatched, ==, unmatched);
}

static guint64
count_adopted (TaskScene *scene)
{
  g_auto (BusStatsView) view = bus_fixture_stats (scene->bus.controller);

  return view.reply->totals->claims_adopted;
}

static void
wait_adopted (TaskScene *scene, guint adopted)
{
  guint64 count;

  while ((count = count_adopted (scene)) != adopted)
    {
      test_watchdog_note ("%u adopted claims, %" G_GUINT64_FORMAT " now", adopted, count);
      bus_fixture_run_briefly (&scene->bus);
    }
  test_watchdog_note (NULL);
}

/* Waits until the submitter knows the holder of the task, which it names when it submits the task again. */
static void
wait_running (TaskScene *scene, DeyeBusTask *task)
{
  task_scene_wait (scene, deye_bus_task_get_state (task) == DEYE_BUS_TASK_STATE_RUNNING);
}

/* 19: the holder continues: the next agent gives it the task with the same attempt, and the handler is not called again. */
static void
test_running (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "tick", NULL);
  g_autoptr (TaskRecord) record = NULL;
  TestProcess *other;

  task_scene_wait_begun (scene, holder, task);
  task_scene_restart_agent (scene, data);
  other = task_scene_collector (scene, "w2", 2);
  wait_adopted (scene, 1);
  record = task_scene_record (scene, "t");
  g_assert_cmpint (record->state, ==, TASK_STATE (RUNNING));
  g_assert_cmpstr (record->holder, ==, "w1");
  g_assert_cmpuint (record->attempt, ==, 1);
  task_scene_succeed (holder, "t", "once");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "once");
  g_assert_cmpuint (task_scene_runs (holder, "t") + task_scene_runs (other, "t"), ==, 0);
  expect_claims (scene, 1, 0);
}

/* 20: the holder finishes while no agent runs: the next agent gets the result from it, once. */
static void
test_finished (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold", NULL);
  TestProcess *other;

  task_scene_wait_begun (scene, holder, task);
  bus_fixture_kill_broker (&scene->bus);
  task_scene_succeed (holder, "t", "meanwhile");
  bus_fixture_start_broker (&scene->bus, data);
  other = task_scene_collector (scene, "w2", 2);
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "meanwhile");
  g_assert_cmpstr (deye_bus_task_get_holder (task), ==, "w1");
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 1);
  g_assert_cmpuint (task_scene_runs (holder, "t") + task_scene_runs (other, "t"), ==, 0);
  expect_claims (scene, 1, 0);
}

/* 19: the next agent is killed as well, before and after the task is RUNNING there: the task still runs once. */
static void
test_killed_again (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "tick", NULL);

  task_scene_wait_begun (scene, holder, task);
  task_scene_restart_agent (scene, data);
  task_scene_restart_agent (scene, data);
  wait_adopted (scene, 1);
  wait_running (scene, task);
  task_scene_restart_agent (scene, data);
  wait_adopted (scene, 1);
  task_scene_succeed (holder, "t", "once");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "once");
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 1);
  g_assert_cmpuint (task_scene_runs (holder, "t"), ==, 0);
}

/* 19: many tasks of several holders, running, finished and waiting, when the agent is killed: each runs once. */
static void
test_many (TaskScene *scene, gconstpointer data)
{
  TestProcess *holders[] = { task_scene_collector (scene, "w0", 10), task_scene_collector (scene, "w1", 10) };
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      g_ptr_array_add (tasks, task_scene_submit (scene, id, "tick", i % 2 == 0 ? "w0" : "w1"));
    }
  for (guint i = 0; i < 20; i++)
    task_scene_wait_begun (scene, holders[i % 2], tasks->pdata[i]);
  bus_fixture_kill_broker (&scene->bus);
  for (guint i = 0; i < 10; i++)
    task_scene_succeed (holders[i % 2], deye_bus_task_get_id (tasks->pdata[i]), "early");
  bus_fixture_start_broker (&scene->bus, data);
  wait_adopted (scene, 20);
  for (guint i = 10; i < 20; i++)
    task_scene_succeed (holders[i % 2], deye_bus_task_get_id (tasks->pdata[i]), "later");
  for (guint i = 0; i < 20; i++)
    {
      task_scene_wait (scene, deye_bus_task_is_finished (tasks->pdata[i]));
      task_scene_assert_result (tasks->pdata[i], i < 10 ? "early" : "later");
      g_assert_cmpuint (task_scene_runs (holders[i % 2], deye_bus_task_get_id (tasks->pdata[i])), ==, 0);
    }
  expect_claims (scene, 20, 0);
}

/* The submitter does not reconnect: the work is cancelled at the end of the recovery window. */
static void
test_submitter_does_not_return (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "obey", NULL);

  test_process_expect_line (holder, "run t 1 0");
  bus_fixture_kill_broker (&scene->bus);
  g_assert_true (deye_bus_client_close (scene->submitter, NULL, NULL));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_UNKNOWN);
  bus_fixture_start_broker (&scene->bus, data);
  test_process_expect_line (holder, "cancel t superseded");
  expect_claims (scene, 0, 1);
}

/* Only the connection of a holder with many works ends: another collector gets all of them, each once. */
static void
test_holder_killed (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", N_HELD);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  TestProcess *other;

  for (guint i = 0; i < N_HELD; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      g_ptr_array_add (tasks, task_scene_submit (scene, id, "hold done", NULL));
    }
  for (guint i = 0; i < N_HELD; i++)
    wait_running (scene, tasks->pdata[i]);
  other = task_scene_collector (scene, "w2", N_HELD);
  task_scene_kill (scene, holder);
  for (guint i = 0; i < N_HELD; i++)
    {
      task_scene_wait (scene, deye_bus_task_is_finished (tasks->pdata[i]));
      task_scene_assert_result (tasks->pdata[i], "w2 2");
      test_process_expect_line (other, "run ");
    }
  g_assert_cmpuint (test_process_count (other, "run "), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/scenarios/" path, TaskScene, options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("K09-M14-19-adopted-run-once", &plain, test_running);
  ADD ("K03-K09-20-finished-meanwhile", &plain, test_finished);
  ADD ("K09-19-killed-again", &plain, test_killed_again);
  ADD ("K09-K10-19-many-tasks", &plain, test_many);
  ADD ("K05-19-submitter-does-not-return", &short_window, test_submitter_does_not_return);
  ADD ("K01-K02-holder-of-many-killed", &plain, test_holder_killed);
#undef ADD
  return g_test_run ();
}
