/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-work.h"

/* Questions to some collectors, questions that are divided into shards, and the answers that an asker accepts. */

#define MODE(name)    DAEMONEYE__EVENTBUS__V1__GATHER_MODE__GATHER_##name
#define REQUIRE(name) DAEMONEYE__EVENTBUS__V1__GATHER_REQUIRE__GATHER_REQUIRE_##name

static guint64
ask_mode (Client *asker, guint mode, guint n)
{
  GatherRequest request;

  gather_fill (&request);
  request.mode = (Daemoneye__Eventbus__V1__GatherMode) mode;
  request.n = n;
  return gather_send (asker, &request, 0);
}

/* --- some --- */

static void
test_some (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 4);
  Client *two = worker_ready (core, "two", 4);
  Client *three = worker_ready (core, "three", 4);
  g_autoptr (Job) busy = NULL;
  guint64 id;

  tasks_submit (agent, "t");
  busy = worker_run (one, "t");
  id = ask_mode (agent, MODE (SOME), 2);
  g_assert_null (worker_take (one)); /* the others have less to do */
  gather_answer (two, "b");
  gather_answer (three, "c");
  gather_assert (agent, id, "two=b three=c", "complete met: two=answered three=answered");
}

/* One collector dies, one fails, and one does not answer: another one is asked instead of each, and none twice. */
static void
test_some_replaced (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *workers[] = { worker_ready (core, "one", 1), worker_ready (core, "two", 1), worker_ready (core, "three", 1),
                        worker_ready (core, "four", 1) };
  guint64 id = ask_mode (agent, MODE (SOME), 1);
  g_autoptr (Account) account = NULL;
  g_autoptr (Job) failed = NULL;
  g_autoptr (Job) late = NULL;

  gather_begin (workers[0]);
  client_disconnect (workers[0]);
  failed = gather_run (workers[1]);
  worker_finish (workers[1], failed, BUS_OUTCOME_FAILED, "");
  late = worker_take (workers[2]); /* and it does not send STARTED */
  g_assert_nonnull (late);
  tasks_advance (core, 5 * SECOND);
  worker_expect_cancel (workers[2], late, WIRE_STATUS_CANCELLED);
  worker_finish (workers[2], late, BUS_OUTCOME_SUCCEEDED, "too late");
  gather_answer (workers[3], "d");
  account = gather_take (agent, id);
  g_assert_cmpstr (account->answers->str, ==, "four=d");
  g_assert_cmpuint (account_member (account, "four")->attempts, ==, 3);
  g_assert_cmpuint (account->manifest->duplicates, ==, 1);
  g_assert_cmpint (account->manifest->verdict, ==, DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE);
}

/* The answer of the last remaining collector counts. */
static void
test_some_used_up (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id = ask_mode (agent, MODE (SOME), 3);
  g_autoptr (Account) account = NULL;

  gather_begin (one);
  client_disconnect (one);
  account = gather_take (agent, id);
  g_assert_cmpuint (account->manifest->expected, ==, 3);
  g_assert_cmpuint (account->manifest->died, ==, 1);
  g_assert_cmpuint (account->manifest->never_asked, ==, 2);
}

/* A part that an operator cancels is not given to another collector. */
static void
test_some_cancelled (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id;
  g_autoptr (Job) job = NULL;

  worker_ready (core, "two", 1);
  id = ask_mode (agent, MODE (SOME), 1);
  job = worker_take (one);
  g_assert_nonnull (job);
  g_free (tasks_cancel (agent, job->execute->task_id));
  gather_assert (agent, id, "", "failed unmet: one=cancelled");
}

/* --- shards --- */

static void
test_shards (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  guint64 id = ask_mode (agent, MODE (SHARDS), 3);
  g_autoptr (Account) account = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (Job) job = gather_run (one);

      g_assert_cmpuint (job->execute->shard, ==, i);
      g_assert_cmpuint (job->execute->shards, ==, 3);
      worker_finish (one, job, BUS_OUTCOME_SUCCEEDED, "s");
    }
  account = gather_take (agent, id);
  g_assert_cmpstr (account->answers->str, ==, "one=s one=s one=s");
  g_assert_cmpint (account->manifest->verdict, ==, DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE);
  g_assert_cmpuint (account->manifest->members[2]->shard, ==, 2);
}

