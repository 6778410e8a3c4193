/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_SERVICE (deye_bus_service_get_type ())

/**
 * DeyeBusService:
 *
 * A description of the interface of a peer, which tools can read: methods, topics that it serves, events that it publishes
 * and properties, with the protobuf types of all of them.
 *
 * A client answers the standard methods `Ping`, `GetInfo`, `Introspect`, `GetStats`, `HealthCheck`, `GetProperties` and
 * `SetProperty` on `control.collector.{id}` without any further call, as soon as it is connected. `Introspect` also
 * describes the services that were added with deye_bus_client_add_service(). Their methods are called on the same
 * topic, with the client's id as target and the name of the method as `method` (`deyebusctl call ID METHOD`).
 *
 * Payloads are protobuf messages that are identified by their full names. The types of this library (package
 * `daemoneye.eventbus.v1`) are known; add all others with deye_bus_service_add_types().
 *
 * A service belongs to the thread of its client. An invalid declaration, such as a name that exists already or an invalid
 * topic, is an error of the functions with `try` in their names, and nothing is added. Python and JavaScript see these
 * functions under the plain names, for example `add_property()`, and throw the error. The plain functions of C and Vala log a
 * critical warning instead, because such a mistake is a programming error.
 *
 * A service can also be constructed by its type and its properties, `DeyeBus.Service(name="org.example.Disk")`. Then the
 * name is checked by deye_bus_client_add_service(), which refuses a service without a valid name.
 *
 * Since: 0.1
 */
/**
 * DeyeBusService:name:
 *
 * The name of the service; %NULL if it was constructed without one. It can only be set on construction.
 *
 * Since: 0.1
 */
/**
 * DeyeBusService:doc:
 *
 * The description of the service, or %NULL. It can only be set on construction.
 *
 * Since: 0.1
 */
/**
 * DeyeBusService::refuse-property:
 * @self: the service
 * @name: name of a writable property
 * @value: the requested value, which has the property's type
 *
 * Emitted in the client's context when a peer asks for a new value with `SetProperty`. A handler decides whether to
 * refuse it.
 *
 * Returns: %TRUE to refuse the value; the peer receives the error `Refused`. %FALSE to accept it, which is also the
 *   default without a handler: the property then has the new value, and the change is published
 *
 * Since: 0.1
 */
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusService, deye_bus_service, DEYE_BUS, SERVICE, GObject)

/**
 * DeyeBusMethodCallback:
 * @client: the client that received the request
 * @request: (transfer none): the request; take a reference to keep it after the callback has returned
 * @user_data: data that was passed with the callback
 *
 * Called in the client's context for each call of a method. Answer it with deye_bus_client_respond() or
 * deye_bus_client_respond_error(), either in the callback or later (keep a reference to @request in that case). If the
 * reply has no type name, the library sets the declared one.
 *
 * Since: 0.1
 */
typedef void (*DeyeBusMethodCallback) (DeyeBusClient *client, DeyeBusMessage *request, gpointer user_data);

