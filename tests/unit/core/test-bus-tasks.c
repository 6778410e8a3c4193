/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-outq.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"

/*
 * Tasks in the whole core: the scenarios of leases, from the submission to the result. The numbers are those of the list in the
 * design.
 */

#define SECOND G_TIME_SPAN_SECOND

static void
test_simple (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  tasks_assert_state (agent, "t", BUS_TASK_OFFERED);
  job = worker_expect (worker, "t");
  g_assert_cmpstr (job->execute->operation, ==, "scan");
  g_assert_cmpuint (job->execute->payload.len, ==, 4);
  g_assert_cmpuint (job->execute->attempt, ==, 1);
  g_assert_cmpuint (job->execute->token.len, ==, BUS_TOKEN_LEN);
  worker_start (worker, job);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  g_assert_cmpuint (worker_member (worker)->n_running, ==, 1);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "done");
  g_assert_cmpuint (worker_member (worker)->n_running, ==, 0);
  g_assert_cmpuint (worker_member (worker)->n_completed, ==, 1);
  g_assert_null (client_take (worker, WIRE_KIND_ERROR));
}

/* Nobody has the operation: the task waits until somebody registers. */
static void
test_waits (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  g_autoptr (Job) job = NULL;
  Client *worker;

  tasks_submit (agent, "t");
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (bus_operation_wait_reason (tasks_find (agent, "t")), ==, BUS_WAIT_NO_CAPABILITY);
  worker = worker_ready (core, "w1", 1);
  job = worker_expect (worker, "t");
}

/* 1: the lease has expired, nobody else has the task: the result counts, and the task does not run again. */
static void
test_late_result (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 1);
  g_assert_null (client_take (worker, WIRE_KIND_CANCEL));
  g_assert_null (worker_take (worker)); /* the holder of a zombie does not get the task again */
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "late");
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
  g_assert_true (tasks_find (agent, "t")->is_late);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.expiries, ==, 1);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 0);
  tasks_advance (core, 60 * SECOND);
  g_assert_null (worker_take (worker));
}

/* 2: another member has it: the first result is stale, the second one counts. */
static void
test_fenced (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *first = worker_ready (core, "w1", 2);
  g_autoptr (Job) old = NULL;
  g_autoptr (Job) job = NULL;
  Client *second;

  tasks_submit (agent, "t");
  old = worker_run (first, "t");
  second = worker_ready (core, "w2", 2);
  tasks_advance (core, 11 * SECOND);
  job = worker_run (second, "t");
  g_assert_cmpuint (job->execute->attempt, ==, 2);
  worker_expect_cancel (first, old, WIRE_STATUS_SUPERSEDED);
  worker_finish (first, old, BUS_OUTCOME_SUCCEEDED, "first");
  worker_expect_stale (first);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  g_assert_cmpuint (core->core->work->tasks.rules.refused, ==, 1);
  g_assert_cmpuint (worker_member (first)->n_zombie, ==, 0);
  worker_finish (second, job, BUS_OUTCOME_SUCCEEDED, "second");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "second");
  g_assert_false (tasks_find (agent, "t")->is_late);
}

/* 3: a holder answers attempt 2 by the token of attempt 1. */
static void
test_old_token (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;
  ProtobufCBinaryData token;

  tasks_submit (agent, "t");
  first = worker_run (worker, "t");
  worker_retry (worker, first, 0);
  tasks_assert_state (agent, "t", BUS_TASK_DELAYED);
  worker_finish (worker, first, BUS_OUTCOME_SUCCEEDED, "again"); /* its route has ended */
  tasks_assert_state (agent, "t", BUS_TASK_DELAYED);
  tasks_advance (core, 2 * SECOND);
  second = worker_run (worker, "t");
  token = second->execute->token;
  second->execute->token = first->execute->token;
  worker_progress (worker, second, "wrong");
  worker_finish (worker, second, BUS_OUTCOME_SUCCEEDED, "wrong");
  g_assert_null (tasks_find (agent, "t")->progress->details);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  second->execute->token = token;
  worker_finish (worker, second, BUS_OUTCOME_SUCCEEDED, "right");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "right");
}

