/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "wire-guard.h"

/*
 * The actions of a collector: it works on its jobs, fails, drains, and violates the protocol if it is hostile.
 */

#define MILLISECOND G_TIME_SPAN_MILLISECOND

/* --- answers --- */

static void
collector_put_answer (TasksClient *client,
                      guint64 route,
                      guint8 flags,
                      const ProtobufCMessage *message,
                      TasksFrame *frame)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (message) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route = frame->route = route;
  envelope.payload = wire_span (payload, protobuf_c_message_pack (message, payload));
  tasks_client_put (client, WIRE_KIND_REPLY, flags, &envelope, frame);
}

void
tasks_collector_report (TasksClient *client, const TasksJob *job, gboolean started)
{
  Daemoneye__Eventbus__V1__Progress progress = DAEMONEYE__EVENTBUS__V1__PROGRESS__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_REPORT, .started = started, .run = job->run };

  frame.items[0].number = (guint) g_ascii_strtoull (job->id + 1, NULL, 10);

  memcpy (frame.token, job->token, BUS_TOKEN_LEN);
  progress.token = (ProtobufCBinaryData){ BUS_TOKEN_LEN, frame.token };
  progress.started = started;
  progress.done = job->run;
  frame.has_details = sim_chance (&client->world->random, 30);
  if (frame.has_details)
    progress.details = (ProtobufCBinaryData){ sizeof job->run, (guint8 *) (gsize) &job->run };
  collector_put_answer (client, job->route, WIRE_FLAG_PROGRESS, &progress.base, &frame);
}

/* The payload of a result: the number of the run and, in some results, so many zeros that the broker does not copy it. */
static ProtobufCBinaryData
collector_result (guint8 *payload, guint run)
{
  memcpy (payload, &run, sizeof run);
  return (ProtobufCBinaryData){ run % 8 == 0 ? TASKS_LARGE_RESULT : sizeof run, payload };
}

static void
collector_answer (TasksClient *client, const TasksJob *job, guint kind, const guint8 *token)
{
  Daemoneye__Eventbus__V1__Outcome outcome = DAEMONEYE__EVENTBUS__V1__OUTCOME__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_ANSWER, .outcome = kind, .run = job->run };
  guint8 payload[TASKS_LARGE_RESULT] = { 0 };

  memcpy (frame.token, token, BUS_TOKEN_LEN);
  outcome.token = (ProtobufCBinaryData){ BUS_TOKEN_LEN, frame.token };
  outcome.kind = (Daemoneye__Eventbus__V1__OutcomeKind) kind;
  if (kind == DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED)
    outcome.payload = collector_result (payload, frame.run);
  if (kind == DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_RETRYABLE && sim_chance (&client->world->random, 30))
    outcome.retry_after_us = 200 * MILLISECOND;
  frame.retry_us = (gint64) outcome.retry_after_us;
  collector_put_answer (client, job->route, WIRE_FLAG_FINAL, &outcome.base, &frame);
}

void
tasks_collector_give (TasksClient *client, TasksJob *job, guint outcome)
{
  collector_answer (client, job, outcome, job->token);
  job->is_answered = TRUE;
  job->outcome = outcome;
  job->has_outcome = client->world->keeps_outcomes && outcome != DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_BUSY;
}

/* --- jobs --- */

guint
tasks_collector_count_jobs (const TasksClient *client)
{
  guint n = 0;

  for (guint i = 0; i < client->jobs->len; i++)
    n += !((const TasksJob *) g_ptr_array_index (client->jobs, i))->is_answered;
  return n;
}

static TasksJob *
collector_find (const TasksClient *client, guint64 route)
{
  for (guint i = 0; i < client->jobs->len; i++)
    if (((TasksJob *) g_ptr_array_index (client->jobs, i))->route == route)
      return g_ptr_array_index (client->jobs, i);
  return NULL;
}

gboolean
tasks_collector_knows (const TasksClient *client, guint64 route)
{
  return collector_find (client, route) != NULL;
}

