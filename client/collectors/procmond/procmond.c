/* SPDX-License-Identifier: Apache-2.0 */
#include "collection.pb-c.h"
#include "collector-program.h"
#include "collector-reply.h"
#include "collector-service.h"
#include "proc-source.h"
#include "procmond-describe.h"
#include "procmond-monitor.h"
#include "procmond-query.h"
#include "procmond-request.h"
#include "procmond-service.h"

#include <glib/gi18n.h>

/*
 * procmond, the collector of processes: it reports on the bus the processes of this machine, and their starts and exits.
 *
 * It answers calls and tasks (procmond-query, procmond-describe) and the requests of older agents (procmond-request), and
 * publishes changes to events.process.lifecycle (procmond-monitor). With --shard I/N it publishes events only for pids of its
 * shard, so that several procmonds together publish each event once. It keeps no state on disk.
 *
 * The life of the program on the bus is in collector-program and collector-bus. procmond is ready when it serves its requests.
 */

typedef struct
{
  ProcmondOptions options;
  gboolean has_source;
  DeyeBusService *service;
  CollectorTasks *tasks; /* list_processes */
  CollectorTasks *describing;
  ProcmondRequests *requests;
  ProcmondMonitor *monitor;
} Procmond;

/* --- configuration --- */

/* A peer has set the property interval-ms. */
static gboolean
procmond_on_interval (DeyeBusService *service, const char *name, const GValue *value, gpointer data)
{
  Procmond *self = data;

  return !procmond_monitor_set_interval (self->monitor, g_value_get_uint64 (value)); /* TRUE: refused */
}

/* The agent has sent a configuration. */
static gboolean
procmond_configure (Procmond *self, GBytes *payload)
{
  gsize len;
  gconstpointer bytes = g_bytes_get_data (payload, &len);
  g_autoptr (WireGuard) guard = wire_guard_unpack (&daemoneye__eventbus__v1__procmond_configuration__descriptor,
                                                   wire_span (bytes, len), 0, NULL);
  const Daemoneye__Eventbus__V1__ProcmondConfiguration *wanted = guard != NULL ? wire_guard_message (guard) : NULL;

  if (wanted == NULL || !procmond_monitor_set_interval (self->monitor, wanted->interval_ms))
    return FALSE;
  collector_service_change_number (self->service, "interval-ms", wanted->interval_ms);
  return TRUE;
}

/* There is nothing to reload: the configuration of procmond is from the command line and the agent. */
static gboolean
procmond_on_configuration (DeyeBusCollector *collector,
                           guint64 generation,
                           GBytes *payload,
                           const char *payload_type,
                           gpointer data)
{
  if (payload != NULL)
    return g_strcmp0 (payload_type, PROCMOND_CONFIGURATION_TYPE) == 0 && procmond_configure (data, payload);
  g_info ("configuration %" G_GUINT64_FORMAT " acknowledged", generation);
  return TRUE;
}

/* --- the bus --- */

static void
procmond_on_statistics (DeyeBusClient *client, DeyeBusMessage *request, gpointer data)
{
  const Procmond *self = data;
  g_autoptr (GBytes) statistics = procmond_monitor_pack_statistics (self->monitor);

  collector_reply (client, request, statistics, NULL);
}

static void
procmond_on_joined (gpointer data)
{
  Procmond *self = data;

  procmond_requests_serve (self->requests);
}

static void
procmond_on_ready (gpointer data)
{
  Procmond *self = data;

  procmond_monitor_start (self->monitor);
}

static gboolean
procmond_start (CollectorBus *bus, gpointer data, GError **error)
{
  Procmond *self = data;
  const ProcmondOptions *options = &self->options;

  self->has_source = proc_source_init (error);
  if (!self->has_source)
    return FALSE;
  bus->on_joined = procmond_on_joined;
  bus->on_ready = procmond_on_ready;
  self->requests = procmond_requests_new (bus);
  self->service = procmond_service_new (options, bus->options->id, procmond_on_statistics, self);
  g_signal_connect (self->service, "refuse-property", G_CALLBACK (procmond_on_interval), self);
  self->tasks = collector_tasks_new (&procmond_query_question, bus->collector, options->pace_ms > 0 ? 1 : PROCMOND_STEP,
                                     (guint) options->pace_ms, NULL, error);
  self->describing = self->tasks != NULL
                         ? collector_tasks_new (&procmond_describe_question, bus->collector, 1, 0, NULL, error)
                         : NULL;
  if (self->describing == NULL || !deye_bus_client_add_service (bus->client, self->service, error)
      || !deye_bus_collector_set_configuration_handler (bus->collector, procmond_on_configuration, self, NULL, error))
    return FALSE;
  self->monitor = procmond_monitor_new (bus->collector, options);
  return TRUE;
}

/* --- the program --- */

static void
procmond_clear (gpointer data)
{
  Procmond *self = data;

  if (self->service != NULL)
    g_signal_handlers_disconnect_by_data (self->service, self);
  g_clear_pointer (&self->monitor, procmond_monitor_free);
  g_clear_pointer (&self->tasks, collector_tasks_free);
  g_clear_pointer (&self->describing, collector_tasks_free);
  g_clear_pointer (&self->requests, procmond_requests_free);
  g_clear_object (&self->service);
  if (self->has_source)
    proc_source_clear ();
}

static void
procmond_add_options (GOptionContext *context, gpointer data)
{
  procmond_options_add (&((Procmond *) data)->options, context);
}

static gboolean
procmond_check_options (gpointer data, GError **error)
{
  return procmond_options_check (&((Procmond *) data)->options, error);
}

static const CollectorProgram procmond_program = {
  .name = "procmond",
  .summary = N_ ("Reports the processes of this machine on the event bus."),
  .description = N_ ("Where the kernel does not report processes, they are polled: a process that exists for less than "
                     "the time between two polls may be missed."),
  .add_options = procmond_add_options,
  .check_options = procmond_check_options,
  .start = procmond_start,
  .clear = procmond_clear,
};

int
main (int argc, char **argv)
{
  Procmond self = { .options = PROCMOND_OPTIONS_DEFAULTS };
  int status = collector_program_main (&procmond_program, &self, argc, argv);

  procmond_options_clear (&self.options);
  return status;
}
