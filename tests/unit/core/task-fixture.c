/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-registry.h"
#include "wire-feature.h"

#define TYPE         "procmond"
#define REGISTRATION "control.collector.registration"

void
tasks_limits (BusLimits *limits)
{
  bus_limits_init (limits);
  limits->task_heartbeat_us = 300 * G_TIME_SPAN_SECOND; /* these collectors send no frames of their own accord */
}

void
tasks_setup (Core *core, gconstpointer limits_or_null)
{
  BusLimits limits;

  tasks_limits (&limits);
  core_setup (core, limits_or_null != NULL ? limits_or_null : &limits);
}

void
tasks_restart (Core *core)
{
  const guint64 epoch = core->core->epoch;

  core_teardown (core, NULL);
  tasks_setup (core, NULL);
  core->core->epoch = epoch + 1;
}

void
tasks_advance (Core *core, gint64 us)
{
  gint64 end_us = core->now_us + us;

  while (bus_core_next_tick_us (core->core) <= end_us)
    core_advance (core, MAX (bus_core_next_tick_us (core->core) - core->now_us, 0));
  core_advance (core, end_us - core->now_us);
}

/* --- calls --- */

static Got *
call_method (Client *client, const char *topic, const char *method, const ProtobufCMessage *request)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  WireEnvelope envelope;
  Got *reply;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.method = wire_span_str (method);
  envelope.payload = wire_span (payload, protobuf_c_message_pack (request, payload));
  client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
  reply = client_take (client, WIRE_KIND_REPLY);
  g_assert_nonnull (reply);
  return reply;
}

/* --- members --- */

void
worker_call (Client *worker, const char *method, const ProtobufCMessage *request)
{
  got_free (call_method (worker, REGISTRATION, method, request));
}

static void
register_fill (Daemoneye__Eventbus__V1__RegisterRequest *request,
               Client *worker,
               Daemoneye__Eventbus__V1__Operation *scan,
               Daemoneye__Eventbus__V1__Operation **operations,
               guint slots)
{
  static char type[] = TYPE, name[] = "scan";

  daemoneye__eventbus__v1__operation__init (scan);
  scan->name = name;
  daemoneye__eventbus__v1__register_request__init (request);
  request->type = type;
  request->incarnation = worker->peer->incarnation;
  request->operations = operations;
  request->n_operations = 1;
  request->max_concurrent = slots;
}

void
worker_register (Client *worker, const char *operation, guint slots, gboolean idempotent)
{
  Daemoneye__Eventbus__V1__RegisterRequest request;
  Daemoneye__Eventbus__V1__Operation scan, *operations[] = { &scan };

  register_fill (&request, worker, &scan, operations, slots);
  scan.name = (char *) (gsize) operation;
  scan.idempotent = idempotent;
  worker_call (worker, "Register", &request.base);
}

static Daemoneye__Eventbus__V1__TaskClaim **
claim_list (Daemoneye__Eventbus__V1__TaskClaim *claim, Daemoneye__Eventbus__V1__TaskClaim **list, const Job *job)
{
  daemoneye__eventbus__v1__task_claim__init (claim);
  claim->task_id = job->execute->task_id;
  claim->attempt = job->execute->attempt;
  claim->token = job->execute->token;
  list[0] = claim;
  return list;
}

guint
worker_claim (Client *worker, guint slots, const Claims *claims)
{
  Daemoneye__Eventbus__V1__RegisterRequest request;
  Daemoneye__Eventbus__V1__Operation scan, *operations[] = { &scan };
  Daemoneye__Eventbus__V1__TaskClaim running, finished, *lists[2];
  Daemoneye__Eventbus__V1__RegisterReply *reply;
  g_autoptr (Got) got = NULL;
  guint n_fenced;

  register_fill (&request, worker, &scan, operations, slots);
  scan.idempotent = TRUE;
  request.n_running = claims->running != NULL ? 1 : 0;
  request.n_finished = claims->finished != NULL ? 1 : 0;
  if (request.n_running > 0)
    request.running = claim_list (&running, &lists[0], claims->running);
  if (request.n_finished > 0)
    request.finished = claim_list (&finished, &lists[1], claims->finished);
  got = call_method (worker, REGISTRATION, "Register", &request.base);
  reply = daemoneye__eventbus__v1__register_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  n_fenced = (guint) reply->n_fenced;
  daemoneye__eventbus__v1__register_reply__free_unpacked (reply, NULL);
  return n_fenced;
}

static Client *
worker_connect (Core *core, const char *id)
{
  Client *worker = client_ready (core, id, TYPE);

  worker->peer->features |= WIRE_FEATURE_TASKS;
  return worker;
}

Client *
worker_back (Core *core, const char *id, guint slots, const Claims *claims, guint *n_fenced)
{
  Client *worker = worker_connect (core, id);

  *n_fenced = worker_claim (worker, slots, claims);
  client_subscribe (worker, 2, "control.collector.lifecycle", NULL);
  return worker;
}

