/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-pool.h"
#include "work/bus-work.h"

/* The work for a change of a collector while many tasks wait. Linked with --wrap. */

#define TASKS 300u
#define FEW   10u

static guint n_moved; /* tasks that were put into a pool */

void __real_bus_pool_add (BusPool *pool, BusTask *task, BusTurn *turn);
void __wrap_bus_pool_add (BusPool *pool, BusTask *task, BusTurn *turn);

void
__wrap_bus_pool_add (BusPool *pool, BusTask *task, BusTurn *turn)
{
  n_moved++;
  __real_bus_pool_add (pool, task, turn);
}

static void
submit_many (Client *agent, guint n_apart)
{
  for (guint i = 0; i < TASKS; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      TaskSpec spec;

      tasks_spec (&spec, id);
      spec.target = (char *) (gsize) (i < n_apart ? "b" : "");
      g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
    }
}

static void
assert_moved_at_most (guint most)
{
  g_assert_cmpuint (n_moved, <=, most);
  n_moved = 0;
}

/* A collector withdraws the operation and has it again. It did not answer the offer of a task, which waits for the other one, so
 * this task is apart from the rest. */
static void
test_register_again (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *a = worker_ready (core, "a", 1);

  worker_ready (core, "b", 1);
  submit_many (agent, 0);
  n_moved = 0;
  for (guint i = 0; i < 4; i++)
    {
      worker_register (a, i % 2 == 0 ? "hash" : "scan", 1, TRUE);
      core_flush (core);
      assert_moved_at_most (FEW);
    }
}

/* Few tasks are only for one collector. Another one joins and leaves. */
static void
test_join_and_leave (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);

  worker_ready (core, "b", 1);
  submit_many (agent, FEW);
  n_moved = 0;
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("x%u", i);
      Client *other = worker_ready (core, id, 1);

      core_flush (core);
      assert_moved_at_most (FEW);
      client_disconnect (other);
      core_flush (core);
      assert_moved_at_most (2 * FEW); /* and the task that returns */
    }
}

/* Registers with one priority. */
static void
register_priority (Client *worker, guint32 priority)
{
  Daemoneye__Eventbus__V1__RegisterRequest request = DAEMONEYE__EVENTBUS__V1__REGISTER_REQUEST__INIT;
  Daemoneye__Eventbus__V1__Operation scan = DAEMONEYE__EVENTBUS__V1__OPERATION__INIT, *operations[] = { &scan };
  Daemoneye__Eventbus__V1__PriorityRange range = DAEMONEYE__EVENTBUS__V1__PRIORITY_RANGE__INIT;
  char type[] = "procmond", name[] = "scan";

  scan.name = name;
  range.lowest = range.highest = priority;
  request.type = type;
  request.incarnation = worker->peer->incarnation;
  request.operations = operations;
  request.n_operations = 1;
  request.max_concurrent = 1;
  request.priorities = &range;
  worker_call (worker, "Register", &request.base);
}

static void
assert_waits_for (const BusTask *task, const Client *worker, gboolean is_capable)
{
  g_assert_cmpint (task->place.where, ==, BUS_TASK_WAITS);
  g_assert_cmpint (bus_pool_has (task->place.demand->pool, worker->peer->member), ==, is_capable);
}

/* The collector takes other priorities than before: the tasks for which it is not capable any more, and those for which it is
 * capable now, change places. Those of one kind are more than those of the other one. */
static void
test_other_priorities (Core *core, gconstpointer data)
{
  static const char *const ids[] = { "low-1", "low-2", "low-3", "high-1" };
  Client *agent = submitter_ready (core);
  Client *a = worker_ready (core, "a", 1);
  TaskSpec spec;

  worker_ready (core, "b", 1);
  tasks_submit (agent, "x");
  tasks_submit (agent, "y"); /* both collectors are busy */
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      tasks_spec (&spec, ids[i]);
      spec.priority = ids[i][0] == 'l' ? 0 : 5;
      g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
    }
  for (guint round = 0; round < 4; round++)
    {
      register_priority (a, round % 2 == 0 ? 5 : 0);
      for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
        assert_waits_for (tasks_find (agent, ids[i]), a, (ids[i][0] == 'h') == (round % 2 == 0));
    }
}

#define ADD(path, function) g_test_add ("/core/tasks/" path, Core, NULL, tasks_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("R09-register-again", test_register_again);
  ADD ("R09-join-and-leave", test_join_and_leave);
  ADD ("M10-other-priorities", test_other_priorities);
  return g_test_run ();
}
