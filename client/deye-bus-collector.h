/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

G_BEGIN_DECLS

/*
 * What every collector does, in one call: serves control.collector.{id} (methods Ping and HealthCheck) and, when asked
 * to, acknowledges control.collector.config.reload.
 */

typedef enum
{
  DEYE_BUS_HEALTH_HEALTHY = 1,
  DEYE_BUS_HEALTH_DEGRADED = 2,
  DEYE_BUS_HEALTH_UNHEALTHY = 3,
} DeyeBusHealth;

/* Called in the client's context when the agent asks to reload; TRUE: done. @generation: counts the agent's reloads. */
typedef gboolean (*DeyeBusReloadCallback) (DeyeBusClient *client, guint64 generation, gpointer user_data);

/* Serves the standard methods for a connected client. A request for another method ends with FAILED "UnknownMethod". */
DEYE_BUS_API gboolean deye_bus_client_serve_standard (DeyeBusClient *self, DeyeBusReloadCallback reload, gpointer user_data, GDestroyNotify destroy, GCancellable *cancellable, GError **error);
/* What HealthCheck and the heartbeat say from now on. @detail: (nullable) for people. */
DEYE_BUS_API void deye_bus_client_set_health (DeyeBusClient *self, DeyeBusHealth health, const char *detail);

G_END_DECLS