/* TRUE if the tokens are of the same task and attempt, even of different leases. */
static gboolean
collector_is_same_attempt (const guint8 *token, const guint8 *other)
{
  BusTokenParts parts, others;

  return bus_token_read (wire_span (token, BUS_TOKEN_LEN), &parts)
         && bus_token_read (wire_span (other, BUS_TOKEN_LEN), &others) && parts.task_hash == others.task_hash
         && parts.attempt == others.attempt;
}

static TasksJob *
collector_find_attempt (GPtrArray *jobs, const guint8 *token)
{
  for (guint i = jobs->len; i-- > 0;)
    {
      TasksJob *job = g_ptr_array_index (jobs, i);

      if (collector_is_same_attempt (job->token, token))
        return job;
    }
  return NULL;
}

/* A job of an earlier connection, or of this one after a Deregister. NULL: there is none. */
static TasksJob *
collector_find_old (const TasksClient *client, const guint8 *token)
{
  TasksJob *job = collector_find_attempt (client->old_jobs, token);

  return job != NULL ? job : collector_find_attempt (client->jobs, token);
}

/* The same run continues, or has ended already. A hostile collector may have claimed an attempt that it never had. */
static void
collector_adopt (TasksClient *client, TasksJob *job, gboolean is_finished)
{
  TasksJob *old = collector_find_old (client, job->token);

  job->is_started = TRUE;
  if (old == NULL && client->character == TASKS_HOSTILE)
    job->run = ++client->world->last_run;
  else if (old == NULL)
    tasks_fail (client->world, "K01: %s got %s as a continued task, but never had it", client->id, job->id);
  else
    {
      job->run = old->run;
      if (is_finished && old->has_outcome)
        tasks_collector_give (client, job, old->outcome);
      tasks_registration_forget (old);
    }
}

static void
collector_forget_oldest (TasksClient *client)
{
  for (guint i = 0; i < client->jobs->len; i++)
    if (((const TasksJob *) g_ptr_array_index (client->jobs, i))->is_answered)
      {
        client->forgotten_route
            = MAX (client->forgotten_route, ((const TasksJob *) g_ptr_array_index (client->jobs, i))->route);
        g_ptr_array_remove_index (client->jobs, i);
        return;
      }
}

void
tasks_collector_got_execute (TasksClient *client, const WireEnvelope *envelope)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__execute__descriptor, envelope->payload, 0, NULL);
  const Daemoneye__Eventbus__V1__Execute *execute = guard != NULL ? wire_guard_message (guard) : NULL;
  guint details = 0;
  TasksJob *job;

  if (execute == NULL || execute->token.len != BUS_TOKEN_LEN)
    {
      tasks_fail (client->world, "%s got an Execute that cannot be read", client->id);
      return;
    }
  if (execute->last_details.len == sizeof details)
    memcpy (&details, execute->last_details.data, sizeof details);
  tasks_leases_got_execute (client->world, client, envelope->route_id, details, execute->adopt);
  job = g_new0 (TasksJob, 1);
  job->route = envelope->route_id;
  g_strlcpy (job->id, execute->task_id, sizeof job->id);
  job->attempt = execute->attempt;
  memcpy (job->token, execute->token.data, BUS_TOKEN_LEN);
  if (execute->adopt)
    {
      tasks_claims_given (client->world, client, tasks_claims_record_of (client->world->model, job->token),
                          job->attempt, execute->finished);
      collector_adopt (client, job, execute->finished);
    }
  else
    job->run = ++client->world->last_run;
  if (client->jobs->len >= TASKS_OLD_JOBS + client->most_slots)
    collector_forget_oldest (client);
  g_ptr_array_add (client->jobs, job);
  /* A forged answer frees the slot of a zombie as well. */
  if (client->character != TASKS_HOSTILE && tasks_collector_count_jobs (client) > client->most_slots)
    tasks_fail (client->world, "M10: %s has more tasks than slots", client->id);
}

