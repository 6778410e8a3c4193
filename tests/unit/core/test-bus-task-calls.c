/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"
#include "control.pb-c.h"
#include "wire-feature.h"

/* Calls about tasks and operations: records for tools, changes by tools, and records in the log. */

#define SECOND G_TIME_SPAN_SECOND
#define TASK   "control.bus.task"

typedef Daemoneye__Eventbus__V1__OperationRecord OperationRecord;
typedef Daemoneye__Eventbus__V1__OperationReply OperationReply;
typedef Daemoneye__Eventbus__V1__OperationRequest OperationRequest;
typedef Daemoneye__Eventbus__V1__OperationsReply OperationsReply;
typedef Daemoneye__Eventbus__V1__OperationsRequest OperationsRequest;

/* Returns the unpacked reply. If @want is an error, asserts that status and returns NULL. */
static gpointer
ask (Client *client,
     const char *method,
     const ProtobufCMessage *request,
     const ProtobufCMessageDescriptor *type,
     WireStatus want)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  WireEnvelope envelope;
  g_autoptr (Got) got = NULL;
  guint64 id;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL (TASK);
  envelope.method = wire_span_str (method);
  envelope.payload = wire_span (payload, protobuf_c_message_pack (request, payload));
  id = client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
  if (want != WIRE_STATUS_OK)
    {
      client_expect_error (client, id, want);
      return NULL;
    }
  got = client_take (client, WIRE_KIND_REPLY);
  g_assert_nonnull (got);
  return protobuf_c_message_unpack (type, NULL, got->envelope.payload.len, got->envelope.payload.data);
}

static void
done (gpointer message)
{
  protobuf_c_message_free_unpacked (message, NULL);
}

static OperationReply *
change (Client *client, const char *method, const char *operation, guint limit)
{
  OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;

  request.operation = (char *) (gsize) operation;
  request.limit = limit;
  return ask (client, method, &request.base, &daemoneye__eventbus__v1__operation_reply__descriptor, WIRE_STATUS_OK);
}

/* --- operations --- */

/* A paused operation offers no task; running attempts continue. */
static void
test_pause (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;
  OperationReply *reply;

  tasks_submit (agent, "a");
  first = worker_run (worker, "a");
  reply = change (agent, "PauseOperation", "scan", 0);
  g_assert_true (reply->operation->is_paused);
  g_assert_cmpuint (reply->operation->collectors, ==, 1);
  g_assert_cmpuint (reply->operation->running, ==, 1);
  done (reply);
  tasks_submit (agent, "b");
  g_assert_null (worker_take (worker));
  g_assert_cmpuint (bus_operation_wait_reason (tasks_find (agent, "b")), ==, BUS_WAIT_PAUSED);
  worker_finish (worker, first, BUS_OUTCOME_SUCCEEDED, "a");
  tasks_assert_state (agent, "a", BUS_TASK_SUCCEEDED);
  reply = change (agent, "ResumeOperation", "scan", 0);
  g_assert_false (reply->operation->is_paused);
  done (reply);
  second = worker_expect (worker, "b");
}

static void
few_names_setup (Core *core, gconstpointer data)
{
  BusLimits limits;

  tasks_limits (&limits);
  limits.task_names = 16;
  tasks_setup (core, &limits);
}

static void
refuse (Client *client, const char *operation, WireStatus status)
{
  OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;

  request.operation = (char *) (gsize) operation;
  g_assert_null (
      ask (client, "PauseOperation", &request.base, &daemoneye__eventbus__v1__operation_reply__descriptor, status));
}

static void
make_names (Core *core, const char *prefix, guint n, guint32 account)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s%u", prefix, i);
      const BusKey key = bus_key (core->core->seed, wire_span_str (name));

      bus_operation_pause (bus_operations_get (core->core->work->operations, &key, account), TRUE);
    }
}

static void
assert_name_refused (Client *agent, guint64 most, const char *detail)
{
  SubmitVerdict *verdict;
  TaskSpec spec;

  refuse (agent, "one-more", WIRE_STATUS_LIMIT);
  tasks_spec (&spec, "t");
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_LIMIT);
  g_assert_cmpstr (verdict->setting, ==, "task_names");
  g_assert_cmpuint (verdict->value, ==, most + 1);
  g_assert_cmpstr (verdict->detail, ==, detail);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
}

