/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The choice of tasks and members, with real processes: many urgent tasks, operations that no member has any more, and a member
 * that dies at every task that it starts. The second number in a path is the number of the scenario in the list of the design.
 */

#include "system-events.h"
#include "task-scene.h"

#define N_FLOOD   40u
#define MOST_WAIT 8u /* the oldest task gets one of this many leases of its operation */
#define N_ROUNDS  12u
#define N_ROUND   12u

#define TASK_STATE(name)  DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_##name
#define WAIT_REASON(name) DAEMONEYE__EVENTBUS__V1__WAIT_REASON__WAIT_##name

static const BusFixtureOptions plain = { .agent_program = TRUE };
static const BusFixtureOptions quick_return
    = { .agent_program = TRUE, .limits = "task_return_us=50000\ntask_hold_us=200000" };

/* --- 23 --- */

static DeyeBusTask *
submit_urgent (TaskScene *scene, const char *operation, const char *id, guint8 priority)
{
  DeyeBusTaskSpec *spec = task_scene_spec (operation, id, "done", NULL);

  deye_bus_task_spec_set_priority (spec, priority);
  return task_scene_submit_spec (scene, spec);
}

/* Submits a task of priority 1, and then many of priority 255. */
static void
flood (TaskScene *scene, const char *operation, GPtrArray *tasks)
{
  g_autofree char *low = g_strconcat (operation, "-low", NULL);

  g_ptr_array_add (tasks, submit_urgent (scene, operation, low, 1));
  for (guint i = 0; i < N_FLOOD; i++)
    {
      g_autofree char *id = g_strdup_printf ("%s-%u", operation, i);

      g_ptr_array_add (tasks, submit_urgent (scene, operation, id, 255));
    }
}

/* The position of the task of priority 1 among the runs of @operation, from 1. */
static guint
index_of_low_task (TestProcess *collector, const char *operation)
{
  g_autofree char *prefix = g_strdup_printf ("run %s-", operation);

  for (guint place = 1;; place++)
    {
      g_autofree char *rest = test_process_expect (collector, prefix);

      if (g_str_has_prefix (rest, "low "))
        return place;
    }
}

/* 23: urgent tasks are first, but the task that has waited longest gets one of 8 leases of its operation. */
static void
test_flood (TaskScene *scene, gconstpointer data)
{
  static const char *const operations[] = { "scan", "other" };
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  TestProcess *collector;

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    flood (scene, operations[i], tasks);
  collector = task_scene_collector (scene, "w1", 1);
  for (guint i = 0; i < tasks->len; i++)
    task_scene_wait (scene, deye_bus_task_is_finished (tasks->pdata[i]));
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      guint place = index_of_low_task (collector, operations[i]);

      g_assert_cmpuint (place, >, 1);
      g_assert_cmpuint (place, <=, MOST_WAIT);
    }
}

/* --- 24 --- */

/* 24: the operation is withdrawn while a task runs: the task finishes. A waiting task reports its wait reason, and ends at its
 * deadline; a task that ends soon may have ended before this process sees why it waits. */
static void
test_withdrawn (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTask) running = task_scene_submit (scene, "t", "hold", NULL);
  g_autoptr (DeyeBusTask) waiting = task_scene_submit (scene, "u", "done", NULL);
  DeyeBusTaskSpec *spec = task_scene_spec ("scan", "v", "done", NULL);
  g_autoptr (DeyeBusTask) ending = NULL;
  g_autoptr (TaskRecord) record = NULL;

  test_process_expect_line (holder, "run t 1 0");
  test_process_send (holder, "withdraw scan");
  test_process_expect_line (holder, "withdrawn");
  task_scene_wait_record (scene, "u", task_scene_has_reason, WAIT_REASON (NO_CAPABILITY));
  deye_bus_task_spec_set_timeout (spec, 200 * G_TIME_SPAN_MILLISECOND);
  ending = task_scene_submit_spec (scene, spec);
  task_scene_wait (scene, deye_bus_task_is_finished (ending));
  g_assert_cmpint (deye_bus_task_get_state (ending), ==, DEYE_BUS_TASK_STATE_TIMED_OUT);
  g_assert_false (deye_bus_task_is_finished (waiting));
  deye_bus_task_cancel (waiting);
  task_scene_wait (scene, deye_bus_task_is_finished (waiting));
  record = task_scene_record (scene, "t");
  g_assert_cmpint (record->state, ==, TASK_STATE (RUNNING));
  task_scene_succeed (holder, "t", "kept");
  task_scene_wait (scene, deye_bus_task_is_finished (running));
  task_scene_assert_result (running, "kept");
  g_assert_cmpuint (task_scene_runs (holder, "u"), ==, 0);
}