void
tasks_collector_got_cancel (TasksClient *client, const WireEnvelope *envelope)
{
  TasksJob *job = collector_find (client, envelope->route_id);

  if (job == NULL && envelope->route_id > client->forgotten_route)
    tasks_fail (client->world, "O06: %s got a CANCEL for an unknown request", client->id);
  else if (job != NULL && envelope->status == WIRE_STATUS_OK)
    job->is_answered = TRUE; /* the request has ended, so the broker expects no answer */
  else if (job != NULL)
    {
      tasks_leases_got_cancel (client->world, client, envelope->route_id, envelope->status);
      job->is_stopped = TRUE;
    }
}

/* The submitter has the answer. */
void
tasks_collector_got_delivered (TasksClient *client, const WireEnvelope *envelope)
{
  TasksJob *job = collector_find (client, envelope->route_id);

  if (job != NULL ? !job->is_answered : envelope->route_id > client->forgotten_route)
    tasks_fail (client->world, "M11: an answer of %s was reported as delivered, but it sent none", client->id);
  tasks_cover (client->world, TASKS_COVER_DELIVERED);
  if (job != NULL)
    job->is_delivered = TRUE;
}
/* --- work --- */

static guint
collector_draw_outcome (SimRandom *random, const TasksJob *job)
{
  const guint dice = sim_below (random, 100);

  if (job->is_stopped && dice < 50)
    return DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_CANCELLED;
  if (dice < 70)
    return DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED;
  if (dice < 88)
    return DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_RETRYABLE;
  if (dice < 94)
    return DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_FAILED;
  return dice < 97 ? DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_CANCELLED
                   : DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_BUSY;
}

/* A random job without an answer. NULL: there is none. */
static TasksJob *
collector_pick (TasksWorld *world, const TasksClient *client)
{
  const guint start = client->jobs->len > 0 ? sim_below (&world->random, client->jobs->len) : 0;

  for (guint i = 0; i < client->jobs->len; i++)
    {
      TasksJob *job = g_ptr_array_index (client->jobs, (start + i) % client->jobs->len);

      if (!job->is_answered)
        return job;
    }
  return NULL;
}

static void
collector_finish (TasksWorld *world, TasksClient *client)
{
  TasksJob *job = collector_pick (world, client);

  if (job == NULL)
    return;
  tasks_collector_give (client, job, collector_draw_outcome (&world->random, job));
}

static void
collector_work (TasksWorld *world, TasksClient *client)
{
  TasksJob *job = collector_pick (world, client);

  if (job == NULL || (job->is_stopped && sim_chance (&world->random, 80)))
    return;
  /* The first report may be one of progress, and some collectors report STARTED twice. */
  if (job->is_started ? sim_chance (&world->random, 5) : sim_chance (&world->random, 92))
    tasks_collector_report (client, job, TRUE);
  else
    tasks_collector_report (client, job, FALSE);
  job->is_started = TRUE;
}

static void
collector_refuse (TasksWorld *world, TasksClient *client)
{
  TasksJob *job = collector_pick (world, client);

  if (job == NULL || job->is_started)
    return;
  collector_answer (client, job, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_BUSY, job->token);
  job->is_answered = TRUE;
}

static void
collector_decline (TasksWorld *world, TasksClient *client)
{
  TasksFrame frame = { .kind = TASKS_FRAME_DECLINE };
  TasksJob *job = collector_pick (world, client);
  WireEnvelope envelope;

  if (job == NULL)
    return;
  wire_envelope_init (&envelope);
  envelope.route = frame.route = job->route;
  memcpy (frame.token, job->token, BUS_TOKEN_LEN);
  tasks_client_put (client, WIRE_KIND_CANCEL, 0, &envelope, &frame);
  job->is_answered = TRUE;
}

/* --- violations of the protocol --- */

