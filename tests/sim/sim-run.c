/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-run.h"

#include "core-view.h"
#include "check-private.h"
#include "peer/bus-state.h"
#include "queue/bus-unsettled.h"
#include "route/bus-routes.h"
#include "sim-ops-private.h"

#include <string.h>

#define CHANCE  20 /* in a hundred steps */
#define RUN_MAX 40u

/* Topics of the data lane, and one of the control lane: control messages are never routed together. */
static const struct
{
  const char *topic;
  const char *publishers; /* A the agent and tools, P procmonds, N netmonds */
} topics[] = {
  { "events.process.new", "P" }, { "events.network.dns", "N" }, { "events.process.anomaly", "APN" },
  { "tasks.procmond", "A" },     { "results.procmond", "P" },   { "results.netmond", "N" },
  { "health.disk", "APN" },
};

static gboolean
run_may_publish (const SimClient *client, guint at)
{
  char kind = client->role != SIM_COLLECTOR ? 'A' : client->type[0] == 'p' ? 'P' : 'N';

  return strchr (topics[at].publishers, kind) != NULL;
}

static guint
run_draw_topic (SimWorld *world, const SimClient *client)
{
  guint at = sim_below (&world->aside, G_N_ELEMENTS (topics));

  while (!run_may_publish (client, at))
    at = (at + 1) % G_N_ELEMENTS (topics);
  return at;
}

static guint
run_draw_size (SimRandom *random)
{
  return sim_chance (random, 90) ? 8 + sim_below (random, 200) : 200 + sim_below (random, 6000);
}

/* FALSE: there is no credit for the message. */
static gboolean
run_put (SimWorld *world, SimClient *client, const char *topic)
{
  static guint8 payload[SIM_PAYLOAD_MAX];
  const guint len = run_draw_size (&world->aside);
  SimFrame frame = { .kind = SIM_FRAME_PUBLISH, .topic = topic, .payload_len = len };
  WireEnvelope envelope;

  if (!sim_client_has_credit (client, wire_class_of (WIRE_KIND_PUBLISH, wire_span_str (topic), len, 0).credit_class))
    return FALSE;
  wire_envelope_init (&envelope);
  envelope.id = ++client->next_id;
  envelope.topic = wire_span_str (topic);
  frame.number = (guint64) client->number << 32 | envelope.id;
  memcpy (payload, &frame.number, sizeof frame.number);
  envelope.payload = wire_span (payload, len);
  sim_client_put (client, WIRE_KIND_PUBLISH, 0, &envelope, &frame);
  return TRUE;
}

typedef struct
{
  const BusSubscription *subscription;
  guint64 delivered;
} RunReceiver;

static void
run_observe (const SimWorld *world, RunReceiver *receivers)
{
  for (guint i = 0; i < SIM_CLIENTS * SIM_SUBS; i++)
    {
      const SimClient *client = &world->clients[i / SIM_SUBS];
      const BusSubscription *subscription
          = client->peer != NULL && client->is_ready ? sim_subscription_at (client, i % SIM_SUBS) : NULL;

      receivers[i] = (RunReceiver){ subscription, subscription != NULL ? subscription->delivered : 0 };
    }
}

/* A subscription that blocks withholds the credit of a run until its last sent message is settled. Messages of the broker have
 * no credit. */
static void
run_check_withheld (SimWorld *world, const SimClient *publisher, const RunReceiver *receivers)
{
  for (guint i = 0; i < SIM_CLIENTS * SIM_SUBS; i++)
    {
      const SimClient *client = &world->clients[i / SIM_SUBS];
      const BusSubscription *subscription
          = client->peer != NULL && client->is_ready ? sim_subscription_at (client, i % SIM_SUBS) : NULL;

      if (subscription == NULL || subscription != receivers[i].subscription || client == publisher
          || bus_peer_is_closing (client->peer) || subscription->bounds.policy != BUS_OVERFLOW_BLOCK
          || bus_subscription_is_demoted (subscription) || subscription->delivered == receivers[i].delivered
          || g_str_has_prefix (client->subs[i % SIM_SUBS].pattern, "system"))
        continue;
      if (subscription->records->last == NULL || subscription->records->last->index != subscription->delivered)
        sim_world_fail (world, "B04: the credit of what was sent last to subscription %u of %s is not withheld",
                        subscription->id, client->id);
      else if (subscription->records->last->part_messages > 0
               && subscription->records->last->ticket->since_us != world->now_us)
        sim_world_fail (world, "B04: a run for subscription %u of %s is withheld since another turn", subscription->id,
                        client->id);
    }
}

