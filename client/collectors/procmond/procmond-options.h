/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The options that only procmond has.
 *
 * Invariant: after a successful check every number is in its range.
 */

#define PROCMOND_INTERVAL_MIN_MS 10
#define PROCMOND_INTERVAL_MAX_MS 3600000
#define PROCMOND_QUEUE_MIN_KIB   64
#define PROCMOND_QUEUE_MAX_KIB   65536
#define PROCMOND_PACE_MAX_MS                                                                                           \
  1000 /* short enough for a task to report progress and to notice its cancellation in time */

typedef struct
{
  char *shard_text;
  gint interval_ms;
  gint pace_ms;
  gint queue_kib; /* size of the kernel's queue of reports */
  gboolean poll;  /* polls even if the kernel can report processes */
  guint shard;
  guint shards;
} ProcmondOptions;

#define PROCMOND_OPTIONS_DEFAULTS                                                                                      \
  {                                                                                                                    \
    .interval_ms = 500, .queue_kib = 4096, .shards = 1                                                                 \
  }

void procmond_options_add (ProcmondOptions *self, GOptionContext *context);
gboolean procmond_options_check (ProcmondOptions *self, GError **error);
void procmond_options_clear (ProcmondOptions *self);