/* A job that was answered, or is of another connection. */
static const TasksJob *
collector_pick_stale_job (TasksWorld *world, const TasksClient *client)
{
  const GPtrArray *jobs = sim_chance (&world->random, 50) ? client->old_jobs : client->jobs;
  const TasksJob *job = jobs->len > 0 ? g_ptr_array_index (jobs, sim_below (&world->random, jobs->len)) : NULL;

  return job != NULL && (jobs == client->old_jobs || job->is_answered) ? job : NULL;
}

/* Answers its own lease with the token of another one, or with a random token. */
static void
collector_forge (TasksWorld *world, TasksClient *client)
{
  const TasksJob *stale = collector_pick_stale_job (world, client);
  const TasksJob *job = collector_pick (world, client);
  guint8 token[BUS_TOKEN_LEN];

  if (job == NULL || client->character != TASKS_HOSTILE)
    return;
  memcpy (token, stale != NULL && stale != job ? stale->token : job->token, BUS_TOKEN_LEN);
  if (stale == NULL || stale == job)
    token[sim_below (&world->random, BUS_TOKEN_LEN)] ^= 1;
  collector_answer (client, job, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED, token);
  tasks_cover (world, TASKS_COVER_FORGED_TOKEN);
}

static void
collector_repeat (TasksWorld *world, TasksClient *client)
{
  const TasksJob *stale = collector_pick_stale_job (world, client);

  if (stale != NULL && client->character == TASKS_HOSTILE)
    collector_answer (client, stale, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED, stale->token);
}

/* --- steps --- */

static void
collector_send_goodbye (TasksWorld *world, TasksClient *client)
{
  tasks_client_goodbye (client);
}

void
tasks_collector_break_protocol (TasksClient *client)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  tasks_client_put (client, WIRE_KIND_DELIVER, 0, &envelope, &(const TasksFrame){ .kind = TASKS_FRAME_OTHER });
}

static void
collector_break_protocol (TasksWorld *world, TasksClient *client)
{
  if (client->character == TASKS_HOSTILE)
    tasks_collector_break_protocol (client);
}

static void
collector_die (TasksWorld *world, TasksClient *client)
{
  tasks_world_disconnect (world, client);
}

static void
collector_freeze (TasksWorld *world, TasksClient *client)
{
  client->is_frozen = !client->is_frozen;
}

static void
collector_delay (TasksWorld *world, TasksClient *client)
{
  client->is_late = !client->is_late;
}

static void
collector_register_again (TasksWorld *world, TasksClient *client)
{
  tasks_registration_register (client);
}

static const TasksAct acts[] = {
  { 300, collector_work },
  { 130, collector_finish },
  { 25, collector_refuse },
  { 8, collector_decline },
  { 20, collector_forge },
  { 20, collector_repeat },
  { 12, tasks_registration_update },
  { 3, tasks_registration_deregister },
  { 4, tasks_registration_verify },
  { 3, collector_register_again },
  { 3, collector_send_goodbye },
  { 5, collector_break_protocol },
  { 10, collector_die },
  { 20, collector_freeze },
  { 10, collector_delay },
};

void
tasks_collector_step (TasksWorld *world, TasksClient *client)
{
  if (!client->is_registered && client->registration_id != 0 && g_hash_table_size (client->calls) == 0
      && sim_chance (&world->random, 10))
    tasks_registration_register (client);
  tasks_client_act (client, acts, G_N_ELEMENTS (acts));
}

void
tasks_collector_heal (TasksWorld *world, TasksClient *client)
{
  client->is_frozen = client->is_late = FALSE;
  if (!client->is_registered || client->is_draining)
    {
      if (g_hash_table_size (client->calls) == 0)
        tasks_registration_register (client);
      return;
    }
  if (!client->is_serving && g_hash_table_size (client->calls) == 0)
    tasks_registration_serve (client);
  for (guint i = 0; i < client->jobs->len; i++)
    {
      TasksJob *job = g_ptr_array_index (client->jobs, i);

      if (job->is_answered)
        continue;
      tasks_collector_give (client, job, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED);
    }
}
