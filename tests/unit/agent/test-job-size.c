/* SPDX-License-Identifier: Apache-2.0 */
#include "demo/job-size.h"

/*
 * The size of the demonstration's work: it takes about the same time on each machine, and has enough tasks for three collectors
 * to have some each when a third of the tasks is left.
 */

static const struct
{
  const char *name;
  guint n_processes;
} machines[] = { { "empty", 0 }, { "container", 5 }, { "server", 120 }, { "busy", 700 }, { "huge", 30000 } };

/* The time for all tables, in which collectors only wait; their CPU time is not included. */
static guint
work_ms (guint n_processes)
{
  return n_processes * job_size_of (n_processes).tables * job_size_pace_ms (n_processes);
}

static void
test_size (gconstpointer data)
{
  guint n_processes = machines[GPOINTER_TO_UINT (data)].n_processes;
  JobSize size = job_size_of (n_processes);

  g_assert_cmpuint (size.tables, >=, 1);
  g_assert_cmpuint (size.shards, >=, 3);
  g_assert_cmpuint (size.tables * size.shards, >=, 30);
  g_assert_cmpuint (job_size_pace_ms (n_processes), >=, 1);
  g_assert_cmpuint (job_size_pace_ms (n_processes), <=, 50); /* far below the limit of progress, see job-place.c */
  if (n_processes > 0)
    g_assert_cmpuint (work_ms (n_processes), >=, 3000);
  if (n_processes <= 5000)
    g_assert_cmpuint (work_ms (n_processes), <=, 6000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (machines); i++)
    {
      g_autofree char *path = g_strdup_printf ("/agent/job-size/%s", machines[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_size);
    }
  return g_test_run ();
}
