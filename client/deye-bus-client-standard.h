/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

G_BEGIN_DECLS

/* Health and configuration of a collector: it reports its health and reads its configuration again when the agent asks. */

/**
 * DeyeBusHealth:
 * @DEYE_BUS_HEALTH_HEALTHY: the collector works normally
 * @DEYE_BUS_HEALTH_DEGRADED: the collector works with restrictions
 * @DEYE_BUS_HEALTH_UNHEALTHY: the collector does not work
 *
 * Health of a collector, as the collector itself judges it.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_HEALTH_HEALTHY = 1,
  DEYE_BUS_HEALTH_DEGRADED = 2,
  DEYE_BUS_HEALTH_UNHEALTHY = 3,
} DeyeBusHealth;

/**
 * DeyeBusReloadCallback:
 * @client: the client
 * @generation: number of the reload, counted by the agent
 * @user_data: data that was passed with the callback
 *
 * Called in the client's context when the agent asks all collectors to read their configuration again. It is not called
 * after the client has been closed or freed.
 *
 * Returns: %TRUE if the configuration was read; the client then publishes an acknowledgement on `results.{type}`.
 *   %FALSE if it was not; the agent receives nothing
 *
 * Since: 0.1
 */
typedef gboolean (*DeyeBusReloadCallback) (DeyeBusClient *client, guint64 generation, gpointer user_data);

/**
 * deye_bus_client_serve_standard:
 * @self: a connected #DeyeBusClient
 * @reload: (scope notified) (closure user_data) (destroy destroy) (nullable): function to call for each reload, or
 *   %NULL to take no part in reloads; it requires a client that has a type
 * @user_data: data to pass to @reload
 * @destroy: (nullable): destroy notify for @user_data; called once, also if the call fails
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Takes part in the agent's reloads until the connection ends. The call is synchronous, like deye_bus_client_serve().
 *
 * Every client serves the standard methods (Ping, GetInfo, Introspect, GetStats, HealthCheck, GetProperties,
 * SetProperty) without this call; see #DeyeBusService. With an older broker, which does not route them to a client by
 * default, this call also registers them.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT (@reload requires a type), or an error as for
 *   deye_bus_client_serve()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_serve_standard (DeyeBusClient *self,
                                                      DeyeBusReloadCallback reload,
                                                      gpointer user_data,
                                                      GDestroyNotify destroy,
                                                      GCancellable *cancellable,
                                                      GError **error);

/**
 * deye_bus_client_set_health:
 * @self: a #DeyeBusClient
 * @health: health to report; it is %DEYE_BUS_HEALTH_HEALTHY until this function is called
 * @detail: (nullable): explanation for users, of which at most 1,024 bytes are reported
 *
 * Sets the health that the client reports from now on: by the HealthCheck method, by the heartbeat, and at once by a
 * `daemoneye.eventbus.v1.HealthReport` on `control.health.status.{id}`, which the broker reads. The report is sent from the
 * client's context, at most five times a second with the newest health, and again on each new connection. This function may be
 * called in any thread.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_set_health (DeyeBusClient *self, DeyeBusHealth health, const char *detail);

G_END_DECLS
