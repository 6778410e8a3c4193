/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"
#include "core-pressure.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-run.h"
#include "route/bus-routes.h"

/*
 * A run has no visible effect. Random messages are sent twice; the second time, a frame that ends the run follows each message.
 * Every subscription must receive the same messages. The limits of accounts and of the broker are not reached: a run needs fewer
 * tickets, so other messages would be dropped there.
 */

#define CLIENTS    6u /* a collector and the agent publish; the agent and the tools subscribe */
#define PUBLISHERS 2u
#define STEPS      120u
#define SEEDS      100u

typedef struct
{
  Core core;
  Client *clients[CLIENTS];
  GRand *rand;
  GString *log;
  gboolean has_runs;
  gboolean is_even; /* sizes that often use exactly all of a window of bytes */
} World;

static const char *const topics[] = { "events.process.new", "events.process.old", "events.process.lifecycle" };
static const guint32 ids[] = { 1, 200 }; /* of one byte on the wire, and of two */

/* Groups have one pattern and one policy. */
static const struct
{
  const char *pattern;
  const char *group;
  BusOverflow policy;
} kinds[] = {
  { "events.#", NULL, BUS_OVERFLOW_BLOCK },
  { "events.process.new", NULL, BUS_OVERFLOW_BLOCK },
  { "events.process.+", NULL, BUS_OVERFLOW_DROP_OLDEST },
  { "events.#", NULL, BUS_OVERFLOW_DROP_NEWEST },
  { "events.process.old", NULL, BUS_OVERFLOW_ERROR },
  { "events.#", NULL, BUS_OVERFLOW_CONFLATE },
  { "events.#", "crew", BUS_OVERFLOW_BLOCK },
  { "events.process.new", "team", BUS_OVERFLOW_DROP_NEWEST },
};

static guint
below (World *world, guint n)
{
  return (guint) g_rand_int_range (world->rand, 0, (gint32) n);
}

static const BusSubscription *
subscription_of (const Client *client, guint32 id)
{
  return bus_subscriptions_find (&client->peer->subscriptions, id);
}

static void
subscribe (World *world, Client *client, guint32 id, gboolean groups)
{
  static const guint windows[] = { 1, 3, 10, 64, 200, 1000 };
  const guint kind = groups ? 6 + below (world, 2) : below (world, 6);

  client_subscribe_with (client, .subscription = id, .pattern = kinds[kind].pattern, .group = kinds[kind].group,
                         .policy = kinds[kind].policy, .queue_messages = 1 + below (world, 60),
                         .window_messages = windows[below (world, G_N_ELEMENTS (windows))],
                         .window_bytes = below (world, 2) ? 4000 : 200000);
}

static gsize
draw_size (World *world)
{
  static const gsize sizes[] = { 1000, 200, 40 };

  if (!world->is_even && below (world, 3) == 0)
    return below (world, 4200);
  return sizes[below (world, G_N_ELEMENTS (sizes))];
}

static void
publish_one (World *world, Client *client, const char *topic, gsize size)
{
  static const guint8 bytes[4200];
  static const guint8 wishes[] = { WIRE_FLAG_WANT_ACK, WIRE_FLAG_BROADCAST };
  const guint wish = below (world, 40);

  if (wish == G_N_ELEMENTS (wishes))
    client_publish_ttl (client, topic, 100000, size);
  else
    client_publish (client, topic, wish < G_N_ELEMENTS (wishes) ? wishes[wish] : 0, bytes, size);
}

/* Credit for an unknown subscription has no effect except that it ends a run. With runs it is sent after all messages. */
static void
end_run (Client *client)
{
  client_credit (client, 999, 1, 1);
}

static void
publish (World *world, Client *client)
{
  const guint n = 1 + below (world, below (world, 4) == 0 ? 150 : 12);
  const char *topic = topics[below (world, G_N_ELEMENTS (topics))];

  client_begin_batch (client);
  for (guint i = 0; i < n; i++)
    {
      publish_one (world, client, topic, draw_size (world));
      if (!world->has_runs)
        end_run (client);
      if (below (world, 20) == 0)
        topic = topics[below (world, G_N_ELEMENTS (topics))];
    }
  for (guint i = 0; world->has_runs && i < n; i++)
    end_run (client);
  client_end_batch (client);
}

static void
use_subscription (World *world, Client *client, gboolean groups)
{
  const guint32 id = ids[below (world, G_N_ELEMENTS (ids))];
  const guint what = below (world, 12);

  if (client->is_stopped)
    return;
  if (subscription_of (client, id) == NULL)
    subscribe (world, client, id, groups);
  else if (what == 0)
    client_unsubscribe (client, id);
  else
    client_return_all (client, id);
}

static void
step (World *world, gboolean groups)
{
  const guint what = below (world, 100);
  Client *client = world->clients[1 + below (world, CLIENTS - 1)];

  if (what < 45)
    publish (world, world->clients[below (world, PUBLISHERS)]);
  else if (what < 88)
    use_subscription (world, client, groups);
  else if (what < 92)
    client->is_stopped = !client->is_stopped;
  else
    core_advance (&world->core, below (world, 4) * 100 * G_TIME_SPAN_MILLISECOND);
}

