/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Collectors that are killed, and tasks that kill them, with real processes. The second number in a path is the number of the
 * scenario in the list of the design.
 */

#include "task-scene.h"

#define STATE(name)  DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_##name
#define REASON(name) DAEMONEYE__EVENTBUS__V1__WAIT_REASON__WAIT_##name
#define N_QUEUED     20u
#define N_INNOCENTS  3u

static const BusFixtureOptions hasty = { .agent_program = TRUE, .limits = "task_return_us=200000" };

/* 8: one task runs on the killed collector, and 20 wait for it: a death is counted only for the running one. */
static void
test_kill (TaskScene *scene, gconstpointer data)
{
  TestProcess *collector = task_scene_collector (scene, "w1", 1);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i <= N_QUEUED; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      g_ptr_array_add (tasks, task_scene_submit (scene, id, i == 0 ? "hold done" : "done", "w1"));
    }
  task_scene_expect_run (scene, collector, "t0", 1, 0);
  task_scene_kill (scene, collector);
  task_scene_wait_record (scene, "t0", task_scene_has_deaths, 1);
  for (guint i = 0; i <= N_QUEUED; i++)
    {
      g_autoptr (TaskRecord) record = task_scene_record (scene, deye_bus_task_get_id (tasks->pdata[i]));

      g_assert_cmpint (record->state, ==, STATE (QUEUED));
      g_assert_cmpint (record->reason, ==, REASON (TARGET_ABSENT));
      g_assert_cmpuint (record->deaths, ==, i == 0 ? 1 : 0);
      g_assert_cmpuint (record->interruptions + record->expiries + record->failures, ==, 0);
    }
  collector = task_scene_collector (scene, "w1", 1);
  for (guint i = 0; i <= N_QUEUED; i++)
    {
      task_scene_wait (scene, deye_bus_task_is_finished (tasks->pdata[i]));
      task_scene_assert_result (tasks->pdata[i], i == 0 ? "w1 2" : "w1 1");
    }
  /* A result may arrive before the line of the collector. */
  task_scene_wait (scene, test_process_count (collector, "run ") >= N_QUEUED + 1);
  g_assert_cmpuint (test_process_count (collector, "run "), ==, N_QUEUED + 1);
}

/* A collector with a running task is killed before it has acknowledged an offer: a death is counted only for the running task, and
 * another collector runs both tasks. */
static void
test_kill_offered (TaskScene *scene, gconstpointer data)
{
  TestProcess *collector = task_scene_collector (scene, "w1", 3);
  g_autoptr (DeyeBusTask) running = task_scene_submit (scene, "running", "hold done", NULL);
  g_autoptr (DeyeBusTask) offered = NULL;
  g_autoptr (TaskRecord) record = NULL;

  task_scene_expect_run (scene, collector, "running", 1, 0);
  test_process_suspend (collector);
  offered = task_scene_submit (scene, "offered", "done", NULL);
  task_scene_wait_record (scene, "offered", task_scene_has_state, STATE (OFFERED));
  task_scene_kill (scene, collector);
  task_scene_wait_record (scene, "running", task_scene_has_deaths, 1);
  record = task_scene_record (scene, "offered");
  g_assert_cmpint (record->state, ==, STATE (QUEUED));
  g_assert_cmpuint (record->deaths + record->interruptions + record->expiries + record->failures, ==, 0);
  task_scene_collector (scene, "w2", 1);
  task_scene_wait (scene, deye_bus_task_is_finished (running) && deye_bus_task_is_finished (offered));
  task_scene_assert_result (running, "w2 2");
  task_scene_assert_result (offered, "w2 1");
}

/* A collector is killed when the agent has the result, but the submitter does not: the result counts, and the task is not run
 * again. */
static void
test_kill_after_result (TaskScene *scene, gconstpointer data)
{
  TestProcess *collector = task_scene_collector (scene, "w1", 1);
  TestProcess *other;
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "hold", NULL);
  g_autoptr (TaskRecord) record = NULL;

  task_scene_expect_run (scene, collector, "t", 1, 0);
  task_scene_succeed (collector, "t", "before");
  task_scene_wait_record (scene, "t", task_scene_has_state, STATE (SUCCEEDED));
  task_scene_kill (scene, collector);
  other = task_scene_collector (scene, "w2", 1);
  task_scene_warm (scene, "w2");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "before");
  record = task_scene_record (scene, "t");
  g_assert_cmpuint (record->attempt, ==, 1);
  g_assert_cmpuint (record->deaths, ==, 0);
  g_assert_cmpuint (task_scene_runs (other, "t"), ==, 0);
}

/* --- tasks that kill --- */

typedef struct
{
  TaskScene *scene;
  GPtrArray *collectors; /* of TestProcess; those that have not ended */
  GPtrArray *innocents;  /* of DeyeBusTask; those that have not ended */
  guint n_dead;          /* collectors that died by themselves */
} PoisonTest;

