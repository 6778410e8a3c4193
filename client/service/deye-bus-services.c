/* SPDX-License-Identifier: Apache-2.0 */
#include "service/deye-bus-services.h"

#include "deye-bus-error.h"
#include "deye-bus-pack.h"
#include "service/deye-bus-standard.h"

#include <glib/gi18n-lib.h>

DeyeBusService *
deye_bus_services_new_standard (void)
{
  DeyeBusService *service
      = deye_bus_service_new ("daemoneye.eventbus.Peer", "The standard methods and events of every peer.");

  for (guint i = 0; i < DEYE_BUS_STANDARD_N_METHODS; i++)
    (void) deye_bus_service_take_method (service, deye_bus_standard_methods[i].name,
                                         deye_bus_standard_methods[i].request_type,
                                         deye_bus_standard_methods[i].reply_type, deye_bus_standard_methods[i].doc);
  deye_bus_service_add_event (service, "PropertiesChanged", "health.properties.+", DEYE_BUS_TYPE_PREFIX "Properties",
                              "The value of a property has changed.");
  deye_bus_service_add_event (service, "Heartbeat", "control.health.heartbeat.+", DEYE_BUS_TYPE_PREFIX "Heartbeat",
                              "The peer is alive; contains its health.");
  return service;
}

static gsize
services_types_bytes (DeyeBusService *service)
{
  gsize bytes = 0;

  for (guint i = 0; i < service->types->len; i++)
    bytes += g_bytes_get_size (g_ptr_array_index (service->types, i));
  return bytes;
}

gboolean
deye_bus_services_check (GPtrArray *services, DeyeBusService *service, GError **error)
{
  gsize bytes = services_types_bytes (service);

  if (service->client != NULL)
    {
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID,
                   _ ("The service %s belongs to a client already: create another one"), service->name);
      return FALSE;
    }
  if (services->len >= DEYE_BUS_SERVICES_MAX)
    {
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT, _ ("A client can have at most %u services"),
                   DEYE_BUS_SERVICES_MAX);
      return FALSE;
    }
  for (guint i = 0; i < services->len; i++)
    {
      DeyeBusService *other = g_ptr_array_index (services, i);

      bytes += services_types_bytes (other);
      if (!g_str_equal (other->name, service->name))
        continue;
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID,
                   _ ("This client already has a service %s: choose another name"), service->name);
      return FALSE;
    }
  if (bytes <= DEYE_BUS_TYPES_MAX)
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT,
               _ ("The type descriptors of a client can have at most %u bytes"), DEYE_BUS_TYPES_MAX);
  return FALSE;
}

const DeyeBusServiceMethod *
deye_bus_services_find_method (GPtrArray *services, const char *name, DeyeBusService **service)
{
  const DeyeBusServiceMethod *method = NULL;

  for (guint i = 0; i < services->len && method == NULL; i++)
    {
      *service = g_ptr_array_index (services, i);
      method = deye_bus_service_find_method (*service, name);
    }
  return method;
}

DeyeBusServiceProperty *
deye_bus_services_find_property (GPtrArray *services, const char *owner, const char *name, DeyeBusService **service)
{
  for (guint i = 0; i < services->len; i++)
    {
      DeyeBusServiceProperty *property;

      *service = g_ptr_array_index (services, i);
      if (*owner != '\0' && !g_str_equal (owner, (*service)->name))
        continue;
      property = deye_bus_service_find_property (*service, name);
      if (property != NULL)
        return property;
    }
  return NULL;
}
