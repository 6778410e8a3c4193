/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-outq.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"

/* Tasks from the view of submitters: ids, pushes, quarantine, fairness. Numbers are those of the scenarios in the design. */

#define SECOND G_TIME_SPAN_SECOND

/* 16, 17: submitting the same task twice makes one task; a different task with the same id is refused. */
static void
test_same_id (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  SubmitVerdict *verdict;
  TaskSpec spec;

  tasks_submit (agent, "t");
  tasks_spec (&spec, "t");
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_OK);
  g_assert_true (verdict->attached);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  g_assert_cmpuint (core->core->work->tasks.all.length, ==, 1);
  spec.priority = 9;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_DUPLICATE_ID);
  g_assert_nonnull (strstr (verdict->detail, "priority"));
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
}

/* 25: the number of attempts is never unlimited; a task without a number gets the setting. */
static void
test_attempts (Core *core, gconstpointer data)
{
  static const struct
  {
    guint32 attempts;
    guint32 status;
    const char *says;
  } rows[] = {
    { 0, WIRE_STATUS_BAD_MESSAGE, "1 or more" },
    { 1, WIRE_STATUS_OK, "" },
    { 100, WIRE_STATUS_OK, "" },
    { 101, WIRE_STATUS_LIMIT, "limit" },
    { G_MAXUINT32, WIRE_STATUS_LIMIT, "limit" },
  };
  Client *agent = submitter_ready (core);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      SubmitVerdict *verdict;
      TaskSpec spec;

      tasks_spec (&spec, id);
      tasks_spec_set_attempts (&spec, rows[i].attempts);
      g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, rows[i].status);
      g_assert_nonnull (strstr (verdict->detail, rows[i].says));
      if (rows[i].status == WIRE_STATUS_OK)
        g_assert_cmpuint (tasks_find (agent, id)->attempts, ==, rows[i].attempts);
      else
        g_assert_null (tasks_find (agent, id));
      daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
    }
  tasks_submit (agent, "unset");
  g_assert_cmpuint (tasks_find (agent, "unset")->attempts, ==, 3);
}

/* 18: a repeated submission gets the result, and later only the outcome. The task never runs again. */
static void
test_resubmit (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  SubmitVerdict *verdict;
  TaskSpec spec;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_spec (&spec, "t");
  spec.resubmit = TRUE;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_OK);
  g_assert_cmpint (verdict->state, ==, BUS_TASK_SUCCEEDED);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t", NULL), NULL);
  tasks_advance (core, 601 * SECOND);
  g_assert_null (tasks_find (agent, "t"));
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_PAYLOAD_GONE);
  spec.id = (char *) (gsize) "never";
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_UNKNOWN);
  g_assert_null (worker_take (worker));
}

/* A quarantined task refuses a submission with its id, can be released with all its attempts, and can be dropped. */
static void
test_quarantine (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready_with (core, "w1", 1, "scan", FALSE);
  g_autoptr (Job) job = NULL;
  guint32 status;
  TaskSpec spec;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUARANTINED);
  tasks_spec (&spec, "t");
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_QUARANTINED);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Release", "t", &status), NULL);
  g_assert_cmpuint (status, ==, WIRE_STATUS_OK);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.expiries, ==, 0);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Drop", "t", &status), NULL);
  g_assert_cmpuint (status, ==, WIRE_STATUS_PROTOCOL_ORDER);
}

/* --- pushes --- */

static guint64
await (Client *submitter)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.task");
  envelope.method = WIRE_SPAN_LITERAL ("Await");
  return client_send (submitter, WIRE_KIND_REQUEST, 0, &envelope);
}

/* Takes the next push; NULL: there is none. */
static Daemoneye__Eventbus__V1__TaskPush *
take_push (Client *submitter, guint64 id)
{
  g_autoptr (Got) got = client_take (submitter, WIRE_KIND_REPLY);

  if (got == NULL)
    return NULL;
  g_assert_cmpuint (got->envelope.answers, ==, id);
  g_assert_cmpuint (got->flags, ==, WIRE_FLAG_PROGRESS);
  return daemoneye__eventbus__v1__task_push__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
}

static void
expect_push (Client *submitter, guint64 id, BusTaskState state)
{
  Daemoneye__Eventbus__V1__TaskPush *push = take_push (submitter, id);

  g_assert_nonnull (push);
  g_assert_cmpint (push->task->state, ==, state);
  daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
}

/* Each change of the state is pushed; the last push contains the result. */
static void
test_push (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  Daemoneye__Eventbus__V1__TaskPush *push;
  g_autoptr (Job) job = NULL;
  guint64 id;

  tasks_submit (agent, "t");
  id = await (agent);
  expect_push (agent, id, BUS_TASK_OFFERED);
  job = worker_run (worker, "t");
  core_flush (core);
  expect_push (agent, id, BUS_TASK_RUNNING);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  core_flush (core);
  push = take_push (agent, id);
  g_assert_nonnull (push);
  g_assert_cmpint (push->task->state, ==, BUS_TASK_SUCCEEDED);
  g_assert_cmpuint (push->task->outcome->payload.len, ==, 4);
  daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
  g_assert_null (take_push (agent, id));
}

