/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "work/bus-member-news.h"
#include "work/bus-work.h"
#include "wire-feature.h"

/* The memory of tasks: kept data is charged. If there is no memory for data whose size a peer chose, the broker refuses it or
 * keeps it without its payload. Linked with --wrap. */

static guint failing; /* n: the n-th next allocation fails; 0: none fails */

gpointer __real_g_try_malloc (gsize n);
gpointer __wrap_g_try_malloc (gsize n);
gpointer __real_g_try_malloc0 (gsize n);
gpointer __wrap_g_try_malloc0 (gsize n);

static gboolean
fails (void)
{
  return failing > 0 && --failing == 0;
}

gpointer
__wrap_g_try_malloc (gsize n)
{
  return fails () ? NULL : __real_g_try_malloc (n);
}

gpointer
__wrap_g_try_malloc0 (gsize n)
{
  return fails () ? NULL : __real_g_try_malloc0 (n);
}

/* The status of the ERROR or of the verdict. */
static guint32
submit (Client *agent, const char *id)
{
  Daemoneye__Eventbus__V1__SubmitRequest request = DAEMONEYE__EVENTBUS__V1__SUBMIT_REQUEST__INIT;
  TaskSpec spec, *specs[] = { &spec };
  g_autofree guint8 *payload = NULL;
  g_autoptr (Got) error = NULL;
  g_autoptr (Got) got = NULL;
  Daemoneye__Eventbus__V1__SubmitReply *reply;
  WireEnvelope envelope;
  guint32 status;

  tasks_spec (&spec, id);
  request.tasks = specs;
  request.n_tasks = 1;
  payload = g_malloc (daemoneye__eventbus__v1__submit_request__get_packed_size (&request));
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.collector.task");
  envelope.method = WIRE_SPAN_LITERAL ("Submit");
  envelope.payload = wire_span (payload, daemoneye__eventbus__v1__submit_request__pack (&request, payload));
  client_send (agent, WIRE_KIND_REQUEST, 0, &envelope);
  failing = 0;
  error = client_take (agent, WIRE_KIND_ERROR);
  if (error != NULL)
    return (guint32) error->envelope.status;
  got = client_take (agent, WIRE_KIND_REPLY);
  g_assert_nonnull (got);
  reply = daemoneye__eventbus__v1__submit_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  status = reply->verdicts[0]->status;
  daemoneye__eventbus__v1__submit_reply__free_unpacked (reply, NULL);
  return status;
}

/* Whichever allocation fails, the submitter gets an error, and no part of the task is kept. */
static void
test_submit (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  guint n_refused = 0;

  for (guint i = 1; i < 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      guint32 status;

      failing = i;
      status = submit (agent, id);
      if (status != WIRE_STATUS_OK)
        g_assert_cmpuint (status, ==, WIRE_STATUS_NO_MEMORY);
      if (status == WIRE_STATUS_OK)
        g_assert_nonnull (tasks_find (agent, id));
      n_refused += tasks_find (agent, id) == NULL ? 1 : 0;
    }
  g_assert_cmpuint (n_refused, >=, 3); /* the verdicts, the texts, the payload */
}

/* There is no memory for a result: only its outcome is kept. */
static void
test_result (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);
  guint n_dropped = 0;

  for (guint i = 1; i < 12; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      g_autoptr (Job) job = NULL;
      const BusTask *task;

      tasks_submit (agent, id);
      job = worker_run (worker, id);
      failing = i;
      worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
      failing = 0;
      task = tasks_find (agent, id);
      if (task->state != BUS_TASK_SUCCEEDED || task->result->payload != NULL)
        continue;
      g_assert_true (task->payload_dropped);
      g_assert_cmpuint (task->result->payload_len, ==, 4);
      n_dropped++;
    }
  g_assert_cmpuint (n_dropped, ==, 1);
}

