/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-service.h"

/*
 * A service as declared: lists of its methods, events and properties, in the order of declaration.
 *
 * The client answers requests with the methods and properties; service/deye-bus-describe puts all of them into payloads. A
 * service does not call its client.
 *
 * Invariant: names are valid, and unique in their list; the value of a property has its type.
 */

#define DEYE_BUS_SERVICES_MAX 64u
#define DEYE_BUS_TYPES_MAX    (256u * 1024u) /* bytes of descriptors, of all services of a client */

typedef struct
{
  char *name;
  char *topic; /* NULL: a method of control.collector.{id} */
  char *group;
  char *request_type;
  char *reply_type;
  char *doc;
  DeyeBusMethodCallback callback; /* NULL: declared only */
  gpointer user_data;
  GDestroyNotify destroy;
} DeyeBusServiceMethod;

typedef struct
{
  char *name;
  char *topic;
  char *type_name;
  char *doc;
} DeyeBusServiceEvent;

typedef struct
{
  char *name;
  char *doc;
  gboolean writable;
  GValue value;
} DeyeBusServiceProperty;

/* A property of a service that was added to a client has another value. */
typedef void (*DeyeBusServiceChanged) (DeyeBusService *service, DeyeBusServiceProperty *property);

struct _DeyeBusService
{
  GObject parent_instance;

  char *name;
  char *doc;
  DeyeBusClient *client;         /* weak pointer; NULL: not added, or the client was freed */
  DeyeBusServiceChanged changed; /* set together with client */
  GPtrArray *methods;            /* of DeyeBusServiceMethod */
  GPtrArray *events;             /* of DeyeBusServiceEvent */
  GPtrArray *properties;         /* of DeyeBusServiceProperty */
  GPtrArray *types;              /* of GBytes */
};

/* Declares a method that the service itself does not answer. */
void deye_bus_service_declare (DeyeBusService *self,
                               const char *name,
                               const char *request_type,
                               const char *reply_type,
                               const char *doc);

/* @name: "Method" or "service.Method". NULL: there is none. */
const DeyeBusServiceMethod *deye_bus_service_find_method (DeyeBusService *self, const char *name);
DeyeBusServiceProperty *deye_bus_service_find_property (DeyeBusService *self, const char *name);

/* Another peer asks to set it; @value has the property's type. FALSE: refused. */
gboolean deye_bus_service_ask_property (DeyeBusService *self, DeyeBusServiceProperty *property, const GValue *value);