/* The collector of a shard dies: another one gets the shard, and the manifest names the other one. */
static void
test_shards_failover (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two;
  guint64 id = ask_mode (agent, MODE (SHARDS), 1);
  g_autoptr (Account) account = NULL;

  gather_begin (one);
  two = worker_ready (core, "two", 1);
  client_disconnect (one);
  gather_answer (two, "s");
  account = gather_take (agent, id);
  g_assert_cmpstr (account->answers->str, ==, "two=s");
  g_assert_cmpuint (account_member (account, "two")->attempts, ==, 2);
  g_assert_cmpuint (account->manifest->joined_after, ==, 1);
}

/* A shard that kills its holders is given to a bounded number of them. */
static void
test_shards_deaths (Core *core, gconstpointer data)
{
  static const char *const names[] = { "one", "two", "three" };
  Client *agent = submitter_ready (core);
  Client *workers[G_N_ELEMENTS (names)];
  guint64 id;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    workers[i] = worker_ready (core, names[i], 1);
  id = ask_mode (agent, MODE (SHARDS), 1);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      gather_begin (workers[i]);
      gather_assert_open (agent, id);
      client_disconnect (workers[i]);
      tasks_advance (core, 2 * SECOND);
    }
  gather_assert (agent, id, "", "failed unmet: three=died");
}

/* The part of an expired lease is given to another collector; a late answer of the first one does not count. */
static void
test_shards_duplicate (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two;
  guint64 id = ask_mode (agent, MODE (SHARDS), 1);
  g_autoptr (Job) first = gather_run (one);
  g_autoptr (Job) second = NULL;
  g_autoptr (Account) account = NULL;

  two = worker_ready (core, "two", 1);
  tasks_advance (core, 10 * SECOND);
  second = gather_run (two);
  worker_finish (one, first, BUS_OUTCOME_SUCCEEDED, "first");
  worker_finish (two, second, BUS_OUTCOME_SUCCEEDED, "second");
  account = gather_take (agent, id);
  g_assert_cmpstr (account->answers->str, ==, "two=second");
  g_assert_cmpuint (account->manifest->duplicates, ==, 1);
  g_assert_cmpuint (account->manifest->late_answers, ==, 0);
}

/* No collector is capable of the task. This is certain when the time to register again is over. */
static void
test_shards_no_collector (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  guint64 id = ask_mode (agent, MODE (SHARDS), 2);

  tasks_advance (core, 2 * SECOND - 1);
  gather_assert_open (agent, id);
  tasks_advance (core, 1);
  gather_assert (agent, id, "", "nobody unmet: =never-asked/no-capability =never-asked/no-capability");
}

static void
test_shards_expected (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  guint64 id;

  client_disconnect (worker_ready (core, "one", 1));
  id = ask_mode (agent, MODE (SHARDS), 1);
  tasks_advance (core, 2 * SECOND);
  gather_assert (agent, id, "", "nobody unmet: =never-asked/not-registered");
}

/* --- late answers --- */

/* D06: an answer that comes when its entry has ended changes nothing, and is counted. */
static void
test_late (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two = worker_ready (core, "two", 1);
  guint64 id = gather_all (agent);
  g_autoptr (Job) job = gather_run (one);
  g_autoptr (Account) account = NULL;

  tasks_advance (core, 10 * SECOND); /* its lease is over */
  worker_finish (one, job, BUS_OUTCOME_SUCCEEDED, "late");
  worker_expect_stale (one);
  gather_answer (two, "b");
  account = gather_take (agent, id);
  g_assert_cmpstr (account->answers->str, ==, "two=b");
  g_assert_cmpint (account_member (account, "one")->answer, ==,
                   DAEMONEYE__EVENTBUS__V1__ANSWER_CLASS__ANSWER_TIMED_OUT);
  g_assert_cmpuint (account->manifest->late_answers, ==, 1);
  g_assert_cmpuint (account->manifest->duplicates, ==, 0);
}

