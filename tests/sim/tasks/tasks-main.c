/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-world.h"

#include <stdio.h>

/*
 * sim-tasks: runs many seeds of the family of tasks, or one seed again.
 *
 *   sim-tasks [--seeds N] [--from SEED] [--steps N]   TAP: the seeds, the same seed twice, and the coverage
 *   sim-tasks --seed SEED [--steps N] [--trace]       one seed, for a debugger: its failure and the step of it
 *
 * Exits with 1 when a seed failed, and prints that seed.
 */

#define TWICE 50u /* one of this many seeds is run twice */

gboolean tasks_trace = FALSE;

static gint64 one_seed = -1;
static gint seeds = 2000;
static gint from = 1;
static gint steps = 400;

static const GOptionEntry entries[] = {
  { "seed", 's', 0, G_OPTION_ARG_INT64, &one_seed, "Run this seed alone", "SEED" },
  { "seeds", 'n', 0, G_OPTION_ARG_INT, &seeds, "Run so many seeds (2000)", "N" },
  { "from", 'f', 0, G_OPTION_ARG_INT, &from, "Begin with this seed (1)", "SEED" },
  { "steps", 't', 0, G_OPTION_ARG_INT, &steps, "Steps of a seed (400)", "N" },
  { "trace", 0, 0, G_OPTION_ARG_NONE, &tasks_trace, "Print each step of a task", NULL },
  G_OPTION_ENTRY_NULL,
};

static TasksCoverage coverage;
static TasksSums sums;

static gboolean
main_run_again (guint64 seed, guint64 hash)
{
  static TasksCoverage other; /* not used */
  TasksSums others = { 0 };
  guint64 again;
  g_autofree char *failure = tasks_run (seed, (guint) steps, &other, &others, &again);

  return failure == NULL && again == hash;
}

static int
main_run_one (void)
{
  guint64 hash;
  g_autofree char *failure = tasks_run ((guint64) one_seed, (guint) steps, &coverage, &sums, &hash);

  for (guint i = 0; i < TASKS_N_SITUATIONS; i++)
    printf ("# %8" G_GUINT64_FORMAT " %s\n", coverage.counts[i], tasks_coverage_name (i));
  printf ("seed %" G_GINT64_FORMAT ": %s\n", one_seed, failure != NULL ? failure : "good");
  return failure != NULL ? 1 : 0;
}

static gboolean
main_report (gboolean good, guint number, const char *path)
{
  printf ("%s %u /sim-tasks/%s\n", good ? "ok" : "not ok", number, path);
  return good;
}

/* The events that occurred in each state. */
static void
main_print_cells (void)
{
  printf ("# %14s", "");
  for (guint state = 1; state < BUS_N_TASK_STATES; state++)
    printf (" %11s", bus_task_state_name (state));
  printf ("\n");
  for (guint event = 0; event < BUS_N_TASK_EVENTS; event++)
    {
      printf ("# %14s", bus_task_event_name (event));
      for (guint state = 1; state < BUS_N_TASK_STATES; state++)
        printf (" %11" G_GUINT64_FORMAT, coverage.cells[state][event]);
      printf ("\n");
    }
}

static void
main_print_members (void)
{
  printf ("# %14s", "");
  for (guint state = 0; state < BUS_MEMBER_N_STATES; state++)
    printf (" %11s", bus_member_state_name (state));
  printf ("\n");
  for (guint event = 0; event < BUS_MEMBER_N_EVENTS; event++)
    {
      printf ("# %14s", tasks_cells_member_event (event));
      for (guint state = 0; state < BUS_MEMBER_N_STATES; state++)
        printf (" %11" G_GUINT64_FORMAT, coverage.members[state][event]);
      printf ("\n");
    }
}

static void
main_print_health (void)
{
  printf ("# %14s", "");
  for (guint state = 0; state < BUS_HEALTH_N_STATES; state++)
    printf (" %12s", bus_health_state_name (state));
  printf ("\n");
  for (guint event = 0; event < BUS_HEALTH_N_EVENTS; event++)
    {
      printf ("# %14s", tasks_cells_health_event (event));
      for (guint state = 0; state < BUS_HEALTH_N_STATES; state++)
        printf (" %12" G_GUINT64_FORMAT, coverage.health[state][event]);
      printf ("\n");
    }
}

