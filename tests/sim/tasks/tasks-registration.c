/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "control.pb-c.h"
#include "wire-guard.h"

/*
 * Registrations of a collector: its operations, the tasks that it claims to have, and the outcomes of its claims.
 */

typedef Daemoneye__Eventbus__V1__Operation Operation;
typedef Daemoneye__Eventbus__V1__RegisterRequest RegisterRequest;
typedef Daemoneye__Eventbus__V1__TaskClaim TaskClaim;

#define REGISTRATION "control.collector.registration"
#define MILLISECOND  G_TIME_SPAN_MILLISECOND

/* --- abilities --- */

static void
registration_draw_ability (SimRandom *random, TasksAbility *ability)
{
  static const gint64 progress_us[] = { 0, 300 * MILLISECOND, 500 * MILLISECOND, 500 * MILLISECOND };

  ability->is_offered = sim_chance (random, 75);
  ability->idempotent = sim_chance (random, 80);
  ability->run_limit_us = (400 + sim_below (random, 3) * 600) * MILLISECOND;
  ability->progress_us = progress_us[sim_below (random, G_N_ELEMENTS (progress_us))];
}

static void
registration_draw_registration (SimRandom *random, TasksRegistration *registration)
{
  for (guint i = 0; i < TASKS_OPERATIONS; i++)
    registration_draw_ability (random, &registration->abilities[i]);
  registration->slots = 1 + sim_below (random, 3);
  registration->lowest = sim_chance (random, 10) ? 5 : 0;
  registration->highest = sim_chance (random, 10) ? 5 : 255;
  registration->has_tag = sim_chance (random, 50);
}

static guint
registration_fill_operations (const TasksRegistration *registration, Operation *operations, Operation **list)
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

/* --- claims --- */

/* Changes a claim as a hostile collector would. Returns the record to which the token still belongs. */
static const TasksRecord *
registration_falsify (TasksWorld *world, const TasksRecord *record, TasksClaim *claim)
{
  BusTokenParts parts;

  bus_token_read (wire_span (claim->token, BUS_TOKEN_LEN), &parts);
  switch (sim_below (&world->aside, 8))
    {
    case 0:
      claim->attempt++;
      break;
    case 1:
      claim->attempt++;
      parts.attempt++;
      break;
    case 2:
      parts.epoch = world->options.epoch;
      break;
    case 3:
      parts.task_hash ^= 1;
      record = NULL;
      break;
    case 4:
      claim->is_finished = !claim->is_finished;
      break;
    case 5:
      parts.epoch += 7;
      break;
    default:
      break;
    }
  bus_token_write (claim->token, &parts);
  return record;
}

static void
registration_add_claim (const TasksClient *client, const TasksJob *job, TasksClaims *known)
{
  TasksWorld *world = client->world;
  TasksClaim *claim = &known->list[known->n++];
  const TasksRecord *record = tasks_claims_record_of (world->model, job->token);
  BusTokenParts parts;

  *claim = (TasksClaim){ .number = (guint) g_ascii_strtoull (job->id + 1, NULL, 10),
                         .attempt = job->attempt,
                         .is_finished = job->has_outcome };
  memcpy (claim->token, job->token, BUS_TOKEN_LEN);
  if (world->restarts && client->character == TASKS_HOSTILE)
    record = registration_falsify (world, record, claim);
  else if (client->character == TASKS_HOSTILE && client->slot % 2 == 0)
    claim->is_finished = TRUE; /* to get more time for a task that it works on */
  bus_token_read (wire_span (claim->token, BUS_TOKEN_LEN), &parts);
  claim->record = record;
  claim->token_epoch = parts.epoch;
  claim->token_attempt = parts.attempt;
}

/* A job that another collector has or had. NULL: there is none. */
static const TasksJob *
registration_find_foreign_job (TasksWorld *world, const TasksClient *client)
{
  const TasksClient *other
      = &world->clients[TASKS_SUBMITTERS + sim_below (&world->random, TASKS_CLIENTS - TASKS_SUBMITTERS)];
  const GPtrArray *jobs = other->jobs->len > 0 ? other->jobs : other->old_jobs;

  return other != client && jobs->len > 0 ? g_ptr_array_index (jobs, jobs->len - 1) : NULL;
}

static gboolean
registration_claims (const TasksClient *client, const TasksJob *job)
{
  if (tasks_rare_is_quick (client->world))
    return FALSE; /* a claim would forget the interruption */
  if (client->character == TASKS_HOSTILE)
    return TRUE;
  return job->is_answered ? client->world->keeps_outcomes && job->has_outcome && !job->is_delivered : job->is_started;
}

