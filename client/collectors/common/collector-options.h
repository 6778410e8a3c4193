/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The command-line options that all collectors have: id and type of the program on the bus, the address of the bus, and the
 * descriptor for the readiness report.
 *
 * A program adds its own options.
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

/* The texts are already translated. */
typedef struct
{
  const char *name;        /* of the program; the default type, and with -1 the default id */
  const char *summary;     /* what the program does */
  const char *description; /* (nullable): the text after the options */
  /* (nullable): adds the options that only this program has. */
  void (*add_options) (GOptionContext *context, gpointer data);
  gpointer data;
} CollectorUsage;

/* Fills @self, which is all zeros. */
gboolean
collector_options_parse (CollectorOptions *self, const CollectorUsage *usage, int *argc, char ***argv, GError **error);
void collector_options_clear (CollectorOptions *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CollectorOptions, collector_options_clear)