/* An operation name that no task can have is refused. */
static void
test_names (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);

  refuse (agent, "", WIRE_STATUS_BAD_MESSAGE);
  refuse (agent, "Scan", WIRE_STATUS_BAD_MESSAGE);
  refuse (agent, "a.b", WIRE_STATUS_BAD_MESSAGE);
}

/* A setting bounds the number of names. */
static void
test_too_many_names (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);

  make_names (core, "a", 8, 77);
  make_names (core, "b", 7, 78);
  done (change (agent, "PauseOperation", "n0", 0));
  assert_name_refused (agent, 16, "there are too many names of operations");
}

/* One account may use half of the names. */
static void
test_names_of_an_account (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);

  for (guint i = 0; i < 8; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%u", i);

      done (change (agent, "PauseOperation", name, 0));
    }
  assert_name_refused (agent, 8, "this account uses half of the names of operations: end other tasks first");
}

/* The limit bounds the number of running tasks of an operation, until it is raised or removed. */
static void
test_limit (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 8);
  OperationReply *reply = change (agent, "Limit", "scan", 1);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;

  g_assert_cmpuint (reply->operation->limit, ==, 1);
  done (reply);
  tasks_submit (agent, "a");
  tasks_submit (agent, "b");
  first = worker_run (worker, "a");
  g_assert_null (worker_take (worker));
  g_assert_cmpuint (bus_operation_wait_reason (tasks_find (agent, "b")), ==, BUS_WAIT_OPERATION_LIMIT);
  done (change (agent, "Limit", "scan", 0));
  second = worker_expect (worker, "b");
}

/* The list contains the number of waiting tasks and the longest wait. */
static void
test_operations (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  OperationsRequest request = DAEMONEYE__EVENTBUS__V1__OPERATIONS_REQUEST__INIT;
  OperationsReply *reply;

  tasks_submit (agent, "a");
  tasks_advance (core, 3 * SECOND);
  tasks_submit (agent, "b");
  tasks_advance (core, 2 * SECOND);
  reply = ask (agent, "Operations", &request.base, &daemoneye__eventbus__v1__operations_reply__descriptor,
               WIRE_STATUS_OK);
  g_assert_cmpuint (reply->n_operations, ==, 1);
  g_assert_cmpuint (reply->operations[0]->queued, ==, 2);
  g_assert_cmpuint (reply->operations[0]->oldest_us, ==, 5 * SECOND);
  done (reply);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Cancel", "a", NULL), NULL);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Cancel", "b", NULL), NULL);
  reply = ask (agent, "Operations", &request.base, &daemoneye__eventbus__v1__operations_reply__descriptor,
               WIRE_STATUS_OK);
  g_assert_cmpuint (reply->operations[0]->oldest_us, ==, 0);
  done (reply);
}

/* A cancelled task does not count as failed. */
static void
test_operations_ended (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  OperationReply *reply;
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "failed");
  job = worker_run (worker, "failed");
  tasks_submit (agent, "cancelled");
  g_free (tasks_cancel (agent, "cancelled"));
  worker_finish (worker, job, BUS_OUTCOME_FAILED, "");
  reply = change (agent, "ResumeOperation", "scan", 0);
  g_assert_cmpuint (reply->operation->succeeded, ==, 0);
  g_assert_cmpuint (reply->operation->failed, ==, 1);
  g_assert_cmpuint (reply->operation->cancelled, ==, 1);
  done (reply);
}

/* --- many tasks in one request --- */

/* Sends a request about many tasks, and returns the reply or the ERROR. */
static Got *
send_many (Client *client, const char *topic, const char *method, const ProtobufCMessage *request)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  WireEnvelope envelope;
  Got *error;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.method = wire_span_str (method);
  envelope.payload = wire_span (payload, protobuf_c_message_pack (request, payload));
  client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
  error = client_take (client, WIRE_KIND_ERROR);
  return error != NULL ? error : client_take (client, WIRE_KIND_REPLY);
}