static gboolean
main_run_seeds (gboolean *same)
{
  gint64 start_us = g_get_monotonic_time ();
  gboolean good = TRUE;
  guint64 bytes = 0;

  for (gint i = 0; i < seeds && good; i++)
    {
      guint64 seed = (guint64) from + (guint64) i;
      guint64 hash;
      g_autofree char *failure = tasks_run (seed, (guint) steps, &coverage, &sums, &hash);

      if (failure != NULL)
        printf ("# seed %" G_GUINT64_FORMAT ": %s\n", seed, failure);
      bytes = (bytes ^ hash) * 0x100000001b3u; /* FNV-1a */
      good = failure == NULL;
      *same = *same && (i % (gint) TWICE != 0 || !good || main_run_again (seed, hash));
    }
  printf ("# %d seeds of %d steps in %.1f s\n", seeds, steps,
          (double) (g_get_monotonic_time () - start_us) / G_TIME_SPAN_SECOND);
  printf ("# bytes %016" G_GINT64_MODIFIER "x\n", bytes);
  return good;
}

/* More than 100 times in 20,000 seeds, and in the same proportion in fewer. */
static gboolean
main_is_often (guint64 count)
{
  return count > (guint64) seeds / 200;
}

/* @is_reached: the cell is reachable */
static gboolean
main_check_cell (const char *state, const char *event, gboolean is_reached, guint64 count)
{
  if (is_reached ? main_is_often (count) : count == 0)
    return TRUE;
  printf ("# %s in %s: %" G_GUINT64_FORMAT " times%s\n", event, state, count,
          is_reached ? "" : ", but is unreachable in tasks-cells");
  return FALSE;
}

static gboolean
main_check_cells (void)
{
  gboolean good = TRUE;

  for (guint state = 1; state < BUS_N_TASK_STATES; state++)
    for (guint event = 0; event < BUS_N_TASK_EVENTS; event++)
      good &= main_check_cell (bus_task_state_name (state), bus_task_event_name (event),
                               tasks_cells_has_task (state, event), coverage.cells[state][event]);
  return good;
}

static gboolean
main_check_members (void)
{
  gboolean good = TRUE;

  for (guint state = 0; state < BUS_MEMBER_N_STATES; state++)
    for (guint event = 0; event < BUS_MEMBER_N_EVENTS; event++)
      good &= main_check_cell (bus_member_state_name (state), tasks_cells_member_event (event),
                               tasks_cells_has_member (state, event), coverage.members[state][event]);
  return good;
}

/* Every cell that the table does not declare impossible must occur. */
static gboolean
main_check_health (void)
{
  gboolean good = TRUE;

  for (guint state = 0; state < BUS_HEALTH_N_STATES; state++)
    for (guint event = 0; event < BUS_HEALTH_N_EVENTS; event++)
      good &= main_check_cell (bus_health_state_name (state), tasks_cells_health_event (event),
                               bus_health_step (state, event)->kind != BUS_HEALTH_STEP_ERROR,
                               coverage.health[state][event]);
  return good;
}

static int
main_run_many (void)
{
  gboolean same = TRUE;
  gboolean good;

  printf ("1..%u\n", TASKS_N_SITUATIONS + 6);
  good = main_run_seeds (&same);
  printf ("# %" G_GUINT64_FORMAT " accepted, %" G_GUINT64_FORMAT " succeeded, %" G_GUINT64_FORMAT
          " runs; lost %" G_GUINT64_FORMAT ", unexpected %" G_GUINT64_FORMAT ", duplicated %" G_GUINT64_FORMAT
          ", recovered %" G_GUINT64_FORMAT "\n",
          sums.accepted, sums.succeeded, sums.runs, sums.lost, sums.unexpected, sums.duplicated, sums.recovered);
  main_print_cells ();
  main_print_members ();
  main_print_health ();
  good = main_report (good, 1, "M09-M10-M11-M14-K01-K02-K03-I01-I08-I09-I10-I11-I15-I20-every-seed-holds");
  good = main_report (same, 2, "I19-same-seed-same-bytes") && good;
  good = main_report (sums.lost == 0 && sums.unexpected == 0, 3, "I09-I11-nothing-lost-nothing-unexpected") && good;
  good = main_report (main_check_cells (), 4, "M11-every-cell-of-tasks-occurred") && good;
  good = main_report (main_check_members (), 5, "M09-every-cell-of-members-occurred") && good;
  good = main_report (main_check_health (), 6, "M13-every-cell-of-health-occurred") && good;
  for (guint i = 0; i < TASKS_N_SITUATIONS; i++)
    {
      printf ("# occurred %" G_GUINT64_FORMAT " times\n", coverage.counts[i]);
      good = main_report (main_is_often (coverage.counts[i]), i + 7, tasks_coverage_name (i)) && good;
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
      fprintf (stderr, "sim-tasks: %s\n", error->message);
      return 2;
    }
  return one_seed >= 0 ? main_run_one () : main_run_many ();
}