/* 4: result and expiry in one turn: the result arrived first. */
static void
test_result_and_expiry (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  core->now_us += 10 * SECOND; /* the timer is due, and was not looked at */
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_advance (core, 0);
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.expiries, ==, 0);
}

/* 5: the result is there when the cancel comes. */
static void
test_result_and_cancel (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  g_autofree char *detail = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  detail = tasks_cancel (agent, "t");
  g_assert_cmpstr (detail, ==, "already done");
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
}

/* 5: the cancel is under way when the result is sent. */
static void
test_cancel_crosses (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  first = tasks_cancel (agent, "t");
  second = tasks_cancel (agent, "t");
  g_assert_cmpstr (first, ==, "");
  g_assert_cmpstr (second, ==, "already cancelling");
  worker_expect_cancel (worker, job, WIRE_STATUS_CANCELLED);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
}

/* 6: the holder ignores the cancel: its slot stays in use. */
static void
test_cancel_ignored (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  g_autofree char *detail = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  detail = tasks_cancel (agent, "t");
  tasks_submit (agent, "next");
  tasks_advance (core, 5 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_CANCELLED);
  g_assert_true (tasks_find (agent, "t")->is_unconfirmed);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 1);
  g_assert_null (worker_take (worker));
  worker_finish (worker, job, BUS_OUTCOME_CANCELLED, "");
  worker_expect_stale (worker);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 0);
  job_free (worker_expect (worker, "next"));
}

/* 7: all slots are zombies: no offers, and the member is suspect until one is free. */
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
  tasks_assert_state (agent, "t", BUS_TASK_OFFERED); /* a late failure counts nothing, and the task is offered again */
}

/* 8: only the task that ran has a death. */
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

/* The same incarnation registers again in time: the connection was lost, nobody died. */
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

/* A member that returns without its registration ends the work that it claims: it is not taken up. */
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

/* 9: one of four tasks kills its members; the three others succeed. */
static void
test_poison (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *workers[8] = { NULL };
  guint n_deaths = 0;

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("w%u", i);
      g_autofree char *warm = g_strdup_printf ("warm%u", i);
      TaskSpec spec;
      g_autoptr (Job) job = NULL;

      workers[i] = worker_ready (core, id, 4);
      tasks_spec (&spec, warm);
      spec.target = id;
      g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
      job = worker_run (workers[i], warm);
      worker_finish (workers[i], job, BUS_OUTCOME_SUCCEEDED, "");
    }
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      tasks_submit (agent, id);
    }
  /* A member that starts t0 dies. Others finish what they have after that. */
  for (guint round = 0; round < 60; round++)
    {
      gboolean dies[3] = { FALSE };

      for (guint i = 0; i < 3; i++)
        {
          g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) job_free);
          Job *job;

          if (workers[i] == NULL)
            continue;
          while ((job = worker_take (workers[i])) != NULL)
            {
              worker_start (workers[i], job);
              g_ptr_array_add (jobs, job);
              dies[i] |= strcmp (job->execute->task_id, "t0") == 0;
            }
          for (guint j = 0; !dies[i] && j < jobs->len; j++)
            worker_finish (workers[i], g_ptr_array_index (jobs, j), BUS_OUTCOME_SUCCEEDED, "");
          if (!dies[i])
            continue;
          client_disconnect (workers[i]);
          workers[i] = NULL;
          n_deaths++;
        }
      tasks_advance (core, SECOND);
    }
  tasks_assert_state (agent, "t0", BUS_TASK_QUARANTINED);
  for (guint i = 1; i < 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      tasks_assert_state (agent, id, BUS_TASK_SUCCEEDED);
    }
  g_assert_cmpuint (n_deaths, ==, 2); /* 10: the third one never dies */
}

/* 11: an announced stop is no death and no suspicion. */
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

/* 12: the offer goes back at once, one task finishes, one is taken away when the time is over. */
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

/* 13: cancels reach a member that drains. */
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