static Got *
submit_many (Client *agent, TaskSpec *specs, guint n)
{
  Daemoneye__Eventbus__V1__SubmitRequest request = DAEMONEYE__EVENTBUS__V1__SUBMIT_REQUEST__INIT;
  g_autofree TaskSpec **list = g_new (TaskSpec *, n);

  for (guint i = 0; i < n; i++)
    list[i] = &specs[i];
  request.tasks = list;
  request.n_tasks = n;
  return send_many (agent, "control.collector.task", "Submit", &request.base);
}

static Got *
cancel_many (Client *agent, const char *id, guint n)
{
  Daemoneye__Eventbus__V1__TaskIdsRequest request = DAEMONEYE__EVENTBUS__V1__TASK_IDS_REQUEST__INIT;
  g_autofree char **ids = g_new (char *, n);

  for (guint i = 0; i < n; i++)
    ids[i] = (char *) (gsize) id;
  request.ids = ids;
  request.n_ids = n;
  return send_many (agent, TASK, "Cancel", &request.base);
}

static void
assert_too_many (Got *got, const char *setting, guint64 limit, guint64 value)
{
  g_assert_cmpint (got->kind, ==, WIRE_KIND_ERROR);
  g_assert_cmpint (got->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_true (wire_span_equal (got->envelope.setting, wire_span_str (setting)));
  g_assert_cmpuint (got->envelope.limit, ==, limit);
  g_assert_cmpuint (got->envelope.value, ==, value);
  g_assert_nonnull (g_strstr_len ((const char *) got->envelope.detail.data, (gssize) got->envelope.detail.len,
                                  "send several requests"));
  got_free (got);
}

/* A request about too many tasks changes none of them. */
static void
test_batch (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  TaskSpec specs[3];
  g_autoptr (Got) reply = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (specs); i++)
    tasks_spec (&specs[i], i == 0 ? "a" : i == 1 ? "b" : "c");
  core->core->limits.task_batch = 2;
  assert_too_many (submit_many (agent, specs, 3), "task_batch", 2, 3);
  g_assert_null (tasks_find (agent, "a"));
  reply = submit_many (agent, specs, 2);
  g_assert_cmpint (reply->kind, ==, WIRE_KIND_REPLY);
  tasks_assert_state (agent, "b", BUS_TASK_QUEUED);
  assert_too_many (cancel_many (agent, "a", 3), "task_batch", 2, 3);
  tasks_assert_state (agent, "a", BUS_TASK_QUEUED);
}

