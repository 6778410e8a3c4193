/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"
#include "wire-feature.h"

/*
 * Adoption: a collector gets back what it works on, or has finished, after the broker or the connection was replaced. The numbers
 * are those of the scenarios in the design.
 */

#define SECOND G_TIME_SPAN_SECOND

/* Submits the task again, as the last push had named holder and attempt. Returns the state that the verdict says. */
static guint
resubmit (Client *agent, const char *id, const char *holder, guint attempt)
{
  SubmitVerdict *verdict;
  TaskSpec spec;
  guint state;

  tasks_spec (&spec, id);
  spec.resubmit = TRUE;
  spec.last_holder = (char *) (gsize) holder;
  spec.last_attempt = attempt;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_OK);
  state = verdict->state;
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  return state;
}

/* A broker in which w1 works on t, and then the next broker. */
static Job *
run_and_restart (Core *core)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  Job *job;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_restart (core);
  return job;
}

static Job *
expect_adopted (Client *worker, const Job *before, gboolean is_finished)
{
  Job *job = worker_expect (worker, "t");

  g_assert_true (job->execute->adopt);
  g_assert_cmpint (job->execute->finished, ==, is_finished);
  g_assert_cmpuint (job->execute->attempt, ==, before->execute->attempt);
  g_assert_cmpuint (job->execute->payload.len, ==, 0);
  g_assert_cmpstr (job->execute->operation, ==, "scan");
  g_assert_cmpint (memcmp (job->execute->token.data, before->execute->token.data, BUS_TOKEN_LEN), !=, 0);
  return job;
}

static BusWaitReason
reason_of (Client *agent, const char *id)
{
  return bus_operation_wait_reason (tasks_find (agent, id));
}

/* --- another broker --- */

/* 19: the holder works on it still, and nobody else gets it. */
static void
test_running (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = run_and_restart (core);
  g_autoptr (Job) job = NULL;
  Client *agent = submitter_ready (core);
  Client *other = worker_ready (core, "w2", 2);
  Client *worker;
  guint n_fenced;

  g_assert_cmpuint (resubmit (agent, "t", "w1", 1), ==, BUS_TASK_QUEUED);
  g_assert_cmpuint (reason_of (agent, "t"), ==, BUS_WAIT_ADOPTION_HOLD);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  g_assert_null (worker_take (worker)); /* it does not serve its topic yet */
  worker_serve (worker);
  job = expect_adopted (worker, before, FALSE);
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

/* 19: the holder is there before the submitter. */
static void
test_running_first (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = run_and_restart (core);
  g_autoptr (Job) job = NULL;
  guint n_fenced;
  Client *worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  Client *agent = submitter_ready (core);

  g_assert_cmpuint (n_fenced, ==, 0);
  worker_serve (worker);
  g_assert_null (worker_take (worker));
  g_assert_cmpuint (resubmit (agent, "t", "w1", 1), ==, BUS_TASK_RUNNING);
  job = expect_adopted (worker, before, FALSE);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
}

/* A collector that has got a newer attempt since the restart does not get the one from before the restart back. */
static void
test_older_beside_newer (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = run_and_restart (core);
  g_autoptr (Job) adopted = NULL;
  g_autoptr (Job) newer = NULL;
  Client *agent = submitter_ready (core);
  guint n_fenced;
  Client *worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);

  worker_serve (worker);
  resubmit (agent, "t", "w1", 1);
  adopted = expect_adopted (worker, before, FALSE);
  worker_retry (worker, adopted, 0);
  tasks_advance (core, 2 * SECOND);
  newer = worker_expect (worker, "t");
  g_assert_cmpuint (newer->execute->attempt, ==, 2);
  client_disconnect (worker);
  worker_back (core, "w1", 2, &(Claims){ .running = newer, .finished = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
}

/* 20: the holder has finished it meanwhile: its answer is taken once. */
static void
test_finished (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = run_and_restart (core);
  g_autoptr (Job) job = NULL;
  Client *agent = submitter_ready (core);
  Client *worker;
  guint n_fenced;

  resubmit (agent, "t", "w1", 1);
  worker = worker_back (core, "w1", 2, &(Claims){ .finished = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  worker_serve (worker);
  job = expect_adopted (worker, before, TRUE);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "kept");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "kept");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "again");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "kept");
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t", NULL), NULL);
  got_free (client_take (worker, WIRE_KIND_DELIVERED)); /* it need not keep its answer any more */
}

