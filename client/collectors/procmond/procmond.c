/* SPDX-License-Identifier: Apache-2.0 */
#include "collection.pb-c.h"
#include "deye-bus-locale.h"
#include "platform-log.h"
#include "platform-process.h"
#include "platform-ready.h"
#include "proc-identity.h"
#include "proc-source.h"
#include "procmond-events.h"
#include "procmond-list.h"
#include "procmond-options.h"
#include "procmond-request.h"
#include "procmond-service.h"
#include "wire-guard.h"

/*
 * procmond, the collector of processes: it reports on the bus which processes this machine has, and which ones start and
 * exit.
 *
 * It works on tasks (procmond-list), answers calls (procmond-service) and the requests of older agents (procmond-request), polls
 * the processes, and publishes changes to events.process.lifecycle (proc-watch). With --shard I/N it publishes events only for
 * pids of its shard, so that several procmonds together publish each event once. It keeps no state on disk.
 *
 * DeyeBusCollector connects, registers, sends heartbeats, and drains and stops at a signal. procmond is ready when the broker
 * has answered the registration and serves its requests. A broker without tasks refuses the registration; procmond does the
 * rest there.
 */

#define CONFIGURATION_TYPE "daemoneye.eventbus.v1.ProcmondConfiguration"

typedef struct
{
  ProcmondOptions options;
  DeyeBusCollector *collector;
  DeyeBusService *service;
  ProcmondList *list;
  DeyeBusSubscription *requests; /* NULL: they are not served, or not yet */
  ProcWatch watch;
  ProcmondEvents *events;
  ProcmondHealth health;
  gboolean is_serving; /* they are, or the broker was asked */
  gboolean is_ready;
  guint poll;      /* source; 0: none */
  GError *failure; /* it can't do its work; NULL: it can */
} Procmond;

/* --- polling --- */

static ProcTable *
procmond_read_table (Procmond *self)
{
  ProcRange range = { .shard = self->options.shard, .shards = self->options.shards, .last = self->watch.last };
  ProcTable *table = proc_table_read (&range);

  self->health.unlisted = table == NULL;
  self->health.partial = table != NULL && table->partial;
  self->health.unreadable = table != NULL ? table->unreadable : 0;
  procmond_health_update (&self->health);
  return table;
}

static gboolean
procmond_on_poll (gpointer data)
{
  Procmond *self = data;
  g_autoptr (GArray) events = proc_watch_look (&self->watch, procmond_read_table (self));

  for (guint i = 0; i < events->len; i++)
    procmond_events_publish (self->events, &g_array_index (events, ProcEvent, i),
                             (gint64) self->options.interval_ms * 1000);
  return G_SOURCE_CONTINUE;
}

static void
procmond_take_baseline (Procmond *self)
{
  guint64 own_start = 0;

  proc_identity_start_time ((guint32) platform_process_id (), &own_start);
  proc_watch_init (&self->watch, own_start);
  g_array_unref (proc_watch_look (&self->watch, procmond_read_table (self)));
}

static void
procmond_start_poll (Procmond *self)
{
  g_clear_handle_id (&self->poll, g_source_remove);
  self->poll = g_timeout_add ((guint) self->options.interval_ms, procmond_on_poll, self);
}

/* --- configuration --- */

static gboolean
procmond_set_interval (Procmond *self, guint64 interval_ms)
{
  if (interval_ms < PROCMOND_INTERVAL_MIN_MS || interval_ms > PROCMOND_INTERVAL_MAX_MS)
    return FALSE;
  self->options.interval_ms = (gint) interval_ms;
  if (self->poll != 0)
    procmond_start_poll (self);
  return TRUE;
}

/* A peer sets the property interval-ms. */
static gboolean
procmond_on_interval (DeyeBusService *service, const char *name, const GValue *value, gpointer data)
{
  return !procmond_set_interval (data, g_value_get_uint64 (value)); /* TRUE: refused */
}

/* The agent sends the configuration. */
static gboolean
procmond_configure (Procmond *self, GBytes *payload)
{
  gsize len;
  gconstpointer bytes = g_bytes_get_data (payload, &len);
  g_autoptr (WireGuard) guard = wire_guard_unpack (&daemoneye__eventbus__v1__procmond_configuration__descriptor,
                                                   wire_span (bytes, len), 0, NULL);
  const Daemoneye__Eventbus__V1__ProcmondConfiguration *wanted = guard != NULL ? wire_guard_message (guard) : NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  if (wanted == NULL || !procmond_set_interval (self, wanted->interval_ms))
    return FALSE;
  g_value_set_uint64 (g_value_init (&value, G_TYPE_UINT64), wanted->interval_ms);
  deye_bus_service_change_property (self->service, "interval-ms", &value);
  return TRUE;
}

/* At a reload nothing is to be read again: procmond has its configuration from the command line and the agent. */
static gboolean
procmond_on_configuration (DeyeBusCollector *collector,
                           guint64 generation,
                           GBytes *payload,
                           const char *payload_type,
                           gpointer data)
{
  if (payload != NULL)
    return g_strcmp0 (payload_type, CONFIGURATION_TYPE) == 0 && procmond_configure (data, payload);
  g_info ("configuration %" G_GUINT64_FORMAT " acknowledged", generation);
  return TRUE;
}

/* --- the bus --- */

