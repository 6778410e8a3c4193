/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-service.h"

#include "deye-bus-pack.h"

void
collector_service_add_number (DeyeBusService *service,
                              const char *name,
                              guint64 number,
                              gboolean writable,
                              const char *text)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_set_uint64 (g_value_init (&value, G_TYPE_UINT64), number);
  deye_bus_service_add_property (service, name, &value, writable, text);
}

void
collector_service_change_number (DeyeBusService *service, const char *name, guint64 number)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_set_uint64 (g_value_init (&value, G_TYPE_UINT64), number);
  deye_bus_service_change_property (service, name, &value);
}

void
collector_service_add_configuration (DeyeBusService *service, const char *id, const char *type, const char *text)
{
  g_autofree char *topic = g_strconcat ("control.collector.config.", id, NULL);

  deye_bus_service_try_add_topic (service, "Configure", topic, NULL, type, DEYE_BUS_TYPE_PREFIX "ConfigReloaded", text,
                                  NULL);
}
