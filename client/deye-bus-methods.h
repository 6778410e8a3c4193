/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-service-private.h"

/*
 * What a client answers on control.collector.{id}: the standard methods, and those of its services.
 *
 * The topic is served by the library itself, right after WELCOME and before connect() ends, when the broker knows the
 * feature PEER_METHODS. Authors have nothing to do with it.
 *
 * Invariant: each request is answered, by a method or with an error.
 */

#define DEYE_BUS_METHODS_PREFIX "control.collector."

/* A DeyeBusRequestCallback; @client: the client, borrowed. */
void deye_bus_methods_on_request (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer client);

/* The service that every client offers; (transfer full). */
DeyeBusService *deye_bus_methods_new_standard (void);
gboolean deye_bus_methods_is_standard (const char *name);

/* The declared type of the answer to @request; NULL: none was declared. */
const char *deye_bus_methods_reply_type (DeyeBusClient *client, DeyeBusMessage *request);

/* Publishes a property's new value, when somebody could hear it. */
void deye_bus_methods_tell_change (DeyeBusClient *client, DeyeBusService *service, DeyeBusServiceProperty *property);
