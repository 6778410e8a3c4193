/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-work.h"

/* Questions to many: the mode ALL, and how an expected answer ends. */

static const char *
text_of (Client *asker, guint64 id, const char *member)
{
  static char text[300];
  g_autoptr (Account) account = gather_take (asker, id);

  g_strlcpy (text, account_member (account, member)->text, sizeof text);
  return text;
}

/* --- all answer --- */

static void
test_complete (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  Client *two = worker_ready (core, "two", 2);
  guint64 id = gather_all (agent);

  gather_assert_open (agent, id);
  gather_answer (two, "b");
  gather_assert (agent, id, "two=b", "open");
  gather_answer (one, "a");
  gather_assert (agent, id, "one=a", "complete met: one=answered two=answered");
  g_assert_cmpuint (core->core->work->tasks.all.length, ==, 0);
  g_assert_cmpuint (core->core->work->gathers.n_complete, ==, 1);
  g_assert_cmpuint (agent->peer->account->gathers, ==, 0);
}

/* --- large answers --- */

#define LARGE_LEN 200000u

static char *
make_text (gsize len)
{
  char *text = g_malloc (len + 1);

  for (gsize i = 0; i < len; i++)
    text[i] = (char) ('a' + (i * 7 + i / 256) % 26);
  text[len] = '\0';
  return text;
}

static void
assert_answer (Client *asker, guint64 id, const char *member, const char *text)
{
  g_autoptr (Got) got = client_take (asker, WIRE_KIND_REPLY);
  Daemoneye__Eventbus__V1__GatherAnswer *answer;

  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.answers, ==, id);
  g_assert_cmpuint (got->flags, ==, WIRE_FLAG_PROGRESS);
  answer = daemoneye__eventbus__v1__gather_answer__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_nonnull (answer);
  g_assert_cmpstr (answer->id, ==, member);
  g_assert_cmpuint (answer->attempt, ==, 1);
  g_assert_cmpint (answer->outcome->kind, ==, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED);
  g_assert_nonnull (answer->outcome->extent);
  g_assert_cmpuint (answer->outcome->extent->rows, ==, strlen (text));
  g_assert_cmpmem (answer->outcome->payload.data, answer->outcome->payload.len, text, strlen (text));
  daemoneye__eventbus__v1__gather_answer__free_unpacked (answer, NULL);
}

static void
answer_with_rows (Client *worker, const char *text)
{
  g_autoptr (Job) job = gather_run (worker);
  Extent extent = DAEMONEYE__EVENTBUS__V1__EXTENT__INIT;

  extent.rows = strlen (text);
  gather_finish (worker, job, BUS_OUTCOME_SUCCEEDED, text, &extent);
  core_flush (worker->core);
}

/* The asker gets what the collectors sent, in order, and then the manifest. */
static void
test_large (Core *core, gconstpointer data)
{
  static const gsize sizes[] = { BUS_OUTQ_COPY_MAX, BUS_OUTQ_COPY_MAX + 1, 40000, LARGE_LEN };
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  Client *two = worker_ready (core, "two", 2);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *text = make_text (sizes[i]);
      guint64 id = gather_all (agent);

      agent->is_stopped = TRUE;
      answer_with_rows (one, text);
      g_assert_cmpuint (bus_outq_bytes (&agent->peer->flow.outq), >, sizes[i]);
      answer_with_rows (two, "small");
      agent->is_stopped = FALSE;
      core_flush (core);
      assert_answer (agent, id, "one", text);
      assert_answer (agent, id, "two", "small");
      gather_assert (agent, id, "", "complete met: one=answered two=answered");
      g_assert_cmpuint (core->core->work->tasks.all.length, ==, 0);
    }
}

/* The asker disconnects while a large answer waits for it: nothing of it is kept. */
static void
test_large_asker_gone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  g_autofree char *text = make_text (LARGE_LEN);
  const guint64 before = core->core->quota.memory;

  (void) worker_ready (core, "two", 2);
  gather_all (agent);
  agent->is_stopped = TRUE;
  answer_with_rows (one, text);
  g_assert_cmpuint (core->core->quota.memory, >, before + LARGE_LEN);
  client_disconnect (agent);
  core_flush (core);
  g_assert_cmpuint (core->core->quota.memory, <, before + LARGE_LEN / 2);
}

