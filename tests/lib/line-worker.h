/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * A connected client in a process of its own that obeys lines: a line of its standard input is a command of a table, its
 * first word the name. Which commands there are, and what they keep, is the program's.
 *
 * Invariant: one line is obeyed after the other; answers are whole lines and out before the next command begins.
 */

typedef struct Worker Worker; /* the program's */

typedef struct
{
  const char *name;
  guint least, most; /* words behind it */
  /* @words: NULL-ended, the name first. */
  void (*run) (Worker *worker, char **words);
} LineCommand;

/*
 * Until the end of standard input: 0; or until the connection ends: 3, after the line "closed CODE MESSAGE".
 * An unknown command, or one with too few or too many words, is fatal.
 */
int line_worker_run (DeyeBusClient *client, Worker *worker, const LineCommand *commands, gsize n_commands);

/* An answer. */
void line_worker_say (const char *format, ...) G_GNUC_PRINTF (1, 2);
guint64 line_worker_number (const char *word);
