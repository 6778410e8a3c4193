/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-service-private.h"
#include "introspection.pb-c.h"

/* What services look like as payloads: answers of Introspect and GetProperties. Reads only. */

/* @wanted: name of one service; "": all. @services: of DeyeBusService. */
GBytes *deye_bus_describe_services (const char *id, GPtrArray *services, const char *wanted, gboolean with_types);

/* @service, @name: "": all. */
GBytes *deye_bus_describe_properties (const char *id, GPtrArray *services, const char *service, const char *name);
