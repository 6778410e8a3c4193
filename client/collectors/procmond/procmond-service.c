/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-service.h"

#include "collection.pb-c.h"
#include "proc-pack.h"
#include "procmond-task.h"
#include "wire-guard.h"

#define TYPE(name) "daemoneye.eventbus.v1." name

typedef Daemoneye__Eventbus__V1__ProcessQuery Query;

static void
fail (DeyeBusClient *client, DeyeBusMessage *request, const char *name, const char *detail)
{
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_respond_error (client, request, name, detail, &error))
    g_info ("an answer was not wanted any more: %s", error->message);
}

static gboolean
is_asked_for (const Query *query, const ProcRecord *record)
{
  return (query->pid == 0 || query->pid == record->pid)
         && (*query->name == '\0' || g_str_equal (query->name, record->name));
}

static void
keep_what_is_asked_for (const Query *query, ProcTable *table)
{
  guint kept = 0;

  for (guint i = 0; i < table->records->len;)
    {
      gboolean wanted
          = (query->limit == 0 || kept < query->limit) && is_asked_for (query, g_ptr_array_index (table->records, i));

      if (wanted)
        {
          kept++;
          i++;
        }
      else
        g_ptr_array_remove_index (table->records, i);
    }
}

static void
answer (DeyeBusClient *client, DeyeBusMessage *request, const Query *query)
{
  g_autoptr (ProcTable) table = proc_table_read (0, 1);
  g_autoptr (GBytes) packed = NULL;
  g_autoptr (GError) error = NULL;

  if (table == NULL)
    {
      fail (client, request, "NoProcesses", "the processes can't be listed now: try again");
      return;
    }
  keep_what_is_asked_for (query, table);
  packed = proc_pack_table (table);
  if (g_bytes_get_size (packed) > deye_bus_client_get_largest_payload (client))
    fail (client, request, "ResultTooLarge",
          "the answer is above the largest payload: ask for fewer (limit, name, pid)");
  else if (!deye_bus_client_respond (client, request, packed, NULL, &error))
    g_info ("an answer was not wanted any more: %s", error->message);
}

static void
on_list (DeyeBusClient *client, DeyeBusMessage *request, gpointer user_data)
{
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (request, &len);
  g_autoptr (WireGuard) guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__process_query__descriptor,
                                                           wire_span (bytes, len), 0, NULL);

  if (guard == NULL)
    fail (client, request, "BadRequest", "the payload is no " TYPE ("ProcessQuery"));
  else
    answer (client, request, wire_guard_message (guard));
}

static void
add_number (DeyeBusService *service, const char *name, guint64 number, gboolean writable, const char *doc)
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
                               "Processes as they are now: all, or those of a pid or a name.", on_list, NULL, NULL);
  deye_bus_service_add_topic (service, "Enumerate", PROCMOND_TASK_TOPIC, PROCMOND_GROUP, TYPE ("TaskRequest"),
                              TYPE ("TaskResult"),
                              "Task enumerate_processes, for a shard of the processes; one procmond answers.");
  deye_bus_service_add_event (service, "Lifecycle", PROCMOND_LIFECYCLE_TOPIC, TYPE ("ProcessEvent"),
                              "A process has started (kind 1) or exited (kind 2).");
  add_number (service, "interval-ms", interval_ms, TRUE,
              "Time between two looks; a process that lives shorter may be missed.");
  add_number (service, "shard", shard, FALSE, "It publishes events for pids of this remainder.");
  add_number (service, "shards", shards, FALSE, "Divided by this number.");
  return service;
}
