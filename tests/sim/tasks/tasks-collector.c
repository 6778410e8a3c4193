/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "control.pb-c.h"
#include "wire-guard.h"

/*
 * What a collector does: registers, works on its jobs, fails, drains, and breaks the rules when it is hostile.
 */

typedef Daemoneye__Eventbus__V1__Operation Operation;
typedef Daemoneye__Eventbus__V1__TaskClaim TaskClaim;

#define REGISTRATION "control.collector.registration"
#define MILLISECOND  G_TIME_SPAN_MILLISECOND

/* --- registration --- */

static void
collector_draw_ability (SimRandom *random, TasksAbility *ability)
{
  static const gint64 progress_us[] = { 0, 300 * MILLISECOND, 500 * MILLISECOND, 500 * MILLISECOND };

  ability->is_offered = sim_chance (random, 75);
  ability->idempotent = sim_chance (random, 80);
  ability->run_limit_us = (400 + sim_below (random, 3) * 600) * MILLISECOND;
  ability->progress_us = progress_us[sim_below (random, G_N_ELEMENTS (progress_us))];
}

static void
collector_draw_registration (SimRandom *random, TasksRegistration *registration)
{
  for (guint i = 0; i < TASKS_OPERATIONS; i++)
    collector_draw_ability (random, &registration->abilities[i]);
  registration->slots = 1 + sim_below (random, 3);
  registration->lowest = sim_chance (random, 10) ? 5 : 0;
  registration->highest = sim_chance (random, 10) ? 5 : 255;
  registration->has_tag = sim_chance (random, 50);
}

static guint
collector_fill_operations (const TasksRegistration *registration, Operation *operations, Operation **list)
{
  guint n = 0;

  for (guint i = 0; i < TASKS_OPERATIONS; i++)
    {
      const TasksAbility *ability = &registration->abilities[i];

      if (!ability->is_offered)
        continue;
      daemoneye__eventbus__v1__operation__init (&operations[n]);
      operations[n].name = (char *) (gsize) tasks_operations[i];
      operations[n].idempotent = ability->idempotent;
      operations[n].run_limit_us = (guint64) ability->run_limit_us;
      operations[n].progress_us = (guint64) ability->progress_us;
      operations[n].without_progress = ability->progress_us == 0;
      list[n] = &operations[n];
      n++;
    }
  return n;
}

static void
collector_add_claim (TasksJob *job, TasksClaims *known, TaskClaim *claims, TaskClaim **list)
{
  TaskClaim *claim = list[known->n] = &claims[known->n];

  daemoneye__eventbus__v1__task_claim__init (claim);
  claim->task_id = job->id;
  claim->attempt = job->attempt;
  claim->token = (ProtobufCBinaryData){ BUS_TOKEN_LEN, job->token };
  memcpy (known->tokens[known->n++], job->token, BUS_TOKEN_LEN);
}

/* A job that another collector lost, or has; NULL: it has none. */
static TasksJob *
collector_steal (TasksWorld *world, const TasksClient *client)
{
  const TasksClient *other
      = &world->clients[TASKS_SUBMITTERS + sim_below (&world->random, TASKS_CLIENTS - TASKS_SUBMITTERS)];
  const GPtrArray *jobs = other->jobs->len > 0 ? other->jobs : other->old_jobs;

  return other != client && jobs->len > 0 ? g_ptr_array_index (jobs, jobs->len - 1) : NULL;
}

/* An honest collector claims what it worked on when its connection ended; a hostile one claims everything that it remembers,
 * and what is not its own. */
static guint
collector_fill_claims (const TasksClient *client, TasksClaims *known, TaskClaim *claims, TaskClaim **list)
{
  TasksJob *stolen = client->character == TASKS_HOSTILE ? collector_steal (client->world, client) : NULL;

  for (guint i = 0; i < client->old_jobs->len && known->n < TASKS_GHOSTS - 1; i++)
    {
      TasksJob *job = g_ptr_array_index (client->old_jobs, i);

      if (client->character == TASKS_HOSTILE || (!job->is_answered && job->is_started))
        collector_add_claim (job, known, claims, list);
    }
  if (stolen != NULL)
    collector_add_claim (stolen, known, claims, list);
  return known->n;
}

