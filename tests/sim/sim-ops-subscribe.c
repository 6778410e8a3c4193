/* SPDX-License-Identifier: Apache-2.0 */
#include "core-view.h"
#include "sim-ops-private.h"

#include <string.h>

/* Operations on subscriptions: plain ones, members of groups, services, watchers of the broker, and their credit. */

static const char *const patterns[] = {
  "#",
  "events.#",
  "events.process.+",
  "events.process.new",
  "events.+.anomaly",
  "tasks.#",
  "tasks.procmond",
  "results.#",
  "results.+",
  "health.#",
  "health.status",
  "control.#",
  "control.health.#",
  "control.agent.policy",
};

const char *const sim_groups[SIM_GROUPS] = { "one", "two" };

static SimPolicy
ops_default_policy (const char *pattern)
{
  if (g_str_has_prefix (pattern, "tasks.") || g_str_has_prefix (pattern, "results."))
    return SIM_BLOCK;
  if (g_str_has_prefix (pattern, "health.") || g_str_has_prefix (pattern, "control.health."))
    return SIM_CONFLATE;
  return g_str_has_prefix (pattern, "control.") ? SIM_DROP_NEWEST : SIM_DROP_OLDEST;
}

static void
ops_draw_bounds (SimRandom *random, guint64 *messages, guint64 *bytes)
{
  *messages = sim_chance (random, 60) ? 1 + sim_below (random, 12) : 0;
  *bytes = sim_chance (random, 30) ? 1000 + sim_below (random, 20000) : 0;
}

static gboolean
ops_may_subscribe (SimClient *client, guint place)
{
  SimSub *sub = &client->subs[place];

  if (sub->exists || sub->asked || !sim_client_has_credit (client, WIRE_CLASS_CONTROL))
    return FALSE;
  sub->asked = TRUE;
  return TRUE;
}

/* One group of many members, to compare the strategies. */
static void
ops_draw_large_group (Daemoneye__Eventbus__V1__SubscribeRequest *request, SimFrame *frame)
{
  frame->group = sim_groups[0];
  frame->topic = "health.#";
  request->group = (char *) (gsize) frame->group;
  request->policy = SIM_DROP_NEWEST;
}

/* Members mostly ask for the strategy of the seed. */
static void
ops_draw_share (const SimWorld *world, SimRandom *random, Daemoneye__Eventbus__V1__SubscribeRequest *request)
{
  guint strategy = sim_chance (random, 8) ? sim_below (random, 5) : 1 + world->strategy;

  request->strategy = (Daemoneye__Eventbus__V1__Strategy) strategy;
  if (world->has_weights)
    request->weight = sim_below (random, 4);
  if (sim_chance (random, 30))
    request->in_flight = 1 + sim_below (random, 6);
}

/* Members of a group mostly ask for the same policy; another policy is refused. The second group blocks, mostly on tasks,
 * which collectors may do as well. */
static void
ops_draw_group (SimRandom *random,
                const SimClient *client,
                Daemoneye__Eventbus__V1__SubscribeRequest *request,
                SimFrame *frame)
{
  guint at = sim_below (random, SIM_GROUPS);

  frame->group = sim_groups[at];
  request->group = (char *) (gsize) frame->group;
  request->policy = at == 1 ? SIM_BLOCK : sim_chance (random, 20) ? SIM_ERROR : SIM_DROP_NEWEST;
  if (at == 1 && sim_chance (random, 50))
    frame->topic = "results.+"; /* collectors publish there as well, so members get messages that they published */
  else if (at == 1 && (client->role == SIM_COLLECTOR || sim_chance (random, 70)))
    frame->topic = client->role == SIM_COLLECTOR || sim_chance (random, 50) ? "tasks.procmond" : "tasks.#";
}

/* The parts of a filter that a request refers to. */
typedef struct
{
  Daemoneye__Eventbus__V1__Filter message;
  char ids[2][8];
  char *tags[SIM_WANTED_TAGS];
} OpsFilter;

