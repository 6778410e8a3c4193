/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-world.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * sim: many seeds, or one again.
 *
 *   sim [--seeds N] [--from SEED] [--steps N]   TAP: the seeds, the same seed twice, and a row for each thing reached
 *   sim --seed SEED [--steps N]                 one seed: what failed, at which step; for a debugger
 *
 * Ends with 1 when a seed failed; the seed is printed.
 */

#define TWICE 50u /* each so many seeds one is run again */

static gint64 one_seed = -1;
static gint seeds = 2000;
static gint from = 1;
static gint steps = 600;

static const GOptionEntry entries[] = {
  { "seed", 's', 0, G_OPTION_ARG_INT64, &one_seed, "Run this seed alone", "SEED" },
  { "seeds", 'n', 0, G_OPTION_ARG_INT, &seeds, "Run so many seeds (2000)", "N" },
  { "from", 'f', 0, G_OPTION_ARG_INT, &from, "Begin with this seed (1)", "SEED" },
  { "steps", 't', 0, G_OPTION_ARG_INT, &steps, "Steps of a seed (600)", "N" },
  G_OPTION_ENTRY_NULL,
};

static gboolean
run_again (guint64 seed, guint64 hash)
{
  SimReached reached = { { 0 } };
  guint64 again;
  g_autofree char *failure = sim_world_run (seed, (guint) steps, &reached, &again);

  return failure == NULL && again == hash;
}

static int
run_one (void)
{
  SimReached reached = { { 0 } };
  guint64 hash;
  g_autofree char *failure = sim_world_run ((guint64) one_seed, (guint) steps, &reached, &hash);

  for (guint i = 0; i < SIM_N_REACH; i++)
    printf ("# %8" G_GUINT64_FORMAT " %s\n", reached.counts[i], sim_reach_name (i));
  printf ("seed %" G_GINT64_FORMAT ": %s\n", one_seed, failure != NULL ? failure : "good");
  return failure != NULL ? 1 : 0;
}

static gboolean
tell (gboolean good, guint number, const char *path)
{
  printf ("%s %u /sim/%s\n", good ? "ok" : "not ok", number, path);
  return good;
}

static int
run_many (void)
{
  SimReached reached = { { 0 } };
  gboolean good = TRUE, same = TRUE;
  gint64 start_us = g_get_monotonic_time ();

  printf ("1..%u\n", SIM_N_REACH + 2);
  for (gint i = 0; i < seeds && good; i++)
    {
      guint64 seed = (guint64) from + (guint64) i;
      guint64 hash;
      g_autofree char *failure = sim_world_run (seed, (guint) steps, &reached, &hash);

      if (failure != NULL)
        printf ("# seed %" G_GUINT64_FORMAT ": %s\n", seed, failure);
      good = failure == NULL;
      same = same && (i % (gint) TWICE != 0 || !good || run_again (seed, hash));
    }
  printf ("# %d seeds of %d steps in %.1f s\n", seeds, steps,
          (double) (g_get_monotonic_time () - start_us) / G_TIME_SPAN_SECOND);
  good = tell (good, 1, "M08-R09-I01-I02-I03-I04-I05-I06-I07-I12-I13-I14-I15-I16-I17-I20-every-seed-holds");
  same = tell (same, 2, "I19-same-seed-same-bytes");
  good = good && same;
  for (guint i = 0; i < SIM_N_REACH; i++)
    {
      printf ("# reached %" G_GUINT64_FORMAT " times\n", reached.counts[i]);
      good = tell (reached.counts[i] > 0, i + 3, sim_reach_name (i)) && good;
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
      fprintf (stderr, "sim: %s\n", error->message);
      return 2;
    }
  return one_seed >= 0 ? run_one () : run_many ();
}
