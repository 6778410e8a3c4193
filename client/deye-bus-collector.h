/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

G_BEGIN_DECLS

/* What every collector does besides: it says how it is, and reads its configuration again when the agent asks for it. */

/**
 * DeyeBusHealth:
 * @DEYE_BUS_HEALTH_HEALTHY: healthy
 * @DEYE_BUS_HEALTH_DEGRADED: degraded
 * @DEYE_BUS_HEALTH_UNHEALTHY: unhealthy
 *
 * How a collector is, by its own judgement.
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
 * @generation: counts the agent's reloads
 * @user_data: as given
 *
 * Called in the client's context when the agent asks all to read their configuration again; never after the client was
 * closed or freed.
 *
 * Returns: %TRUE: done, and acknowledged on `results.{type}`; %FALSE: not done, the agent hears nothing
 *
 * Since: 0.1
 */
typedef gboolean (*DeyeBusReloadCallback) (DeyeBusClient *client, guint64 generation, gpointer user_data);

/**
 * deye_bus_client_serve_standard:
 * @self: a connected client
 * @reload: (scope notified) (closure user_data) (destroy destroy) (nullable): called for reloads; %NULL: they are not
 *   subscribed to. Needs a type.
 * @user_data: for @reload
 * @destroy: (nullable): frees @user_data, once, also when the call fails
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * Takes part in the agent's reloads until the connection ends. (The standard methods - Ping, GetInfo, Introspect, GetStats,
 * HealthCheck, GetProperties, SetProperty - are served by every client anyway, see #DeyeBusService; a broker that does not
 * know of that is asked to here.) Synchronous, as deye_bus_client_serve() is.
 *
 * Returns: %TRUE: served; errors as of deye_bus_client_serve()
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
 * @self: the client
 * @health: what HealthCheck and the heartbeat say from now on; %DEYE_BUS_HEALTH_HEALTHY at first
 * @detail: (nullable): for people
 *
 * Says how this collector is.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_set_health (DeyeBusClient *self, DeyeBusHealth health, const char *detail);

G_END_DECLS
