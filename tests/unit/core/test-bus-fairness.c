/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"
#include "wire-feature.h"

/* Tasks in the whole core when many compete: floods, members that die repeatedly, tasks that kill, and drains. */

#define SECOND G_TIME_SPAN_SECOND

static void
submit_with (Client *submitter, const char *id, const char *operation, guint priority)
{
  TaskSpec spec;

  tasks_spec (&spec, id);
  spec.operation = (char *) (gsize) operation;
  spec.priority = priority;
  g_assert_cmpuint (tasks_submit_spec (submitter, &spec, NULL), ==, WIRE_STATUS_OK);
}

static void
submit_many (Client *submitter, const char *prefix, guint n, const char *operation, guint priority)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("%s-%u", prefix, i);

      submit_with (submitter, id, operation, priority);
    }
}

/* Runs the next task of @worker. Returns FALSE if it has none. */
static gboolean
run_one (Client *worker, char **id)
{
  g_autoptr (Job) job = worker_take (worker);

  if (job == NULL)
    return FALSE;
  worker_start (worker, job);
  if (id != NULL)
    *id = g_strdup (job->execute->task_id);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "");
  return TRUE;
}

/* The number of leases of @worker up to that of @id. */
static guint
leases_until (Client *worker, const char *id)
{
  for (guint n = 1;; n++)
    {
      g_autofree char *got = NULL;

      g_assert_true (run_one (worker, &got));
      if (g_str_equal (got, id))
        return n;
    }
}

/* --- floods --- */

#define OTHER_ACCOUNT 4711u

/* A tool of another account than that of the agent. */
static Client *
other_submitter_ready (Core *core)
{
  const guint32 account = OTHER_ACCOUNT;
  Client *tool = client_new (core, account, FALSE);

  g_free (core->core->tool_accounts);
  core->core->tool_accounts = g_memdup2 (&account, sizeof account);
  core->core->n_tool_accounts = 1;
  client_hello (tool, "tool", "", BUS_ROLE_TOOL, 1 << 16, 1 << 16);
  got_free (client_take (tool, WIRE_KIND_WELCOME));
  tool->peer->features |= WIRE_FEATURE_TASKS;
  return tool;
}

static void
test_one_account_does_not_starve_another (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *tool = other_submitter_ready (core);
  Client *worker;

  submit_many (agent, "flood", 10000, "scan", 5);
  worker = worker_ready (core, "w1", 1);
  for (guint i = 0; i < 20; i++)
    g_assert_true (run_one (worker, NULL));
  submit_with (tool, "single", "scan", 5);
  g_assert_cmpuint (leases_until (worker, "single"), <=, BUS_LEASES_BY_AGE);
}

/* Scenario 23: a flood of priority 255 on two operations for 60 s, and one task of priority 1 on each. */
static void
test_flood_of_priorities (Core *core, gconstpointer data)
{
  static const char *const operations[] = { "scan", "hash" };
  Client *agent = submitter_ready (core);
  Client *workers[2];
  guint leases[2] = { 0 };
  gboolean is_done[2] = { FALSE };

  for (guint i = 0; i < 2; i++)
    {
      submit_with (agent, i == 0 ? "old-0" : "old-1", operations[i], 1);
      submit_many (agent, operations[i], 20, operations[i], 255);
      workers[i] = worker_ready_with (core, i == 0 ? "w0" : "w1", 1, operations[i], TRUE);
    }
  for (guint second = 0; second < 60; second++)
    for (guint i = 0; i < 2; i++)
      {
        g_autofree char *prefix = g_strdup_printf ("%s-%u", operations[i], second);
        g_autofree char *got = NULL;

        submit_many (agent, prefix, 2, operations[i], 255);
        g_assert_true (run_one (workers[i], &got));
        leases[i] += is_done[i] ? 0 : 1;
        is_done[i] |= g_str_has_prefix (got, "old-");
        tasks_advance (core, SECOND / 2);
      }
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (is_done[i]);
      g_assert_cmpuint (leases[i], <=, BUS_LEASES_BY_AGE);
    }
}

