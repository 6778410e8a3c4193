/* SPDX-License-Identifier: Apache-2.0 */
#include "adoption-fixture.h"

#include "peer/bus-state.h"
#include "work/bus-work.h"

/*
 * Adoption by the same broker: a collector reconnects, or registers again on its connection. Then a second disconnect after an
 * adoption by this or by another broker.
 */

/* --- another connection --- */

/* The connection is lost, and no other member has got the task: the holder continues. No death and no interruption is counted. */
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
  g_assert_null (worker_take (other)); /* the task waits for its holder */
  worker_serve (worker);
  job = adoption_expect (worker, before, FALSE);
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
  job = adoption_expect (worker, before, FALSE);
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
  job = adoption_expect (worker, before, TRUE);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "kept");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "kept");
}

/* Another member already has the task: the claim is stale. */
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

/* The member has answered this attempt and the task waits for the next one, so the claim is stale. */
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

/* A member that drains before it serves its task topic finishes its tasks. */
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
  job = adoption_expect (worker, before, FALSE);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
}

/* The member answered while the task was in quarantine: after the release, that attempt does not begin again. */
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

/* A member that registers with a claim never serves its topic: the wait ends, no death is counted, and the task is
 * offered again. */
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
  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = before }), ==,
                    0); /* another claim does not extend the time */
  tasks_advance (core, SECOND);
  job_free (worker_expect (other, "t"));
  g_assert_cmpuint (tasks_find (agent, "t")->counts.interruptions, ==, 1);
}

/* The time to serve is over, and no other member has a free slot: an update of the member does not begin that time again. */
static void
test_reconnect_holds_once (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  g_autoptr (Job) job = NULL;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_run (worker, "t");
  client_disconnect (worker);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = before }, &n_fenced);
  g_assert_true (tasks_find (agent, "t")->is_held);
  tasks_advance (core, 5 * SECOND);
  g_assert_false (tasks_find (agent, "t")->is_held);
  g_assert_cmpuint (worker_claim (worker, 3, &(Claims){ .running = before }), ==, 0);
  g_assert_false (tasks_find (agent, "t")->is_held);
  worker_serve (worker);
  job = adoption_expect (worker, before, FALSE);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
}

/* --- a second disconnect --- */

typedef struct
{
  const char *path;
  gboolean restarts; /* the broker is replaced before the first claim; FALSE: only the connection is lost */
  gboolean is_finished;
  gint64 between_us; /* time between the first adoption and the second disconnect */
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
      job = adoption_run_and_restart (core);
      *agent = submitter_ready (core);
      adoption_resubmit (*agent, "t", "w1", 1);
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
      job_free (adoption_expect (worker, before, lost->is_finished));
      tasks_advance (core, lost->between_us);
      client_disconnect (worker);
    }
  worker = claim_and_serve (core, lost, before);
  job = adoption_expect (worker, before, lost->is_finished);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "once");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "once");
  tasks_advance (core, 3 * SECOND);
  g_assert_cmpuint (tasks_find (agent, "t")->attempt, ==, 1);
  g_assert_cmpuint (bus_task_spent (tasks_find (agent, "t")), ==, 0);
  g_assert_cmpuint (core->core->work->claims_adopted, ==, 3);
  g_assert_null (worker_take (worker));
}

/* The lost Execute{adopt} was not the newest lease: another member has got the task in between. */
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

/* A member that registers again on its connection before it has read Execute{adopt} already has that lease. */
static void
test_adopted_same_connection (Core *core, gconstpointer data)
{
  const LostCase *lost = data;
  Client *agent;
  g_autoptr (Job) before = run_and_lose (core, lost, &agent);
  g_autoptr (Job) job = NULL;
  Client *worker = claim_and_serve (core, lost, before);

  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = before }), ==, 0);
  job = adoption_expect (worker, before, FALSE);
  g_assert_null (worker_take (worker));
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "once");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "once");
  g_assert_cmpuint (worker_take_fence (worker), ==, 0);
}

/* --- the same connection --- */

/* A member that registers again on its connection claims the tasks of its leases: nothing is sent or fenced. */
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

/* A member that has the task claims an earlier attempt: that claim is stale. */
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

/* The expired lease is still the newest one: the claim ends the zombie. After the run limit the claim is fenced. */
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

#define ADD(path, function) g_test_add ("/core/work/adoption/" path, Core, NULL, tasks_setup, function, core_teardown)

static void
lost_setup (Core *core, gconstpointer data)
{
  tasks_setup (core, NULL);
}

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
  ADD ("K01-reconnect", test_reconnect);
  ADD ("K01-reconnect-started", test_reconnect_started);
  ADD ("K01-reconnect-finished", test_reconnect_finished);
  ADD ("K05-reconnect-late", test_reconnect_late);
  ADD ("K05-reconnect-ended", test_reconnect_ended);
  ADD ("K05-reconnect-answered", test_reconnect_answered);
  ADD ("K14-reconnect-draining", test_reconnect_draining);
  ADD ("K05-reconnect-released", test_reconnect_released);
  ADD ("K01-reconnect-never-serves", test_reconnect_never_serves);
  ADD ("K01-reconnect-holds-once", test_reconnect_holds_once);
  ADD ("K01-same-connection", test_same_connection);
  ADD ("K05-older", test_older);
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