/* The reply fits in a frame of any size, with any verdicts. */
static void
test_batch_fits (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  const guint64 room = 20480;
  const guint n = (guint) (room / 320);
  g_autofree char *id = g_strnfill (64, 'a');
  g_autofree TaskSpec *specs = g_new (TaskSpec, n + 1);
  g_autoptr (Got) refused = NULL;
  g_autoptr (Got) absent = NULL;

  core->core->limits.max_payload = room;
  for (guint i = 0; i <= n; i++)
    {
      tasks_spec (&specs[i], id);
      specs[i].deadline_us = G_MAXINT64 / 8;
    }
  assert_too_many (submit_many (agent, specs, n + 1), "max_payload", n, n + 1);
  refused = submit_many (agent, specs, n);
  g_assert_cmpint (refused->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpuint (refused->envelope.payload.len, <=, room);
  absent = cancel_many (agent, id, n);
  g_assert_cmpint (absent->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpuint (absent->envelope.payload.len, <=, room);
}

/* An id that no task can have is not sent back. */
static void
test_batch_long_id (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  g_autofree char *id = g_strnfill (20000, 'a');
  g_autoptr (Got) got = cancel_many (agent, id, 1);

  g_assert_cmpint (got->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpuint (got->envelope.payload.len, <=, 320);
}

/* --- the cost of calls --- */

/* The cost of list pages is bounded for each client. */
static void
test_pages (Core *core, gconstpointer data)
{
  static const char *const methods[] = { "List", "Operations", "Await" };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      OperationsRequest request = DAEMONEYE__EVENTBUS__V1__OPERATIONS_REQUEST__INIT;
      g_autofree char *id = g_strdup_printf ("w%u", i);
      Client *worker = worker_ready (core, id, 1);

      tasks_advance (core, SECOND);
      for (guint k = 0; k < core->core->limits.introspect_per_second; k++)
        done (ask (worker, "Operations", &request.base, &daemoneye__eventbus__v1__operations_reply__descriptor,
                   WIRE_STATUS_OK));
      ask (worker, methods[i], &request.base, NULL, WIRE_STATUS_LIMIT);
    }
}

/* The work of list calls is bounded for collectors, not for the agent. */
static void
test_work (Core *core, gconstpointer data)
{
  OperationsRequest request = DAEMONEYE__EVENTBUS__V1__OPERATIONS_REQUEST__INIT;
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);

  tasks_submit (agent, "t");
  tasks_advance (core, SECOND);
  core->core->limits.introspect_work_per_second = 1;
  done (ask (worker, "List", &request.base, &daemoneye__eventbus__v1__task_list_reply__descriptor, WIRE_STATUS_OK));
  ask (worker, "List", &request.base, NULL, WIRE_STATUS_LIMIT);
  ask (worker, "Operations", &request.base, NULL, WIRE_STATUS_LIMIT);
  done (ask (agent, "List", &request.base, &daemoneye__eventbus__v1__task_list_reply__descriptor, WIRE_STATUS_OK));
}

/* --- the log --- */

static guint
count_notes (Core *core, const char *operation)
{
  BusNote note;
  guint n = 0;

  while (bus_core_next_note (core->core, &note, NULL))
    {
      if (note.kind != BUS_NOTE_TASKS)
        continue;
      g_assert_cmpstr (note.operation, ==, operation);
      g_assert_cmpstr (note.topic, ==, "t");
      g_assert_cmpuint (note.count, ==, 1);
      n++;
    }
  return n;
}

/* A tool that cancels or drops a task leaves a record; its submitter does not, and neither does a call that changes nothing. */
static void
test_audit (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *tool = tool_ready (core, "tool");
  Client *worker = worker_ready_with (core, "w1", 1, "scan", FALSE);
  guint32 status;

  tool->peer->features |= WIRE_FEATURE_TASKS;
  tasks_submit (agent, "t");
  job_free (worker_run (worker, "t"));
  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUARANTINED);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (tool, "Drop", "t", &status), NULL);
  g_assert_cmpuint (status, ==, WIRE_STATUS_OK);
  g_assert_cmpuint (count_notes (core, "drop"), ==, 1);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (tool, "Drop", "t", &status), NULL);
  g_assert_cmpuint (status, !=, WIRE_STATUS_OK);
  g_assert_cmpuint (count_notes (core, "drop"), ==, 0);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (tool, "Cancel", "t", NULL), NULL);
  g_assert_cmpuint (count_notes (core, "cancel"), ==, 1);
  tasks_submit (agent, "u");
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Cancel", "u", NULL), NULL);
  g_assert_cmpuint (count_notes (core, "cancel"), ==, 0);
}

/* --- results --- */

/* When the submitter has the result, the holder is notified that it may forget it. */
static void
test_delivered (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Got) delivered = NULL;
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  g_assert_null (client_take (worker, WIRE_KIND_DELIVERED));
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t", NULL), NULL);
  delivered = client_take (worker, WIRE_KIND_DELIVERED);
  g_assert_nonnull (delivered);
  g_assert_cmpuint (delivered->envelope.route_id, ==, job->route);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t", NULL), NULL);
  g_assert_null (client_take (worker, WIRE_KIND_DELIVERED));
}

static void
setup_small (Core *core, gconstpointer data)
{
  BusLimits limits;

  tasks_limits (&limits);
  limits.task_bytes = 65536;
  tasks_setup (core, &limits);
}