/* The order of all messages of a client, over all its subscriptions. */
static void
note_order (World *world, const Client *client)
{
  for (const GList *link = client->got.head; link != NULL; link = link->next)
    {
      const Got *got = link->data;

      if (got->kind == WIRE_KIND_DELIVER)
        g_string_append_printf (world->log, " %" G_GUINT64_FORMAT, (guint64) got->envelope.accept_seq);
    }
  g_string_append_c (world->log, '\n');
}

static void
note (World *world)
{
  for (guint at = 0; at < CLIENTS; at++)
    {
      const BusFlow *flow = &world->clients[at]->peer->flow;
      g_autofree char *acks = client_acks (world->clients[at]);

      g_string_append_printf (world->log, "%u: acks %s, waits %" G_GUINT64_FORMAT ", missed %" G_GUINT64_FORMAT "\n",
                              at, acks, (guint64) flow->waiting_messages, flow->missed);
      g_string_append_printf (world->log,
                              "%" G_GSIZE_FORMAT " bytes, %" G_GSIZE_FORMAT " waiting, held %" G_GUINT64_FORMAT
                              ", %" G_GSIZE_FORMAT " bytes\n",
                              bus_flow_bytes (flow), flow->waiting_bytes, flow->held_messages, flow->held_bytes);
      note_order (world, world->clients[at]);
      for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
        {
          g_autofree char *deliveries = client_deliveries (world->clients[at], ids[i]);

          g_string_append_printf (world->log, "%u/%u: %s\n", at, ids[i], deliveries);
        }
    }
}

static void
assert_all_returned (World *world)
{
  for (guint at = 1; at < CLIENTS; at++)
    for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
      {
        world->clients[at]->is_stopped = FALSE;
        core_flush (&world->core);
        if (subscription_of (world->clients[at], ids[i]) != NULL)
          client_unsubscribe (world->clients[at], ids[i]);
      }
  for (guint at = 0; at < PUBLISHERS; at++)
    {
      const BusAllowance *allowance = bus_ledger_allowance (&world->clients[at]->peer->ledger, WIRE_CLASS_MAY_DROP);
      const BusWindow *window = &allowance->window;

      g_assert_cmpuint (allowance->held_messages, ==, 0);
      g_assert_cmpuint (allowance->held_bytes, ==, 0);
      g_assert_cmpuint (window->used_messages, ==,
                        window->granted_messages + allowance->returned.messages - window->window_messages);
      g_assert_cmpuint (window->used_bytes, ==,
                        window->granted_bytes + allowance->returned.bytes - window->window_bytes);
    }
}

static void
world_setup (World *world, guint seed, gboolean has_runs)
{
  BusLimits limits;

  *world = (World){ .has_runs = has_runs, .log = g_string_new (NULL), .rand = g_rand_new_with_seed (seed) };
  world->is_even = below (world, 2);
  bus_limits_init (&limits);
  limits.publish_window_messages = 65536; /* enough credit, with and without runs */
  limits.publish_window_may_drop_bytes = 67108864;
  limits.longest_block_us = below (world, 2) ? 250000 : 5000000;
  if (below (world, 2))
    limits.queue_soft_bytes = limits.queue_hard_bytes = 65536;
  core_setup (&world->core, &limits);
  world->clients[0] = client_ready (&world->core, "procmond-1", "procmond");
  world->clients[1] = agent_ready (&world->core);
  for (guint at = PUBLISHERS; at < CLIENTS; at++)
    {
      g_autofree char *id = g_strdup_printf ("tool-%u", at);

      world->clients[at] = tool_ready (&world->core, id);
    }
  for (guint at = 0; at < CLIENTS; at++)
    world->clients[at]->next_id = 1 << 20; /* large: ids have one length, also with the frames between messages */
  core_mark (&world->core);
}

/* Returns the outcomes of all messages of a seed. */
static char *
run_seed (guint seed, gboolean has_runs, guint64 *n_runs)
{
  World world;
  guint groups;

  world_setup (&world, seed, has_runs);
  groups = below (&world, 3); /* no members, only members, or both */
  for (guint i = 0; i < STEPS; i++)
    step (&world, groups == 1 || (groups == 2 && below (&world, 2)));
  note (&world);
  assert_all_returned (&world);
  *n_runs += world.core.core->routes->run->number;
  core_teardown (&world.core, NULL);
  g_rand_free (world.rand);
  return g_string_free (world.log, FALSE);
}

static void
test_same (void)
{
  guint64 n_runs = 0;
  guint64 n_single = 0;

  for (guint seed = 1; seed <= SEEDS; seed++)
    {
      g_autofree char *with = run_seed (seed, TRUE, &n_runs);
      g_autofree char *without = run_seed (seed, FALSE, &n_single);

      if (strcmp (with, without) != 0)
        g_test_message ("seed %u", seed);
      g_assert_cmpstr (with, ==, without);
    }
  g_assert_cmpuint (n_runs, <, n_single / 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus-run-same/random", test_same);
  return g_test_run ();
}