/* 14: progress comes by a timer while the worker hangs: the run limit ends the attempt. */
static void
test_run_limit (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  for (guint i = 0; i < 5; i++)
    {
      tasks_advance (core, 5 * SECOND);
      worker_progress (worker, job, "alive");
      tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
    }
  tasks_advance (core, 5 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  worker_expect_cancel (worker, job, WIRE_STATUS_EXPIRED);
}

/* An expired task whose holder may still run it is not given to another one. */
static void
test_not_idempotent (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready_with (core, "w1", 1, "scan", FALSE);
  g_autoptr (Job) job = NULL;

  worker_ready_with (core, "w2", 1, "scan", FALSE);
  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUARANTINED);
  worker_expect_cancel (worker, job, WIRE_STATUS_SUPERSEDED);
}

/* 16, 17: one task for two submissions of the same; another one with its id is refused. */
static void
test_same_id (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  SubmitVerdict *verdict;
  TaskSpec spec;

  tasks_submit (agent, "t");
  tasks_spec (&spec, "t");
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_OK);
  g_assert_true (verdict->attached);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  g_assert_cmpuint (core->core->work->tasks.all.length, ==, 1);
  spec.priority = 9;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_DUPLICATE_ID);
  g_assert_nonnull (strstr (verdict->detail, "priority"));
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
}

/* 18: a repeated submission finds the result, afterwards the outcome, and never runs again. */
static void
test_resubmit (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  SubmitVerdict *verdict;
  TaskSpec spec;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_spec (&spec, "t");
  spec.resubmit = TRUE;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_OK);
  g_assert_cmpint (verdict->state, ==, BUS_TASK_SUCCEEDED);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t", NULL), NULL);
  tasks_advance (core, 601 * SECOND);
  g_assert_null (tasks_find (agent, "t"));
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_PAYLOAD_GONE);
  spec.id = (char *) (gsize) "never";
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_UNKNOWN);
  g_assert_null (worker_take (worker));
}

/* 21: a member that was stopped and wakes up: its task runs elsewhere, and its frames are fenced. */
static void
test_wakes_up (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *first = worker_ready (core, "w1", 1);
  Client *second;
  g_autoptr (Job) old = NULL;
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  old = worker_run (first, "t");
  second = worker_ready (core, "w2", 1);
  tasks_advance (core, 11 * SECOND);
  job = worker_run (second, "t");
  worker_expect_cancel (first, old, WIRE_STATUS_SUPERSEDED);
  worker_start (first, old);
  worker_expect_stale (first);
  worker_progress (first, old, "x");
  worker_expect_stale (first);
  worker_finish (second, job, BUS_OUTCOME_SUCCEEDED, "second");
  worker_finish (first, old, BUS_OUTCOME_SUCCEEDED, "first");
  worker_expect_stale (first);
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "second");
}

/* 22: the broker itself was frozen: no lease expires for one lease period more, but deadlines do not move. */
static void
test_grace (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 30);
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) job_free);

  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      tasks_submit (agent, id);
      g_ptr_array_add (jobs, worker_run (worker, id));
    }
  tasks_advance (core, 5 * SECOND);
  core_advance (core, 10 * SECOND);
  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      tasks_assert_state (agent, id, BUS_TASK_RUNNING);
      g_assert_cmpint (tasks_find (agent, id)->due_us, <=, core->now_us - 15 * SECOND + 300 * SECOND + 10);
    }
  tasks_advance (core, 6 * SECOND);
  tasks_assert_state (agent, "t0", BUS_TASK_QUEUED);
}

/* 24: the operation is withdrawn: what runs finishes, what waits has nobody, until its deadline. */
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

/* 25: each failure doubles the longest backoff; the last attempt fails. */
static void
test_retries (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);

  tasks_submit (agent, "t");
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (Job) job = worker_run (worker, "t");

      g_assert_cmpuint (job->execute->attempt, ==, i + 1);
      worker_retry (worker, job, 0);
      if (i == 2)
        break;
      tasks_assert_state (agent, "t", BUS_TASK_DELAYED);
      g_assert_null (worker_take (worker));
      g_assert_cmpint (tasks_find (agent, "t")->timer.deadline.due_us, <=, core->now_us + (1 << i) * SECOND);
      tasks_advance (core, (1 << i) * SECOND);
    }
  tasks_assert_state (agent, "t", BUS_TASK_FAILED);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.failures, ==, 3);
}