/* The collector reconnects, and claims the task whose entry in the manifest is DIED. */
static void
test_late_claim (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two = worker_ready (core, "two", 1);
  guint64 id = gather_all (agent);
  g_autoptr (Job) job = gather_run (one);
  g_autoptr (Account) account = NULL;
  guint n_fenced;

  client_disconnect (one);
  worker_back (core, "one", 1, &(Claims){ .finished = job }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 1);
  gather_answer (two, "b");
  account = gather_take (agent, id);
  g_assert_cmpint (account_member (account, "one")->answer, ==, DAEMONEYE__EVENTBUS__V1__ANSWER_CLASS__ANSWER_DIED);
  g_assert_cmpuint (account->manifest->late_answers, ==, 1);
}

/* --- requirements --- */

static gboolean
is_met (Core *core, guint require, guint require_n, guint n_answers, gboolean truncated)
{
  static const char *const names[] = { "one", "two" };
  Client *workers[G_N_ELEMENTS (names)];
  Client *agent = submitter_ready (core);
  GatherRequest request;
  gboolean met;
  guint64 id;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    workers[i] = worker_ready (core, names[i], 1);
  gather_fill (&request);
  request.require = (Daemoneye__Eventbus__V1__GatherRequire) require;
  request.require_n = require_n;
  id = gather_send (agent, &request, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (Job) job = gather_run (workers[i]);
      Extent extent = DAEMONEYE__EVENTBUS__V1__EXTENT__INIT;

      extent.rows = 1;
      extent.is_truncated = truncated && i == 0;
      gather_finish (workers[i], job, i < n_answers ? BUS_OUTCOME_SUCCEEDED : BUS_OUTCOME_FAILED, "", &extent);
    }
  {
    g_autoptr (Account) account = gather_take (agent, id);

    met = account->manifest->is_met != 0;
    g_assert_cmpuint (account->status, ==, met ? WIRE_STATUS_OK : WIRE_STATUS_PARTIAL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    client_disconnect (workers[i]);
  client_disconnect (agent);
  tasks_advance (core, 700 * SECOND); /* no collector is expected any more */
  return met;
}

static void
test_requirements (Core *core, gconstpointer data)
{
  g_assert_true (is_met (core, REQUIRE (ALL), 0, 2, FALSE));
  g_assert_false (is_met (core, REQUIRE (ALL), 0, 1, FALSE));
  g_assert_false (is_met (core, REQUIRE (ALL), 0, 2, TRUE));
  g_assert_true (is_met (core, REQUIRE (AT_LEAST), 1, 1, FALSE));
  g_assert_false (is_met (core, REQUIRE (AT_LEAST), 2, 1, FALSE));
  g_assert_false (is_met (core, REQUIRE (AT_LEAST), 2, 2, TRUE));
  g_assert_true (is_met (core, REQUIRE (AT_LEAST), 1, 2, TRUE));
  g_assert_false (is_met (core, REQUIRE (AT_LEAST), 1, 1, TRUE));
  g_assert_true (is_met (core, REQUIRE (ANY), 0, 0, FALSE));
}

#define ADD(path, function) g_test_add ("/core/gather/" path, Core, NULL, gathers_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M12-some", test_some);
  ADD ("M12-some-replaced", test_some_replaced);
  ADD ("M12-some-used-up", test_some_used_up);
  ADD ("M12-some-cancelled", test_some_cancelled);
  ADD ("M12-shards", test_shards);
  ADD ("M12-shards-failover", test_shards_failover);
  ADD ("M12-shards-deaths", test_shards_deaths);
  ADD ("D06-shards-duplicate", test_shards_duplicate);
  ADD ("M12-shards-no-collector", test_shards_no_collector);
  ADD ("M12-shards-expected", test_shards_expected);
  ADD ("D06-late", test_late);
  ADD ("D06-late-claim", test_late_claim);
  ADD ("M12-requirements", test_requirements);
  return g_test_run ();
}