/* Claims of running tasks are sent first. */
static void
registration_sort_claims (TasksClaims *known)
{
  const TasksClaims drawn = *known;

  known->n = 0;
  for (guint finished = 0; finished < 2; finished++)
    for (guint i = 0; i < drawn.n; i++)
      if ((guint) drawn.list[i].is_finished == finished)
        known->list[known->n++] = drawn.list[i];
}

/* An honest collector claims the tasks that were running when its connection ended, and those whose answers may not have arrived.
 * A hostile one claims every task that it remembers, and tasks of others. */
static void
registration_draw_claims (const TasksClient *client, TasksClaims *known)
{
  const TasksJob *foreign
      = client->character == TASKS_HOSTILE ? registration_find_foreign_job (client->world, client) : NULL;

  for (guint i = 0; i < client->old_jobs->len && known->n < TASKS_OLD_JOBS - 1; i++)
    if (registration_claims (client, g_ptr_array_index (client->old_jobs, i)))
      registration_add_claim (client, g_ptr_array_index (client->old_jobs, i), known);
  if (foreign != NULL)
    registration_add_claim (client, foreign, known);
  for (guint i = 0; i < client->jobs->len && client->world->rare == TASKS_RARE_CROSSING; i++)
    if (known->n < TASKS_OLD_JOBS && !((const TasksJob *) g_ptr_array_index (client->jobs, i))->is_answered)
      registration_add_claim (client, g_ptr_array_index (client->jobs, i), known);
  registration_sort_claims (known);
}

/* Claims as they are sent. */
typedef struct
{
  char ids[TASKS_OLD_JOBS][16];
  TaskClaim claims[TASKS_OLD_JOBS];
  TaskClaim *running[TASKS_OLD_JOBS], *finished[TASKS_OLD_JOBS];
} RegistrationClaims;

static void
registration_fill_claims (RegistrationClaims *sent, TasksClaims *known, RegisterRequest *request)
{
  for (guint i = 0; i < known->n; i++)
    {
      TasksClaim *claim = &known->list[i];
      TaskClaim *message = &sent->claims[i];
      daemoneye__eventbus__v1__task_claim__init (message);
      g_snprintf (sent->ids[i], sizeof sent->ids[i], "t%u", claim->number);
      message->task_id = sent->ids[i];
      message->attempt = claim->attempt;
      message->token = (ProtobufCBinaryData){ BUS_TOKEN_LEN, claim->token };
      if (claim->is_finished)
        sent->finished[request->n_finished++] = message;
      else
        sent->running[request->n_running++] = message;
    }
  request->running = sent->running;
  request->finished = sent->finished;
}

/* --- calls --- */

void
tasks_registration_register (TasksClient *client)
{
  static char tag[] = "zone=a";
  char *tags[] = { tag };
  TasksFrame frame = { .kind = TASKS_FRAME_REGISTER };
  RegisterRequest request = DAEMONEYE__EVENTBUS__V1__REGISTER_REQUEST__INIT;
  Daemoneye__Eventbus__V1__PriorityRange range = DAEMONEYE__EVENTBUS__V1__PRIORITY_RANGE__INIT;
  Operation operations[TASKS_OPERATIONS], *list[TASKS_OPERATIONS];
  RegistrationClaims claims;

  registration_draw_registration (&client->world->random, &frame.registration);
  range.lowest = frame.registration.lowest;
  range.highest = frame.registration.highest;
  request.type = (char *) (gsize) client->type;
  request.incarnation = client->incarnation;
  request.n_operations = registration_fill_operations (&frame.registration, operations, list);
  request.operations = list;
  request.max_concurrent = frame.registration.slots;
  request.priorities = &range;
  request.tags = tags;
  request.n_tags = frame.registration.has_tag ? 1 : 0;
  registration_draw_claims (client, &frame.claims);
  registration_fill_claims (&claims, &frame.claims, &request);
  /* Claims from an earlier broker add to the tasks of this one. */
  client->most_slots
      = MAX (client->most_slots, frame.claims.n + (client->world->restarts ? frame.registration.slots : 0));
  client->most_slots = MAX (client->most_slots, frame.registration.slots);
  tasks_client_call (client, REGISTRATION, "Register", &request.base, &frame);
}

static void
registration_subscribe (TasksClient *client, guint32 subscription, const char *pattern, TasksFrameKind kind)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;

  request.subscription = subscription;
  request.pattern = (char *) (gsize) pattern;
  request.serve = kind != TASKS_FRAME_OTHER;
  tasks_client_call (client, "control.bus.subscribe", "", &request.base, &(const TasksFrame){ .kind = kind });
}

void
tasks_registration_serve (TasksClient *client)
{
  char topic[64];

  g_snprintf (topic, sizeof topic, "control.collector.task.%s.%s", client->type, client->id);
  registration_subscribe (client, 1, topic, TASKS_FRAME_SERVE);
}