/* A large result is pushed without a copy: the submitter gets the whole record with the same bytes, and then the next push. */
static void
test_push_large (Core *core, gconstpointer data)
{
  static const gsize sizes[] = { BUS_OUTQ_COPY_MAX, BUS_OUTQ_COPY_MAX + 1, 40000, 200000 };
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  guint64 id = await (agent);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *name = g_strdup_printf ("t%u", i);
      g_autofree char *text = g_strnfill (sizes[i], 'x');
      Daemoneye__Eventbus__V1__TaskPush *push;
      g_autoptr (Job) job = NULL;

      text[0] = 'a';
      text[sizes[i] - 1] = 'z';
      tasks_submit (agent, name);
      agent->is_stopped = TRUE;
      job = worker_run (worker, name);
      worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, text);
      agent->is_stopped = FALSE;
      core_flush (core);
      while ((push = take_push (agent, id))->task->outcome == NULL)
        daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
      g_assert_cmpstr (push->task->id, ==, name);
      g_assert_cmpstr (push->task->holder, ==, "w1");
      g_assert_cmpint (push->task->state, ==, BUS_TASK_SUCCEEDED);
      g_assert_cmpint (push->task->outcome->kind, ==, BUS_OUTCOME_SUCCEEDED);
      g_assert_cmpmem (push->task->outcome->payload.data, push->task->outcome->payload.len, text, sizes[i]);
      daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
      g_assert_null (take_push (agent, id));
    }
}

/* The submitter disconnects while a large result waits for it, partly sent: nothing of it is kept but the task. */
static void
test_push_large_gone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autofree char *text = g_strnfill (200000, 'x');
  const guint64 before = core->core->quota.memory;
  g_autoptr (Job) job = NULL;
  WireSpan spans[8];

  await (agent);
  tasks_submit (agent, "t");
  agent->is_stopped = TRUE;
  job = worker_run (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, text);
  core_flush (core);
  g_assert_cmpuint (bus_outq_bytes (&agent->peer->flow.outq), >, 200000);
  g_assert_cmpuint (core->core->quota.memory, >, before + 200000);
  g_assert_cmpuint (bus_outq_gather (&agent->peer->flow.outq, spans, G_N_ELEMENTS (spans)), >, 0);
  bus_outq_sent (&agent->peer->flow.outq, 1);
  client_disconnect (agent);
  core_flush (core);
  g_assert_cmpuint (core->core->quota.memory, <, before + 100000);
}

/* A submitter that reads nothing uses memory for its records and 64 KiB, and gets every result when it reads again. */
static void
test_push_blocked (Core *core, gconstpointer data)
{
  const guint n = 900; /* within the window of the member */
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 256);
  g_autofree char *payload = g_strnfill (256, 'x');
  guint n_results = 0;
  guint64 id;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *task = g_strdup_printf ("t%u", i);

      tasks_submit (agent, task);
    }
  id = await (agent);
  agent->is_stopped = TRUE;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (Job) job = worker_take (worker);

      g_assert_nonnull (job);
      worker_start (worker, job);
      worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, payload);
      g_assert_cmpuint (bus_outq_bytes (&agent->peer->flow.outq), <, 128 * 1024);
    }
  agent->is_stopped = FALSE;
  for (guint i = 0; i < n && n_results < n; i++)
    {
      Daemoneye__Eventbus__V1__TaskPush *push;

      core_flush (core);
      while ((push = take_push (agent, id)) != NULL)
        {
          n_results += push->task->state == DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_SUCCEEDED ? 1 : 0;
          daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
        }
    }
  g_assert_cmpuint (n_results, ==, n);
  g_assert_false (agent->closed);
}

/* One of two submitters has taken the result, and no bytes are kept for ended tasks: the other submitter still gets it. */
static void
test_settled_by_one (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *other = tool_ready (core, "tool");
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  Daemoneye__Eventbus__V1__TaskPush *push;

  other->peer->features = agent->peer->features;
  core->core->limits.task_window_bytes = 0;
  tasks_submit (agent, "t");
  tasks_submit (other, "t");
  job = worker_run (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t", NULL), NULL);
  push = take_push (other, await (other));
  g_assert_nonnull (push);
  g_assert_cmpint (push->task->state, ==, DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_SUCCEEDED);
  daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (other, "Settle", "t", NULL), NULL);
  g_assert_null (tasks_find (other, "t"));
}

/* --- fairness --- */

/* Runs the tasks that are sent to the worker. Returns the number of tasks that started up to @id. */
static guint
count_until (Client *worker, const char *id)
{
  for (guint n = 1; n <= 100; n++)
    {
      g_autoptr (Job) job = worker_take (worker);

      g_assert_nonnull (job);
      worker_start (worker, job);
      worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "");
      if (strcmp (job->execute->task_id, id) == 0)
        return n;
    }
  return 101;
}