/* A result above the budget is kept, and its credit returns when the submitter has taken results. */
static void
test_credit (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);
  const BusLedger *ledger = &worker->peer->ledger;
  g_autofree char *payload = g_strnfill (40000, 'x');
  guint64 held;

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      g_autoptr (Job) job = NULL;

      tasks_submit (agent, id);
      job = worker_run (worker, id);
      g_assert_cmpuint (bus_ledger_allowance (ledger, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 0);
      worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, payload);
      tasks_assert_state (agent, id, BUS_TASK_SUCCEEDED);
    }
  held = bus_ledger_allowance (ledger, WIRE_CLASS_MUST_KEEP)->held_bytes;
  g_assert_cmpuint (bus_ledger_allowance (ledger, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 1);
  g_assert_cmpuint (held, >, 40000);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t0", NULL), NULL);
  g_assert_cmpuint (bus_ledger_allowance (ledger, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 0);
}

/* The holder disconnects before the credit of its result returns. */
static void
test_credit_gone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);
  g_autofree char *payload = g_strnfill (70000, 'x');
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, payload);
  g_assert_cmpuint (bus_ledger_allowance (&worker->peer->ledger, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 1);
  client_disconnect (worker);
  g_assert_cmpuint (core->core->work->tasks.withheld.length, ==, 1);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t", NULL), NULL);
  g_assert_cmpuint (core->core->work->tasks.withheld.length, ==, 0);
}

/* --- statistics --- */

static void
test_stats (Core *core, gconstpointer data)
{
  const Daemoneye__Eventbus__V1__StatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);
  g_autoptr (Job) job = NULL;
  g_autoptr (Got) got = NULL;
  Daemoneye__Eventbus__V1__StatsReply *reply;

  tasks_submit (agent, "a");
  job = worker_run (worker, "a");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "a");
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "a", NULL), NULL);
  tasks_submit (agent, "b");
  got = client_call (agent, "control.bus.stats", &request.base, WIRE_STATUS_OK);
  reply = daemoneye__eventbus__v1__stats_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpuint (reply->totals->collectors, ==, 1);
  g_assert_cmpuint (reply->totals->live_tasks, ==, 1);
  g_assert_cmpuint (reply->totals->task_bytes, ==, tasks_find (agent, "b")->charged);
  g_assert_cmpuint (reply->totals->window_tasks, ==, 1);
  g_assert_cmpuint (reply->totals->window_bytes, ==, tasks_find (agent, "a")->charged);
  g_assert_cmpuint (reply->totals->tasks_submitted, ==, 2);
  g_assert_cmpuint (reply->totals->tasks_succeeded, ==, 1);
  for (gsize i = 0; i < reply->n_peers; i++)
    if (strcmp (reply->peers[i]->id, agent->peer->id) == 0)
      {
        g_assert_cmpuint (reply->peers[i]->live_tasks, ==, 1);
        g_assert_cmpuint (reply->peers[i]->task_bytes, ==, reply->totals->task_bytes + reply->totals->window_bytes);
      }
  done (reply);
}

#define ADD_WITH(path, setup, function)                                                                                \
  g_test_add ("/core/work/calls/" path, Core, NULL, setup, function, core_teardown)
#define ADD(path, function) ADD_WITH (path, tasks_setup, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("K08-pause", test_pause);
  ADD ("K08-limit", test_limit);
  g_test_add ("/core/work/calls/F02-K08-names", Core, NULL, few_names_setup, test_names, core_teardown);
  g_test_add ("/core/work/calls/F02-too-many-names", Core, NULL, few_names_setup, test_too_many_names, core_teardown);
  g_test_add ("/core/work/calls/F02-names-of-an-account", Core, NULL, few_names_setup, test_names_of_an_account,
              core_teardown);
  ADD ("M10-operations", test_operations);
  ADD ("M10-operations-ended", test_operations_ended);
  ADD ("F02-M11-batch", test_batch);
  ADD ("F02-M11-batch-fits", test_batch_fits);
  ADD ("F02-M11-batch-long-id", test_batch_long_id);
  ADD ("M11-pages", test_pages);
  ADD ("M11-work", test_work);
  ADD ("M11-audit", test_audit);
  ADD ("K03-delivered", test_delivered);
  ADD_WITH ("M11-credit", setup_small, test_credit);
  ADD_WITH ("M11-credit-gone", setup_small, test_credit_gone);
  ADD ("M11-stats", test_stats);
  return g_test_run ();
}
