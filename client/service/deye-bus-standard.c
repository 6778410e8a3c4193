/* SPDX-License-Identifier: Apache-2.0 */
#include "service/deye-bus-standard.h"

#include "deye-bus-pack.h"

/* clang-format off */
const DeyeBusStandardInfo deye_bus_standard_methods[] = {
  [DEYE_BUS_STANDARD_PING]
    = { "Ping", NULL, NULL, "Returns the payload that it received." },
  [DEYE_BUS_STANDARD_INFO]
    = { "GetInfo", NULL, DEYE_BUS_TYPE_PREFIX "PeerDescription",
        "Returns the program, its pid, version and services, and its health." },
  [DEYE_BUS_STANDARD_INTROSPECT]
    = { "Introspect", DEYE_BUS_TYPE_PREFIX "IntrospectRequest", DEYE_BUS_TYPE_PREFIX "IntrospectReply",
        "Returns the services with methods, events and properties, and the types of their payloads." },
  [DEYE_BUS_STANDARD_STATS]
    = { "GetStats", NULL, DEYE_BUS_TYPE_PREFIX "ClientStats", "Returns the counters of the peer's connection." },
  [DEYE_BUS_STANDARD_HEALTH]
    = { "HealthCheck", NULL, DEYE_BUS_TYPE_PREFIX "HealthReply", "Returns the peer's health as the peer itself reports it." },
  [DEYE_BUS_STANDARD_PROPERTIES]
    = { "GetProperties", DEYE_BUS_TYPE_PREFIX "PropertiesRequest", DEYE_BUS_TYPE_PREFIX "Properties",
        "Returns the values of all properties, or of the requested ones." },
  [DEYE_BUS_STANDARD_SET_PROPERTY]
    = { "SetProperty", DEYE_BUS_TYPE_PREFIX "SetPropertyRequest", DEYE_BUS_TYPE_PREFIX "Properties",
        "Sets a writable property and returns its value." },
};
/* clang-format on */

gboolean
deye_bus_standard_find (const char *name, DeyeBusStandardMethod *method)
{
  for (guint i = 0; i < DEYE_BUS_STANDARD_N_METHODS; i++)
    if (g_strcmp0 (deye_bus_standard_methods[i].name, name) == 0)
      {
        if (method != NULL)
          *method = (DeyeBusStandardMethod) i;
        return TRUE;
      }
  return FALSE;
}
