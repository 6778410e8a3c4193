/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-outq.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"

/*
 * Tasks whose holders die, leave, drain, or withdraw the operation. Numbers at the start of a comment are those of the
 * scenarios in the design.
 */

#define SECOND G_TIME_SPAN_SECOND

/* 7: zombies use all slots: the member gets no offers and is suspect until a slot is free. */
static void
test_all_zombies (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  tasks_submit (agent, "next");
  g_assert_null (worker_take (worker));
  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_SUSPECT);
  worker_finish (worker, job, BUS_OUTCOME_FAILED, "");
  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_READY);
  tasks_assert_state (agent, "t", BUS_TASK_OFFERED); /* a late failure is not counted, and the task is offered again */
}

/* 8: when a member is killed, a death is counted only for the task that ran. */
static void
test_kill_one (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  TaskSpec spec;

  for (guint i = 0; i < 21; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      tasks_spec (&spec, id);
      spec.target = (char *) (gsize) "w1";
      g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
    }
  job = worker_run (worker, "t0");
  client_disconnect (worker);
  tasks_assert_state (agent, "t0", BUS_TASK_QUEUED);
  tasks_advance (core, 3 * SECOND);
  for (guint i = 0; i < 21; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      const BusTask *task = tasks_find (agent, id);

      g_assert_cmpuint (task->counts.deaths, ==, i == 0 ? 1 : 0);
      g_assert_cmpuint (bus_operation_wait_reason (task), ==, BUS_WAIT_TARGET_ABSENT);
    }
}

/* The same incarnation registers again in time: the connection was lost, and no death is counted. */
static void
test_returns (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  client_disconnect (worker);
  worker_ready (core, "w1", 1);
  tasks_advance (core, 3 * SECOND);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.deaths, ==, 0);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.interruptions, ==, 1);
}

/* A member that reconnects without its registration has to end the tasks that it claims: the broker does not adopt them. */
static void
test_claim_fenced (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  client_disconnect (worker);
  worker = worker_registered (core, "w1", 1);
  g_assert_cmpuint (worker_claim (worker, 1, &(Claims){ .running = job }), ==, 1);
}

/* A member that has completed one task since it registered. */
static Client *
proven_worker (Core *core, Client *agent, const char *id)
{
  g_autofree char *warm = g_strconcat ("warm-", id, NULL);
  Client *worker = worker_ready (core, id, 4);
  g_autoptr (Job) job = NULL;
  TaskSpec spec;

  tasks_spec (&spec, warm);
  spec.target = (char *) (gsize) id;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  job = worker_run (worker, warm);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "");
  return worker;
}

/* Starts all tasks that the worker was sent. Returns FALSE if @poison is one of them; otherwise finishes all of them. */
static gboolean
survives (Client *worker, const char *poison)
{
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) job_free);
  gboolean dies = FALSE;
  Job *job;

  while ((job = worker_take (worker)) != NULL)
    {
      worker_start (worker, job);
      g_ptr_array_add (jobs, job);
      dies |= strcmp (job->execute->task_id, poison) == 0;
    }
  for (guint i = 0; !dies && i < jobs->len; i++)
    worker_finish (worker, g_ptr_array_index (jobs, i), BUS_OUTCOME_SUCCEEDED, "");
  if (dies)
    client_disconnect (worker);
  return !dies;
}

/* 9: one of four tasks kills its members; the three others succeed. */
static void
test_poison (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *workers[3];
  static const char *const ids[] = { "t0", "t1", "t2", "t3" };
  guint n_deaths = 0;

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      g_autofree char *id = g_strdup_printf ("w%u", i);

      workers[i] = proven_worker (core, agent, id);
    }
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    tasks_submit (agent, ids[i]);
  for (guint round = 0; round < 60; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
        if (workers[i] != NULL && !survives (workers[i], "t0"))
          {
            workers[i] = NULL;
            n_deaths++;
          }
      tasks_advance (core, SECOND);
    }
  tasks_assert_state (agent, "t0", BUS_TASK_QUARANTINED);
  for (guint i = 1; i < G_N_ELEMENTS (ids); i++)
    tasks_assert_state (agent, ids[i], BUS_TASK_SUCCEEDED);
  g_assert_cmpuint (n_deaths, ==, 2); /* 10: the third member never dies */
}

/* 11: an announced stop does not count as a death and does not make the member suspect. */
static void
test_announced (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__DeregisterRequest request = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_call (worker, "Deregister", &request.base);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.interruptions, ==, 1);
  tasks_advance (core, 3 * SECOND);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.deaths, ==, 0);
  g_assert_false (tasks_find (agent, "t")->is_suspect);
}