/* The first heartbeat reports whether everything works, so it follows the baseline. */
static void
procmond_report_ready (Procmond *self)
{
  DeyeBusClient *client = deye_bus_collector_get_client (self->collector);
  g_autofree char *line = g_strconcat ("ready ", self->options.id, NULL);

  if (self->is_ready || self->requests == NULL)
    return;
  self->is_ready = TRUE;
  procmond_start_poll (self);
  deye_bus_client_set_heartbeat (client, (gint64) self->options.heartbeat_ms * 1000, NULL);
  g_info ("%s: polling every %d ms; a process that exits before the next poll may be missed", self->options.id,
          self->options.interval_ms);
  platform_ready_report (self->options.ready_fd, line);
}

static void
procmond_leave_requests (Procmond *self)
{
  if (self->requests != NULL)
    deye_bus_subscription_unsubscribe_async (self->requests, NULL, NULL, NULL);
  g_clear_object (&self->requests);
}

static void
procmond_on_draining (DeyeBusCollector *collector, gpointer data)
{
  procmond_leave_requests (data);
}

static void
procmond_on_served (GObject *source, GAsyncResult *result, gpointer data)
{
  Procmond *self = data;
  g_autoptr (GError) error = NULL;

  self->requests = procmond_request_serve_finish (DEYE_BUS_CLIENT (source), result, &error);
  self->is_serving = self->requests != NULL;
  if (deye_bus_collector_is_draining (self->collector))
    procmond_leave_requests (self);
  else if (self->requests != NULL)
    procmond_report_ready (self);
  else if (deye_bus_client_get_state (DEYE_BUS_CLIENT (source)) == DEYE_BUS_CLIENT_STATE_READY)
    {
      self->failure = g_steal_pointer (&error);
      deye_bus_collector_stop_async (self->collector, 1, NULL, NULL, NULL);
    }
}

/* With each connection; the client restores the topic when it is served already. */
static void
procmond_on_registered (DeyeBusCollector *collector, gpointer data)
{
  Procmond *self = data;

  if (self->is_serving || deye_bus_collector_is_draining (collector))
    return;
  self->is_serving = TRUE;
  procmond_request_serve_async (deye_bus_collector_get_client (collector), procmond_on_served, self);
}

/* The library has logged it. */
static void
procmond_on_refused (DeyeBusCollector *collector, const GError *error, gpointer data)
{
  if (deye_bus_client_get_state (deye_bus_collector_get_client (collector)) == DEYE_BUS_CLIENT_STATE_READY)
    procmond_on_registered (collector, data);
}

static void
procmond_create (Procmond *self)
{
  const ProcmondOptions *options = &self->options;

  self->collector = deye_bus_collector_new (options->address, options->id, options->type);
  self->service = procmond_service_new (options);
  self->list = procmond_list_new ((guint) options->pace_ms);
  self->health.collector = self->collector;
  self->events = procmond_events_new (deye_bus_collector_get_client (self->collector), &self->health);
  g_signal_connect (self->service, "refuse-property", G_CALLBACK (procmond_on_interval), self);
  g_signal_connect (self->collector, "registered", G_CALLBACK (procmond_on_registered), self);
  g_signal_connect (self->collector, "refused", G_CALLBACK (procmond_on_refused), self);
  g_signal_connect (self->collector, "draining", G_CALLBACK (procmond_on_draining), self);
}

static gboolean
procmond_join_bus (Procmond *self, GError **error)
{
  DeyeBusClient *client = deye_bus_collector_get_client (self->collector);

  if (!deye_bus_client_add_service (client, self->service, error)
      || !procmond_list_add (self->list, self->collector, error)
      || !deye_bus_collector_set_configuration_handler (self->collector, procmond_on_configuration, self, NULL, error)
      || !deye_bus_collector_start (self->collector, error))
    return FALSE;
  procmond_take_baseline (self);
  return TRUE;
}

/* Until a signal, or the end of the connection for good. */
static gboolean
procmond_run (Procmond *self, GError **error)
{
  procmond_create (self);
  if (!procmond_join_bus (self, error) || !deye_bus_collector_run (self->collector, error))
    return FALSE;
  if (self->failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->failure));
  return FALSE;
}

static void
procmond_clear (Procmond *self)
{
  g_clear_handle_id (&self->poll, g_source_remove);
  g_clear_error (&self->failure);
  if (self->collector != NULL)
    g_signal_handlers_disconnect_by_data (self->collector, self);
  if (self->service != NULL)
    g_signal_handlers_disconnect_by_data (self->service, self);
  g_clear_pointer (&self->events, procmond_events_free);
  g_clear_pointer (&self->list, procmond_list_free);
  g_clear_object (&self->requests);
  g_clear_object (&self->collector);
  g_clear_object (&self->service);
  proc_watch_clear (&self->watch);
}

/* The exit status. */
static int
procmond_work (Procmond *self)
{
  g_autoptr (GError) error = NULL;

  if (!proc_source_init (&error))
    {
      g_printerr ("procmond: %s\n", error->message);
      return 1;
    }
  (void) procmond_run (self, &error);
  procmond_clear (self);
  proc_source_clear ();
  if (error == NULL)
    return 0;
  g_printerr ("procmond: %s\n", error->message);
  return g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT) ? 0 : 1;
}

int
main (int argc, char **argv)
{
  Procmond self = { 0 };
  g_autoptr (GError) error = NULL;
  int status = 0;

  deye_bus_locale_init ();
  platform_log_start ();
  if (!procmond_options_parse (&self.options, &argc, &argv, &error))
    {
      g_printerr ("procmond: %s\n", error->message);
      status = 2;
    }
  else if (self.options.version)
    g_print ("procmond %s\n", PACKAGE_VERSION);
  else
    status = procmond_work (&self);
  procmond_options_clear (&self.options);
  platform_log_end ();
  return status;
}
