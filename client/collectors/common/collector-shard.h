/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Shards: several collectors or tasks share the records, so that each record belongs to exactly one of them. A record is in
 * shard @shard if its number modulo @shards is @shard. If @shards is 0 or 1, all records are in the shard. */

#define COLLECTOR_SHARDS_MAX 65536u
#define COLLECTOR_BAD_SHARD  "shard must be below shards, and shards at most 65536"

gboolean collector_shard_is_valid (guint32 shard, guint32 shards);
/* @text: (nullable): the value of the option --shard, "I/N"; NULL: all records. FALSE: it is not valid, see @error. */
gboolean collector_shard_parse (const char *text, guint *shard, guint *shards, GError **error);