/* 23: a flood of the highest priority does not keep a task of the lowest one waiting for more than 8 leases. */
static void
test_flood (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker;
  TaskSpec spec;

  tasks_spec (&spec, "low");
  spec.priority = 1;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *id = g_strdup_printf ("high%u", i);

      tasks_spec (&spec, id);
      spec.priority = 255;
      g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
    }
  worker = worker_ready (core, "w1", 1);
  g_assert_cmpuint (count_until (worker, "low"), <=, 8);
}

/* After a restart of the broker, a task that was submitted before waits for its last holder, and then for any member. */
static void
test_recovery_hold (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.resubmit = TRUE;
  spec.last_holder = (char *) (gsize) "w9";
  spec.last_attempt = 1;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  g_assert_cmpuint (bus_operation_wait_reason (tasks_find (agent, "t")), ==, BUS_WAIT_ADOPTION_HOLD);
  tasks_advance (core, 9 * SECOND);
  g_assert_null (worker_take (worker));
  tasks_advance (core, SECOND);
  job = worker_expect (worker, "t");
  g_assert_cmpuint (job->execute->attempt, ==, 2);
}

/* A task may end when its last submitter disconnects. */
static void
test_alone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  const BusTask *task;
  g_autoptr (Job) job = NULL;
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.on_submitter_gone = DAEMONEYE__EVENTBUS__V1__ON_SUBMITTER_GONE__SUBMITTER_GONE_CANCEL;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  job = worker_run (worker, "t");
  task = tasks_find (agent, "t");
  client_disconnect (agent);
  tasks_advance (core, 9 * SECOND);
  worker_progress (worker, job, "on");
  g_assert_cmpint (task->state, ==, BUS_TASK_RUNNING);
  tasks_advance (core, SECOND);
  g_assert_cmpint (task->state, ==, BUS_TASK_CANCELLING);
  worker_expect_cancel (worker, job, WIRE_STATUS_CANCELLED);
  worker_finish (worker, job, BUS_OUTCOME_CANCELLED, "");
  g_assert_cmpint (task->state, ==, BUS_TASK_CANCELLED);
}

/* An error about a limit names the setting. */
static void
test_limits (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  SubmitVerdict *verdict;
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.deadline_us = 86401 * SECOND;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_LIMIT);
  g_assert_cmpstr (verdict->setting, ==, "task_max_deadline_us");
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  tasks_spec (&spec, "No");
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_BAD_MESSAGE);
  tasks_spec (&spec, "t");
  spec.priority = 256;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_BAD_MESSAGE);
}

/* Calls a method that changes an operation. Returns the status of the ERROR; 0: the call has a reply. */
static guint32
pause_as (Client *client, const char *method)
{
  Daemoneye__Eventbus__V1__OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;
  guint8 payload[64];
  WireEnvelope envelope;
  g_autoptr (Got) error = NULL;
  g_autoptr (Got) reply = NULL;

  request.operation = (char *) (gsize) "scan";
  request.limit = 1;
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.task");
  envelope.method = wire_span_str (method);
  envelope.payload = wire_span (payload, daemoneye__eventbus__v1__operation_request__pack (&request, payload));
  client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
  error = client_take (client, WIRE_KIND_ERROR);
  reply = client_take (client, WIRE_KIND_REPLY);
  g_assert_true ((error != NULL) != (reply != NULL));
  return error != NULL ? error->envelope.status : 0;
}

static void
test_operation_rights (Core *core, gconstpointer data)
{
  static const char *const methods[] = { "PauseOperation", "ResumeOperation", "Limit" };
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    g_assert_cmpuint (pause_as (worker, methods[i]), ==, WIRE_STATUS_DENIED);
  g_assert_null (core->core->work->operations->list.head);
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    g_assert_cmpuint (pause_as (agent, methods[i]), ==, 0);
  g_assert_nonnull (core->core->work->operations->list.head);
}

#define ADD(path, function) g_test_add ("/core/work/lease/" path, Core, NULL, tasks_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("S16-S17-same-id", test_same_id);
  ADD ("S18-resubmit", test_resubmit);
  ADD ("S25-attempts", test_attempts);
  ADD ("K06-quarantine", test_quarantine);
  ADD ("M11-push", test_push);
  ADD ("M11-push-large", test_push_large);
  ADD ("M11-push-large-gone", test_push_large_gone);
  ADD ("M11-push-blocked", test_push_blocked);
  ADD ("M14-settled-by-one", test_settled_by_one);
  ADD ("S23-flood", test_flood);
  ADD ("S18-recovery-hold", test_recovery_hold);
  ADD ("M11-alone", test_alone);
  ADD ("K08-limits", test_limits);
  ADD ("operation-rights", test_operation_rights);
  return g_test_run ();
}
