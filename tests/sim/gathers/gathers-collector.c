/* SPDX-License-Identifier: Apache-2.0 */
#include "gathers-world.h"

#include "control.pb-c.h"
#include "envelope.pb-c.h"
#include "wire-guard.h"

/*
 * Collectors: clients that register, work on their tasks, hang, fail, drain and disconnect.
 */

#define REGISTRATION  "control.collector.registration"
#define OUTCOME(kind) DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_##kind

typedef Daemoneye__Eventbus__V1__Extent Extent;
typedef Daemoneye__Eventbus__V1__Operation Operation;

/* --- registration --- */

static void
collector_draw_ability (SimRandom *random, GathersAbility *ability)
{
  ability->has_scan = sim_chance (random, 85);
  ability->has_hash = !ability->has_scan || sim_chance (random, 40);
  ability->idempotent = sim_chance (random, 80);
  ability->has_tag = sim_chance (random, 60);
  ability->slots = 1 + sim_below (random, 2);
}

static void
collector_register (GathersClient *client)
{
  Daemoneye__Eventbus__V1__RegisterRequest request = DAEMONEYE__EVENTBUS__V1__REGISTER_REQUEST__INIT;
  Operation operations[2], *list[2];
  char *tags[] = { (char *) (gsize) "zone=a" };

  collector_draw_ability (&client->world->random, &client->ability);
  for (guint i = 0; i < 2; i++)
    {
      if (i == 0 ? !client->ability.has_scan : !client->ability.has_hash)
        continue;
      daemoneye__eventbus__v1__operation__init (&operations[request.n_operations]);
      operations[request.n_operations].name = (char *) (gsize) (i == 0 ? "scan" : "hash");
      operations[request.n_operations].idempotent = client->ability.idempotent;
      list[request.n_operations] = &operations[request.n_operations];
      request.n_operations++;
    }
  request.type = (char *) (gsize) client->type;
  request.incarnation = client->incarnation;
  request.operations = list;
  request.max_concurrent = client->ability.slots;
  request.tags = tags;
  request.n_tags = client->ability.has_tag ? 1 : 0;
  client->is_registered = TRUE;
  client->is_draining = FALSE;
  client->gone_us = 0;
  gathers_world_call (client, REGISTRATION, "Register", &request.base,
                      &(const GathersInput){ .kind = GATHERS_INPUT_REGISTERS, .client = client });
}

static void
collector_serve (GathersClient *client)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  g_autofree char *topic = g_strdup_printf ("control.collector.task.%s.%s", client->type, client->id);

  request.subscription = 1;
  request.pattern = topic;
  request.serve = TRUE;
  request.window_messages = 1000;
  request.window_bytes = 1u << 24;
  gathers_world_call (client, "control.bus.subscribe", "", &request.base,
                      &(const GathersInput){ .kind = GATHERS_INPUT_OTHER, .client = client });
}

void
gathers_collector_begin (GathersClient *client)
{
  collector_register (client);
  if (client->peer != NULL)
    collector_serve (client);
}

/* --- jobs --- */

void
gathers_collector_got_execute (GathersClient *client, const WireEnvelope *envelope)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__execute__descriptor, envelope->payload, 0, NULL);
  const Daemoneye__Eventbus__V1__Execute *execute = guard != NULL ? wire_guard_message (guard) : NULL;
  GathersJob *job;

  if (execute == NULL || execute->token.len > sizeof job->token)
    {
      gathers_fail (client->world, "%s got an Execute that cannot be read", client->id);
      return;
    }
  if (client->n_jobs == GATHERS_JOBS)
    memmove (client->jobs, client->jobs + 1, --client->n_jobs * sizeof *job);
  job = &client->jobs[client->n_jobs++];
  *job = (GathersJob){ .route = envelope->route_id, .token_len = execute->token.len };
  memcpy (job->token, execute->token.data, execute->token.len);
}

void
gathers_collector_got_cancel (GathersClient *client, guint64 route)
{
  for (guint i = 0; i < client->n_jobs; i++)
    if (client->jobs[i].route == route)
      client->jobs[i].is_stopped = TRUE;
}

static void
collector_put (GathersClient *client,
               const GathersJob *job,
               guint8 flags,
               const ProtobufCMessage *message,
               const GathersInput *input)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (message) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route = job->route;
  envelope.payload = wire_span (payload, protobuf_c_message_pack (message, payload));
  gathers_world_send (client, WIRE_KIND_REPLY, flags, &envelope, input);
}

static void
collector_start (GathersClient *client, GathersJob *job)
{
  Daemoneye__Eventbus__V1__Progress progress = DAEMONEYE__EVENTBUS__V1__PROGRESS__INIT;
  const GathersJob copy = *job;

  progress.token = (ProtobufCBinaryData){ job->token_len, job->token };
  progress.started = TRUE;
  job->is_started = TRUE;
  collector_put (client, &copy, WIRE_FLAG_PROGRESS, &progress.base,
                 &(const GathersInput){ .kind = GATHERS_INPUT_STARTS, .client = client, .job = &copy });
}

/* The part of the data that an answer covers. NULL: the answer does not contain it. */
static const Extent *
collector_draw_extent (SimRandom *random, Extent *extent)
{
  daemoneye__eventbus__v1__extent__init (extent);
  if (sim_chance (random, 30))
    return NULL;
  extent->rows = sim_chance (random, 35) ? 0 : 1 + sim_below (random, 9);
  extent->is_truncated = sim_chance (random, 15);
  extent->is_uncounted = extent->rows == 0 && sim_chance (random, 20);
  return extent;
}

