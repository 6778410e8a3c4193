/* SPDX-License-Identifier: Apache-2.0 */
#include "gathers-world.h"

#include "peer/bus-state.h"

#include <stdio.h>

/*
 * sim-gathers: runs many seeds of the family of questions to many collectors, or one seed again.
 *
 *   sim-gathers [--seeds N] [--from SEED] [--steps N]   TAP: the seeds, the same seed twice, and the coverage
 *   sim-gathers --seed SEED [--steps N]                 one seed, for a debugger: its failure and the step of it
 *
 * Exits with 1 when a seed failed, and prints that seed.
 */

#define MILLISECOND G_TIME_SPAN_MILLISECOND
#define TWICE       50u /* one of this many seeds is run twice */
#define HEAL_ROUNDS 80u

static gint64 one_seed = -1;
static gint seeds = 2000;
static gint from = 1;
static gint steps = 300;

static const GOptionEntry entries[] = {
  { "seed", 's', 0, G_OPTION_ARG_INT64, &one_seed, "Run this seed alone", "SEED" },
  { "seeds", 'n', 0, G_OPTION_ARG_INT, &seeds, "Run so many seeds (2000)", "N" },
  { "from", 'f', 0, G_OPTION_ARG_INT, &from, "Begin with this seed (1)", "SEED" },
  { "steps", 't', 0, G_OPTION_ARG_INT, &steps, "Steps of a seed (300)", "N" },
  G_OPTION_ENTRY_NULL,
};

static GathersCoverage coverage;

static const char *const situation_names[GATHERS_N_SITUATIONS] = {
#define X(situation, name) [GATHERS_COVER_##situation] = (name),
  GATHERS_SITUATIONS (X)
#undef X
};

/* --- one seed --- */

static void
run_set_limits (GathersWorld *world, BusLimits *limits)
{
  bus_limits_init (limits);
  limits->receive_window_messages = 65536;
  limits->receive_window_bytes = 67108864;
  limits->publish_window_messages = 1048576;
  limits->publish_window_must_keep_bytes = 67108864;
  limits->publish_window_control_bytes = 67108864;
  limits->publish_window_may_drop_bytes = 67108864;
  limits->max_pending_requests = 1024;
  limits->task_heartbeat_us = 700 * MILLISECOND;
  limits->task_offer_us = 500 * MILLISECOND;
  limits->task_progress_us = 800 * MILLISECOND;
  limits->task_run_limit_us = 1500 * MILLISECOND;
  limits->task_cancel_us = 300 * MILLISECOND;
  limits->task_retry_us = 100 * MILLISECOND;
  limits->task_max_retry_us = 200 * MILLISECOND;
  limits->task_return_us = 400 * MILLISECOND;
  limits->task_drain_us = 500 * MILLISECOND;
  limits->task_hold_us = 1000 * MILLISECOND;
  limits->task_max_hold_us = 3000 * MILLISECOND;
  limits->task_recovery_us = 1500 * MILLISECOND;
  world->is_tight = sim_chance (&world->random, 25);
  limits->task_queue_per_account = world->is_tight ? 4 : 10000;
  limits->gather_members = sim_chance (&world->random, 20) ? 4 : GATHERS_ENTRIES;
  limits->gathers = sim_chance (&world->random, 20) ? 2 : 64;
}

static void
run_init_client (GathersWorld *world, guint slot)
{
  static const char *const ids[GATHERS_CLIENTS] = { "agent", "tool", "c2", "c3", "c4", "c5", "c6", "c7", "old" };
  GathersClient *client = &world->clients[slot];

  client->world = world;
  client->slot = slot;
  g_strlcpy (client->id, ids[slot], sizeof client->id);
  client->type = slot < GATHERS_ASKERS ? "" : slot % 2 == 0 ? "procmond" : "netmond";
  client->uid = slot == 0 ? 0 : slot == 1 ? 500 : 1000;
  wire_frame_reader_init (&client->reader, 1u << 26);
}

static void
run_init (GathersWorld *world, guint64 seed, GathersCoverage *covered)
{
  static guint32 tool_uids[] = { 0, 500 };

  world->random.state = seed ^ G_GUINT64_CONSTANT (0x3c6ef372fe94f82b);
  world->seed = seed;
  world->coverage = covered;
  world->now_us = world->started_us = 2;
  world->hash = 0xcbf29ce484222325u;
  world->options = (BusCoreOptions){ .tool_accounts = tool_uids,
                                     .n_tool_accounts = G_N_ELEMENTS (tool_uids),
                                     .epoch = 1,
                                     .seed = seed,
                                     .software_version = "sim" };
  run_set_limits (world, &world->options.limits);
  if (sim_chance (&world->random, 25))
    world->restart_step = 40 + sim_below (&world->random, 200);
  world->core = bus_core_new (&world->options, world->now_us);
  for (guint i = 0; i < GATHERS_CLIENTS; i++)
    run_init_client (world, i);
}

static void
run_drain (GathersWorld *world)
{
  for (guint i = 0; i < GATHERS_CLIENTS && !gathers_failed (world); i++)
    while (world->clients[i].peer != NULL && world->clients[i].is_writable && !world->clients[i].is_frozen
           && !gathers_failed (world))
      gathers_world_drain (world, &world->clients[i]);
}

static void
run_step (GathersWorld *world)
{
  GathersClient *client = &world->clients[sim_below (&world->random, GATHERS_CLIENTS)];

  if (client->peer == NULL)
    {
      if (sim_chance (&world->random, 35))
        gathers_world_connect (world, client);
    }
  else if (client->is_frozen)
    client->is_frozen = !sim_chance (&world->random, 30);
  else if (gathers_is_collector (client))
    gathers_collector_step (world, client);
  else if (client->slot < GATHERS_ASKERS)
    gathers_asker_step (world, client);
  else if (sim_chance (&world->random, 5))
    gathers_world_disconnect (world, client);
  run_drain (world);
  if (!gathers_failed (world) && sim_chance (&world->random, 50))
    gathers_world_advance (world, (gint64) sim_below (&world->random, sim_chance (&world->random, 90) ? 80 : 900)
                                      * MILLISECOND);
  run_drain (world);
}

