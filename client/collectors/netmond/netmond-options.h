/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The options that only netmond has.
 *
 * Invariant: after a successful check every number is in its range.
 */

#define NETMOND_INTERVAL_MIN_MS 10
#define NETMOND_INTERVAL_MAX_MS 3600000
#define NETMOND_PACE_MAX_MS     1000 /* short enough for a task to report progress and to notice its cancellation in time */
#define NETMOND_SOCKETS_MIN     16
#define NETMOND_SOCKETS_MAX     1000000

typedef struct
{
  char *shard_text;
  gint interval_ms;
  gint pace_ms;
  gint max_sockets;
  gboolean without_notices;
  guint shard;
  guint shards;
} NetmondOptions;

#define NETMOND_OPTIONS_DEFAULTS                                                                                       \
  {                                                                                                                    \
    .interval_ms = 500, .max_sockets = 65536, .shards = 1                                                              \
  }

/* Adds the options. @self has the defaults, and receives the values when the context is parsed. */
void netmond_options_add (NetmondOptions *self, GOptionContext *context);
gboolean netmond_options_check (NetmondOptions *self, GError **error);
void netmond_options_clear (NetmondOptions *self);
