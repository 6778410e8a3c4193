/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-service-private.h"
#include "introspection.pb-c.h"

/* Packs the descriptions of services: the payloads of the answers to Introspect and GetProperties. It only reads the services. */

/* @wanted: name of one service; "": all. @services: of DeyeBusService. */
GBytes *deye_bus_describe_services (const char *id, GPtrArray *services, const char *wanted, gboolean with_types);

/* @service, @name: "": all. */
GBytes *deye_bus_describe_properties (const char *id, GPtrArray *services, const char *service, const char *name);