/* There is no memory for the details of a report: the details of an earlier one stay. */
static void
test_details (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);
  g_autoptr (Job) job = NULL;
  guint n_kept = 0;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  for (guint i = 1; i < 8; i++)
    {
      const BusTaskProgress *progress = tasks_find (agent, "t")->progress;

      worker_progress (worker, job, "before");
      failing = i;
      worker_progress (worker, job, "after");
      failing = 0;
      g_assert_nonnull (progress->details);
      n_kept += g_bytes_get_size (progress->details) == strlen ("before") ? 1 : 0;
    }
  g_assert_cmpuint (n_kept, >=, 1);
  g_assert_cmpuint (n_kept, <, 7);
}

/* A failure that was kept without its payload does not affect the result of the next attempt. */
static void
test_result_of_next_attempt (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  guint n_dropped = 0;

  for (guint i = 1; i < 12; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      g_autoptr (Job) first = NULL;
      g_autoptr (Job) second = NULL;

      tasks_submit (agent, id);
      first = worker_run (worker, id);
      failing = i;
      worker_finish (worker, first, BUS_OUTCOME_RETRYABLE, "why");
      failing = 0;
      n_dropped += tasks_find (agent, id)->payload_dropped ? 1 : 0;
      tasks_advance (core, G_TIME_SPAN_SECOND);
      second = worker_take (worker);
      if (second == NULL)
        continue;
      worker_start (worker, second);
      worker_finish (worker, second, BUS_OUTCOME_SUCCEEDED, "done");
      g_assert_false (tasks_find (agent, id)->payload_dropped);
    }
  g_assert_cmpuint (n_dropped, ==, 1);
}

/* There is no memory for the operations in a collector's record: the record is not published, and the older one is removed. */
static void
test_record (Core *core, gconstpointer data)
{
  Client *worker = client_ready (core, "w1", "procmond");

  worker->peer->features |= WIRE_FEATURE_TASKS;
  worker_register (worker, "scan", 1, TRUE);
  g_assert_cmpuint (g_hash_table_size (core->core->routes->retained.by_topic), ==, 1);
  failing = 1;
  bus_member_news_record (core->core, worker_member (worker));
  g_assert_cmpuint (failing, ==, 0);
  g_assert_cmpuint (core->core->work->records_lost, ==, 1);
  g_assert_cmpuint (g_hash_table_size (core->core->routes->retained.by_topic), ==, 0);
}

#define ADD(path, function) g_test_add ("/core/work/memory/" path, Core, NULL, tasks_setup, function, core_teardown)

static guint64
charge_of_awaited (Client *agent, const char *id, char *holder)
{
  TaskSpec spec;

  tasks_spec (&spec, id);
  spec.resubmit = TRUE;
  spec.last_holder = holder;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  g_assert_cmpuint (tasks_find (agent, id)->charged, ==, bus_task_size (tasks_find (agent, id)));
  return tasks_find (agent, id)->charged;
}

/* A submitter may name another last holder in each task. The broker keeps and charges these ids until their wait is over. */
static void
test_awaited (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  g_autofree char *holder = g_strnfill (60, 'h');
  const guint64 alone = charge_of_awaited (agent, "a", (char *) (gsize) "");
  const guint64 awaited = charge_of_awaited (agent, "b", holder);

  g_assert_cmpuint (awaited, >=, alone + 2 * strlen (holder));
  tasks_advance (core, 11 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (tasks_find (agent, "b")->charged, ==, bus_task_size (tasks_find (agent, "b")));
  g_assert_cmpuint (tasks_find (agent, "b")->charged, <, awaited);
  g_assert_cmpuint (tasks_find (agent, "b")->charged, >=, alone + strlen (holder));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M11-submit", test_submit);
  ADD ("M14-result", test_result);
  ADD ("M14-result-of-next-attempt", test_result_of_next_attempt);
  ADD ("M11-details", test_details);
  ADD ("M09-record", test_record);
  ADD ("K01-awaited", test_awaited);
  return g_test_run ();
}
