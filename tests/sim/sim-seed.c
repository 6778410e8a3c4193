/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "sim-backlog.h"
#include "sim-hops.h"
#include "sim-lost.h"
#include "sim-mutual.h"
#include "sim-run.h"
#include "sim-pages.h"
#include "sim-peers.h"
#include "sim-rival.h"
#include "sim-storm.h"
#include "sim-will.h"
#include "sim-world.h"

#include <string.h>

/*
 * One seed, from an empty core to an empty core: random operations; then faults end, and the core comes to rest; then the
 * counters are compared, all clients disconnect, and nothing may be left.
 */

#define WINDOW_STEPS (10 * G_TIME_SPAN_MILLISECOND)
#define HEAL_ROUNDS  400u
#define BACKLOG_MAX  (HEAL_ROUNDS / 2) /* messages: some rounds pass only a part of a frame */

#define WINDOW_OF_RESENDS_US (31 * G_TIME_SPAN_SECOND) /* the clock of the world moves twice as fast */

static void
seed_move (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS && !sim_world_failed (world); i++)
    {
      SimClient *client = &world->clients[i];

      if (client->peer != NULL && !client->is_late)
        sim_world_feed (world, client,
                        sim_chance (&world->random, 20) ? 1 + sim_below (&world->random, 40) : G_MAXSIZE);
      if (client->peer != NULL && !client->is_frozen)
        sim_world_drain (world, client, sim_chance (&world->random, 70));
    }
  sim_world_close_peers (world); /* a disconnect may cause others */
}

void
sim_world_begin (SimWorld *world)
{
  world->options.epoch++;
  world->options.seed++;
  world->model = sim_model_new ();
  world->watch = sim_watch_new ();
  world->requests = sim_requests_new ();
  world->confirms = sim_confirms_new ();
  world->resends = sim_resends_new ((guint) world->options.limits.resend_windows);
  world->retained = sim_retains_new ();
  world->wills = sim_wills_new ();
  world->hops = sim_hops_new ();
  world->pages = sim_pages_new ();
  world->losts = sim_losts_new ();
  world->peers = sim_peers_new ();
  world->accepted_us = g_array_new (FALSE, TRUE, sizeof (gint64));
  world->drains = g_array_new (FALSE, FALSE, sizeof (SimDrain));
  world->waits = sim_waits_new ();
  memset (world->last_turns, 0, sizeof world->last_turns);
  world->lineage_refused = 0;
  world->core = bus_core_new (&world->options, world->now_us);
}

void
sim_world_forget (SimWorld *world)
{
  sim_model_free (world->model);
  sim_watch_free (world->watch);
  sim_requests_free (world->requests);
  sim_confirms_free (world->confirms);
  sim_resends_free (world->resends);
  sim_retains_free (world->retained);
  sim_wills_free (world->wills);
  sim_hops_free (world->hops);
  sim_pages_free (world->pages);
  sim_losts_free (world->losts);
  sim_peers_free (world->peers);
  g_array_unref (world->accepted_us);
  g_array_unref (world->drains);
  sim_waits_free (world->waits);
}

static void
seed_init (SimWorld *world, guint64 seed, SimCoverage *coverage)
{
  static guint32 tool_uids[] = { SIM_AGENT_ACCOUNT };

  world->random.state = seed;
  world->aside.state = ~seed;
  world->coverage = coverage;
  world->now_us = 2;
  world->hash = 0xcbf29ce484222325u;
  world->options = (BusCoreOptions){
    .tool_accounts = tool_uids, .n_tool_accounts = G_N_ELEMENTS (tool_uids), .seed = seed - 1, .software_version = "sim"
  };
  bus_limits_init (&world->options.limits);
  sim_ops_limits (&world->random, &world->options.limits);
  world->request_timeout_us = world->options.limits.request_timeout_us;
  world->keeps = sim_chance (&world->random, 50);
  world->numbers = sim_chance (&world->random, 50);
  world->holds = seed % 5 == 3;
  world->has_tags = seed % 5 == 4;
  world->has_pairs = seed % 5 == 0 && !world->storms;
  world->asks_pages = seed % 5 == 1;
  world->has_runs = seed % 3 == 2;
  world->has_mutual = seed % 29 == 7;
  world->traces = seed % 3 == 1;
  world->reads_at_once = seed % 11 == 6;
  world->loses = seed % 7 == 3;
  world->storms = seed % 7 == 5;
  if (world->storms)
    sim_storm_limits (seed / 7, &world->options.limits);
  world->restarts = sim_chance (&world->random, 30);
  world->retains = seed % 5 == 2;
  world->has_wills = seed % 5 == 2 || seed % 5 == 4;
  if (world->retains)
    {
      world->options.limits.retained_messages = 1 + seed / 5 % 6;
      world->options.limits.retained_bytes = 60000;
    }
  world->strategy = (guint) (seed % 4);
  world->has_weights = seed / 4 % 2 == 1;
  world->has_large_groups = seed / 8 % 3 == 1;
  sim_world_begin (world);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    sim_client_init (&world->clients[i], world, i);
  for (guint i = 0; i < SIM_RIVALS; i++)
    sim_client_init (&world->rivals[i], world, SIM_CLIENTS);
  sim_memory_use (world);
}

