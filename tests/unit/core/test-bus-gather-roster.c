/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "wire-feature.h"
#include "work/bus-membership.h"
#include "work/bus-operations.h"
#include "work/bus-trust.h"
#include "work/bus-work.h"

/* Questions to many collectors: the expected collectors, and the reasons why some were never asked. */

static guint64
ask_type (Client *asker, const char *type)
{
  GatherRequest request;

  gather_fill (&request);
  request.type = (char *) (gsize) type;
  return gather_send (asker, &request, 0);
}

/* The question ends only by its deadline. */
static void
pass_deadline (Core *core, Client *asker, guint64 id)
{
  tasks_advance (core, 30 * SECOND - 1);
  gather_assert_open (asker, id);
  tasks_advance (core, 1);
}

/* The collector returns the task, which it has not begun. */
static void
give_back (Client *worker)
{
  g_autoptr (Job) job = worker_take (worker);

  g_assert_nonnull (job);
  worker_expect_cancel (worker, job, WIRE_STATUS_DRAINING);
  worker_finish (worker, job, BUS_OUTCOME_CANCELLED, "");
}

/* --- never asked --- */

static void
test_draining (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);

  bus_membership_drain (worker_member (one), 0, FALSE, FALSE);
  gather_assert (agent, gather_all (agent), "", "nobody unmet: one=never-asked/draining");
}

/* The collector begins to drain when it has the offer and has not started. */
static void
test_drains_meanwhile (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id = gather_all (agent);

  bus_membership_drain (worker_member (one), 0, FALSE, FALSE);
  core_advance (core, 1);
  gather_assert_open (agent, id); /* the collector may have begun */
  give_back (one);
  gather_assert (agent, id, "", "nobody unmet: one=never-asked/draining");
}

/* The collector has started: it may finish until its time is over. */
static void
test_drain_over (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id = gather_all (agent);

  gather_begin (one);
  bus_membership_drain (worker_member (one), 3 * SECOND, FALSE, FALSE);
  tasks_advance (core, 3 * SECOND - 1);
  gather_assert_open (agent, id);
  tasks_advance (core, 1);
  gather_assert (agent, id, "", "failed unmet: one=cancelled");
}

static void
test_no_capability (Core *core, gconstpointer data)
{
  static const char *const expected[] = { "one", NULL };
  Client *agent = submitter_ready (core);

  worker_ready_with (core, "one", 1, "hash", TRUE);
  gather_expect (agent, expected);
  gather_assert (agent, gather_all (agent), "", "nobody unmet:"); /* collectors of other types do not count */
  gather_assert (agent, ask_type (agent, "netmond"), "", "nobody unmet:");
  gather_assert (agent, ask_type (agent, "procmond"), "", "nobody unmet: one=never-asked/no-capability");
}

/* The collector registers again without the operation. */
static void
test_withdrawn (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id = gather_all (agent);

  worker_register (one, "hash", 1, TRUE);
  give_back (one);
  gather_assert (agent, id, "", "nobody unmet: one=never-asked/no-capability");
}

static void
test_at_capacity (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  TaskSpec spec;
  g_autoptr (Job) job = NULL;
  guint64 id;

  tasks_spec (&spec, "t");
  spec.run_limit_us = 100 * SECOND;
  tasks_submit_spec (agent, &spec, NULL);
  job = worker_run (one, "t");
  id = gather_all (agent);
  for (guint i = 0; i < 6; i++)
    {
      tasks_advance (core, 5 * SECOND - 1);
      worker_progress (one, job, "");
      gather_assert_open (agent, id);
    }
  tasks_advance (core, SECOND);
  gather_assert (agent, id, "", "nobody unmet: one=never-asked/at-capacity");
}

static void
test_set_aside (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two = worker_ready (core, "two", 1);
  Client *three = worker_ready (core, "three", 1);
  guint64 id;

  core->core->limits.task_hold_us = 60 * SECOND;
  for (guint i = 0; i < 3; i++)
    bus_trust_strike (core->core, worker_member (one), "it failed");
  g_assert_cmpint (worker_member (one)->state, ==, BUS_MEMBER_SET_ASIDE);
  id = gather_all (agent);
  gather_answer (two, "b");
  gather_answer (three, "c");
  tasks_advance (core, 30 * SECOND);
  gather_assert (agent, id, "two=b three=c", "partial unmet: one=never-asked/set-aside three=answered two=answered");
}

static void
test_suspect (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id;

  bus_trust_apply (core->core, worker_member (one), BUS_MEMBER_ON_DOUBT, "it is silent");
  g_assert_cmpint (worker_member (one)->state, ==, BUS_MEMBER_SUSPECT);
  id = gather_all (agent);
  pass_deadline (core, agent, id);
  gather_assert (agent, id, "", "nobody unmet: one=never-asked/suspect");
}

