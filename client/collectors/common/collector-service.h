/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/* The common parts of the descriptions of collectors: numbers as properties, and the topic of the configuration. */

/* Adds a property with an unsigned number. @text: its meaning. */
void collector_service_add_number (DeyeBusService *service,
                                   const char *name,
                                   guint64 number,
                                   gboolean writable,
                                   const char *text);
/* Sets a new value of the property. */
void collector_service_change_number (DeyeBusService *service, const char *name, guint64 number);

/* Declares that the collector @id accepts its configuration, a message of the type @type, from the agent. @text: description of
 * the configuration. Does nothing if the id is not a topic segment; the client reports that error. */
void collector_service_add_configuration (DeyeBusService *service, const char *id, const char *type, const char *text);