/* 20: the answer that was kept is a failure that another attempt may not have: the next attempt is an ordinary one. */
static void
test_finished_retryable (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = run_and_restart (core);
  g_autoptr (Job) job = NULL;
  g_autoptr (Job) next = NULL;
  Client *agent = submitter_ready (core);
  Client *worker;
  guint n_fenced;

  resubmit (agent, "t", "w1", 1);
  worker = worker_back (core, "w1", 2, &(Claims){ .finished = before }, &n_fenced);
  worker_serve (worker);
  job = expect_adopted (worker, before, TRUE);
  worker_retry (worker, job, 0);
  tasks_assert_state (agent, "t", BUS_TASK_DELAYED);
  tasks_advance (core, SECOND);
  next = worker_expect (worker, "t");
  g_assert_false (next->execute->adopt);
  g_assert_cmpuint (next->execute->attempt, ==, 2);
  g_assert_cmpuint (next->execute->payload.len, ==, 4);
}

/* A claim that differs from what was submitted again is not taken up; its task runs again when the holder is known not to have it. */
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
      g_autoptr (Job) before = run_and_restart (core);
      Client *agent = submitter_ready (core);
      Client *worker;
      guint n_fenced;

      resubmit (agent, "t", cases[i].holder, cases[i].attempt);
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

/* The task of another account has the same id: the claim is none of its. */
static void
test_other_account (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = run_and_restart (core);
  Client *other = client_ready (core, "other", "netmond"); /* of another account than the agent */
  Client *worker;
  guint n_fenced;

  other->peer->features |= WIRE_FEATURE_TASKS;
  other->peer->principal.role = BUS_ROLE_AGENT;
  resubmit (other, "t", "w1", 1);
  worker = worker_back (core, "w1", 2, &(Claims){ .finished = before }, &n_fenced);
  worker_serve (worker);
  tasks_advance (core, 10 * SECOND);
  g_assert_cmpuint (worker_take_fence (worker), ==, 1);
  g_assert_cmpuint (core->core->work->claims_adopted, ==, 0);
}

/* The last holder registers without a claim: it does not have the task, which waits no longer. */
static void
test_not_claimed (Core *core, gconstpointer data)
{
  g_autoptr (Job) job = NULL;
  Client *agent;
  Client *other;

  job_free (run_and_restart (core));
  agent = submitter_ready (core);
  other = worker_ready (core, "w2", 1);
  resubmit (agent, "t", "w1", 1);
  g_assert_null (worker_take (other));
  worker_ready (core, "w1", 1);
  core_flush (core);
  job = worker_expect (other, "t");
  g_assert_false (job->execute->adopt);
  g_assert_cmpuint (job->execute->attempt, ==, 2);
  resubmit (agent, "u", "w1", 1); /* it is there, and has not claimed it */
  g_assert_cmpuint (reason_of (agent, "u"), !=, BUS_WAIT_ADOPTION_HOLD);
}

/* The window is over: a claim of the broker before is fenced at once. */
static void
test_too_late (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = run_and_restart (core);
  guint n_fenced;

  tasks_advance (core, 10 * SECOND);
  worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  g_assert_cmpuint (core->core->work->claims_unmatched, ==, 1);
}

/* The holder claims the task, and never serves its topic: the task waits for it only a little longer than the window. */
static void
test_never_serves (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = run_and_restart (core);
  Client *agent = submitter_ready (core);
  Client *other = worker_ready (core, "w2", 1);
  Client *worker;
  guint n_fenced;

  resubmit (agent, "t", "w1", 1);
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
  g_autoptr (Job) before = run_and_restart (core);
  g_autofree char *detail = NULL;
  Client *agent = submitter_ready (core);
  Client *worker;
  guint n_fenced;

  resubmit (agent, "t", "w1", 1);
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
  g_autoptr (Job) before = run_and_restart (core);
  gsize len = before->execute->token.len;
  guint n_fenced;

  before->execute->attempt = 2;
  worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0); /* of another epoch: whoever made it may tell */
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

/* --- the same broker --- */

/* The connection is lost, and nobody else has got the task: the holder goes on with it. No death, no interruption. */
static void
test_reconnect (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  g_autoptr (Job) job = NULL;
  Client *other;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_run (worker, "t");
  client_disconnect (worker);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  other = worker_ready (core, "w2", 2);
  g_assert_null (worker_take (other)); /* it waits for its holder */
  worker_serve (worker);
  job = expect_adopted (worker, before, FALSE);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  worker_start (worker, job);
  tasks_advance (core, 3 * SECOND);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.deaths, ==, 0);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.interruptions, ==, 0);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "done");
  g_assert_cmpuint (tasks_find (agent, "t")->attempt, ==, 1);
}

