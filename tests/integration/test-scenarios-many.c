/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Questions to many collectors, with real processes: after one collector was killed, and after the agent was killed. The second
 * number in a path is the number of the scenario in the list of the design.
 */

#include "task-scene.h"

static const BusFixtureOptions at_once
    = { .agent_program = TRUE, .limits = "task_recovery_us=1000\ntask_return_us=100000" };
static const BusFixtureOptions window = { .agent_program = TRUE, .limits = "task_recovery_us=8000000" };

static DeyeBusManifest *
ask (TaskScene *scene)
{
  g_autoptr (DeyeBusGatherSpec) spec = deye_bus_gather_spec_new ("scan");
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autoptr (GError) error = NULL;

  deye_bus_gather_spec_ask_all (spec);
  deye_bus_gather_spec_set_require_all (spec);
  deye_bus_gather_spec_set_timeout (spec, 60 * G_TIME_SPAN_SECOND);
  gather = deye_bus_client_gather (scene->submitter, spec, NULL, &error);
  g_assert_no_error (error);
  return deye_bus_gather_dup_manifest (gather);
}

/* 26: the result is partial, and names the killed collector. */
static void
test_killed_before (TaskScene *scene, gconstpointer data)
{
  TestProcess *killed;
  g_autoptr (DeyeBusManifest) manifest = NULL;
  g_auto (GStrv) missing = NULL;

  task_scene_collector_with (scene, "w1", 1, "done");
  killed = task_scene_collector_with (scene, "w2", 1, "done");
  task_scene_kill (scene, killed);
  manifest = ask (scene);
  missing = deye_bus_manifest_list_missing (manifest);
  g_assert_cmpint (deye_bus_manifest_get_verdict (manifest), ==, DEYE_BUS_GATHER_VERDICT_PARTIAL);
  g_assert_cmpuint (deye_bus_manifest_get_expected (manifest), ==, 2);
  g_assert_cmpuint (g_strv_length (missing), ==, 1);
  g_assert_cmpstr (missing[0], ==, "w2");
}

/* 27: a question right after the restart waits for the collector, which reconnects within the recovery window. */
static void
test_restarted (TaskScene *scene, gconstpointer data)
{
  g_autoptr (DeyeBusManifest) manifest = NULL;

  task_scene_collector_with (scene, "w1", 1, "done");
  task_scene_restart_agent (scene, data);
  task_scene_wait (scene, deye_bus_client_get_state (scene->submitter) == DEYE_BUS_CLIENT_STATE_READY);
  manifest = ask (scene);
  g_assert_true (deye_bus_manifest_is_roster_sure (manifest));
  g_assert_cmpint (deye_bus_manifest_get_verdict (manifest), ==, DEYE_BUS_GATHER_VERDICT_COMPLETE);
  g_assert_cmpuint (deye_bus_manifest_get_expected (manifest), ==, 1);
}

#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/scenarios/" path, TaskScene, &(options), task_scene_set_up, function, task_scene_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("S26-M12-killed-before", at_once, test_killed_before);
  ADD ("S27-M12-restarted", window, test_restarted);
  return g_test_run ();
}
