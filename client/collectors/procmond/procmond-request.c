/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-request.h"

#include "deye-bus-pack.h"
#include "proc-pack.h"
#include "proc-page.h"
#include "proc-table.h"
#include "procmond-query.h"
#include "procmond-reply.h"
#include "task.pb-c.h"

#include <string.h>

typedef Daemoneye__Eventbus__V1__TaskRequest TaskRequest;
typedef Daemoneye__Eventbus__V1__TaskResult TaskResult;

#define TASK_ID_MAX 512u
#define RESULT_REST 64u /* numbers and what protobuf adds, of the result and of the table */

static GBytes *
request_pack_result (DeyeBusClient *client, const TaskRequest *task, GBytes *table, gint64 duration_us)
{
  TaskResult result;

  daemoneye__eventbus__v1__task_result__init (&result);
  result.task_id = task->task_id;
  result.collector_id = (char *) deye_bus_client_get_id (client);
  result.shard = task->shard;
  result.duration_us = (guint64) duration_us;
  result.result.data = (guint8 *) g_bytes_get_data (table, &result.result.len);
  result.result_type = (char *) PROCMOND_TABLE_TYPE;
  return deye_bus_pack (&result.base);
}

static gsize
request_result_room (DeyeBusClient *client, const TaskRequest *task)
{
  gsize rest
      = strlen (task->task_id) + strlen (deye_bus_client_get_id (client)) + strlen (PROCMOND_TABLE_TYPE) + RESULT_REST;

  return procmond_reply_room (client, rest);
}

static void
request_enumerate (DeyeBusClient *client, DeyeBusMessage *request, const TaskRequest *task)
{
  gint64 start_us = g_get_monotonic_time ();
  gsize room = request_result_room (client, task);
  ProcRange range
      = { .shard = task->shard, .shards = task->shards, .after = task->cursor, .enough = task->pages ? room : 0 };
  g_autoptr (ProcTable) table = proc_table_read (&range);
  g_autoptr (GBytes) packed = NULL;
  g_autoptr (GBytes) result = NULL;
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

  if (table == NULL)
    {
      procmond_reply_no_processes (client, request);
      return;
    }
  proc_page_fit (table, room, !task->pages);
  packed = proc_pack_table (table);
  result = request_pack_result (client, task, packed, g_get_monotonic_time () - start_us);
  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.TaskResult");
  deye_bus_options_set_correlation_id (options, deye_bus_message_get_correlation_id (request));
  procmond_reply (client, request, result, options);
}

static void
request_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer user_data)
{
  DeyeBusClient *client = user_data;
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__task_request__descriptor, request);
  const TaskRequest *task;

  if (guard == NULL)
    {
      procmond_reply_error (client, request, "BadTask", "the payload is not a daemoneye.eventbus.v1.TaskRequest");
      return;
    }
  task = wire_guard_message (guard);
  if (!g_str_equal (task->operation, "enumerate_processes"))
    procmond_reply_error (client, request, "UnsupportedOperation", "procmond supports enumerate_processes only");
  else if (!procmond_shard_is_valid (task->shard, task->shards))
    procmond_reply_error (client, request, "BadShard", PROCMOND_BAD_SHARD);
  else if (strlen (task->task_id) > TASK_ID_MAX)
    procmond_reply_error (client, request, "BadTask", "task_id has more than 512 bytes");
  else
    request_enumerate (client, request, task);
}

void
procmond_request_serve_async (DeyeBusClient *client, GAsyncReadyCallback callback, gpointer data)
{
  deye_bus_client_serve_async (client, PROCMOND_REQUEST_TOPIC, PROCMOND_GROUP, request_on_message, client, NULL, NULL,
                               callback, data);
}

DeyeBusSubscription *
procmond_request_serve_finish (DeyeBusClient *client, GAsyncResult *result, GError **error)
{
  return deye_bus_client_serve_finish (client, result, error);
}