static void
poison_init (PoisonTest *self, TaskScene *scene)
{
  self->scene = scene;
  self->collectors = g_ptr_array_new ();
  self->innocents = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
poison_clear (PoisonTest *self)
{
  g_ptr_array_unref (self->collectors);
  g_ptr_array_unref (self->innocents);
}

/* Starts a collector, and lets it complete a task, so that it is proven. */
static TestProcess *
poison_add_collector (PoisonTest *self, const char *id)
{
  TestProcess *collector = task_scene_collector (self->scene, id, 4);

  task_scene_warm (self->scene, id);
  g_ptr_array_add (self->collectors, collector);
  return collector;
}

static void
poison_reap (PoisonTest *self)
{
  for (guint i = self->collectors->len; i-- > 0;)
    if (test_process_has_ended (self->collectors->pdata[i]))
      {
        task_scene_reap (self->scene, self->collectors->pdata[i]);
        g_ptr_array_remove_index (self->collectors, i);
        self->n_dead++;
      }
}

/* Ends the only task that runs on @collector. */
static gboolean
poison_end_innocent (PoisonTest *self, TestProcess *collector, DeyeBusTask *task)
{
  const char *id = deye_bus_task_get_id (task);
  g_autofree char *line = g_strdup_printf ("run %s ", id);
  g_autoptr (TaskRecord) record = NULL;
  g_autoptr (CollectorRecord) member = NULL;

  if (!test_process_has (collector, line))
    return FALSE;
  task_scene_expect_run (self->scene, collector, id, 2, 0);
  record = task_scene_record (self->scene, id);
  member = task_scene_member (self->scene, record->holder);
  g_assert_cmpuint (member->running, ==, 1);
  g_assert_cmpuint (member->offered, ==, 0);
  task_scene_succeed (collector, id, "innocent");
  return TRUE;
}

/* TRUE if the innocent ones have ended. */
static gboolean
poison_step (PoisonTest *self)
{
  poison_reap (self);
  for (guint i = 0; i < self->collectors->len; i++)
    for (guint j = self->innocents->len; j-- > 0;)
      if (poison_end_innocent (self, self->collectors->pdata[i], self->innocents->pdata[j]))
        {
          task_scene_wait (self->scene, deye_bus_task_is_finished (self->innocents->pdata[j]));
          task_scene_assert_result (self->innocents->pdata[j], "innocent");
          g_ptr_array_remove_index (self->innocents, j);
        }
  return self->innocents->len == 0;
}

static void
poison_assert_quarantined (PoisonTest *self, DeyeBusTask *poison)
{
  g_autoptr (TaskRecord) record = NULL;

  task_scene_wait (self->scene, deye_bus_task_is_finished (poison));
  record = task_scene_record (self->scene, deye_bus_task_get_id (poison));
  g_assert_cmpint (record->state, ==, STATE (QUARANTINED));
  g_assert_cmpuint (record->deaths, ==, 2);
}

static void
submit_innocents (PoisonTest *self, TestProcess *collector)
{
  for (guint i = 0; i < N_INNOCENTS; i++)
    {
      g_autofree char *id = g_strdup_printf ("innocent-%u", i);

      g_ptr_array_add (self->innocents, task_scene_submit (self->scene, id, "hold", NULL));
      task_scene_expect_run (self->scene, collector, id, 1, i);
    }
}

/* 9: four tasks run on the killed collector, and one of them kills another collector as well. It is quarantined; the others
 * succeed, each alone on its collector. */
static void
test_isolation (TaskScene *scene, gconstpointer data)
{
  PoisonTest self = { 0 };
  g_autoptr (DeyeBusTask) poison = NULL;
  TestProcess *first;

  poison_init (&self, scene);
  first = poison_add_collector (&self, "w1");
  submit_innocents (&self, first);
  poison = task_scene_submit (scene, "poison", "hold die", NULL);
  task_scene_expect_run (scene, first, "poison", 1, 3);
  poison_add_collector (&self, "w2");
  poison_add_collector (&self, "w3");
  g_ptr_array_remove (self.collectors, first);
  task_scene_kill (scene, first);
  task_scene_wait (scene, poison_step (&self));
  poison_assert_quarantined (&self, poison);
  poison_reap (&self);
  g_assert_cmpuint (self.n_dead, ==, 1);
  poison_clear (&self);
}

/* 10: each of three collectors has completed a task before the poison task runs: two die, and the third one survives. */
static void
test_poison (TaskScene *scene, gconstpointer data)
{
  static const char *const ids[] = { "w1", "w2", "w3" };
  g_autoptr (DeyeBusTask) poison = NULL;
  g_autoptr (DeyeBusTask) next = NULL;
  PoisonTest self = { 0 };

  poison_init (&self, scene);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    poison_add_collector (&self, ids[i]);
  poison = task_scene_submit (scene, "poison", "die", NULL);
  poison_assert_quarantined (&self, poison);
  next = task_scene_submit (scene, "next", "done", NULL);
  task_scene_wait (scene, deye_bus_task_is_finished (next));
  g_assert_cmpint (deye_bus_task_get_state (next), ==, DEYE_BUS_TASK_STATE_SUCCEEDED);
  task_scene_wait (scene, (poison_reap (&self), self.n_dead == 2));
  poison_clear (&self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/scenarios/" path, TaskScene, options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("K02-08-kill", &hasty, test_kill);
  ADD ("K01-kill-offered", &hasty, test_kill_offered);
  ADD ("K03-kill-after-result", &hasty, test_kill_after_result);
  ADD ("K06-09-isolation", &hasty, test_isolation);
  ADD ("K06-10-poison", &hasty, test_poison);
#undef ADD
  return g_test_run ();
}