/* The holder may ask for a longer pause. */
static void
test_retry_after (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_retry (worker, job, 20 * SECOND);
  tasks_advance (core, 19 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_DELAYED);
  tasks_advance (core, SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_OFFERED);
}

/* No answer to the offer: another member gets it; the late start of the first one is stale. */
static void
test_silent (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *first = worker_ready (core, "w1", 1);
  Client *second;
  g_autoptr (Job) old = NULL;
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  old = worker_expect (first, "t");
  second = worker_ready (core, "w2", 1);
  tasks_advance (core, 5 * SECOND);
  job = worker_run (second, "t");
  g_assert_cmpuint (job->execute->attempt, ==, 1);
  worker_start (first, old);
  worker_expect_stale (first);
  g_assert_cmpuint (bus_task_spent (tasks_find (agent, "t")), ==, 0);
}

/* Alone, the silent member starts late: its lease is the newest still. */
static void
test_late_start (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_expect (worker, "t");
  tasks_advance (core, 5 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  worker_start (worker, job);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 0);
  g_assert_cmpuint (worker_member (worker)->n_running, ==, 1);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "x");
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
}

/* BUSY gives the task back without a count, and the member gets nothing for a moment. */
static void
test_busy (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_expect (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_BUSY, "");
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_null (worker_take (worker));
  tasks_advance (core, 100 * G_TIME_SPAN_MILLISECOND);
  job_free (worker_expect (worker, "t"));
  g_assert_cmpuint (bus_task_spent (tasks_find (agent, "t")), ==, 0);
}

/* The deadline ends a task that runs, and its holder keeps the slot until it answers. */
static void
test_deadline (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.deadline_us = 4 * SECOND;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  job = worker_run (worker, "t");
  tasks_advance (core, 4 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_TIMED_OUT);
  worker_expect_cancel (worker, job, WIRE_STATUS_EXPIRED);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 1);
  client_disconnect (worker);
}

/* Details of an attempt reach the next one. */
static void
test_details (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *first = worker_ready (core, "w1", 1);
  g_autoptr (Job) old = NULL;
  g_autoptr (Job) job = NULL;
  Client *second;

  tasks_submit (agent, "t");
  old = worker_run (first, "t");
  worker_progress (first, old, "page 7");
  second = worker_ready (core, "w2", 1);
  client_disconnect (first);
  core_flush (core);
  job = worker_expect (second, "t");
  g_assert_cmpuint (job->execute->last_details.len, ==, strlen ("page 7"));
}

static void
test_not_before (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.not_before_us = 3 * SECOND;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  tasks_advance (core, 3 * SECOND - 1);
  g_assert_null (worker_take (worker));
  tasks_advance (core, 1);
  job_free (worker_expect (worker, "t"));
}

/* A quarantined task is refused, released with all its attempts, and dropped. */
static void
test_quarantine (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready_with (core, "w1", 1, "scan", FALSE);
  g_autoptr (Job) job = NULL;
  guint32 status;
  TaskSpec spec;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUARANTINED);
  tasks_spec (&spec, "t");
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_QUARANTINED);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Release", "t", &status), NULL);
  g_assert_cmpuint (status, ==, WIRE_STATUS_OK);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.expiries, ==, 0);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Drop", "t", &status), NULL);
  g_assert_cmpuint (status, ==, WIRE_STATUS_PROTOCOL_ORDER);
}

/* --- pushes --- */

static guint64
await (Client *submitter)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.task");
  envelope.method = WIRE_SPAN_LITERAL ("Await");
  return client_send (submitter, WIRE_KIND_REQUEST, 0, &envelope);
}

/* The next push; NULL: none. */
static Daemoneye__Eventbus__V1__TaskPush *
take_push (Client *submitter, guint64 id)
{
  g_autoptr (Got) got = client_take (submitter, WIRE_KIND_REPLY);

  if (got == NULL)
    return NULL;
  g_assert_cmpuint (got->envelope.answers, ==, id);
  g_assert_cmpuint (got->flags, ==, WIRE_FLAG_PROGRESS);
  return daemoneye__eventbus__v1__task_push__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
}