/* --- members that die --- */

/* A new process that registers by the same id; it may be set aside. */
static Client *
reconnect (Core *core, guint64 incarnation)
{
  const char *topic = "control.collector.task.procmond.hostile";
  Client *worker = client_new (core, OTHER_ACCOUNT, FALSE);

  client_hello_again (worker, "hostile", incarnation, NULL);
  got_free (client_take (worker, WIRE_KIND_WELCOME));
  worker->peer->features |= WIRE_FEATURE_TASKS;
  worker_register (worker, "scan", 4, TRUE);
  client_serve (worker, 1, topic);
  return worker;
}

/* The member starts its task and disconnects. Returns its next connection. */
static Client *
start_and_disconnect (Core *core, Client *worker)
{
  const guint64 incarnation = worker->peer->incarnation;
  g_autoptr (Job) job = worker_take (worker);

  if (job == NULL)
    return worker;
  worker_start (worker, job);
  client_disconnect (worker);
  return reconnect (core, incarnation + 1);
}

#define HOSTILE_TASKS 60u

/* Rounds of one second until all tasks have succeeded, with two honest members that run one task in a round. */
static guint
rounds_to_run_all (Core *core, gboolean with_hostile)
{
  Client *agent = submitter_ready (core);
  Client *honest[] = { worker_ready (core, "honest-1", 1), worker_ready (core, "honest-2", 1) };
  Client *hostile = with_hostile ? reconnect (core, 1) : NULL;
  const BusOperation *operation;
  guint rounds = 0;

  submit_many (agent, "t", HOSTILE_TASKS, "scan", 5);
  operation = tasks_find (agent, "t-0")->place.operation;
  for (; operation->n_succeeded < HOSTILE_TASKS; rounds++)
    {
      g_assert_cmpuint (rounds, <, 10 * HOSTILE_TASKS);
      if (hostile != NULL)
        hostile = start_and_disconnect (core, hostile);
      for (guint i = 0; i < G_N_ELEMENTS (honest); i++)
        run_one (honest[i], NULL);
      tasks_advance (core, SECOND);
    }
  g_assert_cmpuint (operation->n_failed, ==, 0);
  if (hostile != NULL)
    g_assert_cmpuint (hostile->peer->incarnation, >=, 3); /* it has died at least twice */
  return rounds;
}

/* A member that dies at every STARTED causes no quarantine, and costs the honest members less than half of their work. */
static void
test_hostile_member (Core *core, gconstpointer data)
{
  guint without = HOSTILE_TASKS / 2;

  g_assert_cmpuint (rounds_to_run_all (core, TRUE), <=, 2 * without);
}

/* --- tasks that kill --- */

typedef struct
{
  Core *core;
  Client *agent;
  Client *workers[3]; /* NULL: the worker has died */
  GPtrArray *jobs[3]; /* that each worker runs */
  guint n_deaths;
  guint n_alone; /* attempts of suspects */
} Poison;

static void
poison_end_worker (Poison *p, guint i)
{
  g_ptr_array_set_size (p->jobs[i], 0);
  client_disconnect (p->workers[i]);
  p->workers[i] = NULL;
  p->n_deaths++;
}

/* One step of one member: it starts the tasks that it has got. If one of them is the poison task, it dies; otherwise it ends
 * the tasks that it ran. */
static void
poison_step (Poison *p, guint i)
{
  gboolean dies = FALSE;
  Job *job;

  for (guint j = 0; j < p->jobs[i]->len; j++)
    worker_finish (p->workers[i], g_ptr_array_index (p->jobs[i], j), BUS_OUTCOME_SUCCEEDED, "");
  g_ptr_array_set_size (p->jobs[i], 0);
  while ((job = worker_take (p->workers[i])) != NULL)
    {
      const BusTask *task = tasks_find (p->agent, job->execute->task_id);

      worker_start (p->workers[i], job);
      g_ptr_array_add (p->jobs[i], job);
      dies |= g_str_equal (job->execute->task_id, "poison");
      if (!task->is_suspect)
        continue;
      p->n_alone++;
      g_assert_cmpuint (worker_member (p->workers[i])->n_running + worker_member (p->workers[i])->n_offered, ==, 1);
    }
  if (dies)
    poison_end_worker (p, i);
}