/* Some of the messages of a run were delivered at once, and others wait. */
static gboolean
run_is_split (const SimWorld *world, const guint64 *delivered)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      if (peer != NULL && peer->flow.delivered > delivered[i] && peer->flow.waiting_messages > 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
run_waits (const SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS * SIM_SUBS; i++)
    {
      const SimClient *client = &world->clients[i / SIM_SUBS];
      const BusSubscription *subscription
          = client->peer != NULL && client->is_ready ? sim_subscription_at (client, i % SIM_SUBS) : NULL;

      if (subscription != NULL && subscription->fifo->last != NULL && subscription->fifo->last->run != NULL)
        return TRUE;
    }
  return FALSE;
}

static gboolean
run_is_held (const BusPeer *publisher)
{
  for (const BusTicket *ticket = publisher->ledger.tickets; ticket != NULL; ticket = ticket->next)
    if (ticket->messages > (ticket->has_parts ? ticket->refs : 1))
      return TRUE;
  return FALSE;
}

static gboolean
run_shares_ticket (const BusPeer *publisher)
{
  for (const BusTicket *ticket = publisher->ledger.tickets; ticket != NULL; ticket = ticket->next)
    if (ticket->has_parts && ticket->refs > 1)
      return TRUE;
  return FALSE;
}

static gboolean
run_is_of_members (const BusPeer *publisher)
{
  for (const BusTicket *ticket = publisher->ledger.tickets; ticket != NULL; ticket = ticket->next)
    if (ticket->run != 0 && ticket->messages > 1)
      return TRUE;
  return FALSE;
}

static void
run_feed (SimWorld *world, SimClient *client)
{
  const guint64 before = world->core->routes->run->number;
  const guint64 accepted = sim_view_accept_seq (world);
  const guint n = client->frames.length;
  guint64 delivered[SIM_CLIENTS];
  RunReceiver receivers[SIM_CLIENTS * SIM_SUBS];

  run_observe (world, receivers);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    delivered[i] = world->clients[i].peer != NULL ? world->clients[i].peer->flow.delivered : 0;
  sim_world_feed_at_once (world, client);
  run_check_withheld (world, client, receivers);
  if (sim_view_accept_seq (world) - accepted > world->core->routes->run->number - before + 1)
    {
      sim_cover (world, SIM_COVER_RUN);
      if (run_is_split (world, delivered))
        sim_cover (world, SIM_COVER_RUN_SPLIT);
      if (run_waits (world))
        sim_cover (world, SIM_COVER_RUN_WAITS);
      if (n > 1 && run_is_held (client->peer))
        sim_cover (world, SIM_COVER_RUN_HELD);
      if (run_shares_ticket (client->peer))
        sim_cover (world, SIM_COVER_RUN_TICKET_SHARED);
      if (run_is_of_members (client->peer))
        sim_cover (world, SIM_COVER_RUN_OF_MEMBERS);
    }
  sim_world_close_peers (world);
}

void
sim_run_publish (SimWorld *world)
{
  SimClient *client;
  guint n, at;

  if (!world->has_runs || !sim_chance (&world->aside, CHANCE) || sim_world_failed (world))
    return;
  client = &world->clients[sim_below (&world->aside, SIM_CLIENTS)];
  if (client->peer == NULL || !client->is_ready || client->is_late || client->frames.length > 0)
    return;
  n = 2 + sim_below (&world->aside, RUN_MAX - 1);
  at = run_draw_topic (world, client);
  for (guint i = 0; i < n && run_put (world, client, topics[at].topic); i++)
    if (sim_chance (&world->aside, 5))
      at = run_draw_topic (world, client);
  if (client->frames.length > 0)
    run_feed (world, client);
}
