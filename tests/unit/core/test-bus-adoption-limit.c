/* SPDX-License-Identifier: Apache-2.0 */
#include "adoption-fixture.h"

#include "peer/bus-state.h"
#include "work/bus-work.h"

/*
 * The run limit of an attempt (30 s), while its holder w1 disconnects and gets the task back. The limit begins with the attempt,
 * and does not begin again with an adoption.
 */

/* Reports progress often enough for @s seconds. */
static void
work_on (Core *core, Client *worker, const Job *job, guint s)
{
  for (guint i = 0; i < s; i++)
    {
      tasks_advance (core, SECOND);
      worker_progress (worker, job, "on");
    }
}

static Client *
come_back (Core *core, const Job *job, gboolean is_finished, guint *n_fenced)
{
  const Claims claims = { .running = is_finished ? NULL : job, .finished = is_finished ? job : NULL };
  Client *worker = worker_back (core, "w1", 2, &claims, n_fenced);

  worker_serve (worker);
  return worker;
}

/* The connection ends, and the member gets the task back. @job: (inout): the new one */
static Client *
reconnect (Core *core, Client *worker, Job **job, gboolean is_finished)
{
  g_autoptr (Job) before = g_steal_pointer (job);
  guint n_fenced;

  client_disconnect (worker);
  worker = come_back (core, before, is_finished, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  *job = adoption_expect (worker, before, is_finished);
  return worker;
}

static void
assert_expired (Client *agent, Client *worker, const Job *job)
{
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.expiries, ==, 1);
  worker_expect_cancel (worker, job, WIRE_STATUS_EXPIRED);
}

/* A holder that reconnects for ever is stopped when the limit is over. */
static void
test_kept (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  for (guint i = 0; i < 4; i++)
    {
      work_on (core, worker, job, 7);
      worker = reconnect (core, worker, &job, FALSE);
    }
  work_on (core, worker, job, 1);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  tasks_advance (core, SECOND);
  assert_expired (agent, worker, job);
}

/* The member registers again on its connection, and claims the lease whose progress was late. */
static void
test_kept_same_connection (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (worker_claim (worker, 2, &(Claims){ .running = job }), ==, 0);
  work_on (core, worker, job, 18);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  tasks_advance (core, SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.expiries, ==, 2);
  worker_expect_cancel (worker, job, WIRE_STATUS_EXPIRED);
}

/* After an adoption progress is late: the zombie is stopped when the limit of the attempt is over, not later. */
static void
test_kept_zombie (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  work_on (core, worker, job, 9);
  worker = reconnect (core, worker, &job, FALSE);
  tasks_advance (core, 20 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_null (client_take (worker, WIRE_KIND_CANCEL));
  tasks_advance (core, SECOND);
  worker_expect_cancel (worker, job, WIRE_STATUS_EXPIRED);
}

/* A new broker does not know when the attempt began: its limit begins with the adoption, and is kept from then on. */
static void
test_restart (Core *core, gconstpointer data)
{
  g_autoptr (Job) before = adoption_run_and_restart (core);
  g_autoptr (Job) job = NULL;
  Client *agent = submitter_ready (core);
  Client *worker;
  guint n_fenced;

  adoption_resubmit (agent, "t", "w1", 1);
  worker = come_back (core, before, FALSE, &n_fenced);
  job = adoption_expect (worker, before, FALSE);
  work_on (core, worker, job, 20);
  worker = reconnect (core, worker, &job, FALSE);
  work_on (core, worker, job, 9);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  tasks_advance (core, SECOND);
  assert_expired (agent, worker, job);
}

/* The next attempt has the whole limit. */
static void
test_next_attempt (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;
  g_autoptr (Job) second = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  work_on (core, worker, job, 20);
  worker_retry (worker, job, 0);
  tasks_advance (core, 2 * SECOND);
  second = worker_run (worker, "t");
  work_on (core, worker, second, 20);
  worker = reconnect (core, worker, &second, FALSE);
  work_on (core, worker, second, 9);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  tasks_advance (core, SECOND);
  assert_expired (agent, worker, second);
}

/* A member that has finished gets the time for its answer, once. */
static void
test_finished (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  work_on (core, worker, job, 29);
  worker = reconnect (core, worker, &job, TRUE);
  for (guint i = 0; i < 4; i++)
    {
      work_on (core, worker, job, 7);
      worker = reconnect (core, worker, &job, TRUE);
    }
  work_on (core, worker, job, 1);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  tasks_advance (core, SECOND);
  assert_expired (agent, worker, job);
}

/* --- the limit is over before the claim --- */

/* It was over while the member was disconnected: the attempt expires at once, and the member is asked to stop. */
static void
test_over_while_gone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  g_autoptr (Job) job = NULL;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_run (worker, "t");
  work_on (core, worker, before, 29);
  client_disconnect (worker);
  tasks_advance (core, 1500 * G_TIME_SPAN_MILLISECOND);
  worker = come_back (core, before, FALSE, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  job = adoption_expect (worker, before, FALSE);
  core_advance (core, 0);
  assert_expired (agent, worker, job);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.deaths, ==, 0);
  g_assert_cmpuint (tasks_find (agent, "t")->attempt, ==, 1);
}