static void
pause_scan (Core *core)
{
  const BusKey key = bus_key (core->core->seed, WIRE_SPAN_LITERAL ("scan"));

  bus_operation_pause (bus_operations_get (core->core->work->operations, &key, 0), TRUE);
}

static void
test_paused (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  guint64 id;

  worker_ready (core, "one", 1);
  pause_scan (core);
  id = gather_all (agent);
  pass_deadline (core, agent, id);
  gather_assert (agent, id, "", "nobody unmet: one=never-asked/paused");
}

/* The manifest does not name the pause as the reason, because these collectors would also get no task after the pause. */
static void
test_paused_and_gone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  guint64 id;

  client_disconnect (worker_ready (core, "one", 1));
  bus_membership_drain (worker_member (worker_ready (core, "two", 1)), 0, FALSE, FALSE);
  pause_scan (core);
  id = gather_all (agent);
  tasks_advance (core, 2 * SECOND);
  gather_assert (agent, id, "", "nobody unmet: one=never-asked/not-registered two=never-asked/draining");
}

static void
test_version (Core *core, gconstpointer data)
{
  static const char *const expected[] = { "old", NULL };
  Client *agent = submitter_ready (core);
  Client *old = client_ready (core, "old", "procmond");

  old->peer->features &= ~(guint64) WIRE_FEATURE_TASKS;
  gather_expect (agent, expected);
  gather_assert (agent, gather_all (agent), "", "nobody unmet: old=never-asked/version");
  gather_assert (agent, ask_type (agent, "netmond"), "", "nobody unmet:");
}

static void
test_denied (Core *core, gconstpointer data)
{
  static const char *const expected[] = { "tool", NULL };
  Client *agent = submitter_ready (core);

  tool_ready (core, "tool");
  gather_expect (agent, expected);
  gather_assert (agent, gather_all (agent), "", "nobody unmet: tool=never-asked/denied");
}

static void
test_refused (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id;

  worker_ready (core, "two", 1);
  core->core->limits.task_queue_per_account = 1;
  id = gather_all (agent);
  gather_answer (one, "a");
  {
    g_autoptr (Account) account = gather_take (agent, id);

    g_assert_cmpuint (account->manifest->refused, ==, 1);
    g_assert_cmpuint (account_member (account, "two")->status, ==, WIRE_STATUS_LIMIT);
    g_assert_nonnull (strstr (account_member (account, "two")->text, "task-queue-per-account"));
  }
}

/* --- expected --- */

/* A Barrier expects one that never registered, one that registered and left as announced, and one that is registered. */
static void
test_barrier (Core *core, gconstpointer data)
{
  static const char *const expected[] = { "never", "left", "one", NULL };
  static const char *const nobody[] = { NULL };
  Daemoneye__Eventbus__V1__DeregisterRequest deregister = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *left = worker_ready (core, "left", 1);
  guint64 id;

  worker_call (left, "Deregister", &deregister.base);
  client_disconnect (left);
  gather_expect (agent, expected);
  id = gather_all (agent);
  gather_answer (one, "a");
  tasks_advance (core, 2 * SECOND);
  {
    g_autoptr (Account) account = gather_take (agent, id);
    g_autofree char *text = manifest_text (account->manifest);

    g_assert_cmpstr (text, ==,
                     "partial unmet: left=never-asked/not-registered never=never-asked/not-registered one=answered");
    g_assert_cmpstr (account_member (account, "left")->text, ==, "it announced its end 2 s ago");
    g_assert_cmpstr (account_member (account, "never")->text, ==,
                     "a Barrier expects it, and the broker has no record of it");
  }
  gather_expect (agent, nobody);
  id = gather_all (agent);
  gather_answer (one, "a");
  gather_assert (agent, id, "one=a", "complete met: one=answered");
}

/* The expectations of an account end with its last connection. */
static void
test_barrier_gone (Core *core, gconstpointer data)
{
  static const char *const expected[] = { "never", NULL };
  Client *agent = submitter_ready (core);
  Client *other = client_new (core, 77, TRUE);

  client_hello (other, "other", "", 1, 1u << 16, 1u << 16);
  core_flush (core);
  other->peer->features |= WIRE_FEATURE_TASKS;
  tasks_submit (other, "t"); /* the account outlives its connection */
  gather_expect (other, expected);
  g_assert_cmpuint (other->peer->account->expected->len, ==, 1);
  client_disconnect (other);
  gather_assert (agent, gather_all (agent), "", "nobody unmet:");
}

/* A collector with an announced end is not expected, and any other one for at most 10 minutes. */
static void
test_gone (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__DeregisterRequest deregister = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id;

  worker_call (one, "Deregister", &deregister.base);
  client_disconnect (one);
  gather_assert (agent, gather_all (agent), "", "nobody unmet:");
  client_disconnect (worker_ready (core, "two", 1));
  client_disconnect (worker_ready_with (core, "three", 1, "hash", TRUE));
  tasks_advance (core, 600 * SECOND);
  id = gather_all (agent);
  tasks_advance (core, 2 * SECOND);
  gather_assert (agent, id, "", "nobody unmet: two=never-asked/not-registered");
  gather_assert (agent, gather_all (agent), "", "nobody unmet:");
}

