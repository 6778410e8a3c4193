/* SPDX-License-Identifier: Apache-2.0 */
#include "control.pb-c.h"
#include "core-view.h"
#include "sim-world.h"

#include <string.h>

/*
 * Operations: what clients do, valid and invalid, and what goes wrong around them. Each step of a seed draws one from a
 * table with weights, for a random client.
 */

/* Which peers may publish: A the agent and tools, P procmonds, N netmonds. */
static const struct
{
  const char *topic;
  const char *publishers;
} topics[] = {
  { "events.process.new", "P" },
  { "events.network.dns", "N" },
  { "events.process.anomaly", "APN" },
  { "tasks.procmond", "A" },
  { "results.procmond", "P" },
  { "results.netmond", "N" },
  { "health.status", "APN" },
  { "health.disk", "APN" },
  { "control.health.heartbeat", "APN" },
  { "control.agent.policy", "A" },
  { "control.collector.lifecycle", "A" },
};

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

#define SERVED      "health.echo"
#define PAYLOAD_MAX 24000u
#define SERVE_PLACE (SIM_SUBS - 1)
#define OTHER       (&(const SimFrame){ .kind = SIM_FRAME_OTHER })

static char
ops_kind_of (const SimClient *client)
{
  return client->role != SIM_COLLECTOR ? 'A' : client->type[0] == 'p' ? 'P' : 'N';
}

static guint
ops_draw_size (SimRandom *random)
{
  guint dice = sim_below (random, 100);

  if (dice < 70)
    return 8 + sim_below (random, 200);
  return dice < 95 ? 200 + sim_below (random, 3000) : 3000 + sim_below (random, PAYLOAD_MAX - 3000);
}

#define IDS    12u
#define STAGES 3u

/* A text for a number; 0: none. Static: there are few. */
static WireSpan
ops_id (guint number)
{
  static char texts[IDS + 1][8];

  if (number == 0)
    return wire_span (NULL, 0);
  g_snprintf (texts[number], sizeof texts[number], "m%u", number);
  return wire_span_str (texts[number]);
}

/* Mostly a chain that goes on, sometimes one that is too long or closes a circle. */
static void
ops_draw_lineage (SimRandom *random, SimLineage *lineage, WireEnvelope *envelope)
{
  if (!sim_chance (random, 20))
    return;
  lineage->id = sim_below (random, IDS + 1);
  lineage->parent = sim_chance (random, 60) ? sim_below (random, IDS + 1) : 0;
  lineage->root = sim_chance (random, 40) ? 1 + sim_below (random, IDS) : 0;
  lineage->stage = sim_below (random, STAGES);
  lineage->depth = sim_chance (random, 30) ? sim_below (random, 8) : 0;
  envelope->correlation_id = ops_id (lineage->id);
  envelope->parent_id = ops_id (lineage->parent);
  envelope->root_id = ops_id (lineage->root);
  envelope->stage = ops_id (lineage->stage);
  envelope->depth = lineage->depth;
}

static void
ops_publish_to (SimWorld *world, SimClient *client, const char *topic, guint len)
{
  static guint8 payload[PAYLOAD_MAX];
  SimFrame frame = { .kind = SIM_FRAME_PUBLISH, .topic = topic, .payload_len = len };
  WireEnvelope envelope;
  guint8 flags = WIRE_FLAG_WANT_ACK;

  wire_envelope_init (&envelope);
  envelope.id = ++client->next_id;
  envelope.topic = wire_span_str (topic);
  frame.number = (guint64) client->number << 32 | envelope.id;
  memcpy (payload, &frame.number, sizeof frame.number);
  envelope.payload = wire_span (payload, len);
  if (sim_chance (&world->random, 8))
    envelope.ttl_us = 2 * (500 + sim_below (&world->random, 100000)); /* even, see sim_model_deliver() */
  frame.ttl_us = envelope.ttl_us;
  if (sim_chance (&world->random, 8))
    g_snprintf (frame.target, sizeof frame.target, "c%u", sim_below (&world->random, SIM_CLIENTS));
  envelope.target = wire_span_str (frame.target);
  frame.broadcast = frame.target[0] == '\0' && sim_chance (&world->random, 5);
  frame.at_least_once = frame.target[0] == '\0' && !frame.broadcast && world->keeps && sim_chance (&world->random, 50);
  if (frame.at_least_once)
    envelope.delivery = WIRE_DELIVERY_AT_LEAST_ONCE;
  if (frame.broadcast)
    flags |= WIRE_FLAG_BROADCAST;
  ops_draw_lineage (&world->random, &frame.lineage, &envelope);
  sim_client_put (client, WIRE_KIND_PUBLISH, flags, &envelope, &frame);
}

