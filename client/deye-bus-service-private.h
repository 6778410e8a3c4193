/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-service.h"

/*
 * A service as declared: lists of its methods, events and properties, in the order of declaration.
 *
 * The client uses the methods and properties to answer requests; service/deye-bus-describe packs the descriptions of all of
 * them. A service does not call its client.
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

/* Called when a property of a service that was added to a client has changed. */
typedef void (*DeyeBusServiceChanged) (DeyeBusService *service, DeyeBusServiceProperty *property);

struct _DeyeBusService
{
  GObject parent_instance;

  char *name; /* valid if the service was added to a client; otherwise any text, or NULL */
  char *doc;
  DeyeBusClient *client;         /* weak pointer; NULL: not added, or the client was freed */
  GMainContext *context;         /* the client's; NULL: never added */
  DeyeBusServiceChanged changed; /* set together with client */
  GPtrArray *methods;            /* of DeyeBusServiceMethod */
  GPtrArray *events;             /* of DeyeBusServiceEvent */
  GPtrArray *properties;         /* of DeyeBusServiceProperty */
  GPtrArray *types;              /* of GBytes */
};

/* FALSE: the object was constructed without a valid name. */
gboolean deye_bus_service_check (DeyeBusService *self, GError **error);

/* Begins to use the parts. FALSE: another thread owns the client's context. TRUE: call leave() at the end. */
gboolean deye_bus_service_enter (DeyeBusService *self, GError **error);
void deye_bus_service_leave (DeyeBusService *self);

/* Add a part without checking it. A method without a callback is only declared; its requests are answered elsewhere. */
DeyeBusServiceMethod *deye_bus_service_take_method (DeyeBusService *self,
                                                    const char *name,
                                                    const char *request_type,
                                                    const char *reply_type,
                                                    const char *doc);
void deye_bus_service_take_event (DeyeBusService *self,
                                  const char *name,
                                  const char *topic,
                                  const char *type_name,
                                  const char *doc);
/* @value: normalized. */
void deye_bus_service_take_property (DeyeBusService *self,
                                     const char *name,
                                     const GValue *value,
                                     gboolean writable,
                                     const char *doc);
/* @value has the property's type. */
void deye_bus_service_take_value (DeyeBusService *self, DeyeBusServiceProperty *property, const GValue *value);

/* Finds a part by its name, which is the first field of each part. NULL: there is none with this name. */
gpointer deye_bus_service_find_part (GPtrArray *parts, const char *name);
/* @name: "Method" or "service.Method". NULL: there is none. */
const DeyeBusServiceMethod *deye_bus_service_find_method (DeyeBusService *self, const char *name);
DeyeBusServiceProperty *deye_bus_service_find_property (DeyeBusService *self, const char *name);

/* Another peer asks to set the property; @value has its type. FALSE: refused. */
gboolean deye_bus_service_ask_property (DeyeBusService *self, DeyeBusServiceProperty *property, const GValue *value);
