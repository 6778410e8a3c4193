/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-list.h"

#include "procmond-query.h"
#include "procmond-reply.h"
#include "wire-guard.h"

#define STEP 64u /* processes, a few milliseconds */

#define RESULT_REST                                                                                                    \
  ((16u << 10) + 64u) /* of the largest payload: see deye_bus_work_succeed(), and the counts of the table */

struct ProcmondList
{
  guint pace_ms;
  GPtrArray *runs; /* of ListRun */
};

/* One task. */
typedef struct
{
  ProcmondList *list; /* borrowed: it owns the run */
  DeyeBusWork *work;
  WireGuard *query;
  ProcReader *reader;
  gsize room;
  guint step; /* source; 0: none */
} ListRun;

static void
list_run_free (gpointer data)
{
  ListRun *run = data;

  g_clear_handle_id (&run->step, g_source_remove);
  g_clear_pointer (&run->reader, proc_reader_free);
  g_clear_pointer (&run->query, wire_guard_free);
  g_object_unref (run->work);
  g_free (run);
}

ProcmondList *
procmond_list_new (guint pace_ms)
{
  ProcmondList *self = g_new (ProcmondList, 1);

  *self = (ProcmondList){ pace_ms, g_ptr_array_new_with_free_func (list_run_free) };
  return self;
}

void
procmond_list_free (ProcmondList *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->runs);
  g_free (self);
}

/* Only a limit of the broker that leaves no room for one process makes a result too large. */
static void
list_succeed (ListRun *run)
{
  g_autoptr (ProcTable) table = proc_reader_end (run->reader);
  g_autoptr (GBytes) result = procmond_query_answer (wire_guard_message (run->query), table, run->room);
  g_autoptr (GError) error = NULL;

  if (!deye_bus_work_succeed (run->work, result, PROCMOND_TABLE_TYPE, &error))
    deye_bus_work_fail (run->work, "ResultTooLarge", error->message, NULL);
}

static void list_schedule (ListRun *run);

static gboolean
list_on_step (gpointer data)
{
  ListRun *run = data;
  gboolean more = proc_reader_step (run->reader, run->list->pace_ms > 0 ? 1 : STEP);
  guint total;
  guint done = proc_reader_count (run->reader, &total);

  run->step = 0;
  if (!deye_bus_work_progress (run->work, done, total, NULL, NULL, NULL))
    deye_bus_work_acknowledge_cancel (run->work, NULL);
  else if (more)
    {
      list_schedule (run);
      return G_SOURCE_REMOVE;
    }
  else
    list_succeed (run);
  g_ptr_array_remove_fast (run->list->runs, run);
  return G_SOURCE_REMOVE;
}

/* A poll that takes as long as its interval would keep an idle source from running. */
static void
list_schedule (ListRun *run)
{
  run->step = g_timeout_add (run->list->pace_ms, list_on_step, run);
}

/* NULL: the work has its outcome. */
static ProcReader *
list_begin_reading (DeyeBusWork *work, const ProcmondQuery *query, gsize room)
{
  const ProcRange range = procmond_query_range (query, room);
  ProcReader *reader = NULL;

  if (!procmond_shard_is_valid (query->shard, query->shards))
    deye_bus_work_fail (work, "BadShard", PROCMOND_BAD_SHARD, NULL);
  else if ((reader = proc_reader_new (&range)) == NULL)
    deye_bus_work_retry (work, PROCMOND_NO_PROCESSES, 0, NULL);
  return reader;
}

static void
list_on_work (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  ProcmondList *self = data;
  gsize room = procmond_reply_room (deye_bus_collector_get_client (collector), RESULT_REST);
  gsize len;
  gconstpointer payload = g_bytes_get_data (deye_bus_work_get_payload (work), &len);
  g_autoptr (WireGuard) query = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__process_query__descriptor,
                                                           wire_span (payload, len), 0, NULL);
  ProcReader *reader;
  ListRun *run;

  if (query == NULL)
    {
      deye_bus_work_fail (work, "BadRequest", "the payload is not a " PROCMOND_QUERY_TYPE, NULL);
      return;
    }
  reader = list_begin_reading (work, wire_guard_message (query), room);
  if (reader == NULL)
    return;
  run = g_new (ListRun, 1);
  *run = (ListRun){ self, g_object_ref (work), g_steal_pointer (&query), reader, room, 0 };
  g_ptr_array_add (self->runs, run);
  list_schedule (run);
}

gboolean
procmond_list_add (ProcmondList *self, DeyeBusCollector *collector, GError **error)
{
  return deye_bus_collector_add_operation (collector, PROCMOND_LIST_OPERATION, PROCMOND_QUERY_TYPE,
                                           DEYE_BUS_OPERATION_IDEMPOTENT, list_on_work, self, NULL, error);
}