guint
worker_take_fence (Client *worker)
{
  g_autoptr (Got) got = client_take (worker, WIRE_KIND_DELIVER);
  Daemoneye__Eventbus__V1__CollectorLifecycle *event;
  guint n;

  if (got == NULL)
    return 0;
  event = daemoneye__eventbus__v1__collector_lifecycle__unpack (NULL, got->envelope.payload.len,
                                                                got->envelope.payload.data);
  g_assert_cmpint (event->action, ==, DAEMONEYE__EVENTBUS__V1__LIFECYCLE_ACTION__LIFECYCLE_FENCE);
  n = (guint) event->n_fenced;
  daemoneye__eventbus__v1__collector_lifecycle__free_unpacked (event, NULL);
  return n;
}

void
worker_serve (Client *worker)
{
  g_autofree char *topic = g_strdup_printf ("control.collector.task.%s.%s", TYPE, worker->peer->id);

  client_serve (worker, 1, topic);
}

static Client *
worker_begin (Core *core, const char *id, guint slots, const char *operation, gboolean idempotent)
{
  Client *worker = worker_connect (core, id);

  worker_register (worker, operation, slots, idempotent);
  worker_serve (worker);
  return worker;
}

Client *
worker_registered (Core *core, const char *id, guint slots)
{
  return worker_begin (core, id, slots, "scan", TRUE);
}

Client *
worker_ready_with (Core *core, const char *id, guint slots, const char *operation, gboolean idempotent)
{
  Client *worker = worker_begin (core, id, slots, operation, idempotent);

  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_READY);
  return worker;
}

Client *
worker_ready (Core *core, const char *id, guint slots)
{
  return worker_ready_with (core, id, slots, "scan", TRUE);
}

BusMember *
worker_member (Client *worker)
{
  return worker->peer->member;
}

Client *
submitter_ready (Core *core)
{
  Client *submitter = agent_ready (core);

  submitter->peer->features |= WIRE_FEATURE_TASKS;
  return submitter;
}

/* --- jobs --- */

Job *
worker_take (Client *worker)
{
  g_autoptr (Got) got = client_take (worker, WIRE_KIND_REQUEST);
  Job *job;

  if (got == NULL)
    return NULL;
  job = g_new0 (Job, 1);
  job->route = got->envelope.route_id;
  job->execute = daemoneye__eventbus__v1__execute__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_nonnull (job->execute);
  g_assert_true (wire_span_equal (got->envelope.sender, WIRE_SPAN_LITERAL ("bus")));
  return job;
}

Job *
worker_expect (Client *worker, const char *id)
{
  Job *job = worker_take (worker);

  g_assert_nonnull (job);
  g_assert_cmpstr (job->execute->task_id, ==, id);
  return job;
}

void
job_free (Job *job)
{
  daemoneye__eventbus__v1__execute__free_unpacked (job->execute, NULL);
  g_free (job);
}

static void
answer (Client *worker, const Job *job, guint8 flags, const ProtobufCMessage *message)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (message) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route = job->route;
  envelope.payload = wire_span (payload, protobuf_c_message_pack (message, payload));
  client_send (worker, WIRE_KIND_REPLY, flags, &envelope);
}

static void
report (Client *worker, const Job *job, gboolean started, const char *details)
{
  Daemoneye__Eventbus__V1__Progress progress = DAEMONEYE__EVENTBUS__V1__PROGRESS__INIT;

  progress.token = job->execute->token;
  progress.started = started;
  progress.details.data = (guint8 *) (gsize) details;
  progress.details.len = strlen (details);
  answer (worker, job, WIRE_FLAG_PROGRESS, &progress.base);
}

void
worker_start (Client *worker, const Job *job)
{
  report (worker, job, TRUE, "");
}

void
worker_progress (Client *worker, const Job *job, const char *details)
{
  report (worker, job, FALSE, details);
}

static void
finish (Client *worker, const Job *job, guint kind, const char *payload, guint64 retry_after_us)
{
  Daemoneye__Eventbus__V1__Outcome outcome = DAEMONEYE__EVENTBUS__V1__OUTCOME__INIT;

  outcome.token = job->execute->token;
  outcome.kind = (Daemoneye__Eventbus__V1__OutcomeKind) kind;
  outcome.payload.data = (guint8 *) (gsize) payload;
  outcome.payload.len = strlen (payload);
  outcome.retry_after_us = retry_after_us;
  answer (worker, job, WIRE_FLAG_FINAL, &outcome.base);
}

void
worker_finish (Client *worker, const Job *job, guint kind, const char *payload)
{
  finish (worker, job, kind, payload, 0);
}

void
worker_retry (Client *worker, const Job *job, guint64 retry_after_us)
{
  finish (worker, job, BUS_OUTCOME_RETRYABLE, "", retry_after_us);
}

Job *
worker_run (Client *worker, const char *id)
{
  Job *job = worker_expect (worker, id);

  worker_start (worker, job);
  return job;
}

