/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Cancels with real processes: one that crosses the result, and one that is ignored. The second number in a path is the number of
 * the scenario in the list of the design.
 */

#include "task-scene.h"

#define STATE(name) DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_##name

static const BusFixtureOptions plain = { .agent_program = TRUE };
static const BusFixtureOptions hasty_cancel = { .agent_program = TRUE, .limits = "task_cancel_us=200000" };

static void
cancel_expect (TaskScene *scene, const char *id, const char *expected)
{
  g_autofree char *detail = task_scene_cancel (scene, id);

  g_assert_cmpstr (detail, ==, expected);
}

/* 5: the agent has the result when the cancel arrives, and the submitter has not got it yet. */
static void
test_result_first (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold", NULL);

  task_scene_expect_run (scene, holder, "t", 1, 0);
  task_scene_succeed (holder, "t", "done");
  task_scene_wait_record (scene, "t", task_scene_has_state, STATE (SUCCEEDED));
  deye_bus_task_cancel (task);
  cancel_expect (scene, "t", "already done");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "done");
}

/* 5: the cancel is in transit when the holder sends the result: the suspended holder gets its command and the cancel before it
 * continues. */
static void
test_cancel_first (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold", NULL);

  task_scene_expect_run (scene, holder, "t", 1, 0);
  test_process_suspend (holder);
  test_process_send (holder, "succeed t done");
  deye_bus_task_cancel (task);
  task_scene_wait_record (scene, "t", task_scene_has_state, STATE (CANCELLING));
  task_scene_wait (scene, deye_bus_task_get_state (task) == DEYE_BUS_TASK_STATE_CANCELLING);
  cancel_expect (scene, "t", "already cancelling");
  test_process_resume (holder);
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "done");
  cancel_expect (scene, "t", "already done");
}

/* 6: the holder ignores the cancel: the task ends without its answer, and its slot is not used before it answers. */
static void
test_ignored (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold", NULL);
  g_autoptr (DeyeBusTask) beside = NULL;
  g_autoptr (DeyeBusTask) next = NULL;
  g_autoptr (CollectorRecord) member = NULL;

  task_scene_expect_run (scene, holder, "t", 1, 0);
  deye_bus_task_cancel (task);
  test_process_expect_line (holder, "cancel t asked");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_CANCELLED);
  g_assert_true (deye_bus_task_is_unconfirmed (task));
  beside = task_scene_submit (scene, "beside", "hold", NULL);
  next = task_scene_submit (scene, "next", "done", NULL);
  task_scene_expect_run (scene, holder, "beside", 1, 1);
  task_scene_wait (scene, deye_bus_task_get_wait_reason (next) == DEYE_BUS_WAIT_REASON_ALL_BUSY);
  member = task_scene_member (scene, "w1");
  g_assert_cmpuint (member->zombie, ==, 1);
  g_assert_cmpuint (member->running, ==, 1);
  g_assert_cmpuint (member->offered, ==, 0);
  g_assert_cmpuint (task_scene_runs (holder, "next"), ==, 0);
  test_process_send (holder, "cancelled t");
  test_process_expect_line (holder, "ended t");
  task_scene_wait (scene, deye_bus_task_is_finished (next));
  task_scene_assert_result (next, "w1 1");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/scenarios/" path, TaskScene, options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("M11-05-result-before-cancel", &plain, test_result_first);
  ADD ("M11-05-cancel-before-result", &plain, test_cancel_first);
  ADD ("M11-06-ignored", &hasty_cancel, test_ignored);
#undef ADD
  return g_test_run ();
}