/* 24: the last collector with the operation leaves; the next one with it gets the waiting tasks. */
static void
test_last_leaves (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTask) running = task_scene_submit (scene, "t", "hold done", NULL);
  g_autoptr (DeyeBusTask) waiting = task_scene_submit (scene, "u", "done", NULL);

  test_process_expect_line (holder, "run t 1 0");
  task_scene_wait_record (scene, "u", task_scene_has_reason, WAIT_REASON (ALL_BUSY));
  task_scene_kill (scene, holder);
  task_scene_wait_record (scene, "u", task_scene_has_reason, WAIT_REASON (NO_CAPABILITY));
  task_scene_wait_record (scene, "t", task_scene_has_reason, WAIT_REASON (NO_CAPABILITY));
  task_scene_collector (scene, "w2", 1);
  task_scene_wait (scene, deye_bus_task_is_finished (running) && deye_bus_task_is_finished (waiting));
  task_scene_assert_result (running, "w2 2");
  task_scene_assert_result (waiting, "w2 1");
}

/* --- hostile --- */

/* Runs tasks at the same time. Returns TRUE if the hostile member died of one, and another attempt of that task succeeded. */
static gboolean
run_round (TaskScene *scene, guint round, guint *n_attempts)
{
  DeyeBusTask *tasks[N_ROUND];
  gboolean has_died = FALSE;

  for (guint i = 0; i < N_ROUND; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u-%u", round, i);
      g_autoptr (DeyeBusTaskSpec) spec = task_scene_spec ("scan", id, "done", NULL);

      tasks[i] = deye_bus_client_submit (scene->submitter, spec, NULL);
    }
  for (guint i = 0; i < N_ROUND; i++)
    {
      task_scene_wait (scene, deye_bus_task_is_finished (tasks[i]));
      g_assert_cmpint (deye_bus_task_get_state (tasks[i]), ==, DEYE_BUS_TASK_STATE_SUCCEEDED);
      has_died |= deye_bus_task_get_attempt (tasks[i]) > 1;
      *n_attempts += deye_bus_task_get_attempt (tasks[i]);
      g_object_unref (tasks[i]);
    }
  return has_died;
}

/* One of three members dies at each task that it starts, and reconnects at once: it is set aside, no task is
 * quarantined, and at most half of all attempts are lost. While it is set aside, rounds end without it. */
static void
test_hostile (TaskScene *scene, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (&scene->bus);
  TestProcess *hostile = NULL;
  guint n_deaths = 0, n_attempts = 0, round;

  task_scene_collector (scene, "w1", 2);
  task_scene_collector (scene, "w2", 2);
  for (round = 0; round < N_ROUNDS || n_deaths < 2 || system_events_count (events, "system.collector.set-aside") == 0;
       round++)
    {
      if (hostile == NULL)
        hostile = task_scene_collector_with (scene, "hostile", 4, "die");
      if (!run_round (scene, round, &n_attempts))
        continue;
      n_deaths++;
      task_scene_reap (scene, g_steal_pointer (&hostile));
    }
  g_assert_cmpuint (n_attempts, <=, 2 * round * N_ROUND);
  g_assert_cmpuint (system_events_count (events, "system.task.quarantined"), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/scenarios/" path, TaskScene, options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("M11-23-flood", &plain, test_flood);
  ADD ("K08-M10-24-withdrawn", &plain, test_withdrawn);
  ADD ("K08-M14-24-last-leaves", &plain, test_last_leaves);
  ADD ("K06-K07-S28-hostile-member", &quick_return, test_hostile);
#undef ADD
  return g_test_run ();
}
