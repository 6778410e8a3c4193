/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-world.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * sim: runs many seeds, or one seed again.
 *
 *   sim [--seeds N] [--from SEED] [--steps N]   TAP: the seeds, the same seed twice, and the coverage
 *   sim --seed SEED [--steps N]                 one seed, for a debugger: its failure and the step of it
 *
 * Exits with 1 when a seed failed, and prints that seed. The line "bytes" is a hash of all bytes that the broker sent: two
 * builds that print the same hash behaved the same.
 */

#define TWICE 50u /* one of this many seeds is run twice */

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
main_run_again (guint64 seed, guint64 hash)
{
  SimCoverage coverage = { { 0 } };
  guint64 again;
  g_autofree char *failure = sim_world_run (seed, (guint) steps, &coverage, &again);

  return failure == NULL && again == hash;
}

static int
main_run_one (void)
{
  SimCoverage coverage = { { 0 } };
  guint64 hash;
  g_autofree char *failure = sim_world_run ((guint64) one_seed, (guint) steps, &coverage, &hash);

  for (guint i = 0; i < SIM_N_SITUATIONS; i++)
    printf ("# %8" G_GUINT64_FORMAT " %s\n", coverage.counts[i], sim_coverage_name (i));
  printf ("seed %" G_GINT64_FORMAT ": %s\n", one_seed, failure != NULL ? failure : "good");
  return failure != NULL ? 1 : 0;
}

static gboolean
main_report (gboolean good, guint number, const char *path)
{
  printf ("%s %u /sim/%s\n", good ? "ok" : "not ok", number, path);
  return good;
}

static int
main_run_many (void)
{
  SimCoverage coverage = { { 0 } };
  gboolean good = TRUE, same = TRUE;
  gint64 start_us = g_get_monotonic_time ();
  guint64 bytes = 0;

  printf ("1..%u\n", SIM_N_SITUATIONS + 2);
  for (gint i = 0; i < seeds && good; i++)
    {
      guint64 seed = (guint64) from + (guint64) i;
      guint64 hash;
      g_autofree char *failure = sim_world_run (seed, (guint) steps, &coverage, &hash);

      if (failure != NULL)
        printf ("# seed %" G_GUINT64_FORMAT ": %s\n", seed, failure);
      bytes = (bytes ^ hash) * 0x100000001b3u; /* FNV-1a */
      good = failure == NULL;
      same = same && (i % (gint) TWICE != 0 || !good || main_run_again (seed, hash));
    }
  printf ("# %d seeds of %d steps in %.1f s\n", seeds, steps,
          (double) (g_get_monotonic_time () - start_us) / G_TIME_SPAN_SECOND);
  printf ("# bytes %016" G_GINT64_MODIFIER "x\n", bytes);
  good = main_report (good, 1, "M08-R09-I01-I02-I03-I04-I05-I06-I07-I12-I13-I14-I15-I16-I17-I20-every-seed-holds");
  same = main_report (same, 2, "I19-same-seed-same-bytes");
  good = good && same;
  for (guint i = 0; i < SIM_N_SITUATIONS; i++)
    {
      printf ("# occurred %" G_GUINT64_FORMAT " times\n", coverage.counts[i]);
      good = main_report (coverage.counts[i] > 0, i + 3, sim_coverage_name (i)) && good;
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
  return one_seed >= 0 ? main_run_one () : main_run_many ();
}