/**
 * deye_bus_service_new:
 * @name: name with dots, such as `org.example.Disk`: letters, digits, `_` and `.`, at most 128 bytes
 * @doc: (nullable): description in a sentence or two
 *
 * Creates a service. deye_bus_client_add_service() offers it to other peers.
 *
 * Returns: (transfer full): a new #DeyeBusService without methods, topics, events and properties; %NULL, with a critical
 *   warning, if an argument is not valid. deye_bus_service_try_new() returns an error instead
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusService *deye_bus_service_new (const char *name, const char *doc);

/**
 * deye_bus_service_try_new: (constructor) (rename-to deye_bus_service_new)
 * @name: name with dots, such as `org.example.Disk`: letters, digits, `_` and `.`, at most 128 bytes
 * @doc: (nullable): description in a sentence or two
 * @error: return location for a #GError, or %NULL
 *
 * Like deye_bus_service_new(), but reports an argument that is not valid as an error.
 *
 * Returns: (transfer full): a new #DeyeBusService without methods, topics, events and properties; %NULL with
 *   %DEYE_BUS_ERROR_INVALID_ARGUMENT
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusService *deye_bus_service_try_new (const char *name, const char *doc, GError **error);

/**
 * deye_bus_service_get_name:
 * @self: a #DeyeBusService
 *
 * Gets the name of a service.
 *
 * Returns: (transfer none) (nullable): the name, owned by the service; %NULL if it was constructed without one
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_service_get_name (DeyeBusService *self);

/**
 * deye_bus_service_add_method:
 * @self: a #DeyeBusService
 * @name: name of the method, such as `ListDisks`: letters, digits and `_`; not the name of a standard method
 * @request_type: (nullable): full protobuf name of the request's type, or %NULL if it has no payload
 * @reply_type: (nullable): full protobuf name of the reply's type, or %NULL if it has no payload
 * @doc: (nullable): description of the method
 * @callback: (scope notified) (closure user_data) (destroy destroy): function to call for each call of the method
 * @user_data: data to pass to @callback
 * @destroy: (nullable): destroy notify for @user_data; called when the service is freed, or by this call if it does not
 *   add the method
 *
 * Adds a method, which peers call on `control.collector.{id}`. By the broker's policy the agent and tools may call it.
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
 * deye_bus_service_try_add_method: (rename-to deye_bus_service_add_method)
 * @self: a #DeyeBusService
 * @name: name of the method, such as `ListDisks`: letters, digits and `_`; not the name of a standard method
 * @request_type: (nullable): full protobuf name of the request's type, or %NULL if it has no payload
 * @reply_type: (nullable): full protobuf name of the reply's type, or %NULL if it has no payload
 * @doc: (nullable): description of the method
 * @callback: (scope notified) (closure user_data) (destroy destroy): function to call for each call of the method
 * @user_data: data to pass to @callback
 * @destroy: (nullable): destroy notify for @user_data; called when the service is freed, or by this call if it does not
 *   add the method
 * @error: return location for a #GError, or %NULL
 *
 * Like deye_bus_service_add_method(), but reports an argument that is not valid as an error.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT, %DEYE_BUS_ERROR_DUPLICATE_ID (the service
 *   has a method or a topic of this name, or a standard method has it) or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_service_try_add_method (DeyeBusService *self,
                                                       const char *name,
                                                       const char *request_type,
                                                       const char *reply_type,
                                                       const char *doc,
                                                       DeyeBusMethodCallback callback,
                                                       gpointer user_data,
                                                       GDestroyNotify destroy,
                                                       GError **error);

/**
 * deye_bus_service_add_topic:
 * @self: a #DeyeBusService
 * @name: name of the topic in the description: letters, digits and `_`
 * @topic: the topic, without wildcards
 * @group: (nullable): queue group in which the topic is served
 * @request_type: (nullable): full protobuf name of the request's type
 * @reply_type: (nullable): full protobuf name of the reply's type
 * @doc: (nullable): description
 *
 * Adds the description of a topic that this peer serves. This does not serve the topic; call deye_bus_client_serve()
 * for that.
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
 * deye_bus_service_try_add_topic: (rename-to deye_bus_service_add_topic)
 * @self: a #DeyeBusService
 * @name: name of the topic in the description: letters, digits and `_`
 * @topic: the topic, without wildcards
 * @group: (nullable): queue group in which the topic is served
 * @request_type: (nullable): full protobuf name of the request's type
 * @reply_type: (nullable): full protobuf name of the reply's type
 * @doc: (nullable): description
 * @error: return location for a #GError, or %NULL
 *
 * Like deye_bus_service_add_topic(), but reports an argument that is not valid as an error.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT, %DEYE_BUS_ERROR_BAD_TOPIC,
 *   %DEYE_BUS_ERROR_DUPLICATE_ID (the service has a method or a topic of this name) or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_service_try_add_topic (DeyeBusService *self,
                                                      const char *name,
                                                      const char *topic,
                                                      const char *group,
                                                      const char *request_type,
                                                      const char *reply_type,
                                                      const char *doc,
                                                      GError **error);

/**
 * deye_bus_service_add_event:
 * @self: a #DeyeBusService
 * @name: name of the event: letters, digits and `_`
 * @topic: topic, or pattern of topics, on which the event is published
 * @type_name: (nullable): full protobuf name of the payload's type, or %NULL if it is not protobuf
 * @doc: (nullable): description
 *
 * Adds the description of an event that this peer publishes.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_add_event (DeyeBusService *self,
                                              const char *name,
                                              const char *topic,
                                              const char *type_name,
                                              const char *doc);

/**
 * deye_bus_service_try_add_event: (rename-to deye_bus_service_add_event)
 * @self: a #DeyeBusService
 * @name: name of the event: letters, digits and `_`
 * @topic: topic, or pattern of topics, on which the event is published
 * @type_name: (nullable): full protobuf name of the payload's type, or %NULL if it is not protobuf
 * @doc: (nullable): description
 * @error: return location for a #GError, or %NULL
 *
 * Like deye_bus_service_add_event(), but reports an argument that is not valid as an error.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT, %DEYE_BUS_ERROR_BAD_PATTERN,
 *   %DEYE_BUS_ERROR_DUPLICATE_ID (the service has an event of this name) or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_service_try_add_event (DeyeBusService *self,
                                                      const char *name,
                                                      const char *topic,
                                                      const char *type_name,
                                                      const char *doc,
                                                      GError **error);

/**
 * deye_bus_service_add_property:
 * @self: a #DeyeBusService
 * @name: name of the property, such as `interval-ms`: letters, digits, `_` and `-`
 * @value: initial value: a string, a boolean, a double or an integer of any size. It determines the type of the
 *   property; integers are stored as signed or unsigned 64-bit numbers
 * @writable: whether other peers may set the property, see #DeyeBusService::refuse-property
 * @doc: (nullable): description
 *
 * Adds a property, which `GetProperties` and `Introspect` report.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_add_property (DeyeBusService *self,
                                                 const char *name,
                                                 const GValue *value,
                                                 gboolean writable,
                                                 const char *doc);

/**
 * deye_bus_service_try_add_property: (rename-to deye_bus_service_add_property)
 * @self: a #DeyeBusService
 * @name: name of the property, such as `interval-ms`: letters, digits, `_` and `-`
 * @value: initial value: a string, a boolean, a double or an integer of any size. It determines the type of the
 *   property; integers are stored as signed or unsigned 64-bit numbers
 * @writable: whether other peers may set the property, see #DeyeBusService::refuse-property
 * @doc: (nullable): description
 * @error: return location for a #GError, or %NULL
 *
 * Like deye_bus_service_add_property(), but reports an argument that is not valid as an error.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT, %DEYE_BUS_ERROR_DUPLICATE_ID (the service
 *   has a property of this name) or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_service_try_add_property (DeyeBusService *self,
                                                         const char *name,
                                                         const GValue *value,
                                                         gboolean writable,
                                                         const char *doc,
                                                         GError **error);

/**
 * deye_bus_service_change_property:
 * @self: a #DeyeBusService
 * @name: name of the property
 * @value: new value, of the property's type or of one that can be transformed into it
 *
 * Sets the value of a property. If the value differs from the previous one and the client is connected,
 * `daemoneye.eventbus.v1.Properties` is published on `health.properties.{id}`: it is queued like a message of
 * deye_bus_client_publish() without acknowledgement, and is not published if too many calls wait for credit.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_change_property (DeyeBusService *self, const char *name, const GValue *value);

/**
 * deye_bus_service_try_change_property: (rename-to deye_bus_service_change_property)
 * @self: a #DeyeBusService
 * @name: name of the property
 * @value: new value, of the property's type or of one that can be transformed into it
 * @error: return location for a #GError, or %NULL
 *
 * Like deye_bus_service_change_property(), but reports an argument that is not valid as an error.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT (there is no such property, or the value
 *   does not fit) or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_service_try_change_property (DeyeBusService *self,
                                                            const char *name,
                                                            const GValue *value,
                                                            GError **error);

/**
 * deye_bus_service_read_property:
 * @self: a #DeyeBusService
 * @name: name of the property
 * @value: (out caller-allocates): an unset (zero-filled) #GValue, which is initialized with a copy of the property's
 *   value; with a %NULL string if there is no such property
 *
 * Gets the value of a property.
 *
 * Returns: %TRUE if the property exists; %FALSE if it does not, or while another thread runs the context of the service's
 *   client
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_service_read_property (DeyeBusService *self, const char *name, GValue *value);

/**
 * deye_bus_service_add_types:
 * @self: a #DeyeBusService
 * @descriptor_set: a serialized `google.protobuf.FileDescriptorSet` with all imports, as `protoc --include_imports
 *   --descriptor_set_out` creates it; at most 256 KiB for all services of a client together
 *
 * Adds the definitions of the types that methods and events name, so that tools can read and write their payloads.
 * Bytes that are not such a set are refused.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_service_add_types (DeyeBusService *self, GBytes *descriptor_set);

/**
 * deye_bus_service_try_add_types: (rename-to deye_bus_service_add_types)
 * @self: a #DeyeBusService
 * @descriptor_set: a serialized `google.protobuf.FileDescriptorSet` with all imports, as `protoc --include_imports
 *   --descriptor_set_out` creates it; at most 256 KiB for all services of a client together
 * @error: return location for a #GError, or %NULL
 *
 * Like deye_bus_service_add_types(), but reports an argument that is not valid as an error.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT, %DEYE_BUS_ERROR_LIMIT or
 *   %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_service_try_add_types (DeyeBusService *self, GBytes *descriptor_set, GError **error);

/**
 * deye_bus_client_add_service:
 * @self: a #DeyeBusClient, connected or not
 * @service: a service; it can be added to one client only
 * @error: return location for a #GError, or %NULL
 *
 * Offers a service to other peers, on the current connection and on later ones. Add its methods, topics, events and
 * properties before: later additions are offered too, but other peers are not notified of them.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT (the service has no valid name),
 *   %DEYE_BUS_ERROR_DUPLICATE_ID (the client has a service of this name, or the service belongs to a client already),
 *   %DEYE_BUS_ERROR_LIMIT (the client has 64 services) or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_add_service (DeyeBusClient *self, DeyeBusService *service, GError **error);

G_END_DECLS