static void
ops_draw_filter (SimRandom *random,
                 SimLineage *lineage,
                 OpsFilter *parts,
                 Daemoneye__Eventbus__V1__SubscribeRequest *request)
{
  Daemoneye__Eventbus__V1__Filter *filter = &parts->message;
  char (*texts)[8] = parts->ids;

  if (sim_chance (random, 70))
    lineage->root = 1 + sim_below (random, SIM_IDS);
  else
    lineage->id = 1 + sim_below (random, SIM_IDS);
  lineage->stage = sim_below (random, SIM_STAGES);
  g_snprintf (texts[0], sizeof texts[0], "m%u", lineage->root + lineage->id);
  texts[1][0] = '\0';
  if (lineage->stage != 0)
    g_snprintf (texts[1], sizeof texts[1], "m%u", lineage->stage);
  if (lineage->root != 0)
    filter->root_id = texts[0];
  else
    filter->correlation_id = texts[0];
  filter->stage = texts[1];
  request->filter = filter;
}

/* Tags, alone or beside the ids that the filter has already. */
static void
ops_draw_wanted_tags (SimRandom *random,
                      SimLineage *lineage,
                      OpsFilter *parts,
                      Daemoneye__Eventbus__V1__SubscribeRequest *request)
{
  Daemoneye__Eventbus__V1__Filter *filter = &parts->message;

  lineage->tags = 1u << sim_below (random, SIM_WANTED_TAGS);
  if (sim_chance (random, 50))
    lineage->tags |= 1u << sim_below (random, SIM_WANTED_TAGS);
  filter->tags = parts->tags;
  for (guint i = 0; i < SIM_WANTED_TAGS; i++)
    if ((lineage->tags & 1u << i) != 0)
      filter->tags[filter->n_tags++] = (char *) (gsize) sim_wanted_tags[i];
  request->filter = filter;
}

void
sim_op_subscribe (SimWorld *world, SimClient *client)
{
  SimRandom *random = &world->random;
  Daemoneye__Eventbus__V1__SubscribeRequest request;
  SimFrame frame = { .kind = SIM_FRAME_SUBSCRIBE };
  OpsFilter filter;

  daemoneye__eventbus__v1__filter__init (&filter.message);
  daemoneye__eventbus__v1__subscribe_request__init (&request);
  frame.place = sim_below (random, SIM_SUBS - 1);
  if (!ops_may_subscribe (client, frame.place))
    return;
  frame.subscription = request.subscription = ++client->next_subscription;
  frame.topic = patterns[sim_below (random, G_N_ELEMENTS (patterns))];
  frame.lazy = sim_chance (random, 50);
  request.policy = sim_below (random, SIM_N_POLICIES);
  if (sim_chance (random, world->has_large_groups ? 80 : 25))
    {
      if (world->has_large_groups)
        ops_draw_large_group (&request, &frame);
      else
        ops_draw_group (random, client, &request, &frame);
      ops_draw_share (world, random, &request);
    }
  else if (sim_chance (random, 10))
    ops_draw_filter (random, &frame.lineage, &filter, &request);
  if (world->has_tags && frame.group == NULL && sim_chance (&world->aside, 30))
    ops_draw_wanted_tags (&world->aside, &frame.lineage, &filter, &request);
  request.pattern = (char *) (gsize) frame.topic;
  ops_draw_bounds (random, &request.queue_messages, &request.queue_bytes);
  frame.window_messages = request.window_messages = 1 + sim_below (random, 20);
  frame.window_bytes = request.window_bytes = 2000 + sim_below (random, 50000);
  if (request.in_flight != 0)
    frame.window_messages = MIN (frame.window_messages, request.in_flight);
  frame.policy = request.policy != 0 ? (SimPolicy) request.policy : ops_default_policy (frame.topic);
  frame.is_unbounded = request.queue_messages == 0 && request.queue_bytes == 0;
  sim_ops_call (client, "control.bus.subscribe", &request.base, &frame);
}

void
sim_ops_subscribe_narrow (SimClient *client, guint place, const char *pattern)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request;
  SimFrame frame = { .kind = SIM_FRAME_SUBSCRIBE, .topic = pattern, .policy = SIM_BLOCK, .place = place, .lazy = TRUE };

  if (!ops_may_subscribe (client, place))
    return;
  daemoneye__eventbus__v1__subscribe_request__init (&request);
  frame.subscription = request.subscription = ++client->next_subscription;
  request.pattern = (char *) (gsize) pattern;
  request.policy = SIM_BLOCK;
  request.queue_messages = 4;
  frame.window_messages = request.window_messages = 2;
  frame.window_bytes = request.window_bytes = 2000;
  sim_ops_call (client, "control.bus.subscribe", &request.base, &frame);
}

