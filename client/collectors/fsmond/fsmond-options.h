/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The options that only fsmond has.
 *
 * Invariant: after a successful check every directory is a path in the form of fs_path_parse(), and every number is in its range.
 */

#define FSMOND_DIRECTORIES_MAX 1000000

typedef struct
{
  char **watch;      /* (nullable): with their subdirectories */
  char **watch_flat; /* (nullable): without them */
  gint max_directories;
  gint max_entries;
  gint64 max_hash_bytes;
  gint max_hashes;
  gboolean hash_anywhere;
  gint check_ms;
  gint fold_ms;
} FsmondOptions;

#define FSMOND_OPTIONS_DEFAULTS                                                                                        \
  {                                                                                                                    \
    .max_directories = 8192, .max_entries = 262144, .max_hash_bytes = G_GINT64_CONSTANT (4) << 30, .max_hashes = 2,    \
    .check_ms = 10000, .fold_ms = 1000                                                                                 \
  }

void fsmond_options_add (FsmondOptions *self, GOptionContext *context);
gboolean fsmond_options_check (FsmondOptions *self, GError **error);
/* Returns all directories. (element-type FsRoot) (transfer full) */
GPtrArray *fsmond_options_roots (const FsmondOptions *self);
void fsmond_options_clear (FsmondOptions *self);