void
worker_expect_cancel (Client *worker, const Job *job, WireStatus status)
{
  g_autoptr (Got) cancel = client_take (worker, WIRE_KIND_CANCEL);

  g_assert_nonnull (cancel);
  g_assert_cmpuint (cancel->envelope.route_id, ==, job->route);
  g_assert_cmpuint (cancel->envelope.status, ==, status);
}

void
worker_expect_stale (Client *worker)
{
  g_autoptr (Got) error = client_take (worker, WIRE_KIND_ERROR);

  g_assert_nonnull (error);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_STALE_LEASE);
}

/* --- tasks --- */

void
tasks_spec (TaskSpec *spec, const char *id)
{
  static char operation[] = "scan";

  daemoneye__eventbus__v1__task_spec__init (spec);
  spec->id = (char *) (gsize) id;
  spec->operation = operation;
  spec->payload = (ProtobufCBinaryData){ 4, (guint8 *) (gsize) "work" };
}

void
tasks_spec_set_attempts (TaskSpec *spec, guint32 attempts)
{
  spec->attempts_presence_case = DAEMONEYE__EVENTBUS__V1__TASK_SPEC__ATTEMPTS_PRESENCE_ATTEMPTS;
  spec->attempts = attempts;
}

static SubmitVerdict *
copy_verdict (const SubmitVerdict *verdict)
{
  gsize size = daemoneye__eventbus__v1__submit_verdict__get_packed_size (verdict);
  g_autofree guint8 *bytes = g_malloc (size + 1);

  daemoneye__eventbus__v1__submit_verdict__pack (verdict, bytes);
  return daemoneye__eventbus__v1__submit_verdict__unpack (NULL, size, bytes);
}

guint32
tasks_submit_spec (Client *submitter, TaskSpec *spec, SubmitVerdict **verdict)
{
  Daemoneye__Eventbus__V1__SubmitRequest request = DAEMONEYE__EVENTBUS__V1__SUBMIT_REQUEST__INIT;
  g_autoptr (Got) got = NULL;
  Daemoneye__Eventbus__V1__SubmitReply *reply;
  guint32 status;

  request.tasks = &spec;
  request.n_tasks = 1;
  got = call_method (submitter, "control.collector.task", "Submit", &request.base);
  reply = daemoneye__eventbus__v1__submit_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpuint (reply->n_verdicts, ==, 1);
  g_assert_cmpstr (reply->verdicts[0]->id, ==, spec->id);
  status = reply->verdicts[0]->status;
  if (verdict != NULL)
    *verdict = copy_verdict (reply->verdicts[0]);
  daemoneye__eventbus__v1__submit_reply__free_unpacked (reply, NULL);
  return status;
}

void
tasks_submit (Client *submitter, const char *id)
{
  TaskSpec spec;

  tasks_spec (&spec, id);
  g_assert_cmpuint (tasks_submit_spec (submitter, &spec, NULL), ==, WIRE_STATUS_OK);
}

SubmitVerdict *
tasks_ids (Client *asker, const char *method, const char *id, guint32 *status)
{
  Daemoneye__Eventbus__V1__TaskIdsRequest request = DAEMONEYE__EVENTBUS__V1__TASK_IDS_REQUEST__INIT;
  char *ids[] = { (char *) (gsize) id };
  g_autoptr (Got) got = NULL;
  Daemoneye__Eventbus__V1__TaskIdsReply *reply;
  SubmitVerdict *verdict;

  request.ids = ids;
  request.n_ids = 1;
  got = call_method (asker, "control.bus.task", method, &request.base);
  reply = daemoneye__eventbus__v1__task_ids_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpuint (reply->n_verdicts, ==, 1);
  verdict = copy_verdict (reply->verdicts[0]);
  daemoneye__eventbus__v1__task_ids_reply__free_unpacked (reply, NULL);
  if (status != NULL)
    *status = verdict->status;
  return verdict;
}

char *
tasks_cancel (Client *submitter, const char *id)
{
  SubmitVerdict *verdict = tasks_ids (submitter, "Cancel", id, NULL);
  char *detail = g_strdup (verdict->detail);

  g_assert_cmpuint (verdict->status, ==, WIRE_STATUS_OK);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  return detail;
}

const char *
tasks_result (Client *submitter, const char *id)
{
  static char text[100];
  const BusTaskResult *result = tasks_find (submitter, id)->result;
  gsize len = 0;
  gconstpointer data;

  g_assert_nonnull (result);
  data = g_bytes_get_data (result->payload, &len);
  g_assert_cmpuint (len, <, sizeof text);
  memcpy (text, data, len);
  text[len] = '\0';
  return text;
}

BusTask *
tasks_find (Client *submitter, const char *id)
{
  return bus_task_store_find (&submitter->core->core->work->tasks, submitter->peer->account->number,
                              wire_span_str (id));
}

void
tasks_assert_state (Client *submitter, const char *id, BusTaskState state)
{
  const BusTask *task = tasks_find (submitter, id);

  g_assert_nonnull (task);
  g_assert_cmpstr (bus_task_state_name (task->state), ==, bus_task_state_name (state));
}