static void
op_publish (SimWorld *world, SimClient *client)
{
  guint start = sim_below (&world->random, G_N_ELEMENTS (topics));
  guint burst = sim_chance (&world->random, 30) ? 1 + sim_below (&world->random, 20) : 1;
  guint at = start;

  while (strchr (topics[at].publishers, ops_kind_of (client)) == NULL)
    at = (at + 1) % G_N_ELEMENTS (topics);
  for (guint i = 0; i < burst; i++)
    {
      guint len = ops_draw_size (&world->random);
      WireClass credit_class = wire_class_of (WIRE_KIND_PUBLISH, wire_span_str (topics[at].topic), len).credit_class;

      if (!sim_client_has_credit (client, credit_class))
        return;
      ops_publish_to (world, client, topics[at].topic, len);
    }
}

/* Control messages of a size that soon fills a control lane. */
static void
op_crowd (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < 4 && sim_client_has_credit (client, WIRE_CLASS_CONTROL); i++)
    ops_publish_to (world, client, i % 2 == 0 ? "health.status" : "health.disk",
                    6000 + sim_below (&world->random, 9000));
}

/* The beginning of a large frame; the rest comes when the client is not late any more. */
static void
op_begin (SimWorld *world, SimClient *client)
{
  const char *topic = client->role == SIM_COLLECTOR ? "health.status" : "health.disk";

  if (client->frames.length > 0 || !sim_client_has_credit (client, WIRE_CLASS_MAY_DROP))
    return;
  ops_publish_to (world, client, topic, 20000 + sim_below (&world->random, PAYLOAD_MAX - 20000));
  sim_world_feed (world, client, 16384 + sim_below (&world->random, 3000));
  if (client->peer != NULL)
    client->is_late = TRUE;
}

/* --- subscriptions --- */

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

static void
ops_call (SimClient *client, const char *topic, const ProtobufCMessage *message, const SimFrame *frame)
{
  guint8 bytes[512];

  g_assert (protobuf_c_message_get_packed_size (message) <= sizeof bytes);
  sim_client_call (client, topic, wire_span (bytes, protobuf_c_message_pack (message, bytes)), frame);
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

/* Members of a group mostly ask for the same policy; another policy is refused. The second group blocks, mostly on tasks,
 * which collectors may do as well. */
/* One group of many members, which the strategies are compared with. */
static void
ops_draw_crew (Daemoneye__Eventbus__V1__SubscribeRequest *request, SimFrame *frame)
{
  frame->group = sim_groups[0];
  frame->topic = "health.#";
  request->group = (char *) (gsize) frame->group;
  request->policy = SIM_DROP_NEWEST;
}

/* Members mostly ask for the strategy that all of this seed ask for. */
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
    frame->topic = "results.+"; /* of collectors as well, so that members get messages that they published */
  else if (at == 1 && (client->role == SIM_COLLECTOR || sim_chance (random, 70)))
    frame->topic = client->role == SIM_COLLECTOR || sim_chance (random, 50) ? "tasks.procmond" : "tasks.#";
}

