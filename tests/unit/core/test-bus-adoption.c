/* SPDX-License-Identifier: Apache-2.0 */
#include "adoption-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"
#include "wire-feature.h"

/*
 * Adoption by another broker: after a restart of the broker, a collector continues the tasks that it works on, and delivers the
 * results of finished ones. The numbers are those of the scenarios in the design.
 */

static BusWaitReason
reason_of (Client *agent, const char *id)
{
  return bus_operation_wait_reason (tasks_find (agent, id));
}

/* 19: the holder still works on the task, and no other member gets it. */
static void
test_running (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  g_autoptr (Job) job = NULL;
  Client *agent = submitter_ready (core);
  Client *other = worker_ready (core, "w2", 2);
  Client *worker;
  guint n_fenced;

  g_assert_cmpuint (adoption_resubmit (agent, "t", "w1", 1), ==, BUS_TASK_QUEUED);
  g_assert_cmpuint (reason_of (agent, "t"), ==, BUS_WAIT_ADOPTION_HOLD);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  g_assert_null (worker_take (worker)); /* it does not serve its topic yet */
  worker_serve (worker);
  job = adoption_expect (worker, before, FALSE);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  g_assert_cmpuint (tasks_find (agent, "t")->attempt, ==, 1);
  g_assert_cmpuint (worker_member (worker)->n_running, ==, 1);
  worker_start (worker, job);
  worker_progress (worker, job, "on");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "done");
  tasks_advance (core, 20 * SECOND);
  g_assert_null (worker_take (other));
  g_assert_cmpuint (worker_take_fence (worker), ==, 0);
  g_assert_cmpuint (core->core->work->claims_adopted, ==, 1);
  g_assert_cmpuint (core->core->work->claims_unmatched, ==, 0);
}

/* 19: the holder registers before the submitter connects. */
static void
test_running_first (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  g_autoptr (Job) job = NULL;
  guint n_fenced;
  Client *worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  Client *agent = submitter_ready (core);

  g_assert_cmpuint (n_fenced, ==, 0);
  worker_serve (worker);
  g_assert_null (worker_take (worker));
  g_assert_cmpuint (adoption_resubmit (agent, "t", "w1", 1), ==, BUS_TASK_RUNNING);
  job = adoption_expect (worker, before, FALSE);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
}

/* A collector that got a newer attempt after the restart does not continue the one from before the restart. */
static void
test_older_beside_newer (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  g_autoptr (Job) adopted = NULL;
  g_autoptr (Job) newer = NULL;
  Client *agent = submitter_ready (core);
  guint n_fenced;
  Client *worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);

  worker_serve (worker);
  adoption_resubmit (agent, "t", "w1", 1);
  adopted = adoption_expect (worker, before, FALSE);
  worker_retry (worker, adopted, 0);
  tasks_advance (core, 2 * SECOND);
  newer = worker_expect (worker, "t");
  g_assert_cmpuint (newer->execute->attempt, ==, 2);
  client_disconnect (worker);
  worker_back (core, "w1", 2, &(Claims){ .running = newer, .finished = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
}

/* 20: the holder has finished the task before it reconnects: its answer is accepted once. */
static void
test_finished (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  g_autoptr (Job) job = NULL;
  Client *agent = submitter_ready (core);
  Client *worker;
  guint n_fenced;

  adoption_resubmit (agent, "t", "w1", 1);
  worker = worker_back (core, "w1", 2, &(Claims){ .finished = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  worker_serve (worker);
  job = adoption_expect (worker, before, TRUE);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "kept");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "kept");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "again");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "kept");
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t", NULL), NULL);
  got_free (client_take (worker, WIRE_KIND_DELIVERED)); /* it may forget its answer */
}

/* 20: the kept answer is a failure that may be retried: the next attempt is an ordinary one. */
static void
test_finished_retryable (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  g_autoptr (Job) job = NULL;
  g_autoptr (Job) next = NULL;
  Client *agent = submitter_ready (core);
  Client *worker;
  guint n_fenced;

  adoption_resubmit (agent, "t", "w1", 1);
  worker = worker_back (core, "w1", 2, &(Claims){ .finished = before }, &n_fenced);
  worker_serve (worker);
  job = adoption_expect (worker, before, TRUE);
  worker_retry (worker, job, 0);
  tasks_assert_state (agent, "t", BUS_TASK_DELAYED);
  tasks_advance (core, SECOND);
  next = worker_expect (worker, "t");
  g_assert_false (next->execute->adopt);
  g_assert_cmpuint (next->execute->attempt, ==, 2);
  g_assert_cmpuint (next->execute->payload.len, ==, 4);
}

/* A claim that differs from the resubmitted task is not accepted. The task runs again when its holder is known not to have it. */
static void
test_mismatch (Core *core, gconstpointer data)
{
  static const struct
  {
    const char *holder;
    guint attempt;
    gboolean waits; /* for another holder than w1 */
  } cases[] = { { "w1", 2, FALSE }, { "w2", 1, TRUE }, { "", 1, TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Job) before = adoption_run_and_restart (core);
      Client *agent = submitter_ready (core);
      Client *worker;
      guint n_fenced;

      adoption_resubmit (agent, "t", cases[i].holder, cases[i].attempt);
      worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
      g_assert_cmpuint (n_fenced, ==, 0); /* it may be of another account, whose submitter is not there yet */
      worker_serve (worker);
      if (cases[i].waits)
        g_assert_null (worker_take (worker));
      else
        job_free (worker_expect (worker, "t"));
      g_assert_cmpuint (worker_take_fence (worker), ==, 0);
      tasks_advance (core, 10 * SECOND);
      g_assert_cmpuint (worker_take_fence (worker), ==, 1);
      g_assert_cmpuint (core->core->work->claims_unmatched, ==, 1);
      g_assert_cmpuint (core->core->work->claims_adopted, ==, 0);
      tasks_restart (core);
    }
}