static void
drain (Client *worker)
{
  Daemoneye__Eventbus__V1__UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;

  request.draining = TRUE;
  worker_call (worker, "Update", &request.base);
}

/* 12: a member drains: it returns its offer at once, one task finishes, and the other is withdrawn at the end of the time. */
static void
test_drain (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;
  g_autoptr (Job) offered = NULL;
  TaskSpec spec;

  tasks_submit (agent, "a");
  first = worker_run (worker, "a");
  tasks_spec (&spec, "b");
  spec.run_limit_us = 120 * SECOND;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  second = worker_run (worker, "b");
  tasks_submit (agent, "c");
  offered = worker_expect (worker, "c");
  drain (worker);
  tasks_assert_state (agent, "c", BUS_TASK_QUEUED);
  worker_expect_cancel (worker, offered, WIRE_STATUS_DRAINING);
  worker_finish (worker, first, BUS_OUTCOME_SUCCEEDED, "a");
  tasks_assert_state (agent, "a", BUS_TASK_SUCCEEDED);
  for (guint i = 0; i < 5; i++)
    {
      tasks_advance (core, 5 * SECOND);
      worker_progress (worker, second, "on");
    }
  tasks_assert_state (agent, "b", BUS_TASK_RUNNING);
  tasks_advance (core, 5 * SECOND);
  tasks_assert_state (agent, "b", BUS_TASK_QUEUED);
  worker_expect_cancel (worker, second, WIRE_STATUS_DRAINING);
  g_assert_cmpuint (bus_task_spent (tasks_find (agent, "b")), ==, 0);
  g_assert_cmpuint (tasks_find (agent, "b")->counts.interruptions, ==, 1);
}

/* 13: a draining member still gets CANCEL. */
static void
test_cancel_during_drain (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  g_autofree char *detail = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  drain (worker);
  detail = tasks_cancel (agent, "t");
  worker_expect_cancel (worker, job, WIRE_STATUS_CANCELLED);
  worker_finish (worker, job, BUS_OUTCOME_CANCELLED, "");
  tasks_assert_state (agent, "t", BUS_TASK_CANCELLED);
  g_assert_false (tasks_find (agent, "t")->is_unconfirmed);
}

/* 24: an operation is withdrawn: its running task finishes, and its waiting task has no capable member until its deadline. */
static void
test_withdrawn (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "a");
  job = worker_run (worker, "a");
  tasks_submit (agent, "b");
  worker_register (worker, "other", 1, TRUE);
  tasks_assert_state (agent, "a", BUS_TASK_RUNNING);
  g_assert_cmpuint (bus_operation_wait_reason (tasks_find (agent, "b")), ==, BUS_WAIT_NO_CAPABILITY);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "a");
  tasks_assert_state (agent, "a", BUS_TASK_SUCCEEDED);
  tasks_advance (core, 301 * SECOND);
  tasks_assert_state (agent, "b", BUS_TASK_TIMED_OUT);
}

/* One member dies at every start of a task: no task is quarantined, and all tasks get their results. */
static void
test_hostile_member (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *honest[2] = { worker_ready (core, "honest1", 4), worker_ready (core, "honest2", 4) };
  Client *hostile = worker_ready (core, "hostile", 4);
  guint n_done = 0;

  for (guint round = 0; round < 100; round++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", round);
      Job *job;

      tasks_submit (agent, id);
      if (hostile == NULL)
        hostile = worker_registered (core, "hostile", 4);
      while (hostile != NULL && (job = worker_take (hostile)) != NULL)
        {
          worker_start (hostile, job);
          job_free (job);
          client_disconnect (hostile);
          hostile = NULL;
        }
      for (guint i = 0; i < 2; i++)
        while ((job = worker_take (honest[i])) != NULL)
          {
            worker_start (honest[i], job);
            worker_finish (honest[i], job, BUS_OUTCOME_SUCCEEDED, "");
            job_free (job);
            n_done++;
          }
      tasks_advance (core, SECOND);
    }
  g_assert_cmpuint (core->core->work->tasks.n_ended[BUS_TASK_QUARANTINED], ==, 0);
  g_assert_cmpuint (n_done, >=, 50);
}

/* --- the only collector --- */

/* A handler that reports no progress keeps its slot until the end of its run limit. Then the broker stops it, although no other
 * member has the task, and the collector works again long before the deadline of the task. */
