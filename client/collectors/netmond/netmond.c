/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-program.h"
#include "collector-service.h"
#include "netmond-monitor.h"
#include "netmond-service.h"
#include "network.pb-c.h"

#include <glib/gi18n.h>

/*
 * netmond, the collector of sockets: it reports on the bus the sockets of this machine, their owners, and the listeners and
 * connections that appear or vanish.
 *
 * It answers calls and tasks (netmond-query), and publishes changes to events.network.connections (netmond-monitor). With
 * --shard I/N it publishes events only for sockets of its shard, so that several netmonds together publish each event once. It
 * sees the sockets of its own network namespace. It keeps no state on disk.
 *
 * netmond reads the kernel's lists; it uses no network itself. The life of the program on the bus is in collector-program and
 * collector-bus.
 */

#define STEP 64u /* parts of a list, or processes, between two iterations of the main loop; a few milliseconds */

typedef struct
{
  NetmondOptions options;
  NetmondQueryData data;
  DeyeBusService *service;
  GPtrArray *tasks; /* of CollectorTasks */
  NetmondMonitor *monitor;
} Netmond;

/* --- configuration --- */

/* A peer has set the property interval-ms. */
static gboolean
netmond_on_interval (DeyeBusService *service, const char *name, const GValue *value, gpointer data)
{
  Netmond *self = data;

  return !netmond_monitor_set_interval (self->monitor, g_value_get_uint64 (value)); /* TRUE: refused */
}

/* The agent has sent a configuration. */
static gboolean
netmond_configure (Netmond *self, GBytes *payload)
{
  gsize len;
  gconstpointer bytes = g_bytes_get_data (payload, &len);
  g_autoptr (WireGuard) guard = wire_guard_unpack (&daemoneye__eventbus__v1__netmond_configuration__descriptor,
                                                   wire_span (bytes, len), 0, NULL);
  const Daemoneye__Eventbus__V1__NetmondConfiguration *wanted = guard != NULL ? wire_guard_message (guard) : NULL;

  if (wanted == NULL || !netmond_monitor_set_interval (self->monitor, wanted->interval_ms))
    return FALSE;
  collector_service_change_number (self->service, "interval-ms", wanted->interval_ms);
  return TRUE;
}

/* There is nothing to reload: the configuration of netmond is from the command line and the agent. */
static gboolean
netmond_on_configuration (DeyeBusCollector *collector,
                          guint64 generation,
                          GBytes *payload,
                          const char *payload_type,
                          gpointer data)
{
  if (payload != NULL)
    return g_strcmp0 (payload_type, NETMOND_CONFIGURATION_TYPE) == 0 && netmond_configure (data, payload);
  g_info ("configuration %" G_GUINT64_FORMAT " acknowledged", generation);
  return TRUE;
}

/* --- the bus --- */

static void
netmond_on_ready (gpointer data)
{
  Netmond *self = data;

  netmond_monitor_start (self->monitor);
}

static gboolean
netmond_add_tasks (Netmond *self, DeyeBusCollector *collector, GError **error)
{
  const CollectorQuestion *questions[] = { &netmond_query_list, &netmond_query_connections, &netmond_query_describe };
  guint pace_ms = (guint) self->options.pace_ms;

  for (gsize i = 0; i < G_N_ELEMENTS (questions); i++)
    {
      CollectorTasks *tasks
          = collector_tasks_new (questions[i], collector, pace_ms > 0 ? 1 : STEP, pace_ms, &self->data, error);

      if (tasks == NULL)
        return FALSE;
      g_ptr_array_add (self->tasks, tasks);
    }
  return TRUE;
}

static gboolean
netmond_start (CollectorBus *bus, gpointer data, GError **error)
{
  Netmond *self = data;

  bus->on_ready = netmond_on_ready;
  self->data = (NetmondQueryData){ (guint) self->options.max_sockets };
  self->tasks = g_ptr_array_new_with_free_func ((GDestroyNotify) collector_tasks_free);
  self->service = netmond_service_new (&self->options, bus->options->id, &self->data);
  g_signal_connect (self->service, "refuse-property", G_CALLBACK (netmond_on_interval), self);
  if (!netmond_add_tasks (self, bus->collector, error)
      || !deye_bus_client_add_service (bus->client, self->service, error)
      || !deye_bus_collector_set_configuration_handler (bus->collector, netmond_on_configuration, self, NULL, error))
    return FALSE;
  self->monitor = netmond_monitor_new (bus->collector, &self->options);
  return TRUE;
}

/* --- the program --- */

static void
netmond_clear (gpointer data)
{
  Netmond *self = data;

  if (self->service != NULL)
    g_signal_handlers_disconnect_by_data (self->service, self);
  g_clear_pointer (&self->monitor, netmond_monitor_free);
  g_clear_pointer (&self->tasks, g_ptr_array_unref);
  g_clear_object (&self->service);
}

static void
netmond_add_options (GOptionContext *context, gpointer data)
{
  netmond_options_add (&((Netmond *) data)->options, context);
}

static gboolean
netmond_check_options (gpointer data, GError **error)
{
  return netmond_options_check (&((Netmond *) data)->options, error);
}

static const CollectorProgram netmond_program = {
  .name = "netmond",
  .summary = N_ ("Reports the sockets of this machine on the event bus."),
  .description = N_ ("Sockets are polled: a socket that exists for less than the time between two polls is reported "
                     "only at its end, without its owner, or missed."),
  .add_options = netmond_add_options,
  .check_options = netmond_check_options,
  .start = netmond_start,
  .clear = netmond_clear,
};

int
main (int argc, char **argv)
{
  Netmond self = { .options = NETMOND_OPTIONS_DEFAULTS };
  int status = collector_program_main (&netmond_program, &self, argc, argv);

  netmond_options_clear (&self.options);
  return status;
}
