/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"
#include "deye-bus-message.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_SUBSCRIPTION (deye_bus_subscription_get_type ())

/**
 * DeyeBusSubscription:
 *
 * One subscription, or one topic that is served; made by deye_bus_client_subscribe() and deye_bus_client_serve().
 *
 * It stays subscribed until it is unsubscribed or its client's connection ends, whether or not somebody holds the object;
 * it holds its client weakly. The same rules of thread and context as for #DeyeBusClient.
 *
 * A message is handled when its callback has returned, or when next() has handed it out; only then the broker sends more
 * than the window in force (1,000 messages and 4 MiB, unless the broker is set otherwise).
 *
 * Since: 0.1
 */
/**
 * DeyeBusSubscription::gap:
 * @self: the subscription
 * @from: sequence of the first message that was missed
 * @to: sequence of the last one
 * @count: how many of them were for this subscription
 * @reason: why, a code of #DeyeBusError (%DEYE_BUS_ERROR_SLOW_CONSUMER: they came faster than they were handled)
 *
 * Messages were lost: exactly here, between the callback before and the one after. From the client's context.
 *
 * Since: 0.1
 */
DEYE_BUS_API G_DECLARE_FINAL_TYPE (DeyeBusSubscription, deye_bus_subscription, DEYE_BUS, SUBSCRIPTION, GObject)

/**
 * deye_bus_subscription_get_pattern:
 * @self: the subscription
 *
 * What it is for.
 *
 * Returns: (transfer none): the pattern, or the topic that is served
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_subscription_get_pattern (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_group:
 * @self: the subscription
 *
 * In which queue group it is.
 *
 * Returns: (transfer none) (nullable): name of the queue group
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_subscription_get_group (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_id:
 * @self: the subscription
 *
 * Its number.
 *
 * Returns: its number, unique on its connection
 *
 * Since: 0.1
 */
DEYE_BUS_API guint32 deye_bus_subscription_get_id (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_delivered:
 * @self: the subscription
 *
 * Counts what came.
 *
 * Returns: how many messages were given to the callback or to next()
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_subscription_get_delivered (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_missed:
 * @self: the subscription
 *
 * Counts what did not come.
 *
 * Returns: how many messages were lost, as told by gaps
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_subscription_get_missed (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_next:
 * @self: a subscription without a callback
 * @timeout_us: microseconds to wait; 0: not at all, negative: for ever
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * Takes the next message. One call at a time, asynchronous ones included. What had arrived is still handed out after the
 * subscription or its connection ended.
 *
 * Returns: (transfer full): the message; %NULL with %DEYE_BUS_ERROR_TIMEOUT, %DEYE_BUS_ERROR_CLOSED (nothing more will
 *   come), %DEYE_BUS_ERROR_UNSUPPORTED (it has a callback), %DEYE_BUS_ERROR_WRONG_THREAD, %G_IO_ERROR_PENDING or
 *   %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_subscription_next (DeyeBusSubscription *self, gint64 timeout_us, GCancellable *cancellable, GError **error);

/**
 * deye_bus_subscription_next_async:
 * @self: a subscription without a callback
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (closure user_data) (nullable): called at the end
 * @user_data: for @callback
 *
 * As deye_bus_subscription_next(), without a timeout. Does not keep the client alive.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscription_next_async (DeyeBusSubscription *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);

/**
 * deye_bus_subscription_next_finish:
 * @self: the subscription
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_subscription_next_async().
 *
 * Returns: (transfer full): the message; %NULL with an error as of deye_bus_subscription_next()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_subscription_next_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_subscription_unsubscribe:
 * @self: the subscription
 * @cancellable: (nullable): to stop waiting for the broker's answer
 * @error: return location
 *
 * Ends it. In the right thread no callback comes from the call on, asynchronous or not, answered or not; what belongs to the
 * callback is freed from the client's context soon after, never before a running callback has returned. Messages in the
 * inbox of next() stay there. May be called in its own callback. Harmless when it has ended.
 *
 * Returns: %TRUE when the broker knows, or it had ended; else %DEYE_BUS_ERROR_WRONG_THREAD, an error of the
 *   connection, or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_unsubscribe (DeyeBusSubscription *self, GCancellable *cancellable, GError **error);

/**
 * deye_bus_subscription_unsubscribe_async:
 * @self: the subscription
 * @cancellable: (nullable): to stop waiting for the broker's answer
 * @callback: (scope async) (closure user_data) (nullable): called at the end
 * @user_data: for @callback
 *
 * As deye_bus_subscription_unsubscribe().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscription_unsubscribe_async (DeyeBusSubscription *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);

/**
 * deye_bus_subscription_unsubscribe_finish:
 * @self: the subscription
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_subscription_unsubscribe_async().
 *
 * Returns: %TRUE, or %FALSE with an error as of deye_bus_subscription_unsubscribe()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_unsubscribe_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error);

G_END_DECLS
