/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Collectors that leave in order, with real processes: an announced stop, and a drain. The second number in a path is the number
 * of the scenario in the list of the design.
 */

#include "task-scene.h"

#define STATE(name) DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_##name

static const BusFixtureOptions plain = { .agent_program = TRUE };
static const BusFixtureOptions hasty_return = { .agent_program = TRUE, .limits = "task_return_us=1000" };
static const BusFixtureOptions hasty_drain
    = { .agent_program = TRUE, .limits = "task_drain_us=4000000\ntask_progress_us=30000000" };

static gboolean
has_interruptions (const TaskRecord *record, guint interruptions)
{
  return record->interruptions == interruptions;
}

static void
assert_interrupted_once (TaskScene *scene, const char *id)
{
  g_autoptr (TaskRecord) record = task_scene_record (scene, id);

  g_assert_cmpuint (record->interruptions, ==, 1);
  g_assert_cmpuint (record->failures + record->expiries + record->deaths, ==, 0);
  g_assert_false (record->is_suspect);
}

/* The collector announces its end, and stops with running works. */
static void
stop_by_itself (TaskScene *scene, TestProcess *collector)
{
  test_process_send (collector, "stop 1");
  test_process_expect_line (collector, "stopped");
  bus_fixture_end_worker (&scene->bus, collector);
}

/* Another program announces the end of the collector to the agent, and kills it. */
static void
stop_by_kill (TaskScene *scene, TestProcess *collector)
{
  task_scene_drain (scene, "w1", TRUE);
  test_process_expect_line (collector, "draining");
  task_scene_kill (scene, collector);
}

typedef void (*AnnouncedStop) (TaskScene *scene, TestProcess *collector);

/* 11: each work is counted as interrupted, not as dead, and no task is suspected. */
static void
announced (TaskScene *scene, AnnouncedStop stop)
{
  static const char *const ids[] = { "a", "b" };
  TestProcess *collector = task_scene_collector (scene, "w1", 2);
  g_autoptr (DeyeBusTask) a = task_scene_submit (scene, ids[0], "hold done", NULL);
  g_autoptr (DeyeBusTask) b = task_scene_submit (scene, ids[1], "hold done", NULL);
  g_autoptr (CollectorRecord) member = NULL;

  task_scene_expect_run (scene, collector, ids[0], 1, 0);
  task_scene_expect_run (scene, collector, ids[1], 1, 1);
  stop (scene, collector);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      task_scene_wait_record (scene, ids[i], has_interruptions, 1);
      assert_interrupted_once (scene, ids[i]);
    }
  task_scene_collector (scene, "w1", 2);
  task_scene_wait (scene, deye_bus_task_is_finished (a) && deye_bus_task_is_finished (b));
  task_scene_assert_result (a, "w1 2");
  task_scene_assert_result (b, "w1 2");
  member = task_scene_member (scene, "w1");
  g_assert_cmpuint (member->deaths + member->strikes, ==, 0);
}

static void
test_stops (TaskScene *scene, gconstpointer data)
{
  announced (scene, stop_by_itself);
}

static void
test_killed (TaskScene *scene, gconstpointer data)
{
  announced (scene, stop_by_kill);
}

/* 12: a collector with two works and an offer begins to drain. Another collector gets the offer at once; one work ends in time;
 * the other one is run elsewhere, before tasks that were submitted later. */
static void
test_drain (TaskScene *scene, gconstpointer data)
{
  TestProcess *first = task_scene_collector (scene, "w1", 4);
  g_autoptr (DeyeBusTask) ends = task_scene_submit (scene, "ends", "hold", NULL);
  g_autoptr (DeyeBusTask) stays = task_scene_submit (scene, "stays", "hold", NULL);
  g_autoptr (DeyeBusTask) offered = NULL;
  g_autoptr (DeyeBusTask) younger = NULL;
  TestProcess *second;

  task_scene_expect_run (scene, first, "ends", 1, 0);
  task_scene_expect_run (scene, first, "stays", 1, 1);
  test_process_suspend (first);
  offered = task_scene_submit (scene, "offered", "hold", NULL);
  task_scene_wait_record (scene, "offered", task_scene_has_state, STATE (OFFERED));
  second = task_scene_collector (scene, "w2", 1);
  task_scene_drain (scene, "w1", FALSE);
  task_scene_expect_run (scene, second, "offered", 1, 0);
  younger = task_scene_submit (scene, "younger", "hold", NULL);
  test_process_resume (first);
  test_process_expect_line (first, "draining");
  task_scene_succeed (first, "ends", "in-time");
  task_scene_wait (scene, deye_bus_task_is_finished (ends));
  task_scene_assert_result (ends, "in-time");
  test_process_expect_line (first, "cancel stays draining");
  task_scene_wait_record (scene, "stays", has_interruptions, 1);
  assert_interrupted_once (scene, "stays");
  g_assert_cmpuint (task_scene_runs (first, "offered"), ==, 0);
  task_scene_succeed (second, "offered", "elsewhere");
  task_scene_expect_run (scene, second, "stays", 2, 0);
  g_assert_cmpuint (task_scene_runs (second, "younger"), ==, 0);
  task_scene_succeed (second, "stays", "later");
  task_scene_expect_run (scene, second, "younger", 1, 0);
  task_scene_succeed (second, "younger", "last");
  task_scene_wait (scene, deye_bus_task_is_finished (stays) && deye_bus_task_is_finished (younger));
  task_scene_assert_result (stays, "later");
}

/* 13: a draining collector gets cancels, and confirms them. */
static void
test_cancel (TaskScene *scene, gconstpointer data)
{
  TestProcess *holder = task_scene_collector (scene, "w1", 1);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "obey", NULL);

  task_scene_expect_run (scene, holder, "t", 1, 0);
  task_scene_drain (scene, "w1", FALSE);
  test_process_expect_line (holder, "draining");
  deye_bus_task_cancel (task);
  test_process_expect_line (holder, "cancel t asked");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_CANCELLED);
  g_assert_false (deye_bus_task_is_unconfirmed (task));
  test_process_expect_line (holder, "drained");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/scenarios/" path, TaskScene, options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("K14-11-stops", &hasty_return, test_stops);
  ADD ("K14-11-killed-as-announced", &hasty_return, test_killed);
  ADD ("K14-12-drain", &hasty_drain, test_drain);
  ADD ("K14-13-cancel-during-drain", &plain, test_cancel);
#undef ADD
  return g_test_run ();
}