/* Connects all clients, so that each question must end. */
static void
run_heal (GathersWorld *world)
{
  world->is_healing = TRUE;
  for (guint round = 0; round < HEAL_ROUNDS && !gathers_failed (world); round++)
    {
      for (guint i = 0; i < GATHERS_CLIENTS && !gathers_failed (world); i++)
        {
          if (world->clients[i].peer == NULL)
            gathers_world_connect (world, &world->clients[i]);
          else if (gathers_is_collector (&world->clients[i]))
            gathers_collector_heal (&world->clients[i]);
        }
      gathers_asker_heal (world);
      run_drain (world);
      gathers_world_advance (world, 200 * MILLISECOND);
      run_drain (world);
    }
  for (guint i = 0; i < GATHERS_QUESTIONS; i++)
    if (world->questions[i].is_used)
      gathers_fail (world, "M12: a question did not end");
}

static void
run_finish (GathersWorld *world)
{
  BusCoreStats stats;

  for (guint i = 0; i < GATHERS_CLIENTS && !gathers_failed (world); i++)
    if (world->clients[i].peer != NULL)
      gathers_world_disconnect (world, &world->clients[i]);
  if (gathers_failed (world))
    return;
  bus_core_stats (world->core, &stats);
  if (stats.charged_bytes != 0 || world->core->work->tasks.all.length != 0
      || world->core->work->gathers.all.length != 0)
    gathers_fail (world, "I3: %" G_GUINT64_FORMAT " bytes, %u tasks are left", stats.charged_bytes,
                  world->core->work->tasks.all.length);
  else
    bus_core_free (world->core); /* asserts that nothing is held */
}

char *
gathers_run (guint64 seed, guint n_steps, GathersCoverage *covered, guint64 *hash)
{
  g_autofree GathersWorld *world = g_new0 (GathersWorld, 1);

  run_init (world, seed, covered);
  for (world->step = 0; world->step < n_steps && !gathers_failed (world); world->step++)
    {
      if (world->restart_step > 0 && world->step == world->restart_step)
        gathers_world_restart (world);
      run_step (world);
    }
  if (!gathers_failed (world))
    run_heal (world);
  run_finish (world);
  *hash = world->hash;
  for (guint i = 0; i < GATHERS_CLIENTS; i++)
    wire_frame_reader_clear (&world->clients[i].reader);
  return gathers_failed (world) ? g_strdup_printf ("step %u: %s", world->step, world->failure) : NULL;
}

/* --- many seeds --- */

static gboolean
main_run_again (guint64 seed, guint64 hash)
{
  static GathersCoverage other; /* not used */
  guint64 again;
  g_autofree char *failure = gathers_run (seed, (guint) steps, &other, &again);

  return failure == NULL && again == hash;
}

static int
main_run_one (void)
{
  guint64 hash;
  g_autofree char *failure = gathers_run ((guint64) one_seed, (guint) steps, &coverage, &hash);

  for (guint i = 0; i < GATHERS_N_SITUATIONS; i++)
    printf ("# %8" G_GUINT64_FORMAT " %s\n", coverage.counts[i], situation_names[i]);
  printf ("seed %" G_GINT64_FORMAT ": %s\n", one_seed, failure != NULL ? failure : "good");
  return failure != NULL ? 1 : 0;
}

static gboolean
main_report (gboolean good, guint number, const char *path)
{
  printf ("%s %u /sim-gathers/%s\n", good ? "ok" : "not ok", number, path);
  return good;
}

static gboolean
main_run_seeds (gboolean *same)
{
  gint64 start_us = g_get_monotonic_time ();
  gboolean good = TRUE;

  for (gint i = 0; i < seeds && good; i++)
    {
      guint64 seed = (guint64) from + (guint64) i;
      guint64 hash;
      g_autofree char *failure = gathers_run (seed, (guint) steps, &coverage, &hash);

      if (failure != NULL)
        printf ("# seed %" G_GUINT64_FORMAT ": %s\n", seed, failure);
      good = failure == NULL;
      *same = *same && (i % (gint) TWICE != 0 || !good || main_run_again (seed, hash));
    }
  printf ("# %d seeds of %d steps in %.1f s\n", seeds, steps,
          (double) (g_get_monotonic_time () - start_us) / G_TIME_SPAN_SECOND);
  return good;
}

/* More than 100 times in 20,000 seeds, and in the same proportion in fewer. */
static gboolean
main_is_often (guint64 count)
{
  return count > (guint64) seeds / 200;
}

static int
main_run_many (void)
{
  gboolean same = TRUE;
  gboolean good;

  printf ("1..%u\n", GATHERS_N_SITUATIONS + 2);
  good = main_run_seeds (&same);
  good = main_report (good, 1, "M12-S26-S27-D05-D06-D07-every-seed-holds");
  good = main_report (same, 2, "I19-same-seed-same-bytes") && good;
  for (guint i = 0; i < GATHERS_N_SITUATIONS; i++)
    {
      printf ("# occurred %" G_GUINT64_FORMAT " times\n", coverage.counts[i]);
      good = main_report (main_is_often (coverage.counts[i]), i + 3, situation_names[i]) && good;
    }
  return good ? 0 : 1;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "sim-gathers: %s\n", error->message);
      return 2;
    }
  return one_seed >= 0 ? main_run_one () : main_run_many ();
}