static void
collector_register (TasksClient *client)
{
  static char tag[] = "zone=a";
  char *tags[] = { tag };
  TasksFrame frame = { .kind = TASKS_FRAME_REGISTER };
  Daemoneye__Eventbus__V1__RegisterRequest request = DAEMONEYE__EVENTBUS__V1__REGISTER_REQUEST__INIT;
  Daemoneye__Eventbus__V1__PriorityRange range = DAEMONEYE__EVENTBUS__V1__PRIORITY_RANGE__INIT;
  Operation operations[TASKS_OPERATIONS], *list[TASKS_OPERATIONS];
  TaskClaim claims[TASKS_GHOSTS], *claim_list[TASKS_GHOSTS];

  collector_draw_registration (&client->world->random, &frame.registration);
  range.lowest = frame.registration.lowest;
  range.highest = frame.registration.highest;
  request.type = (char *) (gsize) client->type;
  request.incarnation = client->incarnation;
  request.n_operations = collector_fill_operations (&frame.registration, operations, list);
  request.operations = list;
  request.max_concurrent = frame.registration.slots;
  request.priorities = &range;
  request.tags = tags;
  request.n_tags = frame.registration.has_tag ? 1 : 0;
  request.n_running = collector_fill_claims (client, &frame.claims, claims, claim_list);
  request.running = claim_list;
  client->most_slots = MAX (client->most_slots, MAX (frame.registration.slots, frame.claims.n));
  tasks_client_call (client, REGISTRATION, "Register", &request.base, &frame);
}

static void
collector_serve (TasksClient *client)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  char topic[64];

  g_snprintf (topic, sizeof topic, "control.collector.task.%s.%s", client->type, client->id);
  request.subscription = 1;
  request.pattern = topic;
  request.serve = TRUE;
  tasks_client_call (client, "control.bus.subscribe", "", &request.base,
                     &(const TasksFrame){ .kind = TASKS_FRAME_SERVE });
}

void
tasks_collector_ready (TasksClient *client)
{
  if (sim_chance (&client->world->random, 50))
    collector_serve (client);
  collector_register (client);
  if (client->next_id < 2)
    collector_serve (client);
}

static void
collector_update (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_UPDATE, .registration = client->registration };
  Operation operations[TASKS_OPERATIONS], *list[TASKS_OPERATIONS];
  TasksRegistration drawn;

  collector_draw_registration (&world->random, &drawn);
  frame.drains = !world->is_healing && sim_chance (&world->random, 25);
  frame.changes_operations = sim_chance (&world->random, 50);
  frame.changes_slots = sim_chance (&world->random, 50);
  if (frame.changes_operations)
    memcpy (frame.registration.abilities, drawn.abilities, sizeof drawn.abilities);
  if (frame.changes_slots)
    frame.registration.slots = drawn.slots;
  if (frame.drains && sim_chance (&world->random, 50))
    frame.drain_us = 300 * MILLISECOND;
  request.draining = frame.drains;
  request.drain_us = (guint64) frame.drain_us;
  request.max_concurrent = frame.changes_slots ? frame.registration.slots : 0;
  request.change_operations = frame.changes_operations;
  request.n_operations
      = frame.changes_operations ? collector_fill_operations (&frame.registration, operations, list) : 0;
  request.operations = list;
  client->most_slots = MAX (client->most_slots, frame.registration.slots);
  tasks_client_call (client, REGISTRATION, "Update", &request.base, &frame);
}

static void
collector_deregister (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__DeregisterRequest request = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;

  tasks_client_call (client, REGISTRATION, "Deregister", &request.base,
                     &(const TasksFrame){ .kind = TASKS_FRAME_DEREGISTER });
}

