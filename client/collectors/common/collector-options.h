/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The part of the command line that all collectors have: who the program is on the bus, where the bus is, and how the program
 * reports that it works.
 *
 * A program adds the options that only it has.
 *
 * Invariant: after a successful parse the id and the type are set, and the time between heartbeats is positive.
 */

typedef struct
{
  char *id;
  char *type;
  char *address; /* NULL: the default one */
  gint heartbeat_ms;
  gint ready_fd; /* -1: none */
  gboolean version;
} CollectorOptions;

/* The texts are translated already. */
typedef struct
{
  const char *name;        /* of the program; the default type, and with -1 the default id */
  const char *summary;     /* what the program does */
  const char *description; /* (nullable): what follows the options */
  /* (nullable): adds the options that only this program has. */
  void (*add_options) (GOptionContext *context, gpointer data);
  gpointer data;
} CollectorUsage;

/* Fills @self, which is all zeros. */
gboolean
collector_options_parse (CollectorOptions *self, const CollectorUsage *usage, int *argc, char ***argv, GError **error);
void collector_options_clear (CollectorOptions *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CollectorOptions, collector_options_clear)
