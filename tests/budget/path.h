/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The paths of a message whose cost has a budget: the main function of the programs that run them.
 *
 * `PROGRAM PATH MESSAGES` sends that many messages along a path and prints how many blocks were allocated for them. test-budget.py
 * counts the instructions of two runs of different length with callgrind; their difference is the cost of the messages, without
 * the start of the program. Therefore a path must do the same work for each message.
 */

typedef struct
{
  const char *name;
  gpointer (*begin) (void);
  void (*run) (gpointer state, guint messages);
  void (*end) (gpointer state);
} BudgetPath;

int budget_main (int argc, char **argv, const BudgetPath *paths, gsize n_paths);

/* The number of blocks that the program has allocated so far, in all threads. */
guint64 budget_allocations (void);

/* The bytes of its allocated blocks, with the overhead of malloc(). */
guint64 budget_bytes (void);