void
tasks_registration_unserve (TasksClient *client)
{
  Daemoneye__Eventbus__V1__UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;

  request.subscription = 1;
  tasks_client_call (client, "control.bus.unsubscribe", "", &request.base,
                     &(const TasksFrame){ .kind = TASKS_FRAME_UNSERVE });
}

static void
registration_serve_standing (TasksClient *client)
{
  char topic[64];

  g_snprintf (topic, sizeof topic, "control.collector.standing.%s", client->id);
  registration_subscribe (client, 3, topic, TASKS_FRAME_STANDING_SERVE);
}

/* A member that keeps outcomes must receive the list of the outcomes that are not needed any more. */
void
tasks_registration_ready (TasksClient *client)
{
  gboolean serves_first = sim_chance (&client->world->random, 50);

  if (client->world->keeps_outcomes)
    registration_subscribe (client, 2, "control.collector.lifecycle", TASKS_FRAME_OTHER);
  if (serves_first)
    tasks_registration_serve (client);
  if (client->world->has_standing && serves_first)
    registration_serve_standing (client);
  tasks_registration_register (client);
  if (!serves_first && client->world->rare != TASKS_RARE_LAZY)
    tasks_registration_serve (client);
  if (client->world->has_standing && !serves_first)
    registration_serve_standing (client);
}

void
tasks_registration_update (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  TasksFrame frame = { .kind = TASKS_FRAME_UPDATE, .registration = client->registration };
  Operation operations[TASKS_OPERATIONS], *list[TASKS_OPERATIONS];
  TasksRegistration drawn;

  registration_draw_registration (&world->random, &drawn);
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
      = frame.changes_operations ? registration_fill_operations (&frame.registration, operations, list) : 0;
  request.operations = list;
  client->most_slots = MAX (client->most_slots, frame.registration.slots);
  tasks_client_call (client, REGISTRATION, "Update", &request.base, &frame);
}

void
tasks_registration_deregister (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__DeregisterRequest request = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;

  tasks_client_call (client, REGISTRATION, "Deregister", &request.base,
                     &(const TasksFrame){ .kind = TASKS_FRAME_DEREGISTER });
}

void
tasks_registration_verify (TasksWorld *world, TasksClient *client)
{
  Daemoneye__Eventbus__V1__VerifyRequest request = DAEMONEYE__EVENTBUS__V1__VERIFY_REQUEST__INIT;

  request.registration_id = client->registration_id;
  tasks_client_call (client, REGISTRATION, "Verify", &request.base, &(const TasksFrame){ .kind = TASKS_FRAME_VERIFY });
}

/* --- outcomes of claims --- */

void
tasks_registration_forget (TasksJob *job)
{
  job->is_answered = job->is_delivered = TRUE;
}

static void
registration_fence (TasksClient *client, const TaskClaim *claim)
{
  if (claim->token.len != BUS_TOKEN_LEN)
    {
      tasks_fail (client->world, "%s got the outcome of a claim that it did not make", client->id);
      return;
    }
  for (guint i = 0; i < client->old_jobs->len; i++)
    {
      TasksJob *job = g_ptr_array_index (client->old_jobs, i);

      if (memcmp (job->token, claim->token.data, BUS_TOKEN_LEN) == 0)
        tasks_registration_forget (job);
    }
  tasks_claims_fenced (client->world, client, claim->token.data);
}

void
tasks_registration_got_lifecycle (TasksClient *client, WireSpan payload)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__collector_lifecycle__descriptor, payload, 0, NULL);
  const Daemoneye__Eventbus__V1__CollectorLifecycle *lifecycle = guard != NULL ? wire_guard_message (guard) : NULL;

  if (lifecycle == NULL)
    tasks_fail (client->world, "%s got a lifecycle that cannot be read", client->id);
  for (gsize i = 0; lifecycle != NULL && i < lifecycle->n_fenced; i++)
    registration_fence (client, lifecycle->fenced[i]);
}

void
tasks_registration_got_reply (TasksClient *client, const TasksFrame *call, WireSpan payload)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__RegisterReply *reply;

  if (call->kind != TASKS_FRAME_REGISTER)
    return;
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__register_reply__descriptor, payload, 0, NULL);
  reply = guard != NULL ? wire_guard_message (guard) : NULL;
  if (reply == NULL || reply->epoch != client->world->options.epoch)
    {
      tasks_fail (client->world, "%s got a reply to Register that cannot be read, or of another epoch", client->id);
      return;
    }
  client->registration_id = reply->registration_id;
  for (gsize i = 0; i < reply->n_fenced; i++)
    registration_fence (client, reply->fenced[i]);
}