/* A large answer for which there is no memory waits until there is. */
static void
test_large_without_memory (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  g_autofree char *text = make_text (LARGE_LEN);
  const guint64 cap = core->core->quota.cap;
  guint64 id;

  id = gather_all (agent);
  core->core->quota.cap = core->core->quota.memory + LARGE_LEN / 2; /* tasks have a budget of their own */
  answer_with_rows (one, text);
  gather_assert_open (agent, id);
  core->core->quota.cap = cap;
  core_advance (core, 1);
  core_flush (core);
  assert_answer (agent, id, "one", text);
  gather_assert (agent, id, "", "complete met: one=answered");
}

/* A collector reports that it found nothing, which differs from an answer without bytes. */
static void
test_empty (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  Client *two = worker_ready (core, "two", 2);
  guint64 id = gather_all (agent);
  g_autoptr (Job) first = gather_run (one);
  g_autoptr (Job) second = gather_run (two);
  Extent extent = DAEMONEYE__EVENTBUS__V1__EXTENT__INIT;

  gather_finish (one, first, BUS_OUTCOME_SUCCEEDED, "", &extent);
  gather_finish (two, second, BUS_OUTCOME_SUCCEEDED, "", NULL);
  gather_assert (agent, id, "one= two=", "complete met: one=empty two=answered");
}

static void
test_truncated (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  guint64 id = gather_all (agent);
  g_autoptr (Job) job = gather_run (one);
  Extent extent = DAEMONEYE__EVENTBUS__V1__EXTENT__INIT;
  g_autoptr (Account) account = NULL;
  const ManifestMember *member;

  extent.rows = 7;
  extent.is_truncated = TRUE;
  extent.limit = 7;
  extent.share_permille = 900;
  extent.configuration = (char *) (gsize) "r7";
  gather_finish (one, job, BUS_OUTCOME_SUCCEEDED, "rows", &extent);
  account = gather_take (agent, id);
  member = account_member (account, "one");
  g_assert_cmpuint (account->manifest->truncated, ==, 1);
  g_assert_cmpint (account->manifest->verdict, ==, DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_PARTIAL);
  g_assert_cmpuint (account->status, ==, WIRE_STATUS_PARTIAL);
  g_assert_cmpuint (member->bytes, ==, 4);
  g_assert_cmpuint (member->extent->limit, ==, 7);
  g_assert_cmpuint (member->extent->share_permille, ==, 900);
  g_assert_cmpstr (member->extent->configuration, ==, "r7");
}

static void
test_failed (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  Client *two = worker_ready (core, "two", 2);
  guint64 id = gather_all (agent);
  g_autoptr (Job) first = gather_run (one);
  g_autoptr (Job) second = gather_run (two);
  g_autoptr (Account) account = NULL;

  worker_finish (one, first, BUS_OUTCOME_FAILED, "");
  worker_retry (two, second, 0);
  account = gather_take (agent, id);
  g_assert_cmpint (account->manifest->verdict, ==, DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_FAILED);
  g_assert_cmpuint (account->manifest->failed, ==, 2);
  g_assert_false (account_member (account, "one")->retryable);
  g_assert_true (account_member (account, "two")->retryable);
}

/* Scenario 26: a member that was killed one second before a question is still expected. */
static void
test_gone_before (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  Client *two = worker_ready (core, "two", 2);
  guint64 id;

  client_disconnect (two);
  tasks_advance (core, SECOND);
  id = gather_all (agent);
  gather_answer (one, "a");
  gather_assert (agent, id, "one=a", "open"); /* it may reconnect within task-return-us */
  tasks_advance (core, 2 * SECOND);
  {
    g_autoptr (Account) account = gather_take (agent, id);
    g_autofree char *text = manifest_text (account->manifest);

    g_assert_cmpstr (text, ==, "partial unmet: one=answered two=never-asked/not-registered");
    g_assert_cmpstr (account_member (account, "two")->text, ==, "its connection ended without announcement 3 s ago");
  }
}

/* The same, but it reconnects in time. */
static void
test_back_in_time (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  guint64 id;

  client_disconnect (one);
  tasks_advance (core, SECOND);
  id = gather_all (agent);
  tasks_advance (core, SECOND);
  one = worker_ready (core, "one", 2);
  gather_answer (one, "a");
  gather_assert (agent, id, "one=a", "complete met: one=answered");
}

