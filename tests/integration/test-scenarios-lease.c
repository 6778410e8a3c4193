/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leases with real processes: results that come late or twice, and works that hang. The number in a path is that of the scenario in
 * the list of the design.
 */

#include "task-scene.h"

static const BusFixtureOptions impatient = { .agent_program = TRUE, .limits = "task_progress_us=300000" };

/* 1: nobody else has the task when its result comes: the result counts, and there is no second run. */
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/scenarios/" path, TaskScene, options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("M14-01-late", &impatient, test_late);
#undef ADD
  return g_test_run ();
}
