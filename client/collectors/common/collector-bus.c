/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-bus.h"

#include "platform-ready.h"

void
collector_bus_report_ready (CollectorBus *self)
{
  g_autofree char *line = g_strconcat ("ready ", self->options->id, NULL);

  if (self->is_ready)
    return;
  self->is_ready = TRUE;
  if (self->on_ready != NULL)
    self->on_ready (self->data);
  deye_bus_client_set_heartbeat (self->client, (gint64) self->options->heartbeat_ms * 1000, NULL);
  platform_ready_report (self->options->ready_fd, line);
}

void
collector_bus_fail (CollectorBus *self, GError *failure)
{
  if (self->failure == NULL)
    self->failure = failure;
  else
    g_error_free (failure);
  deye_bus_collector_stop_async (self->collector, 1, NULL, NULL, NULL);
}

static void
bus_join (CollectorBus *self)
{
  if (deye_bus_collector_is_draining (self->collector))
    return;
  if (self->on_joined != NULL)
    self->on_joined (self->data);
  else
    collector_bus_report_ready (self);
}

static void
bus_on_registered (DeyeBusCollector *collector, gpointer data)
{
  bus_join (data);
}

/* The library has logged it. */
static void
bus_on_refused (DeyeBusCollector *collector, const GError *error, gpointer data)
{
  CollectorBus *self = data;

  if (deye_bus_client_get_state (self->client) == DEYE_BUS_CLIENT_STATE_READY)
    bus_join (self);
}

void
collector_bus_init (CollectorBus *self, const CollectorOptions *options)
{
  *self = (CollectorBus){ .options = options,
                          .collector = deye_bus_collector_new (options->address, options->id, options->type) };
  self->client = deye_bus_collector_get_client (self->collector);
  g_signal_connect (self->collector, "registered", G_CALLBACK (bus_on_registered), self);
  g_signal_connect (self->collector, "refused", G_CALLBACK (bus_on_refused), self);
}

void
collector_bus_clear (CollectorBus *self)
{
  if (self->collector != NULL)
    g_signal_handlers_disconnect_by_data (self->collector, self);
  g_clear_object (&self->collector);
  g_clear_error (&self->failure);
  self->client = NULL;
}

gboolean
collector_bus_run (CollectorBus *self, GError **error)
{
  if (!deye_bus_collector_run (self->collector, error))
    return FALSE;
  if (self->failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->failure));
  return FALSE;
}
