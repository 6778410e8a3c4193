/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "wire-feature.h"
#include "work/bus-gather-entry.h"
#include "work/bus-past.h"
#include "work/bus-work.h"

/* Questions to many collectors: the memory of their payloads, an answer for which there is no memory, the work for a change of a
 * collector, and the roster. Linked with --wrap. */

#define PAYLOAD   (600u * 1024u)
#define ANSWER    2000u /* no other allocation has this size */
#define ENTRIES   8u
#define QUESTIONS 5u
#define OTHER_UID 5000u

static gsize failing;   /* an allocation of this size fails; 0: none */
static guint n_touched; /* entries that were listed to be checked */

gpointer __real_g_try_malloc (gsize n);
gpointer __wrap_g_try_malloc (gsize n);
void __real_bus_gather_touch (BusGatherEntry *entry);
void __wrap_bus_gather_touch (BusGatherEntry *entry);

gpointer
__wrap_g_try_malloc (gsize n)
{
  return n == failing ? NULL : __real_g_try_malloc (n);
}

void
__wrap_bus_gather_touch (BusGatherEntry *entry)
{
  n_touched++;
  __real_bus_gather_touch (entry);
}

/* Within the recovery window questions wait, and keep their payloads. The asker gets no more memory than its account may use. */
static void
test_payloads (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  g_autofree char *payload = g_strnfill (PAYLOAD, 'x');
  GatherRequest request;

  core->core->limits.uid_bytes = 2 * PAYLOAD + PAYLOAD / 2;
  gather_fill (&request);
  request.payload = (ProtobufCBinaryData){ PAYLOAD, (guint8 *) payload };
  for (guint i = 0; i < QUESTIONS; i++)
    {
      const guint64 id = gather_send (agent, &request, 0);

      if (i >= 2)
        client_expect_error (agent, id, WIRE_STATUS_LIMIT);
    }
  g_assert_cmpuint (core->core->work->gathers.all.length, ==, 2);
  g_assert_cmpuint (agent->peer->account->usage.charged, <=, core->core->limits.uid_bytes);
}

/* The same if the broker is full. */
static void
test_payloads_broker (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  g_autofree char *payload = g_strnfill (PAYLOAD, 'x');
  GatherRequest request;

  core->core->quota.cap = PAYLOAD + PAYLOAD / 2;
  gather_fill (&request);
  request.payload = (ProtobufCBinaryData){ PAYLOAD, (guint8 *) payload };
  gather_send (agent, &request, 0);
  client_expect_error (agent, gather_send (agent, &request, 0), WIRE_STATUS_LIMIT);
  g_assert_cmpuint (core->core->work->gathers.all.length, ==, 1);
}

/* The answer arrived, but its payload is lost: it must not count as an answer. */
static void
test_lost_answer (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two = worker_ready (core, "two", 1);
  g_autofree char *payload = g_strnfill (ANSWER, 'x');
  g_autoptr (Account) account = NULL;
  g_autofree char *text = NULL;
  guint64 id = gather_all (agent);

  gather_answer (one, "a");
  failing = ANSWER;
  gather_answer (two, payload);
  failing = 0;
  account = gather_take (agent, id);
  text = manifest_text (account->manifest);
  g_assert_cmpstr (text, ==, "partial unmet: one=answered two=failed");
  g_assert_cmpstr (account->answers->str, ==, "one=a");
  g_assert_cmpuint (account_member (account, "two")->status, ==, WIRE_STATUS_NO_MEMORY);
  g_assert_true (account_member (account, "two")->retryable);
}

static Job *
run_task_of (Client *agent, Client *worker, const char *id)
{
  TaskSpec spec;

  tasks_spec (&spec, id);
  spec.target = worker->peer->id;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  return worker_run (worker, id);
}

/* A collector of the roster that was not asked works on other tasks: the entries are not checked each time. */
static void
test_busy_beside (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *other = worker_ready (core, "other", 1);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;
  GatherRequest request;

  for (guint i = 0; i < ENTRIES; i++)
    {
      g_autofree char *id = g_strdup_printf ("w%u", i);

      worker_ready (core, id, 1);
    }
  first = run_task_of (agent, other, "t1"); /* it is busy, so it is not asked */
  gather_fill (&request);
  request.mode = DAEMONEYE__EVENTBUS__V1__GATHER_MODE__GATHER_SOME;
  request.n = ENTRIES;
  gather_send (agent, &request, 0);
  n_touched = 0;
  worker_finish (other, first, BUS_OUTCOME_SUCCEEDED, "");
  second = run_task_of (agent, other, "t2");
  worker_finish (other, second, BUS_OUTCOME_SUCCEEDED, "");
  g_assert_cmpuint (n_touched, ==, 0);
}

/* Such a collector is asked in place of another one as soon as it registers. */
static void
test_registers_meanwhile (Core *core, gconstpointer data)
{
  static const char *const expected[] = { "two", NULL };
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  GatherRequest request;
  guint64 id;

  gather_expect (agent, expected);
  gather_fill (&request);
  request.mode = DAEMONEYE__EVENTBUS__V1__GATHER_MODE__GATHER_SOME;
  request.n = 1;
  id = gather_send (agent, &request, 0);
  g_assert_nonnull (worker_member (one));
  tasks_advance (core, 6 * SECOND); /* it does not answer the offer, and no other collector is registered */
  gather_assert_open (agent, id);
  gather_answer (worker_ready (core, "two", 1), "b");
  gather_assert (agent, id, "two=b", "complete met: two=answered");
}

