/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-request.h"

#include "collector-reply.h"
#include "deye-bus-pack.h"
#include "proc-pack.h"
#include "proc-page.h"
#include "proc-table.h"
#include "procmond-query.h"
#include "task.pb-c.h"

#include <string.h>

typedef Daemoneye__Eventbus__V1__TaskRequest TaskRequest;
typedef Daemoneye__Eventbus__V1__TaskResult TaskResult;

#define REQUEST_TOPIC "control.collector.task.process"
#define REQUEST_GROUP "local-procmond-workers"
#define TASK_ID_MAX   512u
#define RESULT_REST   64u /* numbers and what protobuf adds, of the result and of the table */

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

  return collector_reply_room (client, rest);
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
      collector_reply_error (client, request, "NoProcesses", PROCMOND_NO_PROCESSES);
      return;
    }
  proc_page_fit (table, room, !task->pages);
  packed = proc_pack_table (table);
  result = request_pack_result (client, task, packed, g_get_monotonic_time () - start_us);
  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.TaskResult");
  deye_bus_options_set_correlation_id (options, deye_bus_message_get_correlation_id (request));
  collector_reply (client, request, result, options);
}

static void
request_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer user_data)
{
  DeyeBusClient *client = user_data;
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__task_request__descriptor, request);
  const TaskRequest *task;

  if (guard == NULL)
    {
      collector_reply_error (client, request, "BadTask", "the payload is not a daemoneye.eventbus.v1.TaskRequest");
      return;
    }
  task = wire_guard_message (guard);
  if (!g_str_equal (task->operation, "enumerate_processes"))
    collector_reply_error (client, request, "UnsupportedOperation", "procmond supports enumerate_processes only");
  else if (!procmond_shard_is_valid (task->shard, task->shards))
    collector_reply_error (client, request, "BadShard", PROCMOND_BAD_SHARD);
  else if (strlen (task->task_id) > TASK_ID_MAX)
    collector_reply_error (client, request, "BadTask", "task_id has more than 512 bytes");
  else
    request_enumerate (client, request, task);
}

/* --- the topic --- */

struct ProcmondRequests
{
  CollectorBus *bus;
  DeyeBusSubscription *served; /* NULL: not serving, or not accepted yet */
  gboolean is_serving;         /* it serves the topic, or has requested this from the broker */
  gulong draining;             /* signal */
};

static void
requests_leave (ProcmondRequests *self)
{
  if (self->served != NULL)
    deye_bus_subscription_unsubscribe_async (self->served, NULL, NULL, NULL);
  g_clear_object (&self->served);
}

static void
requests_on_draining (DeyeBusCollector *collector, gpointer data)
{
  requests_leave (data);
}

ProcmondRequests *
procmond_requests_new (CollectorBus *bus)
{
  ProcmondRequests *self = g_new0 (ProcmondRequests, 1);

  self->bus = bus;
  self->draining = g_signal_connect (bus->collector, "draining", G_CALLBACK (requests_on_draining), self);
  return self;
}

void
procmond_requests_free (ProcmondRequests *self)
{
  if (self == NULL)
    return;
  g_signal_handler_disconnect (self->bus->collector, self->draining);
  g_clear_object (&self->served);
  g_free (self);
}

static void
requests_on_served (GObject *source, GAsyncResult *result, gpointer data)
{
  ProcmondRequests *self = data;
  g_autoptr (GError) error = NULL;

  self->served = deye_bus_client_serve_finish (self->bus->client, result, &error);
  self->is_serving = self->served != NULL;
  if (deye_bus_collector_is_draining (self->bus->collector))
    requests_leave (self);
  else if (self->served != NULL)
    collector_bus_report_ready (self->bus);
  else if (deye_bus_client_get_state (self->bus->client) == DEYE_BUS_CLIENT_STATE_READY)
    collector_bus_fail (self->bus, g_steal_pointer (&error));
}

void
procmond_requests_serve (ProcmondRequests *self)
{
  if (self->is_serving)
    return;
  self->is_serving = TRUE;
  deye_bus_client_serve_async (self->bus->client, REQUEST_TOPIC, REQUEST_GROUP, request_on_message, self->bus->client,
                               NULL, NULL, requests_on_served, self);
}

void
procmond_request_describe (DeyeBusService *service)
{
  deye_bus_service_add_topic (
      service, "Enumerate", REQUEST_TOPIC, REQUEST_GROUP, DEYE_BUS_TYPE_PREFIX "TaskRequest",
      DEYE_BUS_TYPE_PREFIX "TaskResult",
      "Serves the request enumerate_processes of agents without tasks; other agents submit list_processes.");
}