/* From here on no allocation fails and no client is frozen, so the core must come to rest. */
static void
seed_heal (SimWorld *world)
{
  BusCoreStats stats;

  world->is_healing = TRUE;
  world->fail_allocations = SIM_ALLOCATIONS_OK;
  for (guint round = 0; round < HEAL_ROUNDS && !sim_world_failed (world); round++)
    {
      guint busy = 0;

      for (guint i = 0; i < SIM_CLIENTS; i++)
        {
          SimClient *client = &world->clients[i];

          client->is_frozen = client->is_late = FALSE;
          for (guint sub = 0; sub < SIM_SUBS && client->peer != NULL; sub++)
            sim_client_return_credit (client, sub, FALSE);
          if (client->peer != NULL && client->is_ready)
            sim_client_return_reply_credit (client, TRUE);
          while (client->peer != NULL && client->confirming->len > 0)
            sim_client_confirm (client, 0);
          busy += client->frames.length + g_hash_table_size (client->asked);
        }
      sim_backlog_read (world, BACKLOG_MAX);
      seed_move (world);
      sim_world_advance (world, WINDOW_STEPS);
      sim_check_step (world);
      bus_core_stats (world->core, &stats);
      /* A gap without a later message is sent within a second. */
      if (busy == 0 && stats.queued_bytes == 0 && stats.pending_requests == sim_waits_count_watches (world->waits)
          && round > 60 && sim_confirms_count (world->confirms) == 0)
        return;
    }
  if (sim_world_failed (world))
    return;
  bus_core_stats (world->core, &stats);
  sim_world_fail (
      world,
      "I20: not at rest: %" G_GUINT64_FORMAT " messages, %" G_GUINT64_FORMAT " bytes, %u requests, %u confirmations",
      stats.queued_messages, stats.queued_bytes, stats.pending_requests, sim_confirms_count (world->confirms));
}

static void
seed_finish (SimWorld *world)
{
  BusCoreStats stats;

  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (world->clients[i].peer != NULL)
      sim_world_disconnect (world, &world->clients[i]);
  sim_check_empty (world);
  if (sim_resends_count (world->resends) > 0 || world->holds)
    sim_world_advance (world, WINDOW_OF_RESENDS_US); /* no client reconnects; held messages expire as well */
  if (sim_world_failed (world))
    return;
  bus_core_stats (world->core, &stats);
  if (stats.charged_bytes != 0 || stats.subscriptions != 0 || stats.groups != 0 || stats.pending_requests != 0)
    sim_world_fail (world, "I3: %" G_GUINT64_FORMAT " bytes, %u subscriptions, %u groups, %u requests are left",
                    stats.charged_bytes, stats.subscriptions, stats.groups, stats.pending_requests);
  else
    bus_core_free (world->core); /* asserts that nothing is held */
}

static gboolean
seed_has_connection (guint connection, gpointer data)
{
  const SimWorld *world = data;

  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (world->clients[i].number == connection)
      return world->clients[i].peer != NULL && world->clients[i].is_ready;
  return FALSE;
}

static void
seed_finish_requests (SimWorld *world)
{
  const char *problem = sim_requests_finish (world->requests, seed_has_connection, world);

  if (problem != NULL)
    sim_world_fail (world, "%s", problem);
}

static void
seed_finish_retained (SimWorld *world)
{
  const char *problem = sim_retains_finish (world->retained);

  if (problem != NULL)
    sim_world_fail (world, "%s", problem);
}

char *
sim_world_run (guint64 seed, guint steps, SimCoverage *coverage, guint64 *hash)
{
  g_autofree SimWorld *world = g_new0 (SimWorld, 1);
  char *failure = NULL;

  seed_init (world, seed, coverage);
  for (world->step = 0; world->step < steps && !sim_world_failed (world); world->step++)
    {
      sim_ops_one (world);
      sim_pages_run (world);
      sim_pair_run (world);
      sim_mutual_run (world);
      sim_run_publish (world);
      seed_move (world);
      sim_check_step (world);
    }
  if (!sim_world_failed (world))
    seed_heal (world);
  if (!sim_world_failed (world))
    sim_model_finish (world->model);
  if (!sim_world_failed (world))
    sim_check_counters (world);
  if (!sim_world_failed (world))
    sim_watch_finish (world);
  if (!sim_world_failed (world))
    sim_lost_finish (world);
  if (!sim_world_failed (world))
    sim_drain_finish (world);
  if (!sim_world_failed (world))
    sim_check_waits_at_rest (world);
  if (!sim_world_failed (world))
    seed_finish_requests (world);
  if (!sim_world_failed (world))
    seed_finish_retained (world);
  if (!sim_world_failed (world))
    seed_finish (world);
  if (sim_world_failed (world))
    failure = g_strdup_printf ("step %u: %s", world->step,
                               world->failure[0] != '\0' ? world->failure : sim_model_failure (world->model));
  *hash = world->hash;
  sim_memory_use (NULL);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    sim_client_clear (&world->clients[i]);
  for (guint i = 0; i < SIM_RIVALS; i++)
    sim_client_clear (&world->rivals[i]);
  sim_world_forget (world);
  return failure;
}