/* @texts: for the filter, which the request refers to. */
static void
ops_draw_filter (SimRandom *random,
                 SimLineage *lineage,
                 Daemoneye__Eventbus__V1__Filter *filter,
                 char texts[2][8],
                 Daemoneye__Eventbus__V1__SubscribeRequest *request)
{
  daemoneye__eventbus__v1__filter__init (filter);
  if (sim_chance (random, 70))
    lineage->root = 1 + sim_below (random, IDS);
  else
    lineage->id = 1 + sim_below (random, IDS);
  lineage->stage = sim_below (random, STAGES);
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

static void
op_subscribe (SimWorld *world, SimClient *client)
{
  SimRandom *random = &world->random;
  Daemoneye__Eventbus__V1__SubscribeRequest request;
  Daemoneye__Eventbus__V1__Filter filter;
  SimFrame frame = { .kind = SIM_FRAME_SUBSCRIBE };
  char texts[2][8];

  daemoneye__eventbus__v1__subscribe_request__init (&request);
  frame.place = sim_below (random, SIM_SUBS - 1);
  if (!ops_may_subscribe (client, frame.place))
    return;
  frame.subscription = request.subscription = ++client->next_subscription;
  frame.topic = patterns[sim_below (random, G_N_ELEMENTS (patterns))];
  frame.lazy = sim_chance (random, 50);
  request.policy = sim_below (random, SIM_N_POLICIES);
  if (sim_chance (random, world->is_crew ? 80 : 25))
    {
      if (world->is_crew)
        ops_draw_crew (&request, &frame);
      else
        ops_draw_group (random, client, &request, &frame);
      ops_draw_share (world, random, &request);
    }
  else if (sim_chance (random, 10))
    ops_draw_filter (random, &frame.lineage, &filter, texts, &request);
  request.pattern = (char *) (gsize) frame.topic;
  ops_draw_bounds (random, &request.queue_messages, &request.queue_bytes);
  frame.window_messages = request.window_messages = 1 + sim_below (random, 20);
  frame.window_bytes = request.window_bytes = 2000 + sim_below (random, 50000);
  if (request.in_flight != 0)
    frame.window_messages = MIN (frame.window_messages, request.in_flight);
  frame.policy = request.policy != 0 ? (SimPolicy) request.policy : ops_default_policy (frame.topic);
  frame.roomy = request.queue_messages == 0 && request.queue_bytes == 0;
  ops_call (client, "control.bus.subscribe", &request.base, &frame);
}

static void
op_serve (SimWorld *world, SimClient *client)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request;
  static char served[] = SERVED;
  const SimFrame frame = { .kind = SIM_FRAME_SUBSCRIBE,
                           .place = SERVE_PLACE,
                           .subscription = ++client->next_subscription,
                           .serve = TRUE,
                           .topic = SERVED,
                           .window_messages = 4,
                           .window_bytes = 10000,
                           .lazy = sim_chance (&world->random, 30) };

  if (!ops_may_subscribe (client, SERVE_PLACE))
    return;
  daemoneye__eventbus__v1__subscribe_request__init (&request);
  request.subscription = frame.subscription;
  request.pattern = served;
  request.serve = TRUE;
  request.window_messages = frame.window_messages;
  request.window_bytes = frame.window_bytes;
  ops_call (client, "control.bus.subscribe", &request.base, &frame);
}

/* Agent and tool may read what the broker publishes by itself. */
static void
op_watch (SimWorld *world, SimClient *client)
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
  frame.roomy = TRUE;
  ops_call (client, "control.bus.subscribe", &request.base, &frame);
}

static void
op_unsubscribe (SimWorld *world, SimClient *client)
{
  Daemoneye__Eventbus__V1__UnsubscribeRequest request;
  SimFrame frame = { .kind = SIM_FRAME_UNSUBSCRIBE, .place = sim_below (&world->random, SIM_SUBS) };

  frame.subscription = client->subs[frame.place].number;
  if (!client->subs[frame.place].exists || !sim_client_has_credit (client, WIRE_CLASS_CONTROL))
    return;

  daemoneye__eventbus__v1__unsubscribe_request__init (&request);
  request.subscription = frame.subscription;
  ops_call (client, "control.bus.unsubscribe", &request.base, &frame);
  g_hash_table_insert (client->left, g_memdup2 (&client->next_id, sizeof client->next_id),
                       GUINT_TO_POINTER (frame.subscription));
}

