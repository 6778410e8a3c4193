/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The main loop of a helper process that has a connected client and executes commands. Each line of its standard input
 * is a command: a name and arguments, separated by single spaces. The program defines the table of commands and the
 * state that they share.
 *
 * Invariant: commands are executed one after the other. The answer of a command is whole lines, and they are written
 * before the next command is executed.
 */

typedef struct Worker Worker; /* the state; defined by the program */

typedef struct
{
  const char *name;
  guint least, most; /* number of arguments */
  /* @words: NULL-ended, starts with the name. */
  void (*run) (Worker *worker, char **words);
} LineCommand;

/*
 * Returns 0 at the end of standard input, or 3 when the connection ends, after the line "closed CODE MESSAGE".
 * An unknown command, or one with the wrong number of arguments, aborts the process.
 */
int line_worker_run (DeyeBusClient *client, Worker *worker, const LineCommand *commands, gsize n_commands);

/* Prints a line of an answer. */
void line_worker_print (const char *format, ...) G_GNUC_PRINTF (1, 2);
guint64 line_worker_number (const char *word);
