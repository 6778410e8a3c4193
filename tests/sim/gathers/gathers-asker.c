/* SPDX-License-Identifier: Apache-2.0 */
#include "gathers-world.h"

#include "peer/bus-peer.h"

/*
 * Askers: clients that ask questions, read slowly, and cancel their questions. The agent is the operator as well.
 */

#define GATHER          "control.bus.gather"
#define TASK            "control.bus.task"
#define SECOND          G_TIME_SPAN_SECOND
#define MAY_BE(n)       sim_chance (&world->random, n)
#define METHOD_OF(name) DAEMONEYE__EVENTBUS__V1__GATHER_##name

typedef Daemoneye__Eventbus__V1__GatherRequest GatherRequest;

/* --- questions --- */

static GathersQuestion *
asker_free_place (GathersWorld *world)
{
  for (guint i = 0; i < GATHERS_QUESTIONS; i++)
    if (!world->questions[i].is_used)
      return &world->questions[i];
  return NULL;
}

static void
asker_draw_question (GathersWorld *world, GathersQuestion *question)
{
  SimRandom *random = &world->random;

  question->mode = (BusGatherMode) (1 + sim_below (random, 3));
  question->n = question->mode == BUS_GATHER_ALL ? 0 : 1 + sim_below (random, 4);
  question->require = (BusGatherRequire) (1 + sim_below (random, 3));
  if (question->require == BUS_REQUIRE_AT_LEAST)
    question->require_n = 1 + sim_below (random, question->mode == BUS_GATHER_ALL ? 3 : question->n);
  question->is_hash = MAY_BE (15);
  question->type = MAY_BE (70) ? 0 : 1 + sim_below (random, 2);
  question->wants_tag = MAY_BE (12);
  question->asked_us = world->now_us + 1; /* the time of the input */
  question->due_us = question->asked_us + (gint64) (1 + sim_below (random, 40)) * SECOND / 8;
  question->stall_us = MAY_BE (25) ? (gint64) (1 + sim_below (random, 8)) * SECOND / 8 : 0;
}

static void
asker_fill_request (const GathersWorld *world, const GathersQuestion *question, GatherRequest *request)
{
  static const char *const types[] = { "", "procmond", "netmond" };
  static char *tags[] = { (char *) (gsize) "zone=a" };

  daemoneye__eventbus__v1__gather_request__init (request);
  request->operation = (char *) (gsize) (question->is_hash ? "hash" : "scan");
  request->type = (char *) (gsize) types[question->type];
  request->mode = (Daemoneye__Eventbus__V1__GatherMode) question->mode;
  request->n = question->n;
  request->require = (Daemoneye__Eventbus__V1__GatherRequire) question->require;
  request->require_n = question->require_n;
  request->deadline_us = (guint64) (question->due_us - question->asked_us);
  request->stall_us = (guint64) question->stall_us;
  request->tags = tags;
  request->n_tags = question->wants_tag ? 1 : 0;
}

static void
asker_ask (GathersWorld *world, GathersClient *client)
{
  GathersQuestion *question = asker_free_place (world);
  GatherRequest request;

  if (question == NULL)
    return;
  *question = (GathersQuestion){ .is_used = TRUE, .asker = client, .request_id = client->next_id + 1 };
  asker_draw_question (world, question);
  asker_fill_request (world, question, &request);
  gathers_world_call (client, GATHER, "Gather", &request.base,
                      &(const GathersInput){ .kind = GATHERS_INPUT_ASKS, .client = client });
}

/* A random open question of the client. NULL: it has none. */
static GathersQuestion *
asker_pick (GathersWorld *world, const GathersClient *client)
{
  const guint start = sim_below (&world->random, GATHERS_QUESTIONS);

  for (guint i = 0; i < GATHERS_QUESTIONS; i++)
    {
      GathersQuestion *question = &world->questions[(start + i) % GATHERS_QUESTIONS];

      if (question->is_used && !question->is_over && (client == NULL || question->asker == client))
        return question;
    }
  return NULL;
}

static void
asker_cancel (GathersWorld *world, GathersClient *client)
{
  GathersQuestion *question = asker_pick (world, client);
  WireEnvelope envelope;

  if (question == NULL)
    return;
  wire_envelope_init (&envelope);
  envelope.id = question->request_id;
  gathers_world_send (
      client, WIRE_KIND_CANCEL, 0, &envelope,
      &(const GathersInput){ .kind = GATHERS_INPUT_ENDS_QUESTION, .client = client, .query_id = question->query_id });
  gathers_cover (world, GATHERS_COVER_ASKER_CANCELS);
}