static void
op_adjust (SimWorld *world, SimClient *client)
{
  Daemoneye__Eventbus__V1__AdjustRequest request;
  SimFrame frame = { .kind = SIM_FRAME_ADJUST, .place = sim_below (&world->random, SIM_SUBS - 1) };

  frame.subscription = client->subs[frame.place].number;
  if (!client->subs[frame.place].exists)
    return;
  /* Most blocks stay, unless they are demoted: no operation makes another one of them. */
  if (sim_view_is_demoted (client, frame.subscription))
    sim_cover (world, SIM_COVER_ADJUSTED_DEMOTED);
  else if (sim_model_policy (world->model, client->number, frame.subscription) == SIM_BLOCK
           && !sim_chance (&world->random, 20))
    return;
  daemoneye__eventbus__v1__adjust_request__init (&request);
  request.subscription = frame.subscription;
  /* Never to block, which not every client may use. */
  frame.policy = request.policy = SIM_DROP_OLDEST + sim_below (&world->random, 4);
  ops_draw_bounds (&world->random, &request.queue_messages, &request.queue_bytes);
  ops_call (client, "control.bus.adjust", &request.base, &frame);
}

static void
op_credit (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    if (sim_chance (&world->random, 50))
      sim_client_return_credit (client, i, sim_chance (&world->random, 50));
  if (sim_chance (&world->random, 50))
    sim_client_return_reply_credit (client, TRUE);
}

/* --- requests --- */

/* A client in whose control lane messages wait, or @client: a reply to it must not overtake them. */
static SimClient *
ops_client_that_is_behind (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      SimClient *other = &world->clients[(client->number + i) % SIM_CLIENTS];

      if (other->is_ready && sim_view_control_waits (other))
        return other;
    }
  return client;
}

/* What a peer with streams may ask for: many servers, a window, a longest pause. */
static void
ops_draw_streams (SimRandom *random, WireEnvelope *envelope)
{
  if (sim_chance (random, 40))
    envelope->expect = sim_chance (random, 50) ? G_MAXUINT32 : 1 + sim_below (random, 4);
  if (sim_chance (random, 60))
    {
      envelope->credit_messages = 1 + sim_below (random, 4);
      envelope->credit_bytes = 100 + sim_below (random, 30000);
    }
  if (sim_chance (random, 20))
    envelope->stall_us = 1000 + sim_below (random, 100000);
}

static void
op_request (SimWorld *world, SimClient *client)
{
  static guint8 payload[PAYLOAD_MAX];
  guint len = sim_chance (&world->random, 10) ? 17000 : 16;
  WireEnvelope envelope;
  guint64 key, id;

  if (sim_chance (&world->random, 50))
    client = ops_client_that_is_behind (world, client);
  if (!sim_client_has_credit (client, len > 16384 ? WIRE_CLASS_MAY_DROP : WIRE_CLASS_CONTROL))
    return;
  wire_envelope_init (&envelope);
  envelope.id = ++client->next_id;
  envelope.topic = wire_span_str (SERVED);
  envelope.deadline_us = 1000 + sim_below (&world->random, 300000);
  if (client->has_streams)
    ops_draw_streams (&world->random, &envelope);
  key = (guint64) client->number << 32 | envelope.id;
  memcpy (payload, &key, sizeof key);
  envelope.payload = wire_span (payload, len);
  sim_requests_ask (world->requests, client->number, envelope.id, envelope.expect, envelope.credit_messages,
                    envelope.credit_bytes, sim_chance (&world->random, 50));
  id = sim_client_put (client, WIRE_KIND_REQUEST, 0, &envelope, OTHER);
  g_hash_table_add (client->asked, g_memdup2 (&id, sizeof id));
}

/* Cancels the latest request, which the broker may have answered already. */
static void
op_cancel (SimWorld *world, SimClient *client)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  for (envelope.id = client->next_id; envelope.id > 0; envelope.id--)
    if (g_hash_table_contains (client->asked, &envelope.id)
        && sim_requests_is_asked (world->requests, client->number, envelope.id))
      {
        g_hash_table_remove (client->asked, &envelope.id);
        sim_client_put (client, WIRE_KIND_CANCEL, 0, &envelope,
                        &(const SimFrame){ .kind = SIM_FRAME_CANCEL, .number = envelope.id });
        return;
      }
}

/* A client that has a request to answer, or @client. */
static SimClient *
ops_client_that_is_asked (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      SimClient *other = &world->clients[(client->number + i) % SIM_CLIENTS];

      if (other->is_ready && other->routes->len > 0)
        return other;
    }
  return client;
}

