/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The command line of procmond.
 *
 * Invariant: after a successful parse every number is in its range, and the id and the type are set.
 */

#define PROCMOND_INTERVAL_MIN_MS 10
#define PROCMOND_INTERVAL_MAX_MS 3600000
#define PROCMOND_PACE_MAX_MS     1000 /* a task still reports progress, and notices its cancel, in time */

typedef struct
{
  char *id;
  char *type;
  char *address; /* NULL: the default one */
  char *shard_text;
  gint interval_ms;
  gint heartbeat_ms;
  gint pace_ms;
  gint ready_fd; /* -1: none */
  gboolean version;
  guint shard;
  guint shards;
} ProcmondOptions;

/* Fills @self, which is all zeros. */
gboolean procmond_options_parse (ProcmondOptions *self, int *argc, char ***argv, GError **error);
void procmond_options_clear (ProcmondOptions *self);