static void
asker_leave (GathersWorld *world, GathersClient *client)
{
  if (asker_pick (world, client) != NULL)
    gathers_cover (world, GATHERS_COVER_ASKER_GONE);
  gathers_world_disconnect (world, client);
}

static void
asker_freeze (GathersWorld *world, GathersClient *client)
{
  client->is_frozen = TRUE;
}

/* --- the operator --- */

static void
asker_expect (GathersWorld *world, GathersClient *client)
{
  Daemoneye__Eventbus__V1__BarrierRequest request = DAEMONEYE__EVENTBUS__V1__BARRIER_REQUEST__INIT;
  const GathersInput input = { .kind = GATHERS_INPUT_OTHER, .client = client };
  char *ids[GATHERS_NAMES];
  WireEnvelope envelope;
  guint bits = 0;

  for (guint i = 1; i < GATHERS_NAMES; i++)
    if (i == 1 ? MAY_BE (15) : i < GATHERS_OLD ? MAY_BE (30) : MAY_BE (25))
      {
        ids[request.n_expected++] = (char *) (gsize) gathers_name (world, i);
        bits |= 1u << i;
      }
  request.expected = ids;
  world->expected[client->slot] = bits;
  wire_envelope_init (&envelope);
  envelope.id = gathers_world_call (client, "control.bus.collectors", "Barrier", &request.base, &input);
  if (client->peer != NULL)
    gathers_world_send (client, WIRE_KIND_CANCEL, 0, &envelope, &input);
}

static void
asker_operate (GathersWorld *world, const char *method, guint limit)
{
  Daemoneye__Eventbus__V1__OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;
  GathersClient *agent = &world->clients[0];

  request.operation = (char *) (gsize) "scan";
  request.limit = limit;
  gathers_world_call (agent, TASK, method, &request.base,
                      &(const GathersInput){ .kind = GATHERS_INPUT_OPERATES, .client = agent });
}

static void
asker_pause (GathersWorld *world, GathersClient *client)
{
  if (client->slot != 0)
    return;
  world->is_paused = !world->is_paused;
  asker_operate (world, world->is_paused ? "PauseOperation" : "ResumeOperation", 0);
}

static void
asker_limit (GathersWorld *world, GathersClient *client)
{
  if (client->slot != 0)
    return;
  world->limit = MAY_BE (60) ? 0 : 1 + sim_below (&world->random, 3);
  asker_operate (world, "Limit", world->limit);
}

/* A task of a question, and the entry that it belongs to now. */
static void
asker_stop_task (GathersWorld *world, GathersClient *client)
{
  Daemoneye__Eventbus__V1__TaskIdsRequest request = DAEMONEYE__EVENTBUS__V1__TASK_IDS_REQUEST__INIT;
  const GathersQuestion *question = client->slot == 0 ? asker_pick (world, client) : NULL;
  const BusGather *gather = question != NULL ? gathers_compare_find (world, question) : NULL;
  const BusGatherEntry *entry;
  char id[64], *ids[] = { id };

  if (gather == NULL || gather->n_entries == 0)
    return;
  entry = &gather->entries[sim_below (&world->random, gather->n_entries)];
  if (entry->task == NULL)
    return;
  g_snprintf (id, sizeof id, "%.*s", (int) bus_task_id (entry->task).len,
              (const char *) bus_task_id (entry->task).data);
  request.ids = ids;
  request.n_ids = 1;
  gathers_world_call (
      client, TASK, "Cancel", &request.base,
      &(const GathersInput){
          .kind = GATHERS_INPUT_STOPS_TASK, .client = client, .query_id = question->query_id, .index = entry->index });
}

void
gathers_asker_step (GathersWorld *world, GathersClient *client)
{
  static const struct
  {
    guint weight;
    void (*run) (GathersWorld *world, GathersClient *client);
  } acts[] = { { 60, asker_ask },   { 4, asker_cancel }, { 3, asker_leave }, { 24, asker_freeze },
               { 8, asker_expect }, { 6, asker_pause },  { 6, asker_limit }, { 8, asker_stop_task } };
  guint dice = sim_below (&world->random, 119);
  guint i = 0;

  if (world->is_paused && client->slot == 0 && MAY_BE (25))
    {
      asker_pause (world, client);
      return;
    }
  for (; dice >= acts[i].weight; i++)
    dice -= acts[i].weight;
  acts[i].run (world, client);
}

void
gathers_asker_heal (GathersWorld *world)
{
  for (guint i = 0; i < GATHERS_ASKERS; i++)
    world->clients[i].is_frozen = FALSE;
  if (world->clients[0].peer == NULL)
    return;
  if (world->is_paused)
    asker_pause (world, &world->clients[0]);
  world->limit = 0;
  asker_operate (world, "Limit", 0);
}
