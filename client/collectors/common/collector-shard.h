/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The shards of a collector: several collectors, or several tasks, together have each record once. A record whose number
 * leaves the remainder @shard when divided by @shards belongs to that shard; shards 0 and 1 are everything. */

#define COLLECTOR_SHARDS_MAX 65536u
#define COLLECTOR_BAD_SHARD  "shard must be below shards, and shards at most 65536"

gboolean collector_shard_is_valid (guint32 shard, guint32 shards);
/* @text: (nullable): of the option --shard, "I/N"; NULL: everything. FALSE with @error: it is not valid. */
gboolean collector_shard_parse (const char *text, guint *shard, guint *shards, GError **error);