/* A collector dies after it has begun: the question does not wait for it. */
static void
test_died (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  Client *two = worker_ready (core, "two", 2);
  guint64 id = gather_all (agent);

  gather_begin (two);
  gather_answer (one, "a");
  client_disconnect (two);
  gather_assert (agent, id, "one=a", "partial unmet: one=answered two=died");
}

/* The same when the collector dies before it has begun. */
static void
test_died_unstarted (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  guint64 id = gather_all (agent);

  client_disconnect (one);
  gather_assert (agent, id, "", "failed unmet: one=died");
}

/* D05: a collector hangs. At the deadline the asker has the answers of the others and the manifest. */
static void
test_deadline (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  Client *two = worker_ready (core, "two", 2);
  GatherRequest request;
  g_autoptr (Job) job = NULL;
  guint64 id;

  gather_fill (&request);
  request.deadline_us = 4 * SECOND;
  id = gather_send (agent, &request, 5 * SECOND);
  gather_answer (one, "a");
  job = gather_run (two);
  tasks_advance (core, 4 * SECOND - 1);
  gather_assert (agent, id, "one=a", "open");
  tasks_advance (core, 1);
  gather_assert (agent, id, "", "partial unmet: one=answered two=timed-out");
  worker_expect_cancel (two, job, WIRE_STATUS_EXPIRED);
}

static void
test_lease_over (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  guint64 id = gather_all (agent);

  gather_begin (one);
  tasks_advance (core, 10 * SECOND);
  g_assert_cmpstr (text_of (agent, id, "one"), ==, "the member reported no progress in time (task-progress-us)");
}

static void
test_cancelled_by_operator (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  guint64 id = gather_all (agent);
  g_autoptr (Job) job = gather_run (one);

  g_free (tasks_cancel (agent, job->execute->task_id));
  worker_expect_cancel (one, job, WIRE_STATUS_CANCELLED);
  worker_finish (one, job, BUS_OUTCOME_CANCELLED, "");
  gather_assert (agent, id, "", "failed unmet: one=cancelled");
}

static void
test_no_collector (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);

  gather_assert (agent, gather_all (agent), "", "nobody unmet:");
}

/* The asker cancels: the question is removed, and the collector gets a cancel. */
static void
test_asker_cancels (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  guint64 id = gather_all (agent);
  g_autoptr (Job) job = gather_run (one);

  gather_cancel (agent, id);
  core_flush (core);
  worker_expect_cancel (one, job, WIRE_STATUS_CANCELLED);
  g_assert_cmpuint (core->core->work->tasks.all.length, ==, 0);
  g_assert_cmpuint (agent->peer->account->task_bytes, ==, 0);
  gather_assert_open (agent, id);
}

static void
test_asker_gone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 2);
  g_autoptr (Job) job = NULL;

  gather_all (agent);
  job = gather_run (one);
  client_disconnect (agent);
  core_flush (core);
  worker_expect_cancel (one, job, WIRE_STATUS_CANCELLED);
  g_assert_cmpuint (core->core->work->tasks.all.length, ==, 0);
  g_assert_cmpuint (core->core->work->gathers.all.length, ==, 0);
}

#define ADD(path, function) g_test_add ("/core/gather/" path, Core, NULL, gathers_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M12-complete", test_complete);
  ADD ("M12-empty", test_empty);
  ADD ("M12-truncated", test_truncated);
  ADD ("M12-large", test_large);
  ADD ("M12-large-asker-gone", test_large_asker_gone);
  ADD ("M12-large-without-memory", test_large_without_memory);
  ADD ("M12-failed", test_failed);
  ADD ("S26-M12-gone-before", test_gone_before);
  ADD ("M12-back-in-time", test_back_in_time);
  ADD ("D07-died", test_died);
  ADD ("D07-died-unstarted", test_died_unstarted);
  ADD ("D05-deadline", test_deadline);
  ADD ("D05-lease-over", test_lease_over);
  ADD ("M12-cancelled-by-operator", test_cancelled_by_operator);
  ADD ("M12-no-collector", test_no_collector);
  ADD ("M12-asker-cancels", test_asker_cancels);
  ADD ("M12-asker-gone", test_asker_gone);
  return g_test_run ();
}
