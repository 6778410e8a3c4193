/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <stdlib.h>

/* After this many messages, tables and free lists have their final size. */
#define WARM 4096u

static const BudgetPath *
budget_find (const char *name, const BudgetPath *paths, gsize n_paths)
{
  for (gsize i = 0; i < n_paths; i++)
    if (g_str_equal (paths[i].name, name))
      return &paths[i];
  return NULL;
}

int
budget_main (int argc, char **argv, const BudgetPath *paths, gsize n_paths)
{
  const BudgetPath *path = argc == 3 ? budget_find (argv[1], paths, n_paths) : NULL;
  const guint messages = path != NULL ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : 0;
  guint64 before;
  gpointer state;

  if (messages == 0)
    {
      g_printerr ("usage: %s PATH MESSAGES\n", argv[0]);
      return 2;
    }
  state = path->begin ();
  path->run (state, WARM);
  before = budget_allocations ();
  path->run (state, messages);
  g_print ("%" G_GUINT64_FORMAT "\n", budget_allocations () - before);
  path->end (state);
  return 0;
}