static void
op_reply (SimWorld *world, SimClient *client)
{
  static guint8 payload[PAYLOAD_MAX];
  SimRandom *random = &world->random;
  guint len = sim_chance (random, 10) ? 17000 : (guint) sizeof (SimReplyMark) + sim_below (random, 300);
  gboolean is_final = sim_chance (random, 40);
  gboolean is_progress = !is_final && sim_chance (random, 50);
  SimFrame frame = { .kind = SIM_FRAME_REPLY };
  WireEnvelope envelope;
  SimReplyMark mark;

  if (sim_chance (random, 50))
    client = ops_client_that_is_asked (world, client);
  if (client->routes->len == 0
      || !sim_client_has_credit (client, len > 16384 ? WIRE_CLASS_MAY_DROP : WIRE_CLASS_CONTROL))
    return;
  wire_envelope_init (&envelope);
  frame.number = envelope.route = g_array_index (client->routes, guint64, 0);
  if (is_final)
    g_array_remove_index (client->routes, 0);
  mark = sim_requests_next_reply (world->requests, envelope.route, is_progress, is_final);
  frame.is_later = mark.place > 1;
  memcpy (payload, &mark, sizeof mark);
  envelope.payload = wire_span (payload, len);
  sim_client_put (client, WIRE_KIND_REPLY,
                  is_final      ? WIRE_FLAG_FINAL
                  : is_progress ? WIRE_FLAG_PROGRESS
                                : 0,
                  &envelope, &frame);
}

/* The responder does not want to answer. */
static void
op_decline (SimWorld *world, SimClient *client)
{
  WireEnvelope envelope;

  client = ops_client_that_is_asked (world, client);
  if (client->routes->len == 0)
    return;
  wire_envelope_init (&envelope);
  envelope.route = g_array_index (client->routes, guint64, 0);
  g_array_remove_index (client->routes, 0);
  sim_client_put (client, WIRE_KIND_CANCEL, 0, &envelope, &(const SimFrame){ .kind = SIM_FRAME_DECLINE });
}

static void
op_stats (SimWorld *world, SimClient *client)
{
  Daemoneye__Eventbus__V1__StatsRequest request;

  daemoneye__eventbus__v1__stats_request__init (&request);
  request.subscriptions = request.groups = request.domains = TRUE;
  request.slow = sim_chance (&world->random, 50);
  ops_call (client, "control.bus.stats", &request.base, OTHER);
}

static void
op_ping (SimWorld *world, SimClient *client)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  sim_client_put (client, WIRE_KIND_PING, 0, &envelope, OTHER);
}

/* --- operations that are not allowed --- */

static void
op_denied (SimWorld *world, SimClient *client)
{
  static const char *const refused[] = { "system.x", "events..x", "nobody.knows", "control.agent.policy" };
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (refused[sim_below (&world->random, client->role == SIM_COLLECTOR ? 4 : 3)]);
  if (sim_client_has_credit (client, wire_class_of (WIRE_KIND_PUBLISH, envelope.topic, 0).credit_class))
    sim_client_put (client, WIRE_KIND_PUBLISH, 0, &envelope, OTHER);
}

static void
op_hostile (SimWorld *world, SimClient *client)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  switch (sim_below (&world->random, 4))
    {
    case 0: /* only the broker delivers */
      sim_client_put (client, WIRE_KIND_DELIVER, 0, &envelope, OTHER);
      break;
    case 1: /* more credit than the window */
      envelope.subscription = 1;
      envelope.credit_messages = G_MAXUINT32;
      envelope.credit_bytes = G_MAXUINT32;
      sim_client_put (client, WIRE_KIND_CREDIT, 0, &envelope, OTHER);
      break;
    case 2: /* a field of the broker */
      envelope.sender = WIRE_SPAN_LITERAL ("bus");
      envelope.topic = WIRE_SPAN_LITERAL ("health.status");
      sim_client_put (client, WIRE_KIND_PUBLISH, 0, &envelope, OTHER);
      break;
    default: /* without credit */
      if (sim_client_has_credit (client, WIRE_CLASS_MUST_KEEP) || client->role == SIM_COLLECTOR)
        return;
      envelope.topic = WIRE_SPAN_LITERAL ("tasks..x"); /* not valid, in case that credit arrived meanwhile */
      sim_client_put (client, WIRE_KIND_PUBLISH, 0, &envelope, OTHER);
    }
}

