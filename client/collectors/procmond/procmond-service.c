/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-service.h"

#include "collection.pb-c.h"
#include "deye-bus-pack.h"
#include "proc-pack.h"
#include "proc-page.h"
#include "proc-table.h"
#include "procmond-reply.h"
#include "procmond-task.h"

#define TYPE(name) "daemoneye.eventbus.v1." name

typedef Daemoneye__Eventbus__V1__ProcessQuery Query;

static gboolean
service_query_matches (const Query *query, const ProcRecord *record)
{
  return (query->pid == 0 || query->pid == record->pid)
         && (*query->name == '\0' || g_str_equal (query->name, record->name));
}

static void
service_keep_queried (const Query *query, ProcTable *table)
{
  for (guint i = table->records->len; i > 0; i--)
    if (!service_query_matches (query, g_ptr_array_index (table->records, i - 1)))
      g_ptr_array_remove_index (table->records, i - 1);
  if (query->limit > 0)
    proc_page_truncate (table, query->limit);
}

/* If nothing but the size ends a page, no more processes are read than it can have. */
static ProcTable *
service_read_table (const Query *query, gsize room)
{
  gboolean only_size = query->pid == 0 && *query->name == '\0' && query->limit == 0;
  ProcRange range = { .after = query->cursor, .enough = query->pages && only_size ? room : 0 };

  return proc_table_read (&range);
}

#define TABLE_REST 32u /* the counts of a ProcessTable */

static void
service_list_processes (DeyeBusClient *client, DeyeBusMessage *request, const Query *query)
{
  gsize room = procmond_reply_room (client, TABLE_REST);
  g_autoptr (ProcTable) table = service_read_table (query, room);
  g_autoptr (GBytes) packed = NULL;

  if (table == NULL)
    {
      procmond_reply_no_processes (client, request);
      return;
    }
  service_keep_queried (query, table);
  proc_page_fit (table, room, !query->pages);
  packed = proc_pack_table (table);
  procmond_reply (client, request, packed, NULL);
}

static void
service_on_list_processes (DeyeBusClient *client, DeyeBusMessage *request, gpointer user_data)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__process_query__descriptor, request);

  if (guard == NULL)
    procmond_reply_error (client, request, "BadRequest", "the payload is not a " TYPE ("ProcessQuery"));
  else
    service_list_processes (client, request, wire_guard_message (guard));
}

static void
service_add_number (DeyeBusService *service, const char *name, guint64 number, gboolean writable, const char *doc)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_set_uint64 (g_value_init (&value, G_TYPE_UINT64), number);
  deye_bus_service_add_property (service, name, &value, writable, doc);
}

DeyeBusService *
procmond_service_new (guint64 interval_ms, guint shard, guint shards)
{
  DeyeBusService *service = deye_bus_service_new ("daemoneye.Procmond", "The processes of this machine.");

  deye_bus_service_add_method (service, "ListProcesses", TYPE ("ProcessQuery"), TYPE ("ProcessTable"),
                               "Returns the running processes: all, or those with a pid or a name; see next_cursor.",
                               service_on_list_processes, NULL, NULL);
  deye_bus_service_add_topic (service, "Enumerate", PROCMOND_TASK_TOPIC, PROCMOND_GROUP, TYPE ("TaskRequest"),
                              TYPE ("TaskResult"),
                              "Task enumerate_processes for one shard of the processes; one procmond answers.");
  deye_bus_service_add_event (service, "Lifecycle", PROCMOND_LIFECYCLE_TOPIC, TYPE ("ProcessEvent"),
                              "A process has started, exited, or changed its name or executable (exec).");
  service_add_number (service, "interval-ms", interval_ms, TRUE,
                      "Time between two polls; a process that exits sooner may be missed.");
  service_add_number (service, "shard", shard, FALSE,
                      "Publishes events for pids that leave this remainder when divided by shards.");
  service_add_number (service, "shards", shards, FALSE, "Number of shards.");
  return service;
}