static void
collector_verify (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__VerifyRequest request = DAEMONEYE__EVENTBUS__V1__VERIFY_REQUEST__INIT;

  request.registration_id = client->registration_id;
  tasks_client_call (client, REGISTRATION, "Verify", &request.base, &(const TasksFrame){ .kind = TASKS_FRAME_VERIFY });
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

/* A job of a connection before; NULL: there is none. */
static TasksJob *
collector_find_old (const TasksClient *client, const char *id, guint32 attempt)
{
  for (guint i = client->old_jobs->len; i-- > 0;)
    {
      TasksJob *job = g_ptr_array_index (client->old_jobs, i);

      if (job->attempt == attempt && strcmp (job->id, id) == 0)
        return job;
    }
  return NULL;
}

/* The same run goes on. */
static void
collector_adopt (TasksClient *client, TasksJob *job)
{
  TasksJob *old = collector_find_old (client, job->id, job->attempt);

  if (old == NULL)
    tasks_fail (client->world, "K01: %s got back %s, which it never had", client->id, job->id);
  else
    {
      job->run = old->run;
      old->is_answered = TRUE;
    }
  job->is_started = TRUE;
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
  tasks_leases_got_execute (client->world, client, envelope->route_id, details);
  job = g_new0 (TasksJob, 1);
  job->route = envelope->route_id;
  g_strlcpy (job->id, execute->task_id, sizeof job->id);
  job->attempt = execute->attempt;
  memcpy (job->token, execute->token.data, BUS_TOKEN_LEN);
  if (execute->adopt)
    collector_adopt (client, job);
  else
    job->run = ++client->world->last_run;
  if (client->jobs->len >= TASKS_GHOSTS + client->most_slots)
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
    tasks_fail (client->world, "O06: %s got a CANCEL of nothing", client->id);
  else if (job != NULL && envelope->status == WIRE_STATUS_OK)
    job->is_answered = TRUE; /* the request has ended: the broker does not wait for an answer */
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
  const TasksJob *job = collector_find (client, envelope->route_id);

  if (job != NULL ? !job->is_answered : envelope->route_id > client->forgotten_route)
    tasks_fail (client->world, "M11: an answer is delivered that %s has not given", client->id);
  tasks_cover (client->world, TASKS_COVER_DELIVERED);
}

static void
collector_fence (TasksClient *client, const TaskClaim *claim)
{
  for (guint i = 0; i < client->old_jobs->len; i++)
    {
      TasksJob *job = g_ptr_array_index (client->old_jobs, i);

      if (claim->token.len == BUS_TOKEN_LEN && memcmp (claim->token.data, job->token, BUS_TOKEN_LEN) == 0)
        job->is_answered = TRUE;
    }
}

void
tasks_collector_got_reply (TasksClient *client, const TasksFrame *call, WireSpan payload)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__RegisterReply *reply;

  if (call->kind != TASKS_FRAME_REGISTER)
    return;
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__register_reply__descriptor, payload, 0, NULL);
  reply = guard != NULL ? wire_guard_message (guard) : NULL;
  if (reply == NULL)
    {
      tasks_fail (client->world, "%s got a reply to Register that cannot be read", client->id);
      return;
    }
  client->registration_id = reply->registration_id;
  for (gsize i = 0; i < reply->n_fenced; i++)
    collector_fence (client, reply->fenced[i]);
}

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

static void
collector_report (TasksClient *client, const TasksJob *job, gboolean started)
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

static void
collector_answer (TasksClient *client, const TasksJob *job, guint kind, const guint8 *token)
{
  Daemoneye__Eventbus__V1__Outcome outcome = DAEMONEYE__EVENTBUS__V1__OUTCOME__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_ANSWER, .outcome = kind, .run = job->run };

  memcpy (frame.token, token, BUS_TOKEN_LEN);
  outcome.token = (ProtobufCBinaryData){ BUS_TOKEN_LEN, frame.token };
  outcome.kind = (Daemoneye__Eventbus__V1__OutcomeKind) kind;
  if (kind == DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED)
    outcome.payload = (ProtobufCBinaryData){ sizeof frame.run, (guint8 *) &frame.run };
  if (kind == DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_RETRYABLE && sim_chance (&client->world->random, 30))
    outcome.retry_after_us = 200 * MILLISECOND;
  frame.retry_us = (gint64) outcome.retry_after_us;
  collector_put_answer (client, job->route, WIRE_FLAG_FINAL, &outcome.base, &frame);
}

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

/* NULL: it has none that it has not answered. */
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
  collector_answer (client, job, collector_draw_outcome (&world->random, job), job->token);
  job->is_answered = TRUE;
}

