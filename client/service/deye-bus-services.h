/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-service-private.h"

/*
 * The services of one client, a GPtrArray of DeyeBusService: lookup by name, and the limits of a client.
 *
 * Invariant: the names of the services are unique.
 */

/* A new object for the service that every client offers. Its standard methods are declared here, and the client answers them.
 * Transfer full. */
DeyeBusService *deye_bus_services_new_standard (void);

/* FALSE: @service must not be added, since its name is in use or a limit of the client is reached. */
gboolean deye_bus_services_check (GPtrArray *services, DeyeBusService *service, GError **error);

/* @name: (nullable): "Method" or "service.Method". NULL: no service has a callback for it. */
const DeyeBusServiceMethod *
deye_bus_services_find_method (GPtrArray *services, const char *name, DeyeBusService **service);

/* @owner: name of a service; "": the first one that has the property. NULL: there is none. */
DeyeBusServiceProperty *
deye_bus_services_find_property (GPtrArray *services, const char *owner, const char *name, DeyeBusService **service);
