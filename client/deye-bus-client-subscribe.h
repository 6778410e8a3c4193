/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"
#include "deye-bus-message.h"
#include "deye-bus-subscribe-options.h"
#include "deye-bus-subscription.h"

G_BEGIN_DECLS

/* Subscribing to topics, and serving topics for requests. */

/**
 * deye_bus_client_subscribe:
 * @self: a #DeyeBusClient
 * @pattern: a topic, or a pattern in which `+` stands for one segment and a final `#` for all remaining ones; topics
 *   below `system.` are matched by their exact name only
 * @group: (nullable): name of a queue group (one segment), or %NULL; a message is delivered to one member of the group
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): function to call for each message, or
 *   %NULL to take messages with deye_bus_subscription_next()
 * @user_data: data to pass to @callback
 * @destroy: (nullable): destroy notify for @user_data; called once, when the subscription has ended or if the call
 *   fails
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Subscribes to a pattern. When the call has returned, every matching message that is published later is delivered or
 * reported as missed. The call is limited to 30 s.
 *
 * Returns: (transfer full): the subscription, which also lasts if this reference is released; %NULL with
 *   %DEYE_BUS_ERROR_DENIED, %DEYE_BUS_ERROR_BAD_PATTERN, %DEYE_BUS_ERROR_LIMIT, %DEYE_BUS_ERROR_TIMEOUT, an error of
 *   the connection, or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *deye_bus_client_subscribe (DeyeBusClient *self,
                                                             const char *pattern,
                                                             const char *group,
                                                             DeyeBusMessageCallback callback,
                                                             gpointer user_data,
                                                             GDestroyNotify destroy,
                                                             GCancellable *cancellable,
                                                             GError **error);

/**
 * deye_bus_client_subscribe_async:
 * @self: a #DeyeBusClient
 * @pattern: a topic or a pattern, as in deye_bus_client_subscribe()
 * @group: (nullable): name of a queue group (one segment), or %NULL; a message is delivered to one member of the group
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): function to call for each message, or
 *   %NULL to take messages with deye_bus_subscription_next()
 * @user_data: data to pass to @callback; a tuple in Python
 * @destroy: (nullable): destroy notify for @user_data; called once, when the subscription has ended or if the call
 *   fails
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @ready: (scope async) (closure ready_data) (nullable): function to call when the operation is complete
 * @ready_data: data to pass to @ready
 *
 * Asynchronous version of deye_bus_client_subscribe(), which waits one round trip for each subscription. To make many
 * subscriptions, call this function for all of them between deye_bus_client_hold() and deye_bus_client_release(): the requests
 * are written together, and only one round trip is needed.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_subscribe_async (DeyeBusClient *self,
                                                   const char *pattern,
                                                   const char *group,
                                                   DeyeBusMessageCallback callback,
                                                   gpointer user_data,
                                                   GDestroyNotify destroy,
                                                   GCancellable *cancellable,
                                                   GAsyncReadyCallback ready,
                                                   gpointer ready_data);

/**
 * deye_bus_client_subscribe_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_subscribe_async().
 *
 * Returns: (transfer full): the subscription; %NULL with an error as for deye_bus_client_subscribe()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *
deye_bus_client_subscribe_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_subscribe_full:
 * @self: a #DeyeBusClient
 * @pattern: a topic or a pattern, as in deye_bus_client_subscribe()
 * @group: (nullable): name of a queue group (one segment), or %NULL; a message is delivered to one member of the group
 * @options: (nullable): overflow policy, limits of the queue and the window, or %NULL for the defaults
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): function to call for each message, or
 *   %NULL to take messages with deye_bus_subscription_next()
 * @user_data: data to pass to @callback
 * @destroy: (nullable): destroy notify for @user_data; called once, when the subscription has ended or if the call
 *   fails
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Subscribes like deye_bus_client_subscribe(), with @options. The subscription's getters return the values that are in
 * force.
 *
 * Returns: (transfer full): the subscription, which also lasts if this reference is released; %NULL with
 *   %DEYE_BUS_ERROR_DENIED (also if the client has no right to the policy), %DEYE_BUS_ERROR_PROTOCOL (the group has
 *   another policy), or another error as for deye_bus_client_subscribe()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *deye_bus_client_subscribe_full (DeyeBusClient *self,
                                                                  const char *pattern,
                                                                  const char *group,
                                                                  DeyeBusSubscribeOptions *options,
                                                                  DeyeBusMessageCallback callback,
                                                                  gpointer user_data,
                                                                  GDestroyNotify destroy,
                                                                  GCancellable *cancellable,
                                                                  GError **error);

/**
 * deye_bus_client_subscribe_full_async:
 * @self: a #DeyeBusClient
 * @pattern: a topic or a pattern, as in deye_bus_client_subscribe()
 * @group: (nullable): name of a queue group (one segment), or %NULL; a message is delivered to one member of the group
 * @options: (nullable): overflow policy, limits of the queue and the window, or %NULL for the defaults
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): function to call for each message, or
 *   %NULL to take messages with deye_bus_subscription_next()
 * @user_data: data to pass to @callback; a tuple in Python
 * @destroy: (nullable): destroy notify for @user_data; called once, when the subscription has ended or if the call
 *   fails
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @ready: (scope async) (closure ready_data) (nullable): function to call when the operation is complete
 * @ready_data: data to pass to @ready
 *
 * Asynchronous version of deye_bus_client_subscribe_full().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_subscribe_full_async (DeyeBusClient *self,
                                                        const char *pattern,
                                                        const char *group,
                                                        DeyeBusSubscribeOptions *options,
                                                        DeyeBusMessageCallback callback,
                                                        gpointer user_data,
                                                        GDestroyNotify destroy,
                                                        GCancellable *cancellable,
                                                        GAsyncReadyCallback ready,
                                                        gpointer ready_data);

/**
 * deye_bus_client_subscribe_full_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_subscribe_full_async().
 *
 * Returns: (transfer full): the subscription; %NULL with an error as for deye_bus_client_subscribe_full()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *
deye_bus_client_subscribe_full_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_serve:
 * @self: a #DeyeBusClient
 * @topic: topic to serve, without wildcards
 * @group: (nullable): name of a queue group, or %NULL, as in deye_bus_client_subscribe()
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): function to call for each request, or
 *   %NULL to take requests with deye_bus_subscription_next()
 * @user_data: data to pass to @callback
 * @destroy: (nullable): destroy notify for @user_data; called once, when the subscription has ended or if the call
 *   fails
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Serves a topic: requests on it are delivered to this client. If several peers serve @topic, the broker gives each
 * request to one of them, in turn. The call is limited to 30 s.
 *
 * Returns: (transfer full): the subscription, which also lasts if this reference is released; %NULL with an error as for
 *   deye_bus_client_subscribe()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *deye_bus_client_serve (DeyeBusClient *self,
                                                         const char *topic,
                                                         const char *group,
                                                         DeyeBusRequestCallback callback,
                                                         gpointer user_data,
                                                         GDestroyNotify destroy,
                                                         GCancellable *cancellable,
                                                         GError **error);

/**
 * deye_bus_client_serve_async:
 * @self: a #DeyeBusClient
 * @topic: topic to serve, without wildcards
 * @group: (nullable): name of a queue group, or %NULL, as in deye_bus_client_subscribe()
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): function to call for each request, or
 *   %NULL to take requests with deye_bus_subscription_next()
 * @user_data: data to pass to @callback; a tuple in Python
 * @destroy: (nullable): destroy notify for @user_data; called once, when the subscription has ended or if the call
 *   fails
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @ready: (scope async) (closure ready_data) (nullable): function to call when the operation is complete
 * @ready_data: data to pass to @ready
 *
 * Asynchronous version of deye_bus_client_serve().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_serve_async (DeyeBusClient *self,
                                               const char *topic,
                                               const char *group,
                                               DeyeBusRequestCallback callback,
                                               gpointer user_data,
                                               GDestroyNotify destroy,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback ready,
                                               gpointer ready_data);

/**
 * deye_bus_client_serve_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_serve_async().
 *
 * Returns: (transfer full): the subscription; %NULL with an error as for deye_bus_client_serve()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *
deye_bus_client_serve_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

G_END_DECLS
