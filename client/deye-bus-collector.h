/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

G_BEGIN_DECLS

/*
 * What every collector does, in one call: serves control.collector.{id} (methods Ping and HealthCheck) and, when asked
 * to, acknowledges control.collector.config.reload.
 */

/**
 * DeyeBusHealth:
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
 * @reload: (scope notified) (nullable): called for reloads; %NULL: they are not subscribed to. Needs a type.
 * @user_data: for @reload
 * @destroy: (nullable): frees @user_data, once, also when the call fails
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * Serves the standard methods until the connection ends. `Ping` answers with the payload it was sent, `HealthCheck` with a
 * `daemoneye.eventbus.v1.HealthReply`; a request for any other method ends with %DEYE_BUS_ERROR_FAILED `UnknownMethod`.
 * Synchronous, as deye_bus_client_serve() is.
 *
 * Returns: %TRUE: served; errors as of deye_bus_client_serve()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_serve_standard (DeyeBusClient *self, DeyeBusReloadCallback reload, gpointer user_data, GDestroyNotify destroy, GCancellable *cancellable, GError **error);

/**
 * deye_bus_client_set_health:
 * @self: the client
 * @health: what HealthCheck and the heartbeat say from now on; %DEYE_BUS_HEALTH_HEALTHY at first
 * @detail: (nullable): for people
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_set_health (DeyeBusClient *self, DeyeBusHealth health, const char *detail);

G_END_DECLS
