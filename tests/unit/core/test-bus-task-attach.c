/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-work.h"
#include "wire-feature.h"

/* Several connections of one account that are attached to the same tasks: attachments are memory of the tasks (task-bytes). */

#define N_TASKS    12u
#define N_CLIENTS  40u
#define TASK_BYTES 65536u

static void
setup_small (Core *core, gconstpointer data)
{
  BusLimits limits;

  tasks_limits (&limits);
  limits.task_bytes = TASK_BYTES;
  tasks_setup (core, &limits);
}

static guint64
live_bytes (Core *core)
{
  return core->core->work->tasks.bytes[BUS_SHELF_LIVE];
}

static Client *
another_submitter (Core *core, guint number)
{
  g_autofree char *id = g_strdup_printf ("tool-%u", number);
  Client *client = tool_ready (core, id);

  client->peer->features |= WIRE_FEATURE_TASKS;
  return client;
}

/* Submits a task that is known. Asserts that the connection is attached, or that the verdict names the bound. */
static guint32
attach (Client *client, const char *id)
{
  SubmitVerdict *verdict;
  TaskSpec spec;
  guint32 status;

  tasks_spec (&spec, id);
  status = tasks_submit_spec (client, &spec, &verdict);
  g_assert_cmpint (verdict->attached, ==, status == WIRE_STATUS_OK);
  g_assert_cmpuint (verdict->state, ==, tasks_find (client, id)->state);
  if (status == WIRE_STATUS_LIMIT)
    {
      g_assert_cmpstr (verdict->setting, ==, "task_bytes");
      g_assert_cmpuint (verdict->value, >, TASK_BYTES);
      g_assert_nonnull (strstr (verdict->detail, "another submitter"));
    }
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  return status;
}

/* Attaches the client to each task. Returns the number of tasks for which it was refused. */
static guint
attach_to_all (Client *client)
{
  guint n_refused = 0;

  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      const guint32 status = attach (client, id);

      g_assert_true (status == WIRE_STATUS_OK || status == WIRE_STATUS_LIMIT);
      n_refused += status == WIRE_STATUS_LIMIT ? 1 : 0;
      g_assert_cmpuint (live_bytes (client->core), <=, TASK_BYTES);
    }
  return n_refused;
}

/* Connections attach to tasks until the bound is reached, and are refused then. */
static void
test_bounded (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *last = NULL;
  guint64 before;
  guint n_refused = 0;

  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);

      tasks_submit (agent, id);
    }
  before = live_bytes (core);
  g_assert_cmpuint (before + N_TASKS * N_CLIENTS * BUS_ATTACHMENT_BYTES, >, TASK_BYTES);
  for (guint i = 0; i < N_CLIENTS; i++)
    n_refused += attach_to_all (last = another_submitter (core, i));
  g_assert_cmpuint (n_refused, ==, N_TASKS * N_CLIENTS - (TASK_BYTES - before) / BUS_ATTACHMENT_BYTES);
  g_assert_cmpuint (attach_to_all (agent), ==, 0); /* it is attached, and needs no more memory */
  g_assert_cmpuint (agent->peer->account->task_bytes, ==, live_bytes (core));
  client_disconnect (agent); /* there is room again */
  g_assert_cmpuint (attach_to_all (last), ==, 0);
}

/* Nothing stays charged when the connections have ended, or the task. */
static void
test_freed (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *others[4];
  guint64 before;

  tasks_submit (agent, "t");
  before = live_bytes (core);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_cmpuint (attach (others[i] = another_submitter (core, i), "t"), ==, WIRE_STATUS_OK);
  g_assert_cmpuint (live_bytes (core), ==, before + G_N_ELEMENTS (others) * BUS_ATTACHMENT_BYTES);
  client_disconnect (others[0]);
  client_disconnect (others[1]);
  g_assert_cmpuint (live_bytes (core), ==, before + 2 * BUS_ATTACHMENT_BYTES);
  g_free (tasks_cancel (agent, "t"));
  tasks_advance (core, 11 * G_TIME_SPAN_MINUTE); /* it is settled, */
  tasks_advance (core, 11 * G_TIME_SPAN_MINUTE); /* and not kept any more */
  g_assert_null (tasks_find (agent, "t"));
  g_assert_cmpuint (agent->peer->account->task_bytes, ==, 0);
}

/* Results are kept above the bound. A submitter that has lost its connection gets them nevertheless, but not a second one. */
static void
test_reconnects_above (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autofree char *payload = g_strnfill (40000, 'x');

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      g_autoptr (Job) job = NULL;

      tasks_submit (agent, id);
      job = worker_run (worker, id);
      worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, payload);
    }
  g_assert_cmpuint (live_bytes (core), >, TASK_BYTES);
  client_disconnect (agent);
  agent = submitter_ready (core);
  g_assert_cmpuint (attach (agent, "t0"), ==, WIRE_STATUS_OK);
  g_assert_cmpuint (attach (another_submitter (core, 0), "t0"), ==, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (attach (agent, "t1"), ==, WIRE_STATUS_OK);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t0", NULL), NULL);
  g_assert_cmpuint (live_bytes (core), <, TASK_BYTES);
  g_assert_cmpuint (attach (another_submitter (core, 1), "t1"), ==, WIRE_STATUS_OK);
}

#define ADD(path, function) g_test_add ("/core/work/attach/" path, Core, NULL, setup_small, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("F02-K08-bounded", test_bounded);
  ADD ("K08-freed", test_freed);
  ADD ("M14-reconnects-above", test_reconnects_above);
  return g_test_run ();
}
