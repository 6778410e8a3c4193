/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-task.h"

#include "proc-pack.h"
#include "task.pb-c.h"
#include "wire-guard.h"

typedef Daemoneye__Eventbus__V1__TaskRequest TaskRequest;
typedef Daemoneye__Eventbus__V1__TaskResult TaskResult;

#define SHARDS_MAX 65536u

static void
fail (DeyeBusClient *client, DeyeBusMessage *request, const char *name, const char *detail)
{
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_respond_error (client, request, name, detail, &error))
    g_info ("an answer was not wanted any more: %s", error->message);
}

static GBytes *
pack_result (DeyeBusClient *client, const TaskRequest *task, GBytes *table, gint64 duration_us)
{
  TaskResult result;
  gsize size;
  guint8 *bytes;

  daemoneye__eventbus__v1__task_result__init (&result);
  result.task_id = task->task_id;
  result.collector_id = (char *) deye_bus_client_get_id (client);
  result.shard = task->shard;
  result.duration_us = (guint64) duration_us;
  result.result.data = (guint8 *) g_bytes_get_data (table, &result.result.len);
  result.result_type = (char *) "daemoneye.eventbus.v1.ProcessTable";
  size = daemoneye__eventbus__v1__task_result__get_packed_size (&result);
  bytes = g_malloc (MAX (size, 1));
  daemoneye__eventbus__v1__task_result__pack (&result, bytes);
  return g_bytes_new_take (bytes, size);
}

static void
enumerate (DeyeBusClient *client, DeyeBusMessage *request, const TaskRequest *task)
{
  gint64 start_us = g_get_monotonic_time ();
  g_autoptr (ProcTable) table = proc_table_read (task->shard, task->shards);
  g_autoptr (GBytes) packed = NULL;
  g_autoptr (GBytes) result = NULL;
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  if (table == NULL)
    {
      fail (client, request, "NoProcesses", "the processes can't be listed now: try again");
      return;
    }
  packed = proc_pack_table (table);
  result = pack_result (client, task, packed, g_get_monotonic_time () - start_us);
  if (g_bytes_get_size (result) > deye_bus_client_get_largest_payload (client))
    {
      fail (client, request, "ResultTooLarge", "the answer is above the largest payload: ask for more shards");
      return;
    }
  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.TaskResult");
  deye_bus_options_set_correlation_id (options, deye_bus_message_get_correlation_id (request));
  if (!deye_bus_client_respond (client, request, result, options, &error))
    g_info ("an answer was not wanted any more: %s", error->message);
}

static void
on_task (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer user_data)
{
  DeyeBusClient *client = user_data;
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (request, &len);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__task_request__descriptor, wire_span (bytes, len), 0, NULL);
  const TaskRequest *task;

  if (guard == NULL)
    {
      fail (client, request, "BadTask", "the payload is no daemoneye.eventbus.v1.TaskRequest");
      return;
    }
  task = wire_guard_message (guard);
  if (!g_str_equal (task->operation, "enumerate_processes"))
    fail (client, request, "UnsupportedOperation", "procmond knows enumerate_processes");
  else if (task->shards > SHARDS_MAX || (task->shards > 0 && task->shard >= task->shards))
    fail (client, request, "BadShard", "shard is below shards, and there are at most 65536");
  else
    enumerate (client, request, task);
}

DeyeBusSubscription *
procmond_task_serve (DeyeBusClient *client, GError **error)
{
  return deye_bus_client_serve (client, PROCMOND_TASK_TOPIC, PROCMOND_GROUP, on_task, client, NULL, NULL, error);
}
