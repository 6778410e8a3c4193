/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-query.h"

#include "proc-pack.h"
#include "proc-page.h"

#define SHARDS_MAX 65536u

gboolean
procmond_shard_is_valid (guint32 shard, guint32 shards)
{
  return shards <= SHARDS_MAX && (shards == 0 || shard < shards);
}

/* If nothing but the size ends a page, no more processes are read than it can have. */
ProcRange
procmond_query_range (const ProcmondQuery *query, gsize room)
{
  gboolean only_size = query->pid == 0 && *query->name == '\0' && query->limit == 0;

  return (ProcRange){ .shard = query->shard,
                      .shards = query->shards,
                      .after = query->cursor,
                      .enough = query->pages && only_size ? room : 0 };
}

static gboolean
query_matches (const ProcmondQuery *query, const ProcRecord *record)
{
  return (query->pid == 0 || query->pid == record->pid)
         && (*query->name == '\0' || g_str_equal (query->name, record->name));
}

GBytes *
procmond_query_answer (const ProcmondQuery *query, ProcTable *table, gsize room)
{
  for (guint i = table->records->len; i > 0; i--)
    if (!query_matches (query, g_ptr_array_index (table->records, i - 1)))
      g_ptr_array_remove_index (table->records, i - 1);
  if (query->limit > 0)
    proc_page_truncate (table, query->limit);
  proc_page_fit (table, room, !query->pages);
  return proc_pack_table (table);
}