/* The member works on t for @s seconds, and for 9 s more. It disconnects for @gone_us and gets t back, but its credit is used up by
 * another task, so that Execute waits. */
static Client *
come_back_without_credit (Core *core, Client *agent, guint s, gint64 gone_us)
{
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  g_autoptr (Job) other = NULL;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_run (worker, "t");
  work_on (core, worker, before, s);
  tasks_submit (agent, "u");
  other = worker_run (worker, "u");
  work_on (core, worker, before, 9);
  client_disconnect (worker);
  tasks_advance (core, gone_us);
  worker = worker_back (core, "w1", 1, &(Claims){ .running = other }, &n_fenced);
  client_subscribe_full (worker, 1, "control.collector.task.procmond.w1", NULL, TRUE, 1, 0, WIRE_STATUS_OK);
  job_free (worker_expect (worker, "u"));
  g_assert_cmpuint (worker_claim (worker, 1, &(Claims){ .running = before }), ==, 0);
  return worker;
}

/* The claim is fenced when the limit is over, because Execute was not sent. */
static void
test_over_unsent (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = come_back_without_credit (core, agent, 20, 1500 * G_TIME_SPAN_MILLISECOND);

  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  core_advance (core, 0);
  g_assert_null (worker_take (worker));
  g_assert_cmpuint (tasks_find (agent, "t")->counts.expiries, ==, 1);
  g_assert_cmpuint (worker_take_fence (worker), ==, 1);
}

/* The limit of progress is over before that, and the run limit of the zombie afterwards, while Execute still waits. */
static void
test_over_unsent_zombie (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = come_back_without_credit (core, agent, 0, SECOND);

  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (worker_take_fence (worker), ==, 0);
  tasks_advance (core, 10 * SECOND);
  g_assert_cmpuint (worker_take_fence (worker), ==, 1);
}

/* The broker itself was late, and so the limit is later: an adoption keeps this grace. */
static void
test_grace_kept (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  work_on (core, worker, job, 26);
  core_advance (core, 8 * SECOND); /* 4 s later than the limit: it ends at 38 s */
  worker = reconnect (core, worker, &job, FALSE);
  work_on (core, worker, job, 3);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  tasks_advance (core, SECOND);
  assert_expired (agent, worker, job);
}

/* The member was asked to stop when it was over. So its claim to continue is fenced, and it gets the next attempt; but its result
 * counts. */
static void
test_over_stopped (Core *core, gconstpointer is_finished)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) before = NULL;
  g_autoptr (Job) job = NULL;
  guint n_fenced;

  tasks_submit (agent, "t");
  before = worker_run (worker, "t");
  work_on (core, worker, before, 29);
  tasks_advance (core, SECOND);
  assert_expired (agent, worker, before);
  client_disconnect (worker);
  worker = come_back (core, before, is_finished != NULL, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, is_finished != NULL ? 0 : 1);
  if (is_finished == NULL)
    {
      job = worker_run (worker, "t");
      g_assert_false (job->execute->adopt);
      g_assert_cmpuint (job->execute->attempt, ==, 2);
      return;
    }
  job = adoption_expect (worker, before, TRUE);
  tasks_advance (core, SECOND);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "late");
  g_assert_cmpstr (tasks_result (agent, "t"), ==, "late");
}

static void
limit_setup (Core *core, gconstpointer data)
{
  tasks_setup (core, NULL);
}

static void
add_limit (const char *name, void (*test) (Core *, gconstpointer), gconstpointer data)
{
  g_autofree char *path = g_strconcat ("/core/work/adoption/", name, NULL);

  g_test_add (path, Core, data, limit_setup, test, core_teardown);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_limit ("M14-run-limit-kept", test_kept, NULL);
  add_limit ("M14-run-limit-kept-same-connection", test_kept_same_connection, NULL);
  add_limit ("M14-run-limit-kept-zombie", test_kept_zombie, NULL);
  add_limit ("M14-run-limit-restart", test_restart, NULL);
  add_limit ("M14-run-limit-next-attempt", test_next_attempt, NULL);
  add_limit ("M14-run-limit-finished", test_finished, NULL);
  add_limit ("M14-run-limit-over-while-gone", test_over_while_gone, NULL);
  add_limit ("M14-run-limit-over-unsent", test_over_unsent, NULL);
  add_limit ("M14-run-limit-over-unsent-zombie", test_over_unsent_zombie, NULL);
  add_limit ("S22-D02-run-limit-grace-kept", test_grace_kept, NULL);
  add_limit ("M14-run-limit-over-stopped", test_over_stopped, NULL);
  add_limit ("M14-run-limit-over-stopped-finished", test_over_stopped, "finished");
  return g_test_run ();
}
