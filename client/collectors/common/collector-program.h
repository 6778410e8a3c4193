/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-bus.h"

/*
 * The main function of a collector program: locale, log, command line, the work on the bus, and the exit status.
 *
 * The status is 0 if the program has worked until its end, also if something was not sent then, 1 if it can't work, and 2 if its
 * command line is not valid. Errors are written to standard error.
 */

typedef struct
{
  const char *name;        /* of the program */
  const char *summary;     /* what it does; translatable */
  const char *description; /* (nullable): what follows its options; translatable */
  /* (nullable): adds the options that only this program has. */
  void (*add_options) (GOptionContext *context, gpointer data);
  /* (nullable): checks them after they were parsed; FALSE with @error: one is not valid. */
  gboolean (*check_options) (gpointer data, GError **error);
  /* Adds services and operations to the collector of @bus, and reads what there is before the program has joined. clear() is
   * called in any case. FALSE with @error: the program can't work. */
  gboolean (*start) (CollectorBus *bus, gpointer data, GError **error);
  void (*clear) (gpointer data);
} CollectorProgram;

/* The exit status. @data: passed to the functions of @program. */
int collector_program_main (const CollectorProgram *program, gpointer data, int argc, char **argv);