static void
expect_push (Client *submitter, guint64 id, BusTaskState state)
{
  Daemoneye__Eventbus__V1__TaskPush *push = take_push (submitter, id);

  g_assert_nonnull (push);
  g_assert_cmpint (push->task->state, ==, state);
  daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
}

/* Each change is pushed, and the result with it. */
static void
test_push (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  Daemoneye__Eventbus__V1__TaskPush *push;
  g_autoptr (Job) job = NULL;
  guint64 id;

  tasks_submit (agent, "t");
  id = await (agent);
  expect_push (agent, id, BUS_TASK_OFFERED);
  job = worker_run (worker, "t");
  core_flush (core);
  expect_push (agent, id, BUS_TASK_RUNNING);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  core_flush (core);
  push = take_push (agent, id);
  g_assert_nonnull (push);
  g_assert_cmpint (push->task->state, ==, BUS_TASK_SUCCEEDED);
  g_assert_cmpuint (push->task->outcome->payload.len, ==, 4);
  daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
  g_assert_null (take_push (agent, id));
}

/* A submitter that reads nothing holds its records and 64 KiB, and gets every result when it reads again. */
static void
test_push_blocked (Core *core, gconstpointer data)
{
  const guint n = 900; /* within the window of the member */
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 256);
  g_autofree char *payload = g_strnfill (256, 'x');
  guint n_results = 0;
  guint64 id;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *task = g_strdup_printf ("t%u", i);

      tasks_submit (agent, task);
    }
  id = await (agent);
  agent->is_stopped = TRUE;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (Job) job = worker_take (worker);

      g_assert_nonnull (job);
      worker_start (worker, job);
      worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, payload);
      g_assert_cmpuint (bus_outq_bytes (&agent->peer->flow.outq), <, 128 * 1024);
    }
  agent->is_stopped = FALSE;
  for (guint i = 0; i < n && n_results < n; i++)
    {
      Daemoneye__Eventbus__V1__TaskPush *push;

      core_flush (core);
      while ((push = take_push (agent, id)) != NULL)
        {
          n_results += push->task->state == DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_SUCCEEDED ? 1 : 0;
          daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
        }
    }
  g_assert_cmpuint (n_results, ==, n);
  g_assert_false (agent->closed);
}

/* --- fairness --- */

/* Runs what the worker is sent; returns how many were begun when @id was. */
static guint
count_until (Client *worker, const char *id)
{
  for (guint n = 1; n <= 100; n++)
    {
      g_autoptr (Job) job = worker_take (worker);

      g_assert_nonnull (job);
      worker_start (worker, job);
      worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "");
      if (strcmp (job->execute->task_id, id) == 0)
        return n;
    }
  return 101;
}

/* 23: a flood of the highest priority does not keep a task of the lowest one waiting for more than 8 leases. */
static void
test_flood (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker;
  TaskSpec spec;

  tasks_spec (&spec, "low");
  spec.priority = 1;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *id = g_strdup_printf ("high%u", i);

      tasks_spec (&spec, id);
      spec.priority = 255;
      g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
    }
  worker = worker_ready (core, "w1", 1);
  g_assert_cmpuint (count_until (worker, "low"), <=, 8);
}

/* A member that dies at every start: no task is quarantined, and all of them come to their results. */
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

/* 15: an operation without progress runs for 25 s. */
static void
test_without_progress (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  ((BusAbility *) g_ptr_array_index (worker_member (worker)->abilities, 0))->progress_us = 0;
  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  g_assert_cmpuint (job->execute->progress_us, ==, 0);
  tasks_advance (core, 25 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "");
  g_assert_cmpuint (tasks_find (agent, "t")->counts.expiries, ==, 0);
}

/* The broker has restarted: a task that was submitted before waits for its last holder, then it is an ordinary one. */
static void
test_recovery_hold (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.resubmit = TRUE;
  spec.last_holder = (char *) (gsize) "w9";
  spec.last_attempt = 1;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  g_assert_cmpuint (bus_operation_wait_reason (tasks_find (agent, "t")), ==, BUS_WAIT_ADOPTION_HOLD);
  tasks_advance (core, 9 * SECOND);
  g_assert_null (worker_take (worker));
  tasks_advance (core, SECOND);
  job = worker_expect (worker, "t");
  g_assert_cmpuint (job->execute->attempt, ==, 2);
}

