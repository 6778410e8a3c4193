/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-query.h"

#include "collection.pb-c.h"
#include "proc-pack.h"
#include "proc-page.h"

typedef Daemoneye__Eventbus__V1__ProcessQuery Query;

#define SHARDS_MAX 65536u

gboolean
procmond_shard_is_valid (guint32 shard, guint32 shards)
{
  return shards <= SHARDS_MAX && (shards == 0 || shard < shards);
}

typedef struct
{
  const Query *query;
  gsize room;
  ProcReader *reader;
  guint rows; /* of the packed answer */
  guint unreadable;
  gboolean is_cut; /* there are more */
} QueryAnswer;

/* If only the size can end a page, no more processes are read than fit into it. */
static ProcRange
query_range (const Query *query, gsize room)
{
  gboolean only_size = query->pid == 0 && *query->name == '\0' && query->limit == 0;

  return (ProcRange){ .shard = query->shard,
                      .shards = query->shards,
                      .after = query->cursor,
                      .enough = query->pages && only_size ? room : 0 };
}

static gpointer
query_begin (gconstpointer message, gsize room, CollectorRefusal *refusal, gpointer data)
{
  const Query *query = message;
  const ProcRange range = query_range (query, room);
  ProcReader *reader = NULL;
  QueryAnswer *answer;

  if (!procmond_shard_is_valid (query->shard, query->shards))
    *refusal = (CollectorRefusal){ "BadShard", PROCMOND_BAD_SHARD, FALSE };
  else if ((reader = proc_reader_new (&range)) == NULL)
    *refusal = (CollectorRefusal){ "NoProcesses", PROCMOND_NO_PROCESSES, TRUE };
  if (reader == NULL)
    return NULL;
  answer = g_new (QueryAnswer, 1);
  *answer = (QueryAnswer){ .query = query, .room = room, .reader = reader };
  return answer;
}

/* Sets the part of a divided question. */
static void
query_set_part (gpointer data, guint shard, guint shards)
{
  QueryAnswer *answer = data;

  proc_reader_set_shard (answer->reader, shard, shards);
}

static gboolean
query_step (gpointer data, guint n, guint *done, guint *total)
{
  QueryAnswer *answer = data;
  gboolean more = proc_reader_step (answer->reader, n);

  *done = proc_reader_count (answer->reader, total);
  return more;
}

static gboolean
query_matches (const Query *query, const ProcRecord *record)
{
  return (query->pid == 0 || query->pid == record->pid)
         && (*query->name == '\0' || g_str_equal (query->name, record->name));
}

/* Reads the requested processes, as many as fit. */
static GBytes *
query_pack (gpointer data)
{
  QueryAnswer *answer = data;
  const Query *query = answer->query;
  g_autoptr (ProcTable) table = proc_reader_end (answer->reader);

  for (guint i = table->records->len; i > 0; i--)
    if (!query_matches (query, g_ptr_array_index (table->records, i - 1)))
      g_ptr_array_remove_index (table->records, i - 1);
  if (query->limit > 0)
    proc_page_truncate (table, query->limit);
  proc_page_fit (table, answer->room, !query->pages);
  answer->rows = table->records->len;
  answer->unreadable = table->unreadable;
  answer->is_cut = table->next != 0 || table->partial;
  return proc_pack_table (table);
}

/* The number of processes that the system hides is unknown; the answer only says that some are hidden. */
static void
query_set_extent (gpointer data, DeyeBusWork *work)
{
  const QueryAnswer *answer = data;
  guint all = answer->rows + answer->unreadable;

  deye_bus_work_set_rows (work, answer->rows);
  if (answer->is_cut)
    deye_bus_work_set_truncated (work, answer->query->limit);
  if (all > 0)
    deye_bus_work_set_share (work, MAX (answer->rows * 1000 / all, 1));
}

static void
query_free (gpointer data)
{
  QueryAnswer *answer = data;

  proc_reader_free (answer->reader);
  g_free (answer);
}

const CollectorQuestion procmond_query_question = {
  .method = "ListProcesses",
  .operation = "list_processes",
  .text = "Returns the running processes: all, or those with a pid or a name; see next_cursor.",
  .query_type = &daemoneye__eventbus__v1__process_query__descriptor,
  .answer_type = PROCMOND_TABLE_TYPE,
  .begin = query_begin,
  .set_part = query_set_part,
  .step = query_step,
  .pack = query_pack,
  .set_extent = query_set_extent,
  .free = query_free,
};
