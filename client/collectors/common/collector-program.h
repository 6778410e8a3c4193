/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-bus.h"

/*
 * The main function of a collector program: locale, log, command line, the work on the bus, and the exit status.
 *
 * The status is 0 if the program has worked until its end, even if some messages were not sent at the end; 1 if it can't work;
 * 2 if its command line is not valid. Errors are written to standard error.
 */

typedef struct
{
  const char *name;        /* of the program */
  const char *summary;     /* one sentence about its purpose; translatable */
  const char *description; /* (nullable): the text after its options; translatable */
  /* (nullable): adds the options that only this program has. */
  void (*add_options) (GOptionContext *context, gpointer data);
  /* (nullable): checks the options after they were parsed. FALSE: @error says which one is not valid. */
  gboolean (*check_options) (gpointer data, GError **error);
  /* Adds services and operations to the collector of @bus, and reads the initial state before the program has joined. clear()
   * is called in any case. FALSE: the program can't work, see @error. */
  gboolean (*start) (CollectorBus *bus, gpointer data, GError **error);
  void (*clear) (gpointer data);
} CollectorProgram;

/* Runs the program and returns its exit status. @data: passed to the functions of @program. */
int collector_program_main (const CollectorProgram *program, gpointer data, int argc, char **argv);