/* --- D07: collectors connect and leave while answers are gathered --- */

static void
test_joins (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id = gather_all (agent);
  Client *late = worker_ready (core, "late", 1);
  g_autoptr (Account) account = NULL;

  g_assert_null (worker_take (late));
  client_disconnect (late);
  worker_ready (core, "late", 1);
  worker_ready_with (core, "other", 1, "hash", TRUE);
  gather_answer (one, "a");
  account = gather_take (agent, id);
  g_assert_cmpuint (account->manifest->expected, ==, 1);
  g_assert_cmpuint (account->manifest->joined_after, ==, 1);
}

/* Two collectors deregister: one has begun its task, the other one has not. */
static void
test_leaves (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__DeregisterRequest deregister = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two = worker_ready (core, "two", 1);
  guint64 id = gather_all (agent);

  gather_begin (one);
  worker_call (one, "Deregister", &deregister.base);
  worker_call (two, "Deregister", &deregister.base);
  gather_assert_open (agent, id);
  tasks_advance (core, 2 * SECOND);
  gather_assert (agent, id, "", "failed unmet: one=cancelled two=never-asked/not-registered");
}

/* Another connection of the same collector takes over before it has begun: the task is offered on the new connection. */
static void
test_reconnects (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__DeregisterRequest deregister = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  guint64 id = gather_all (agent);

  worker_call (one, "Deregister", &deregister.base);
  client_disconnect (one);
  one = worker_ready (core, "one", 1);
  gather_answer (one, "a");
  gather_assert (agent, id, "one=a", "complete met: one=answered");
}

/* --- scenario 27: after a restart of the broker --- */

static void
test_restart (Core *core, gconstpointer data)
{
  Client *agent, *one;
  guint64 id;

  tasks_restart (core);
  agent = submitter_ready (core);
  tasks_advance (core, SECOND / 10);
  id = gather_all (agent);
  tasks_advance (core, 5 * SECOND);
  one = worker_ready (core, "one", 1);
  g_assert_null (worker_take (one));
  tasks_advance (core, 10 * SECOND - SECOND / 10 - 5 * SECOND - 1);
  g_assert_null (worker_take (one));
  tasks_advance (core, 1);
  gather_answer (one, "a");
  gather_assert (agent, id, "one=a", "complete met: one=answered");
}

/* The time of the question is shorter than the window: collectors are asked at half of this time, and the roster is marked as
 * uncertain. */
static void
test_restart_short (Core *core, gconstpointer data)
{
  Client *agent, *one;
  GatherRequest request;
  g_autoptr (Account) account = NULL;
  guint64 id;

  tasks_restart (core);
  agent = submitter_ready (core);
  one = worker_ready (core, "one", 1);
  gather_fill (&request);
  request.deadline_us = 4 * SECOND;
  id = gather_send (agent, &request, 0);
  tasks_advance (core, 2 * SECOND - 1);
  g_assert_null (worker_take (one));
  tasks_advance (core, 1);
  gather_answer (one, "a");
  account = gather_take (agent, id);
  g_assert_false (account->manifest->roster_is_sure);
  g_assert_cmpint (account->manifest->verdict, ==, DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_PARTIAL);
  g_assert_cmpuint (account->status, ==, WIRE_STATUS_PARTIAL);
}

#define ADD(path, function) g_test_add ("/core/gather/" path, Core, NULL, gathers_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M12-draining", test_draining);
  ADD ("D07-drains-meanwhile", test_drains_meanwhile);
  ADD ("D07-drain-over", test_drain_over);
  ADD ("M12-no-capability", test_no_capability);
  ADD ("D07-withdrawn", test_withdrawn);
  ADD ("M12-at-capacity", test_at_capacity);
  ADD ("M12-set-aside", test_set_aside);
  ADD ("M12-suspect", test_suspect);
  ADD ("M12-paused", test_paused);
  ADD ("M12-paused-and-gone", test_paused_and_gone);
  ADD ("M12-version", test_version);
  ADD ("M12-denied", test_denied);
  ADD ("M12-refused", test_refused);
  ADD ("M12-barrier", test_barrier);
  ADD ("M12-barrier-gone", test_barrier_gone);
  ADD ("M12-gone", test_gone);
  ADD ("D07-joins", test_joins);
  ADD ("D07-leaves", test_leaves);
  ADD ("D07-reconnects", test_reconnects);
  ADD ("S27-M12-restart", test_restart);
  ADD ("S27-M12-restart-short", test_restart_short);
  return g_test_run ();
}