/* STARTED was lost with the connection: the attempt begins with the claim. */
static void
test_reconnect_started (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  g_autoptr (Job) job = NULL;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_expect (worker, "t");
  client_disconnect (worker);
  g_assert_cmpuint (tasks_find (agent, "t")->attempt, ==, 0);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  worker_serve (worker);
  job = expect_adopted (worker, before, FALSE);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  g_assert_cmpuint (tasks_find (agent, "t")->attempt, ==, 1);
}

/* The answer was lost with the connection. */
static void
test_reconnect_finished (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  g_autoptr (Job) job = NULL;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_run (worker, "t");
  client_disconnect (worker);
  worker = worker_back (core, "w1", 2, &(Claims){ .finished = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  worker_serve (worker);
  job = expect_adopted (worker, before, TRUE);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "kept");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "kept");
}

/* Another member has it already: the claim is stale. */
static void
test_reconnect_late (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  g_autoptr (Job) job = NULL;
  Client *other;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_run (worker, "t");
  other = worker_ready (core, "w2", 2);
  client_disconnect (worker);
  core_flush (core);
  job = worker_run (other, "t");
  worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  g_assert_cmpuint (core->core->work->tasks.rules.reached[BUS_TASK_RUNNING][BUS_TASK_ON_STALE], ==, 1);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
}

/* The broker has the answer: the holder may forget it. */
static void
test_reconnect_ended (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;
  guint n_fenced;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  client_disconnect (worker);
  worker_back (core, "w1", 2, &(Claims){ .finished = job }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  g_assert_cmpuint (core->core->work->tasks.rules.reached[BUS_TASK_SUCCEEDED][BUS_TASK_ON_CLAIM], ==, 1);
}

/* It has answered this attempt: the task waits for another one, and the claim is stale. */
static void
test_reconnect_answered (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;
  guint n_fenced;
  Client *back;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_retry (worker, job, 0);
  client_disconnect (worker);
  back = worker_back (core, "w1", 2, &(Claims){ .running = job }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  g_assert_cmpuint (core->core->work->tasks.rules.reached[BUS_TASK_DELAYED][BUS_TASK_ON_CLAIM], ==, 1);
  tasks_advance (core, 2 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  worker_back (core, "w2", 2, &(Claims){ .running = job }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  client_disconnect (back);
  worker_back (core, "w1", 2, &(Claims){ .running = job }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
}

/* It drains before it serves its task topic: it finishes what it has. */
static void
test_reconnect_draining (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__UpdateRequest drain = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  g_autoptr (Job) job = NULL;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_run (worker, "t");
  client_disconnect (worker);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  drain.draining = TRUE;
  worker_call (worker, "Update", &drain.base);
  worker_serve (worker);
  job = expect_adopted (worker, before, FALSE);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
}

/* It has answered when the task was in quarantine: after the release that attempt does not begin again. */
static void
test_reconnect_released (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready_with (core, "w1", 1, "scan", FALSE);
  g_autoptr (Job) job = NULL;
  SubmitVerdict *verdict;
  guint n_fenced;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUARANTINED);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "too late");
  client_disconnect (worker);
  verdict = tasks_ids (agent, "Release", "t", NULL);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  worker = worker_back (core, "w1", 1, &(Claims){ .running = job }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  worker_serve (worker);
  tasks_assert_state (agent, "t", BUS_TASK_OFFERED);
}

/* It registers, claims, and never serves: the wait ends, the provisional death was none, and the task is offered again. */
static void
test_reconnect_never_serves (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  Client *other;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_run (worker, "t");
  client_disconnect (worker);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  other = worker_ready (core, "w2", 2);
  tasks_advance (core, 4 * SECOND);
  g_assert_null (worker_take (other));
  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = before }), ==, 0); /* no way to more time */
  tasks_advance (core, SECOND);
  job_free (worker_expect (other, "t"));
  g_assert_cmpuint (tasks_find (agent, "t")->counts.interruptions, ==, 1);
}

/* --- a second disconnect --- */

typedef struct
{
  const char *path;
  gboolean restarts; /* before the first claim; or only the connection is lost */
  gboolean is_finished;
  gint64 between_us; /* the first adoption and the second disconnect */
} LostCase;

static const LostCase lost_cases[] = {
  { "S19-K01-adopted-restart", TRUE, FALSE, 0 },
  { "S20-K03-adopted-restart-finished", TRUE, TRUE, 0 },
  { "S19-K01-adopted-restart-window-over", TRUE, FALSE, 9 * SECOND },
  { "S20-K03-adopted-restart-window-over-finished", TRUE, TRUE, 9 * SECOND },
  { "K01-adopted-reconnect", FALSE, FALSE, 0 },
  { "K03-adopted-reconnect-finished", FALSE, TRUE, 0 },
};

static Job *
run_and_lose (Core *core, const LostCase *lost, Client **agent)
{
  Client *worker;
  Job *job;

  if (lost->restarts)
    {
      job = run_and_restart (core);
      *agent = submitter_ready (core);
      resubmit (*agent, "t", "w1", 1);
      return job;
    }
  *agent = submitter_ready (core);
  worker = worker_ready (core, "w1", 2);
  tasks_submit (*agent, "t");
  job = worker_run (worker, "t");
  client_disconnect (worker);
  return job;
}

static Client *
claim_and_serve (Core *core, const LostCase *lost, const Job *job)
{
  const Claims claims = { .running = lost->is_finished ? NULL : job, .finished = lost->is_finished ? job : NULL };
  guint n_fenced;
  Client *worker = worker_back (core, "w1", 2, &claims, &n_fenced);

  g_assert_cmpuint (n_fenced, ==, 0);
  worker_serve (worker);
  return worker;
}

/* Execute{adopt} is lost with the connection, twice: the member does not know its new token, and gets its task back each time. */
static void
test_adopted_lost (Core *core, gconstpointer data)
{
  const LostCase *lost = data;
  Client *agent, *worker;
  g_autoptr (Job) before = run_and_lose (core, lost, &agent);
  g_autoptr (Job) job = NULL;

  for (guint i = 0; i < 2; i++)
    {
      worker = claim_and_serve (core, lost, before);
      job_free (expect_adopted (worker, before, lost->is_finished));
      tasks_advance (core, lost->between_us);
      client_disconnect (worker);
    }
  worker = claim_and_serve (core, lost, before);
  job = expect_adopted (worker, before, lost->is_finished);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "once");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "once");
  tasks_advance (core, 3 * SECOND);
  g_assert_cmpuint (tasks_find (agent, "t")->attempt, ==, 1);
  g_assert_cmpuint (bus_task_spent (tasks_find (agent, "t")), ==, 0);
  g_assert_cmpuint (core->core->work->claims_adopted, ==, 3);
  g_assert_null (worker_take (worker));
}

