/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-outq.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"

/*
 * Tasks in the whole core: leases, from the offer to the result. Numbers are those of the scenarios in the design.
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

/* No collector has the operation: the task waits until a capable one registers. */
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

/* 1: the lease has expired, and no other member has the task: the result counts, and the task does not run again. */
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

/* 2: the lease has expired, and another member has the task: the first result is stale, and the second one counts. */
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

/* 3: a holder answers attempt 2 with the token of attempt 1. */
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
  worker_finish (worker, first, BUS_OUTCOME_SUCCEEDED, "again"); /* the route of the first attempt has ended */
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

/* 4: the result arrives and the lease expires before the timer is handled: the result counts. */
static void
test_result_and_expiry (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  core->now_us += 10 * SECOND; /* the timer is due, and was not run */
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_advance (core, 0);
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.expiries, ==, 0);
}

/* 5: the result has arrived before the cancel. */
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

/* 5: the cancel is in transit when the holder sends the result. */
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

/* 14: a timer reports progress while the handler hangs: the run limit ends the attempt. */
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

/* A task that is not idempotent is not given to another member after its lease expired, because its holder may still run it. */
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

/* 21: a suspended member continues after its task was given to another member: its frames are fenced. */
static void
test_suspended_holder_continues (Core *core, gconstpointer data)
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

/* 22: the broker itself was suspended: no lease expires for one more lease period, but deadlines do not change. */
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

/* The holder may ask for a longer delay. */
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

/* The silent member is the only one and starts late: its lease is still the newest, so the start counts. */
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

/* BUSY returns the task without counting an attempt, and the member gets no offers for a short time. */
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

/* The next attempt gets the details of the previous one. */
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
  ADD ("S14-D04-run-limit", test_run_limit);
  ADD ("K05-not-idempotent", test_not_idempotent);
  ADD ("S21-K04-suspended-holder-continues", test_suspended_holder_continues);
  ADD ("S22-D02-grace", test_grace);
  ADD ("S25-retries", test_retries);
  ADD ("S25-retry-after", test_retry_after);
  ADD ("M14-silent", test_silent);
  ADD ("M14-late-start", test_late_start);
  ADD ("M11-busy", test_busy);
  ADD ("K08-deadline", test_deadline);
  ADD ("M11-details", test_details);
  ADD ("M11-not-before", test_not_before);
  ADD ("S15-without-progress", test_without_progress);
  return g_test_run ();
}