void
sim_op_serve (SimWorld *world, SimClient *client)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request;
  static char served[] = SIM_SERVED;
  const SimFrame frame = { .kind = SIM_FRAME_SUBSCRIBE,
                           .place = SIM_SERVE_PLACE,
                           .subscription = ++client->next_subscription,
                           .serve = TRUE,
                           .topic = SIM_SERVED,
                           .window_messages = 4,
                           .window_bytes = 10000,
                           .lazy = sim_chance (&world->random, 30) };

  if (!ops_may_subscribe (client, SIM_SERVE_PLACE))
    return;
  daemoneye__eventbus__v1__subscribe_request__init (&request);
  request.subscription = frame.subscription;
  request.pattern = served;
  request.serve = TRUE;
  request.window_messages = frame.window_messages;
  request.window_bytes = frame.window_bytes;
  sim_ops_call (client, "control.bus.subscribe", &request.base, &frame);
}

/* The agent and the tool may read the broker's own events. */
void
sim_op_watch (SimWorld *world, SimClient *client)
{
  static const char *const watched[] = { "system.#", "system.#", "system.drop", "system.slow" };
  Daemoneye__Eventbus__V1__SubscribeRequest request;
  SimFrame frame = { .kind = SIM_FRAME_SUBSCRIBE, .place = sim_below (&world->random, SIM_SUBS - 1) };

  if (client->role == SIM_COLLECTOR || !ops_may_subscribe (client, frame.place))
    return;
  daemoneye__eventbus__v1__subscribe_request__init (&request);
  frame.subscription = request.subscription = ++client->next_subscription;
  frame.topic = watched[sim_below (&world->random, G_N_ELEMENTS (watched))];
  frame.lazy = sim_chance (&world->random, 20);
  request.pattern = (char *) (gsize) frame.topic;
  frame.window_messages = request.window_messages = 1 + sim_below (&world->random, 20);
  frame.window_bytes = request.window_bytes = 20000;
  frame.policy = SIM_DROP_OLDEST;
  frame.is_unbounded = TRUE;
  sim_ops_call (client, "control.bus.subscribe", &request.base, &frame);
}

void
sim_op_unsubscribe (SimWorld *world, SimClient *client)
{
  Daemoneye__Eventbus__V1__UnsubscribeRequest request;
  SimFrame frame = { .kind = SIM_FRAME_UNSUBSCRIBE, .place = sim_below (&world->random, SIM_SUBS) };

  frame.subscription = client->subs[frame.place].number;
  if (!client->subs[frame.place].exists || !sim_client_has_credit (client, WIRE_CLASS_CONTROL))
    return;

  daemoneye__eventbus__v1__unsubscribe_request__init (&request);
  request.subscription = frame.subscription;
  sim_ops_call (client, "control.bus.unsubscribe", &request.base, &frame);
  g_hash_table_insert (client->left, g_memdup2 (&client->next_id, sizeof client->next_id),
                       GUINT_TO_POINTER (frame.subscription));
}

void
sim_op_adjust (SimWorld *world, SimClient *client)
{
  Daemoneye__Eventbus__V1__AdjustRequest request;
  SimFrame frame = { .kind = SIM_FRAME_ADJUST, .place = sim_below (&world->random, SIM_SUBS - 1) };

  frame.subscription = client->subs[frame.place].number;
  if (!client->subs[frame.place].exists)
    return;
  /* Most block subscriptions keep their policy unless they are demoted, because no operation changes a policy to block. */
  if (sim_view_is_demoted (client, frame.subscription))
    sim_cover (world, SIM_COVER_ADJUSTED_DEMOTED);
  else if (sim_model_policy (world->model, client->number, frame.subscription) == SIM_BLOCK
           && !sim_chance (&world->random, 20))
    return;
  daemoneye__eventbus__v1__adjust_request__init (&request);
  request.subscription = frame.subscription;
  /* The new policy is never block, because not every client may use it. */
  frame.policy = request.policy = SIM_DROP_OLDEST + sim_below (&world->random, 4);
  ops_draw_bounds (&world->random, &request.queue_messages, &request.queue_bytes);
  sim_ops_call (client, "control.bus.adjust", &request.base, &frame);
}

void
sim_op_credit (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    if (sim_chance (&world->random, 50))
      sim_client_return_credit (client, i, sim_chance (&world->random, 50));
  if (sim_chance (&world->random, 50))
    sim_client_return_reply_credit (client, TRUE);
}
