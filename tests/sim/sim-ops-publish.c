/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-hops.h"
#include "sim-ops-private.h"

#include <string.h>

/* Operations that publish: messages of every size, their targets and causes. */

/* Peers that may publish: A the agent and tools, P procmonds, N netmonds. */
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
  return dice < 95 ? 200 + sim_below (random, 3000) : 3000 + sim_below (random, SIM_PAYLOAD_MAX - 3000);
}

/* A text for a number; 0: none. Static: there are few. */
static WireSpan
ops_id (guint number)
{
  static char texts[SIM_IDS + 1][8];

  if (number == 0)
    return wire_span (NULL, 0);
  g_snprintf (texts[number], sizeof texts[number], "m%u", number);
  return wire_span_str (texts[number]);
}

/* Mostly continues a chain; sometimes makes one that is too long or contains a cycle. */
static void
ops_draw_lineage (SimRandom *random, SimLineage *lineage, WireEnvelope *envelope)
{
  if (!sim_chance (random, 20))
    return;
  lineage->id = sim_below (random, SIM_IDS + 1);
  lineage->parent = sim_chance (random, 60) ? sim_below (random, SIM_IDS + 1) : 0;
  lineage->root = sim_chance (random, 40) ? 1 + sim_below (random, SIM_IDS) : 0;
  lineage->stage = sim_below (random, SIM_STAGES);
  lineage->depth = sim_chance (random, 30) ? sim_below (random, 8) : 0;
  envelope->correlation_id = ops_id (lineage->id);
  envelope->parent_id = ops_id (lineage->parent);
  envelope->root_id = ops_id (lineage->root);
  envelope->stage = ops_id (lineage->stage);
  envelope->depth = lineage->depth;
}

static void
ops_draw_tags (SimWorld *world, SimLineage *lineage, WireEnvelope *envelope)
{
  if (!world->has_tags || !sim_chance (&world->aside, 50))
    return;
  lineage->tags = sim_below (&world->aside, 1u << SIM_TAGS);
  for (guint i = 0; i < SIM_TAGS; i++)
    if ((lineage->tags & 1u << i) != 0)
      envelope->tags[envelope->n_tags++] = wire_span_str (sim_tags[i]);
}

static void
ops_draw_retain (SimWorld *world, SimFrame *frame, WireEnvelope *envelope, guint8 *flags)
{
  frame->is_retained = TRUE;
  frame->until_gone = sim_chance (&world->random, 30);
  *flags |= WIRE_FLAG_RETAIN;
  if (frame->until_gone)
    envelope->delivery |= WIRE_DELIVERY_RETAIN_CONNECTED;
}

/* Clears retained messages. */
static void
ops_clear (SimWorld *world, SimClient *client)
{
  static const char *const patterns[] = { "health.#", "+.process.+", "health.status" };
  const SimFrame frame = { .kind = SIM_FRAME_CLEAR, .topic = patterns[sim_below (&world->random, 3)] };
  Daemoneye__Eventbus__V1__ClearRequest request;

  daemoneye__eventbus__v1__clear_request__init (&request);
  request.pattern = (char *) (gsize) frame.topic;
  sim_ops_call (client, "control.bus.clear", &request.base, &frame);
}

void
sim_ops_publish_to (SimWorld *world, SimClient *client, const char *topic, guint len)
{
  static guint8 payload[SIM_PAYLOAD_MAX];
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
  if (world->retains && frame.target[0] == '\0' && !frame.at_least_once && sim_chance (&world->random, 40))
    ops_draw_retain (world, &frame, &envelope, &flags);
  else
    {
      sim_op_draw_hold (world, &frame, &envelope);
      sim_ops_draw_assurance (world, client, &frame, &envelope, &flags);
    }
  ops_draw_lineage (&world->random, &frame.lineage, &envelope);
  ops_draw_tags (world, &frame.lineage, &envelope);
  sim_hops_ask (world, frame.number, &envelope);
  sim_client_put (client, WIRE_KIND_PUBLISH, flags, &envelope, &frame);
}

void
sim_op_publish (SimWorld *world, SimClient *client)
{
  guint start = sim_below (&world->random, G_N_ELEMENTS (topics));
  guint burst = sim_chance (&world->random, 30) ? 1 + sim_below (&world->random, 20) : 1;
  guint at = start;

  if (world->retains && client->role != SIM_COLLECTOR && sim_chance (&world->random, 10))
    ops_clear (world, client);
  while (strchr (topics[at].publishers, ops_kind_of (client)) == NULL)
    at = (at + 1) % G_N_ELEMENTS (topics);
  for (guint i = 0; i < burst; i++)
    {
      guint len = ops_draw_size (&world->random);
      WireClass credit_class = wire_class_of (WIRE_KIND_PUBLISH, wire_span_str (topics[at].topic), len, 0).credit_class;

      if (!sim_client_has_credit (client, credit_class))
        return;
      sim_ops_publish_to (world, client, topics[at].topic, len);
    }
}

/* Control messages of a size that soon fills a control lane. */
void
sim_op_fill_lane (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < 4 && sim_client_has_credit (client, WIRE_CLASS_CONTROL); i++)
    sim_ops_publish_to (world, client, i % 2 == 0 ? "health.status" : "health.disk",
                        6000 + sim_below (&world->random, 9000));
}

/* The first part of a large frame. The rest follows when the delay of the client is over. */
void
sim_op_begin (SimWorld *world, SimClient *client)
{
  const char *topic = client->role == SIM_COLLECTOR ? "health.status" : "health.disk";

  if (client->frames.length > 0 || !sim_client_has_credit (client, WIRE_CLASS_MAY_DROP))
    return;
  sim_ops_publish_to (world, client, topic, 20000 + sim_below (&world->random, SIM_PAYLOAD_MAX - 20000));
  sim_world_feed (world, client, 16384 + sim_below (&world->random, 3000));
  if (client->peer != NULL)
    client->is_late = TRUE;
}

void
sim_op_large (SimWorld *world, SimClient *client)
{
  const char *topic = sim_chance (&world->random, 50) ? "health.status" : "events.process.anomaly";

  if (sim_client_has_credit (client, WIRE_CLASS_MAY_DROP))
    sim_ops_publish_to (world, client, topic, SIM_PAYLOAD_MAX);
}
