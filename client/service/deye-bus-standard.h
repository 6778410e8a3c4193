/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The methods that every client answers: their names, the types of their payloads and a line of documentation.
 *
 * A service must not declare a method with one of these names. This module only contains data; the client makes the answers.
 */

/* The prefix of the topic of a client's methods; the id of the client follows. */
#define DEYE_BUS_METHODS_PREFIX "control.collector."

typedef enum
{
  DEYE_BUS_STANDARD_PING,
  DEYE_BUS_STANDARD_INFO,
  DEYE_BUS_STANDARD_INTROSPECT,
  DEYE_BUS_STANDARD_STATS,
  DEYE_BUS_STANDARD_HEALTH,
  DEYE_BUS_STANDARD_PROPERTIES,
  DEYE_BUS_STANDARD_SET_PROPERTY,
  DEYE_BUS_STANDARD_N_METHODS,
} DeyeBusStandardMethod;

typedef struct
{
  const char *name;
  const char *request_type; /* NULL: none */
  const char *reply_type;   /* NULL: none */
  const char *doc;
} DeyeBusStandardInfo;

extern const DeyeBusStandardInfo deye_bus_standard_methods[DEYE_BUS_STANDARD_N_METHODS] G_GNUC_INTERNAL;

/* FALSE: no standard method has the name @name. @name, @method: (nullable). */
gboolean deye_bus_standard_find (const char *name, DeyeBusStandardMethod *method);