/* --- faults around clients --- */

static void
op_freeze (SimWorld *world, SimClient *client)
{
  client->is_frozen = !client->is_frozen;
}

static void
op_delay (SimWorld *world, SimClient *client)
{
  client->is_late = !client->is_late;
}

static void
op_disconnect (SimWorld *world, SimClient *client)
{
  sim_world_disconnect (world, client);
}

static void
op_advance (SimWorld *world, SimClient *client)
{
  sim_world_advance (world, sim_chance (&world->random, 90) ? 1 + sim_below (&world->random, 5000)
                                                            : 1 + sim_below (&world->random, 2000000));
}

/* Only for whole frames, so that the queues of the broker run out of memory, not its frame reader. */
static void
op_no_memory (SimWorld *world, SimClient *client)
{
  world->fail_allocations = 1 + sim_below (&world->random, 3);
}

static const struct
{
  guint weight;
  void (*run) (SimWorld *world, SimClient *client);
} ops[] = {
  { 300, op_publish }, { 60, op_subscribe }, { 20, op_watch },     { 12, op_unsubscribe }, { 12, op_adjust },
  { 90, op_credit },   { 10, op_serve },     { 60, op_request },   { 120, op_reply },      { 12, op_cancel },
  { 4, op_decline },   { 6, op_stats },      { 15, op_ping },      { 6, op_denied },       { 2, op_hostile },
  { 40, op_freeze },   { 15, op_delay },     { 4, op_disconnect }, { 4, sim_rival_run },   { 60, op_advance },
  { 12, op_crowd },    { 8, op_no_memory },  { 10, op_begin },
};

void
sim_ops_one (SimWorld *world)
{
  SimClient *client = &world->clients[sim_below (&world->random, SIM_CLIENTS)];
  guint sum = 0;
  guint dice;

  if (client->peer == NULL)
    {
      sim_world_connect (world, client);
      return;
    }
  if (!client->is_ready)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    sum += ops[i].weight;
  dice = sim_below (&world->random, sum);
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    {
      if (dice < ops[i].weight)
        {
          ops[i].run (world, client);
          return;
        }
      dice -= ops[i].weight;
    }
}

void
sim_ops_limits (SimRandom *random, BusLimits *limits)
{
  limits->max_payload = 65536;
  limits->queue_soft_bytes = 65536;
  limits->queue_hard_bytes = 100000 + sim_below (random, 400000);
  limits->queue_hard_messages = sim_chance (random, 50) ? 16 + sim_below (random, 100) : 65536;
  limits->queue_soft_timeout_us = 100000 + sim_below (random, 1000000);
  limits->control_queue_bytes = sim_chance (random, 40) ? 4000 + sim_below (random, 20000) : 65536;
  limits->broker_bytes = sim_chance (random, 30) ? 300000 + sim_below (random, 500000) : 50331648;
  limits->uid_bytes = sim_chance (random, 20) ? 200000 + sim_below (random, 300000) : 50331648;
  limits->quota_soft_percent = 1 + sim_below (random, 100);
  limits->publish_window_control_bytes = 32768;
  limits->publish_window_must_keep_bytes = 3000 + sim_below (random, 30000);
  limits->publish_window_may_drop_bytes = 65536;
  limits->publish_window_messages = 16 + sim_below (random, 100);
  limits->max_pending_requests = 1 + sim_below (random, 8);
  limits->max_request_members = 1 + sim_below (random, 20);
  limits->longest_block_us = 1000 + sim_below (random, 300000);
  limits->settle_timeout_us = 1000 + sim_below (random, 300000);
  limits->unsettled_messages = sim_chance (random, 50) ? 1 + sim_below (random, 10) : 1000;
  limits->delivery_attempts = 1 + sim_below (random, 4);
  limits->max_subscriptions = sim_chance (random, 20) ? 3 : 1024;
  limits->topic_cache = 16;
  limits->timeline_bytes = 4096 + sim_below (random, 12000);
}
