/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/* The common parts of the descriptions of collectors: numbers as properties, and the topic of the configuration. */

/* A property with an unsigned number. @text: what it means. */
void collector_service_add_number (DeyeBusService *service,
                                   const char *name,
                                   guint64 number,
                                   gboolean writable,
                                   const char *text);
/* Its value is another one now. */
void collector_service_change_number (DeyeBusService *service, const char *name, guint64 number);

/* The collector @id takes its configuration, a message of the type @type, from the agent; @text: what it sets. An id that is no
 * segment of a topic has none; the client reports it. */
void collector_service_add_configuration (DeyeBusService *service, const char *id, const char *type, const char *text);