/* A task of another account has the same id: the claim does not apply to it. */
static void
test_other_account (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  Client *other = client_ready (core, "other", "netmond"); /* of another account than the agent */
  Client *worker;
  guint n_fenced;

  other->peer->features |= WIRE_FEATURE_TASKS;
  other->peer->principal.role = BUS_ROLE_AGENT;
  adoption_resubmit (other, "t", "w1", 1);
  worker = worker_back (core, "w1", 2, &(Claims){ .finished = before }, &n_fenced);
  worker_serve (worker);
  tasks_advance (core, 10 * SECOND);
  g_assert_cmpuint (worker_take_fence (worker), ==, 1);
  g_assert_cmpuint (core->core->work->claims_adopted, ==, 0);
}

/* The last holder registers without a claim, so it does not have the task, and the task stops waiting for it. */
static void
test_not_claimed (Core *core, gconstpointer data)
{
  g_autoptr (Job) job = NULL;
  Client *agent;
  Client *other;

  job_free (adoption_run_and_restart (core));
  agent = submitter_ready (core);
  other = worker_ready (core, "w2", 1);
  adoption_resubmit (agent, "t", "w1", 1);
  g_assert_null (worker_take (other));
  worker_ready (core, "w1", 1);
  core_flush (core);
  job = worker_expect (other, "t");
  g_assert_false (job->execute->adopt);
  g_assert_cmpuint (job->execute->attempt, ==, 2);
  adoption_resubmit (agent, "u", "w1", 1); /* it has registered without a claim of the task */
  g_assert_cmpuint (reason_of (agent, "u"), !=, BUS_WAIT_ADOPTION_HOLD);
}

/* After the window, a claim of the previous broker is fenced at once. */
static void
test_too_late (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  guint n_fenced;

  tasks_advance (core, 10 * SECOND);
  worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  g_assert_cmpuint (core->core->work->claims_unmatched, ==, 1);
}

/* The holder claims the task but never serves its topic: the task waits only a little longer than the window. */
static void
test_never_serves (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  Client *agent = submitter_ready (core);
  Client *other = worker_ready (core, "w2", 1);
  Client *worker;
  guint n_fenced;

  adoption_resubmit (agent, "t", "w1", 1);
  tasks_advance (core, 9 * SECOND);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  tasks_advance (core, 4 * SECOND);
  g_assert_null (worker_take (other));
  worker_back (core, "w3", 2, &(Claims){ 0 }, &n_fenced);
  tasks_advance (core, SECOND);
  job_free (worker_expect (other, "t"));
  worker_serve (worker);
  g_assert_cmpuint (worker_take_fence (worker), ==, 1);
  g_assert_null (worker_take (worker));
}

/* A task that was cancelled while it waited for its holder is not given back. */
static void
test_cancelled (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  g_autofree char *detail = NULL;
  Client *agent = submitter_ready (core);
  Client *worker;
  guint n_fenced;

  adoption_resubmit (agent, "t", "w1", 1);
  detail = tasks_cancel (agent, "t");
  tasks_assert_state (agent, "t", BUS_TASK_CANCELLED);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  worker_serve (worker);
  g_assert_null (worker_take (worker));
  tasks_advance (core, 10 * SECOND);
  g_assert_cmpuint (worker_take_fence (worker), ==, 1);
}

/* A claim without a token, or one that differs from its own attempt, is fenced at once. */
static void
test_bad_token (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  gsize len = before->execute->token.len;
  guint n_fenced;

  before->execute->attempt = 2;
  worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0); /* it is of another epoch, so the collector may report it */
  before->execute->token.len = 5;
  worker_back (core, "w2", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  before->execute->token.len = len;
}

static void
test_long_holder (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  g_autofree char *holder = g_strnfill (65, 'w');
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.resubmit = TRUE;
  spec.last_holder = holder;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_BAD_MESSAGE);
}

/* The largest number does not wrap. */
static void
test_last_attempt (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.resubmit = TRUE;
  spec.last_attempt = G_MAXUINT32;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_BAD_MESSAGE);
}

/* The task has not begun, so the next broker keeps the rest of its delay. */
static void
test_delay_continues (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.resubmit = TRUE;
  spec.not_before_us = 60 * SECOND;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  tasks_assert_state (agent, "t", BUS_TASK_DELAYED);
  tasks_advance (core, 59 * SECOND);
  g_assert_null (worker_take (worker));
  tasks_advance (core, SECOND);
  job_free (worker_expect (worker, "t"));
}

#define ADD(path, function) g_test_add ("/core/work/adoption/" path, Core, NULL, tasks_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("S19-K09-running", test_running);
  ADD ("S19-K09-running-first", test_running_first);
  ADD ("S20-K03-finished", test_finished);
  ADD ("S20-K03-finished-retryable", test_finished_retryable);
  ADD ("S19-D01-delay-continues", test_delay_continues);
  ADD ("I10-last-attempt", test_last_attempt);
  ADD ("S20-K05-mismatch", test_mismatch);
  ADD ("S20-K05-other-account", test_other_account);
  ADD ("S19-K09-not-claimed", test_not_claimed);
  ADD ("S19-K05-too-late", test_too_late);
  ADD ("S19-K09-never-serves", test_never_serves);
  ADD ("S19-K09-cancelled", test_cancelled);
  ADD ("K05-bad-token", test_bad_token);
  ADD ("K05-long-holder", test_long_holder);
  ADD ("K05-older-beside-newer", test_older_beside_newer);
  return g_test_run ();
}