/* The last submitter is gone, and the task ends with it. */
static void
test_alone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  const BusTask *task;
  g_autoptr (Job) job = NULL;
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.on_submitter_gone = DAEMONEYE__EVENTBUS__V1__ON_SUBMITTER_GONE__SUBMITTER_GONE_CANCEL;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  job = worker_run (worker, "t");
  task = tasks_find (agent, "t");
  client_disconnect (agent);
  tasks_advance (core, 9 * SECOND);
  worker_progress (worker, job, "on");
  g_assert_cmpint (task->state, ==, BUS_TASK_RUNNING);
  tasks_advance (core, SECOND);
  g_assert_cmpint (task->state, ==, BUS_TASK_CANCELLING);
  worker_expect_cancel (worker, job, WIRE_STATUS_CANCELLED);
  worker_finish (worker, job, BUS_OUTCOME_CANCELLED, "");
  g_assert_cmpint (task->state, ==, BUS_TASK_CANCELLED);
}

/* Limits name their settings. */
static void
test_limits (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  SubmitVerdict *verdict;
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.deadline_us = 86401 * SECOND;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_LIMIT);
  g_assert_cmpstr (verdict->setting, ==, "task_max_deadline_us");
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  tasks_spec (&spec, "No");
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_BAD_MESSAGE);
  tasks_spec (&spec, "t");
  spec.priority = 256;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_BAD_MESSAGE);
}

#define ADD(path, function) g_test_add ("/core/work/lease/" path, Core, NULL, tasks_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M11-simple", test_simple);
  ADD ("M10-waits-for-a-member", test_waits);
  ADD ("S01-late-result", test_late_result);
  ADD ("S02-K05-fenced", test_fenced);
  ADD ("S03-K05-old-token", test_old_token);
  ADD ("S04-result-and-expiry", test_result_and_expiry);
  ADD ("S05-result-and-cancel", test_result_and_cancel);
  ADD ("S05-cancel-crosses", test_cancel_crosses);
  ADD ("S06-cancel-ignored", test_cancel_ignored);
  ADD ("S07-all-zombies", test_all_zombies);
  ADD ("S08-K01-kill-one", test_kill_one);
  ADD ("K01-returns", test_returns);
  ADD ("S09-S10-K06-poison", test_poison);
  ADD ("K05-claim-fenced", test_claim_fenced);
  ADD ("S11-announced", test_announced);
  ADD ("S12-K14-drain", test_drain);
  ADD ("S13-cancel-during-drain", test_cancel_during_drain);
  ADD ("S14-D04-run-limit", test_run_limit);
  ADD ("K05-not-idempotent", test_not_idempotent);
  ADD ("S16-S17-same-id", test_same_id);
  ADD ("S18-resubmit", test_resubmit);
  ADD ("S21-K04-wakes-up", test_wakes_up);
  ADD ("S22-D02-grace", test_grace);
  ADD ("S24-withdrawn", test_withdrawn);
  ADD ("S25-retries", test_retries);
  ADD ("S25-retry-after", test_retry_after);
  ADD ("M14-silent", test_silent);
  ADD ("M14-late-start", test_late_start);
  ADD ("M11-busy", test_busy);
  ADD ("K08-deadline", test_deadline);
  ADD ("M11-details", test_details);
  ADD ("M11-not-before", test_not_before);
  ADD ("K06-quarantine", test_quarantine);
  ADD ("M11-push", test_push);
  ADD ("M11-push-blocked", test_push_blocked);
  ADD ("S23-flood", test_flood);
  ADD ("K07-hostile-member", test_hostile_member);
  ADD ("S15-without-progress", test_without_progress);
  ADD ("S18-recovery-hold", test_recovery_hold);
  ADD ("M11-alone", test_alone);
  ADD ("K08-limits", test_limits);
  return g_test_run ();
}