static void
test_only_one (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) hung = NULL;
  g_autoptr (Job) again = NULL;

  tasks_submit (agent, "t");
  hung = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_SUSPECT);
  g_assert_null (client_take (worker, WIRE_KIND_CANCEL)); /* its result would still count */
  tasks_advance (core, 18 * SECOND);
  g_assert_null (client_take (worker, WIRE_KIND_CANCEL));
  tasks_advance (core, 2 * SECOND);
  worker_expect_cancel (worker, hung, WIRE_STATUS_EXPIRED);
  worker_finish (worker, hung, BUS_OUTCOME_CANCELLED, "");
  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_READY);
  again = worker_run (worker, "t");
  g_assert_cmpuint (again->execute->attempt, ==, 2);
  tasks_advance (core, 9 * SECOND);
  g_assert_null (client_take (worker, WIRE_KIND_CANCEL));
}

/* The same, but the holder reports progress again: its attempt continues, and its limits are unchanged. */
static void
test_only_one_returns (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  Claims claims = { 0 };

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  claims.running = job;
  worker_claim (worker, 1, &claims);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  for (guint i = 0; i < 2; i++)
    {
      tasks_advance (core, 9 * SECOND);
      worker_progress (worker, job, "on");
    }
  g_assert_null (client_take (worker, WIRE_KIND_CANCEL));
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  tasks_advance (core, SECOND); /* the run limit since the attempt began */
  worker_expect_cancel (worker, job, WIRE_STATUS_EXPIRED);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
}

/* A collector that fails repeatedly is probed in a free slot; slots that zombies use do not delay the probe. */
static void
test_only_one_probed (Core *core, gconstpointer data)
{
  static const char *const ids[] = { "a", "b", "c" };
  Client *agent = submitter_ready (core);
  Client *worker = worker_registered (core, "w1", 4);
  g_autoptr (GPtrArray) hung = g_ptr_array_new_with_free_func ((GDestroyNotify) job_free);
  g_autoptr (Job) next = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      tasks_submit (agent, ids[i]);
      g_ptr_array_add (hung, worker_run (worker, ids[i]));
    }
  tasks_advance (core, 11 * SECOND);
  g_assert_true (worker_member (worker)->is_probed);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 3);
  tasks_submit (agent, "next");
  next = worker_expect (worker, "next");
}

/* --- news --- */

static char *
take_stale_cause (Client *watcher)
{
  g_autoptr (Got) got = client_take (watcher, WIRE_KIND_DELIVER);
  Daemoneye__Eventbus__V1__TaskEvent *event;
  char *cause;

  g_assert_nonnull (got);
  event = daemoneye__eventbus__v1__task_event__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  cause = g_strdup (event->cause);
  daemoneye__eventbus__v1__task_event__free_unpacked (event, NULL);
  return cause;
}

/* The event about a stale answer has the reason: another member has the task, or the task has ended. */
static void
test_stale_news (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *first = worker_ready (core, "w1", 2);
  g_autoptr (Job) old = NULL;
  g_autoptr (Job) job = NULL;
  g_autofree char *given = NULL;
  g_autofree char *ended = NULL;
  Client *second;

  tasks_submit (agent, "t");
  old = worker_run (first, "t");
  second = worker_ready (core, "w2", 2);
  tasks_advance (core, 11 * SECOND);
  job = worker_run (second, "t");
  client_subscribe (agent, 9, "system.task.stale", NULL);
  worker_progress (first, old, "late");
  given = take_stale_cause (agent);
  g_assert_cmpstr (given, ==, "the member sent a token that is not that of the newest lease");
  worker_finish (second, job, BUS_OUTCOME_SUCCEEDED, "second");
  worker_finish (first, old, BUS_OUTCOME_SUCCEEDED, "first");
  ended = take_stale_cause (agent);
  g_assert_cmpstr (ended, ==, "the task has ended");
}

#define ADD(path, function) g_test_add ("/core/work/lease/" path, Core, NULL, tasks_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("S07-all-zombies", test_all_zombies);
  ADD ("S08-K01-kill-one", test_kill_one);
  ADD ("K01-returns", test_returns);
  ADD ("S09-S10-K06-poison", test_poison);
  ADD ("K05-claim-fenced", test_claim_fenced);
  ADD ("S11-announced", test_announced);
  ADD ("S12-K14-drain", test_drain);
  ADD ("S13-cancel-during-drain", test_cancel_during_drain);
  ADD ("S24-withdrawn", test_withdrawn);
  ADD ("K07-hostile-member", test_hostile_member);
  ADD ("K04-only-one", test_only_one);
  ADD ("K04-only-one-returns", test_only_one_returns);
  ADD ("K07-only-one-probed", test_only_one_probed);
  ADD ("K05-stale-news", test_stale_news);
  return g_test_run ();
}