/* A member that has completed a task. */
static void
poison_add_worker (Poison *p, guint i)
{
  g_autofree char *id = g_strdup_printf ("w%u", i);
  g_autofree char *warm = g_strdup_printf ("warm-%u", i);
  TaskSpec spec;

  p->jobs[i] = g_ptr_array_new_with_free_func ((GDestroyNotify) job_free);
  p->workers[i] = worker_ready (p->core, id, 8);
  tasks_spec (&spec, warm);
  spec.target = id;
  g_assert_cmpuint (tasks_submit_spec (p->agent, &spec, NULL), ==, WIRE_STATUS_OK);
  g_assert_true (run_one (p->workers[i], NULL));
}

/* Scenarios 9 and 10: one of four tasks kills each member that starts it. This task is quarantined, the other tasks succeed, and
 * the third member never dies. Each suspect runs alone. */
static void
test_poison (Core *core, gconstpointer data)
{
  static const char *const ids[] = { "a", "b", "poison", "c" };
  Poison p = { .core = core, .agent = submitter_ready (core) };

  poison_add_worker (&p, 0);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    tasks_submit (p.agent, ids[i]);
  poison_add_worker (&p, 1);
  poison_add_worker (&p, 2);
  g_assert_cmpuint (worker_member (p.workers[0])->n_offered, ==, G_N_ELEMENTS (ids));
  for (guint round = 0; round < 40; round++)
    {
      for (guint i = 0; i < 3; i++)
        if (p.workers[i] != NULL)
          poison_step (&p, i);
      tasks_advance (core, SECOND);
    }
  tasks_assert_state (p.agent, "poison", BUS_TASK_QUARANTINED);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    if (!g_str_equal (ids[i], "poison"))
      tasks_assert_state (p.agent, ids[i], BUS_TASK_SUCCEEDED);
  g_assert_cmpuint (p.n_deaths, ==, 2);
  g_assert_cmpuint (p.n_alone, ==, G_N_ELEMENTS (ids));
  for (guint i = 0; i < 3; i++)
    g_ptr_array_unref (p.jobs[i]);
}

/* A suspect that hangs blocks neither its member nor the others: the reservation ends with its lease. */
static void
test_suspect_hangs (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;
  g_autoptr (Job) alone = NULL;
  g_autoptr (Job) other = NULL;

  submit_with (agent, "a", "scan", 5);
  first = worker_run (worker, "a");
  submit_with (agent, "b", "scan", 5);
  second = worker_run (worker, "b");
  client_disconnect (worker);
  g_assert_true (tasks_find (agent, "a")->is_suspect && tasks_find (agent, "b")->is_suspect);
  worker = worker_ready (core, "w2", 4);
  tasks_advance (core, 3 * SECOND);
  alone = worker_take (worker);
  g_assert_nonnull (alone);
  worker_start (worker, alone);
  submit_with (agent, "c", "scan", 255);
  g_assert_null (worker_take (worker));
  tasks_advance (core, 11 * SECOND); /* no progress: the lease is over */
  other = worker_take (worker);
  g_assert_nonnull (other);
  g_assert_cmpstr (other->execute->task_id, ==, "c");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/core/work/fairness/" path, Core, NULL, tasks_setup, function, core_teardown)
  ADD ("S30-one-account-does-not-starve-another", test_one_account_does_not_starve_another);
  ADD ("S23-flood-of-priorities", test_flood_of_priorities);
  ADD ("K06-S28-hostile-member", test_hostile_member);
  ADD ("S09-S10-K06-poison-alone", test_poison);
  ADD ("K06-suspect-hangs", test_suspect_hangs);
#undef ADD
  return g_test_run ();
}
