/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_SERVICE (deye_bus_service_get_type ())

/**
 * DeyeBusService:
 *
 * What a peer offers, in words that a tool can read: methods, the topics it serves, the events it publishes, and
 * properties; with the protobuf types of all of them.
 *
 * Every client answers the standard methods on `control.collector.{id}` by itself, from the moment it is connected:
 * `Ping`, `GetInfo`, `Introspect`, `GetStats`, `HealthCheck`, `GetProperties` and `SetProperty`. A service that was given
 * to deye_bus_client_add_service() is told by `Introspect`, and its methods are answered on the same topic: asked with
 * the id as target and the method's name as `method` (`deyebusctl call ID METHOD`).
 *
 * Payloads are protobuf messages that are known by their full names. The types of this library (package
 * `daemoneye.eventbus.v1`) are known anyway; all others come with deye_bus_service_add_types().
 *
 * A service belongs to the thread of its client. What is declared wrongly (a name twice, an invalid topic) is a mistake of
 * the program: a critical warning, and nothing is added.
 *
 * Since: 0.1
 */
/**
 * DeyeBusService::refuse-property:
 * @self: the service
 * @name: of a writable property
 * @value: the value asked for; it has the property's type
 *
 * Somebody asks for another value, by `SetProperty`; shall it be refused? From the client's context.
 *
 * Returns: %TRUE: refused, the asker hears `Refused`; %FALSE (and without a handler): it is the value from now on, and
 *   published as changed
 *
 * Since: 0.1
 */
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusService, deye_bus_service, DEYE_BUS, SERVICE, GObject)

/**
 * DeyeBusMethodCallback:
 * @client: the client that was asked
 * @request: (transfer none): the request
 * @user_data: as given
 *
 * Called in the client's context for each call of a method. Answer with deye_bus_client_respond() or
 * deye_bus_client_respond_error(), now or later (keep a reference to @request then). When the answer has no type name, it
 * gets the declared one.
 *
 * Since: 0.1
 */
typedef void (*DeyeBusMethodCallback) (DeyeBusClient *client, DeyeBusMessage *request, gpointer user_data);

/**
 * deye_bus_service_new:
 * @name: name with dots, such as `org.example.Disk`: letters, digits, `_` and `.`, at most 128 bytes
 * @doc: (nullable): what it is for, in a sentence or two
 *
 * Makes a service; deye_bus_client_add_service() offers it.
 *
 * Returns: (transfer full): a service that offers nothing yet
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusService *deye_bus_service_new (const char *name, const char *doc);

/**
 * deye_bus_service_get_name:
 * @self: a service
 *
 * What it is called.
 *
 * Returns: (transfer none): its name
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_service_get_name (DeyeBusService *self);

/**
 * deye_bus_service_add_method:
 * @self: a service
 * @name: letters, digits and `_`, such as `ListDisks`; not one of the standard methods
 * @request_type: (nullable): full protobuf name of the question; %NULL: it has no payload
 * @reply_type: (nullable): full protobuf name of the answer; %NULL: it has no payload
 * @doc: (nullable): what it does
 * @callback: (scope notified) (closure user_data) (destroy destroy): called for each call
 * @user_data: for @callback
 * @destroy: (nullable): frees @user_data, when the service is freed
 *
 * Adds a method, which is answered on `control.collector.{id}`. Who may ask is the broker's policy: agent and tools.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_add_method (DeyeBusService *self,
                                               const char *name,
                                               const char *request_type,
                                               const char *reply_type,
                                               const char *doc,
                                               DeyeBusMethodCallback callback,
                                               gpointer user_data,
                                               GDestroyNotify destroy);

/**
 * deye_bus_service_add_topic:
 * @self: a service
 * @name: letters, digits and `_`
 * @topic: the topic
 * @group: (nullable): its queue group
 * @request_type: (nullable): full protobuf name of the question
 * @reply_type: (nullable): full protobuf name of the answer
 * @doc: (nullable): what it does
 *
 * Tells of a topic that this peer serves with deye_bus_client_serve(). Declaring it does not serve it.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_add_topic (DeyeBusService *self,
                                              const char *name,
                                              const char *topic,
                                              const char *group,
                                              const char *request_type,
                                              const char *reply_type,
                                              const char *doc);

/**
 * deye_bus_service_add_event:
 * @self: a service
 * @name: letters, digits and `_`
 * @topic: topic, or pattern, that it is published to
 * @type_name: (nullable): full protobuf name of the payload; %NULL: not protobuf
 * @doc: (nullable): what it says
 *
 * Tells of messages that this peer publishes.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_add_event (DeyeBusService *self,
                                              const char *name,
                                              const char *topic,
                                              const char *type_name,
                                              const char *doc);

/**
 * deye_bus_service_add_property:
 * @self: a service
 * @name: letters, digits, `_` and `-`, such as `interval-ms`
 * @value: its value now. A string, boolean, double, or an integer of any size, whose type is the property's from here on
 *   (signed ones as 64 bits, unsigned ones as 64 bits)
 * @writable: others may set it, see #DeyeBusService::refuse-property
 * @doc: (nullable): what it is
 *
 * Adds a property, which `GetProperties` and `Introspect` tell.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_add_property (DeyeBusService *self,
                                                 const char *name,
                                                 const GValue *value,
                                                 gboolean writable,
                                                 const char *doc);

/**
 * deye_bus_service_change_property:
 * @self: a service
 * @name: of a property
 * @value: its value from now on; of the property's type, or one that can be made into it
 *
 * When it differs and the client is connected, `daemoneye.eventbus.v1.Properties` is published on
 * `health.properties.{id}`.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_change_property (DeyeBusService *self, const char *name, const GValue *value);

/**
 * deye_bus_service_read_property:
 * @self: a service
 * @name: of a property
 * @value: (out caller-allocates): unset, or zero-filled; becomes a copy of the value, or a string that is %NULL
 *
 * Reads a property.
 *
 * Returns: %TRUE: there is one
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_service_read_property (DeyeBusService *self, const char *name, GValue *value);

/**
 * deye_bus_service_add_types:
 * @self: a service
 * @descriptor_set: a serialized `google.protobuf.FileDescriptorSet` with all its imports, as
 *   `protoc --include_imports --descriptor_set_out` makes it; at most 256 KiB for a client in all
 *
 * Gives the types that methods and events name, so that a tool can read and write their payloads.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_add_types (DeyeBusService *self, GBytes *descriptor_set);

/**
 * deye_bus_client_add_service:
 * @self: a client, connected or not
 * @service: a service; it can be added to one client only
 * @error: return location
 *
 * Offers @service from now on, also after a new connection. Add what it has to it before: what is added later is offered
 * as well, but nobody is told.
 *
 * Returns: %TRUE; %FALSE with %DEYE_BUS_ERROR_DUPLICATE_ID (a service of this name, or of another client),
 *   %DEYE_BUS_ERROR_LIMIT (64 services) or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_add_service (DeyeBusClient *self, DeyeBusService *service, GError **error);

G_END_DECLS
