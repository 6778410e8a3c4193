/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-service.h"

#include "deye-bus-pack.h"
#include "procmond-query.h"
#include "procmond-reply.h"
#include "procmond-request.h"

#define TYPE(name) "daemoneye.eventbus.v1." name

#define TABLE_REST 32u /* the counts of a ProcessTable */

static void
service_list_processes (DeyeBusClient *client, DeyeBusMessage *request, const ProcmondQuery *query)
{
  gsize room = procmond_reply_room (client, TABLE_REST);
  const ProcRange range = procmond_query_range (query, room);
  g_autoptr (ProcTable) table = proc_table_read (&range);
  g_autoptr (GBytes) packed = NULL;

  if (table == NULL)
    {
      procmond_reply_no_processes (client, request);
      return;
    }
  packed = procmond_query_answer (query, table, room);
  procmond_reply (client, request, packed, NULL);
}

static void
service_on_list_processes (DeyeBusClient *client, DeyeBusMessage *request, gpointer user_data)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__process_query__descriptor, request);
  const ProcmondQuery *query = guard != NULL ? wire_guard_message (guard) : NULL;

  if (query == NULL)
    procmond_reply_error (client, request, "BadRequest", "the payload is not a " PROCMOND_QUERY_TYPE);
  else if (!procmond_shard_is_valid (query->shard, query->shards))
    procmond_reply_error (client, request, "BadShard", PROCMOND_BAD_SHARD);
  else
    service_list_processes (client, request, query);
}

static void
service_add_number (DeyeBusService *service, const char *name, guint64 number, gboolean writable, const char *doc)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_set_uint64 (g_value_init (&value, G_TYPE_UINT64), number);
  deye_bus_service_add_property (service, name, &value, writable, doc);
}

static void
service_add_topics (DeyeBusService *service, const char *id)
{
  g_autofree char *configuration = g_strconcat ("control.collector.config.", id, NULL);

  /* Fails if the id is no segment of a topic, which the client reports. */
  deye_bus_service_try_add_topic (service, "Configure", configuration, NULL, TYPE ("ProcmondConfiguration"),
                                  TYPE ("ConfigReloaded"),
                                  "Sets the time between two polls; refused if it is out of range.", NULL);
  deye_bus_service_add_topic (service, "Enumerate", PROCMOND_REQUEST_TOPIC, PROCMOND_GROUP, TYPE ("TaskRequest"),
                              TYPE ("TaskResult"),
                              "Request enumerate_processes of agents without tasks; others submit list_processes.");
}

DeyeBusService *
procmond_service_new (const ProcmondOptions *options)
{
  DeyeBusService *service = deye_bus_service_new ("daemoneye.Procmond", "The processes of this machine.");

  deye_bus_service_add_method (service, "ListProcesses", PROCMOND_QUERY_TYPE, PROCMOND_TABLE_TYPE,
                               "Returns the running processes: all, or those with a pid or a name; see next_cursor.",
                               service_on_list_processes, NULL, NULL);
  service_add_topics (service, options->id);
  deye_bus_service_add_event (service, "Lifecycle", PROCMOND_LIFECYCLE_TOPIC, TYPE ("ProcessEvent"),
                              "A process has started, exited, or changed its name or executable (exec).");
  service_add_number (service, "interval-ms", (guint64) options->interval_ms, TRUE,
                      "Time between two polls; a process that exits sooner may be missed.");
  service_add_number (service, "shard", options->shard, FALSE,
                      "Publishes events for pids that leave this remainder when divided by shards.");
  service_add_number (service, "shards", options->shards, FALSE, "Number of shards.");
  return service;
}