/* --- an asker that does not read --- */

static guint32
submit (Client *submitter)
{
  TaskSpec spec;

  tasks_spec (&spec, "t");
  return tasks_submit_spec (submitter, &spec, NULL);
}

/* Its answers are kept, but not when they leave no room for other tasks. */
static void
test_stuck (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *asker = tool_ready (core, "asker");
  Client *workers[] = { worker_ready (core, "one", 1), worker_ready (core, "two", 1) };
  g_autofree char *payload = g_strnfill (PAYLOAD, 'x');
  const gint64 window_us = (gint64) core->core->limits.task_window_us;
  guint64 id = gather_all (asker);

  core->core->limits.task_bytes = PAYLOAD / 2;
  core_flush (core);
  asker->is_stopped = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    gather_answer (workers[i], payload);
  g_assert_cmpuint (core->core->work->tasks.withheld.length, ==, 1);
  tasks_advance (core, window_us - 1);
  g_assert_cmpuint (submit (agent), ==, WIRE_STATUS_LIMIT);
  tasks_advance (core, 1);
  core_advance (core, 1); /* any input */
  g_assert_cmpuint (submit (agent), ==, WIRE_STATUS_OK);
  g_assert_cmpuint (core->core->work->gathers.all.length, ==, 0);
  g_assert_cmpuint (core->core->work->tasks.withheld.length, ==, 0);
  asker->is_stopped = FALSE;
  core_flush (core);
  client_expect_error (asker, id, WIRE_STATUS_SLOW_CONSUMER);
}

/* Reads the bytes that wait now. They are not needed. */
static void
read_once (Client *client)
{
  WireSpan spans[64];
  const guint n = bus_core_gather (client->core->core, client->peer, spans, G_N_ELEMENTS (spans));
  gsize total = 0;

  for (guint i = 0; i < n; i++)
    total += spans[i].len;
  bus_core_sent (client->core->core, client->peer, total, client->core->now_us);
}

/* The time counts from the last answer that was sent to it. */
static void
test_slow_and_full (Core *core, gconstpointer data)
{
  Client *asker = tool_ready (core, "asker");
  Client *workers[] = { worker_ready (core, "one", 1), worker_ready (core, "two", 1), worker_ready (core, "three", 1) };
  g_autofree char *payload = g_strnfill (PAYLOAD, 'x');
  const gint64 window_us = (gint64) core->core->limits.task_window_us;

  core->core->limits.task_bytes = PAYLOAD / 2;
  gather_all (asker);
  core_flush (core);
  asker->is_stopped = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    gather_answer (workers[i], payload);
  tasks_advance (core, window_us - 1);
  read_once (asker);
  tasks_advance (core, window_us - 1);
  g_assert_cmpuint (core->core->work->gathers.all.length, ==, 1);
  core_advance (core, 1);
  g_assert_cmpuint (core->core->work->gathers.all.length, ==, 0);
}

/* --- the roster --- */

/* A collector of another account registers with one id after the other, and dies each time. The ids of others are still known,
 * and the question is not above its bound. */
static void
test_many_ids (Core *core, gconstpointer data)
{
  const guint most = 5;
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  g_autoptr (Account) account = NULL;
  guint64 id;

  core->core->limits.max_connections_per_uid = most;
  client_disconnect (worker_ready (core, "two", 1));
  for (guint i = 0; i < BUS_PAST_MAX + 10; i++)
    {
      g_autofree char *name = g_strdup_printf ("x%u", i);
      Client *other = client_new (core, OTHER_UID, FALSE);

      client_hello (other, name, "procmond", BUS_ROLE_COLLECTOR, 1 << 16, 1 << 16);
      other->peer->features |= WIRE_FEATURE_TASKS;
      worker_register (other, "scan", 1, TRUE);
      client_disconnect (other);
    }
  id = gather_all (agent);
  gather_answer (one, "a");
  tasks_advance (core, 3 * SECOND);
  account = gather_take (agent, id);
  g_assert_nonnull (account->manifest);
  g_assert_cmpuint (account->manifest->expected, ==, 2 + most);
  g_assert_cmpuint (account->manifest->answered, ==, 1);
  g_assert_cmpuint (account_member (account, "two")->never_asked, ==, BUS_NEVER_NOT_REGISTERED);
}

#define ADD(path, setup, function) g_test_add ("/core/gather/" path, Core, NULL, setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("R06-payloads", tasks_setup, test_payloads);
  ADD ("R06-payloads-broker", tasks_setup, test_payloads_broker);
  ADD ("R10-lost-answer", gathers_setup, test_lost_answer);
  ADD ("R09-busy-beside", gathers_setup, test_busy_beside);
  ADD ("M12-registers-meanwhile", gathers_setup, test_registers_meanwhile);
  ADD ("R06-stuck", gathers_setup, test_stuck);
  ADD ("R06-slow-and-full", gathers_setup, test_slow_and_full);
  ADD ("R06-many-ids", gathers_setup, test_many_ids);
  return g_test_run ();
}