static void
collector_work (TasksWorld *world, TasksClient *client)
{
  TasksJob *job = collector_pick (world, client);

  if (job == NULL || (job->is_stopped && sim_chance (&world->random, 80)))
    return;
  /* The first report may be one of progress, and some say twice that they start. */
  if (job->is_started ? sim_chance (&world->random, 5) : sim_chance (&world->random, 92))
    collector_report (client, job, TRUE);
  else
    collector_report (client, job, FALSE);
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

/* --- against the rules --- */

/* A job that it has answered, or that is of another connection. */
static const TasksJob *
collector_pick_ghost (TasksWorld *world, const TasksClient *client)
{
  const GPtrArray *jobs = sim_chance (&world->random, 50) ? client->old_jobs : client->jobs;
  const TasksJob *job = jobs->len > 0 ? g_ptr_array_index (jobs, sim_below (&world->random, jobs->len)) : NULL;

  return job != NULL && (jobs == client->old_jobs || job->is_answered) ? job : NULL;
}

/* An answer of its own lease with the token of another one, or with one that it made up. */
static void
collector_forge (TasksWorld *world, TasksClient *client)
{
  const TasksJob *ghost = collector_pick_ghost (world, client);
  const TasksJob *job = collector_pick (world, client);
  guint8 token[BUS_TOKEN_LEN];

  if (job == NULL || client->character != TASKS_HOSTILE)
    return;
  memcpy (token, ghost != NULL && ghost != job ? ghost->token : job->token, BUS_TOKEN_LEN);
  if (ghost == NULL || ghost == job)
    token[sim_below (&world->random, BUS_TOKEN_LEN)] ^= 1;
  collector_answer (client, job, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED, token);
  tasks_cover (world, TASKS_COVER_FORGED_TOKEN);
}

static void
collector_repeat (TasksWorld *world, TasksClient *client)
{
  const TasksJob *ghost = collector_pick_ghost (world, client);

  if (ghost != NULL && client->character == TASKS_HOSTILE)
    collector_answer (client, ghost, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED, ghost->token);
}

/* --- steps --- */

static void
collector_say_goodbye (TasksWorld *world, TasksClient *client)
{
  tasks_client_goodbye (client);
}

static void
collector_break_protocol (TasksWorld *world, TasksClient *client)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  if (client->character == TASKS_HOSTILE)
    tasks_client_put (client, WIRE_KIND_DELIVER, 0, &envelope, &(const TasksFrame){ .kind = TASKS_FRAME_OTHER });
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
  collector_register (client);
}

static const struct
{
  guint weight;
  void (*run) (TasksWorld *world, TasksClient *client);
} acts[] = {
  { 300, collector_work },         { 130, collector_finish },    { 25, collector_refuse },
  { 8, collector_decline },        { 20, collector_forge },      { 20, collector_repeat },
  { 12, collector_update },        { 3, collector_deregister },  { 4, collector_verify },
  { 3, collector_register_again }, { 3, collector_say_goodbye }, { 5, collector_break_protocol },
  { 10, collector_die },           { 20, collector_freeze },     { 10, collector_delay },
};

void
tasks_collector_step (TasksWorld *world, TasksClient *client)
{
  guint sum = 0;
  guint dice;

  if (!client->is_registered && client->registration_id != 0 && g_hash_table_size (client->calls) == 0
      && sim_chance (&world->random, 10))
    collector_register (client);
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    sum += acts[i].weight;
  dice = sim_below (&world->random, sum);
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    {
      if (dice < acts[i].weight)
        {
          acts[i].run (world, client);
          return;
        }
      dice -= acts[i].weight;
    }
}

void
tasks_collector_heal (TasksWorld *world, TasksClient *client)
{
  client->is_frozen = client->is_late = FALSE;
  if (!client->is_registered || client->is_draining)
    {
      if (g_hash_table_size (client->calls) == 0)
        collector_register (client);
      return;
    }
  for (guint i = 0; i < client->jobs->len; i++)
    {
      TasksJob *job = g_ptr_array_index (client->jobs, i);

      if (job->is_answered)
        continue;
      collector_answer (client, job, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED, job->token);
      job->is_answered = TRUE;
    }
}