static void
collector_answer (GathersClient *client, GathersJob *job, guint outcome)
{
  Daemoneye__Eventbus__V1__Outcome message = DAEMONEYE__EVENTBUS__V1__OUTCOME__INIT;
  GathersWorld *world = client->world;
  const gboolean is_large = sim_chance (&world->random, 35);
  const gboolean is_success = outcome == OUTCOME (SUCCEEDED);
  g_autofree guint8 *payload = g_malloc0 (GATHERS_LARGE);
  GathersJob copy;
  Extent extent;

  job->is_answered = TRUE;
  job->number = ++world->last_number;
  copy = *job;
  message.token = (ProtobufCBinaryData){ copy.token_len, copy.token };
  message.kind = (Daemoneye__Eventbus__V1__OutcomeKind) outcome;
  message.error_text = (char *) (gsize) (is_success ? "" : "the run failed");
  memcpy (payload, &copy.number, sizeof copy.number);
  if (is_success)
    {
      message.payload = (ProtobufCBinaryData){ is_large ? GATHERS_LARGE : sizeof copy.number, payload };
      message.extent = (Extent *) (gsize) collector_draw_extent (&world->random, &extent);
    }
  collector_put (client, &copy, WIRE_FLAG_FINAL, &message.base,
                 &(const GathersInput){ .kind = GATHERS_INPUT_ANSWERS,
                                        .client = client,
                                        .job = &copy,
                                        .outcome = outcome,
                                        .extent = message.extent });
}

/* A random job without an answer. NULL: there is none. */
static GathersJob *
collector_pick (GathersClient *client)
{
  const guint start = client->n_jobs > 0 ? sim_below (&client->world->random, client->n_jobs) : 0;

  for (guint i = 0; i < client->n_jobs; i++)
    {
      GathersJob *job = &client->jobs[(start + i) % client->n_jobs];

      if (!job->is_answered)
        return job;
    }
  return NULL;
}

/* --- actions --- */

static void
collector_work (GathersWorld *world, GathersClient *client)
{
  GathersJob *job = collector_pick (client);

  if (job != NULL && !job->is_stopped)
    collector_start (client, job);
}

static guint
collector_draw_outcome (SimRandom *random, const GathersJob *job)
{
  const guint dice = sim_below (random, 100);

  if (job->is_stopped && dice < 60)
    return OUTCOME (CANCELLED);
  if (!job->is_started && dice < 8)
    return OUTCOME (BUSY);
  if (dice < 78)
    return OUTCOME (SUCCEEDED);
  if (dice < 88)
    return OUTCOME (RETRYABLE);
  return dice < 96 ? OUTCOME (FAILED) : OUTCOME (CANCELLED);
}

static void
collector_finish (GathersWorld *world, GathersClient *client)
{
  GathersJob *job = collector_pick (client);

  if (job != NULL)
    collector_answer (client, job, collector_draw_outcome (&world->random, job));
}

static void
collector_die (GathersWorld *world, GathersClient *client)
{
  gathers_world_disconnect (world, client);
}

static void
collector_send_goodbye (GathersWorld *world, GathersClient *client)
{
  Daemoneye__Eventbus__V1__Goodbye goodbye = DAEMONEYE__EVENTBUS__V1__GOODBYE__INIT;
  char detail[] = "done";
  guint8 body[64];

  goodbye.detail = detail;
  client->has_left = TRUE;
  gathers_world_put (client, WIRE_KIND_GOODBYE, 0,
                     wire_span (body, daemoneye__eventbus__v1__goodbye__pack (&goodbye, body)),
                     &(const GathersInput){ .kind = GATHERS_INPUT_LEAVES, .client = client });
}

static void
collector_deregister (GathersWorld *world, GathersClient *client)
{
  Daemoneye__Eventbus__V1__DeregisterRequest request = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;

  if (client->is_registered)
    gathers_world_call (client, REGISTRATION, "Deregister", &request.base,
                        &(const GathersInput){ .kind = GATHERS_INPUT_LEAVES, .client = client });
}

static void
collector_drain (GathersWorld *world, GathersClient *client)
{
  Daemoneye__Eventbus__V1__UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;

  if (!client->is_registered || client->is_draining)
    return;
  request.draining = TRUE;
  request.drain_us = 300 * G_TIME_SPAN_MILLISECOND;
  gathers_world_call (client, REGISTRATION, "Update", &request.base,
                      &(const GathersInput){ .kind = GATHERS_INPUT_DRAINS, .client = client });
}

static void
collector_register_again (GathersWorld *world, GathersClient *client)
{
  collector_register (client);
}

static void
collector_freeze (GathersWorld *world, GathersClient *client)
{
  client->is_frozen = TRUE;
}

void
gathers_collector_step (GathersWorld *world, GathersClient *client)
{
  static const struct
  {
    guint weight;
    void (*run) (GathersWorld *world, GathersClient *client);
  } acts[] = {
    { 260, collector_work },     { 250, collector_finish }, { 14, collector_die },    { 5, collector_send_goodbye },
    { 8, collector_deregister }, { 12, collector_drain },   { 24, collector_freeze }, { 14, collector_register_again },
  };
  guint dice = sim_below (&world->random, 587);
  guint i = 0;

  if (!client->is_registered || client->is_draining)
    dice = sim_chance (&world->random, 70) ? dice : 586; /* it registers again */
  for (; dice >= acts[i].weight; i++)
    dice -= acts[i].weight;
  acts[i].run (world, client);
}

void
gathers_collector_heal (GathersClient *client)
{
  client->is_frozen = FALSE;
  if (!client->is_registered)
    collector_register (client);
  for (guint i = 0; i < client->n_jobs && client->peer != NULL; i++)
    if (!client->jobs[i].is_answered)
      collector_answer (client, &client->jobs[i], OUTCOME (SUCCEEDED));
}