/* The lost Execute{adopt} was not the newest lease: another member has got the task meanwhile. */
static void
test_adopted_lost_late (Core *core, gconstpointer data)
{
  const LostCase *lost = data;
  Client *agent;
  g_autoptr (Job) before = run_and_lose (core, lost, &agent);
  g_autoptr (Job) job = NULL;
  Client *worker = claim_and_serve (core, lost, before);
  Client *other = worker_ready (core, "w2", 2);
  guint n_fenced;

  client_disconnect (worker);
  core_flush (core);
  job = worker_run (other, "t");
  g_assert_false (job->execute->adopt);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  worker_serve (worker);
  worker_finish (other, job, BUS_OUTCOME_SUCCEEDED, "other");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "other");
  tasks_advance (core, 10 * SECOND);
  g_assert_cmpuint (n_fenced + worker_take_fence (worker), ==, 1);
  g_assert_null (worker_take (worker));
  g_assert_cmpuint (core->core->work->claims_adopted, ==, 1);
}

/* It registers again on its connection before it has read Execute{adopt}: it has that lease already. */
static void
test_adopted_same_connection (Core *core, gconstpointer data)
{
  const LostCase *lost = data;
  Client *agent;
  g_autoptr (Job) before = run_and_lose (core, lost, &agent);
  g_autoptr (Job) job = NULL;
  Client *worker = claim_and_serve (core, lost, before);

  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = before }), ==, 0);
  job = expect_adopted (worker, before, FALSE);
  g_assert_null (worker_take (worker));
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "once");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "once");
  g_assert_cmpuint (worker_take_fence (worker), ==, 0);
}

