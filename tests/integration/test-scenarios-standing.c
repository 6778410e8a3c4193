/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Standing tasks with real processes: the agent sets the desired set of a collector by its id, whether or not the collector runs.
 * The collector gets the set when it registers, also after a crash. If it refuses the set, it stays in the state configuring.
 */

#include "task-scene.h"

#include <string.h>

typedef Daemoneye__Eventbus__V1__StandingState State;

static void
state_free (State *state)
{
  protobuf_c_message_free_unpacked (&state->base, NULL);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (State, state_free)

static State *
ask (TaskScene *scene, const char *method, const ProtobufCMessage *request)
{
  return (State *) task_scene_ask (scene, "control.bus.standing", method, request,
                                   &daemoneye__eventbus__v1__standing_state__descriptor);
}

/* Sets one standing task for the collector "w1". */
static State *
set (TaskScene *scene, guint64 revision, const char *id)
{
  Daemoneye__Eventbus__V1__StandingSet request = DAEMONEYE__EVENTBUS__V1__STANDING_SET__INIT;
  Daemoneye__Eventbus__V1__StandingTask task = DAEMONEYE__EVENTBUS__V1__STANDING_TASK__INIT;
  Daemoneye__Eventbus__V1__StandingTask *tasks[] = { &task };

  task.id = (char *) (gsize) id;
  task.operation = (char *) (gsize) "scan";
  request.collector = (char *) (gsize) "w1";
  request.revision = revision;
  request.set = tasks;
  request.n_set = G_N_ELEMENTS (tasks);
  return ask (scene, "Set", &request.base);
}

static State *
get (TaskScene *scene)
{
  Daemoneye__Eventbus__V1__StandingRequest request = DAEMONEYE__EVENTBUS__V1__STANDING_REQUEST__INIT;

  request.collector = (char *) (gsize) "w1";
  return ask (scene, "Get", &request.base);
}

/* Waits until the collector has applied this revision. */
static void
wait_observed (TaskScene *scene, guint64 revision)
{
  for (gboolean is_observed = FALSE; !is_observed;)
    {
      g_autoptr (State) state = get (scene);

      is_observed = state->observed == revision;
      g_assert_cmpint (state->is_configuring, ==, !is_observed);
    }
}

/* The collector gets a set from before its registration, another one while it runs, and the last one again in its next
 * process. */
static void
test_again (TaskScene *scene, gconstpointer data)
{
  g_autoptr (State) first = set (scene, 1, "watch-etc");
  g_autoptr (State) second = NULL;
  TestProcess *collector;

  g_assert_true (first->is_configuring);
  g_assert_cmpuint (first->observed, ==, 0);
  collector = task_scene_collector_begin (scene, "w1", 1);
  test_process_expect_line (collector, "standing 1 watch-etc");
  wait_observed (scene, 1);
  second = set (scene, 2, "watch-usr");
  test_process_expect_line (collector, "standing 2 watch-usr");
  wait_observed (scene, 2);
  task_scene_kill (scene, collector);
  collector = task_scene_collector_begin (scene, "w1", 1);
  test_process_expect_line (collector, "standing 2 watch-usr");
  wait_observed (scene, 2);
  g_assert_cmpuint (test_process_count (collector, "standing "), ==, 0);
}

/* The agent reports the problem that the collector has named, until the next set is applied. */
static void
test_refused (TaskScene *scene, gconstpointer data)
{
  TestProcess *collector = task_scene_collector (scene, "w1", 1);
  g_autoptr (State) first = set (scene, 1, "impossible");
  g_autoptr (State) other = NULL;

  g_assert_true (first->is_configuring);
  test_process_expect_line (collector, "standing 1 impossible");
  for (gboolean is_answered = FALSE; !is_answered;)
    {
      g_autoptr (State) state = get (scene);

      is_answered = strlen (state->problem) > 0;
      g_assert_true (state->is_configuring);
      if (is_answered)
        g_assert_cmpstr (state->problem, ==, "it is impossible");
    }
  other = set (scene, 2, "watch-etc");
  test_process_expect_line (collector, "standing 2 watch-etc");
  wait_observed (scene, 2);
}

int
main (int argc, char **argv)
{
  static const BusFixtureOptions options = { .agent_program = TRUE };

  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/scenarios/" path, TaskScene, &options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("M28-again", test_again);
  ADD ("M28-refused", test_refused);
  return g_test_run ();
}