/* It registers again on its connection, and claims what it has leases of: nothing is sent, nothing is fenced. */
static void
test_same_connection (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;

  tasks_submit (agent, "a");
  first = worker_run (worker, "a");
  tasks_submit (agent, "b");
  second = worker_expect (worker, "b");
  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = first }), ==, 0);
  tasks_assert_state (agent, "a", BUS_TASK_RUNNING);
  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = second }), ==, 0); /* taken as STARTED */
  tasks_assert_state (agent, "b", BUS_TASK_RUNNING);
  g_assert_cmpuint (tasks_find (agent, "b")->attempt, ==, 1);
  g_assert_null (worker_take (worker));
  worker_finish (worker, first, BUS_OUTCOME_SUCCEEDED, "a");
  worker_finish (worker, second, BUS_OUTCOME_SUCCEEDED, "b");
  g_assert_cmpstr (tasks_result (agent, "b"), ==, "b");
}

/* It has the task, and claims an attempt before: that claim is stale. */
static void
test_older (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;

  tasks_submit (agent, "t");
  first = worker_run (worker, "t");
  worker_retry (worker, first, 0);
  tasks_advance (core, 2 * SECOND);
  second = worker_run (worker, "t");
  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = first }), ==, 1);
  g_assert_cmpuint (core->core->work->tasks.rules.reached[BUS_TASK_RUNNING][BUS_TASK_ON_STALE], ==, 1);
  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = second }), ==, 0);
}

/* Its lease has expired, and it is the newest still: the claim ends the zombie. After the run limit it was asked to stop. */
static void
test_expired (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 1);
  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = job }), ==, 0);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 0);
  g_assert_cmpuint (tasks_find (agent, "t")->attempt, ==, 1);
  for (guint i = 0; i < 6; i++)
    {
      worker_progress (worker, job, "on");
      tasks_advance (core, 5 * SECOND);
    }
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = job }), ==, 1);
}

static void
lost_setup (Core *core, gconstpointer data)
{
  tasks_setup (core, NULL);
}

/* A number that would wrap. */
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

/* Nobody has begun it, so the next broker keeps what is left of its delay. */
static void
test_delay_goes_on (Core *core, gconstpointer data)
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

static void
add_lost (const char *name, const LostCase *lost, void (*test) (Core *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/core/work/adoption/", name, NULL);

  g_test_add (path, Core, lost, lost_setup, test, core_teardown);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("S19-K09-running", test_running);
  ADD ("S19-K09-running-first", test_running_first);
  ADD ("S20-K03-finished", test_finished);
  ADD ("S20-K03-finished-retryable", test_finished_retryable);
  ADD ("S19-D01-delay-goes-on", test_delay_goes_on);
  ADD ("I10-last-attempt", test_last_attempt);
  ADD ("S20-K05-mismatch", test_mismatch);
  ADD ("S20-K05-other-account", test_other_account);
  ADD ("S19-K09-not-claimed", test_not_claimed);
  ADD ("S19-K05-too-late", test_too_late);
  ADD ("S19-K09-never-serves", test_never_serves);
  ADD ("S19-K09-cancelled", test_cancelled);
  ADD ("K05-bad-token", test_bad_token);
  ADD ("K05-long-holder", test_long_holder);
  ADD ("K01-reconnect", test_reconnect);
  ADD ("K01-reconnect-started", test_reconnect_started);
  ADD ("K01-reconnect-finished", test_reconnect_finished);
  ADD ("K05-reconnect-late", test_reconnect_late);
  ADD ("K05-reconnect-ended", test_reconnect_ended);
  ADD ("K05-reconnect-answered", test_reconnect_answered);
  ADD ("K14-reconnect-draining", test_reconnect_draining);
  ADD ("K05-reconnect-released", test_reconnect_released);
  ADD ("K01-reconnect-never-serves", test_reconnect_never_serves);
  ADD ("K01-same-connection", test_same_connection);
  ADD ("K05-older", test_older);
  ADD ("K05-older-beside-newer", test_older_beside_newer);
  ADD ("M14-expired", test_expired);
  for (guint i = 0; i < G_N_ELEMENTS (lost_cases); i++)
    {
      add_lost (lost_cases[i].path, &lost_cases[i], test_adopted_lost);
      if (lost_cases[i].is_finished || lost_cases[i].between_us > 0)
        continue;
      add_lost (lost_cases[i].restarts ? "K05-adopted-restart-late" : "K05-adopted-reconnect-late", &lost_cases[i],
                test_adopted_lost_late);
      add_lost (lost_cases[i].restarts ? "K01-adopted-restart-same-connection" : "K01-adopted-same-connection",
                &lost_cases[i], test_adopted_same_connection);
    }
  return g_test_run ();
}
