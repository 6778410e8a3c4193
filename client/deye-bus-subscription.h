/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"
#include "deye-bus-message.h"
#include "deye-bus-subscribe-options.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_SUBSCRIPTION (deye_bus_subscription_get_type ())

/**
 * DeyeBusSubscription:
 *
 * A subscription, or a topic that is served. deye_bus_client_subscribe() and deye_bus_client_serve() create it.
 *
 * A subscription lasts until it is unsubscribed, or until the client's connection ends and the client does not connect again,
 * whether or not the application has a reference to the object. The object only has a weak reference to its client. The rules for
 * threads and contexts are those of #DeyeBusClient.
 *
 * A message counts as handled when the callback has returned, or when deye_bus_subscription_next() has returned it. The
 * broker sends further messages only while the unhandled ones fit into the window (1,000 messages and 4 MiB, unless the
 * broker's settings differ or deye_bus_client_subscribe_full() requested another window). Messages beyond the window
 * wait in the broker, up to the limits of the subscription's queue; the subscription's #DeyeBusPolicy then determines
 * what happens.
 *
 * An object that was constructed by its type alone, such as `DeyeBus.Subscription()` in Python, is not subscribed to
 * anything. Its functions behave as those of a subscription that has ended: they fail with %DEYE_BUS_ERROR_CLOSED, or
 * return 0, %FALSE or %NULL; there is nothing to unsubscribe.
 *
 * Since: 0.1
 */
/**
 * DeyeBusSubscription::drain-changed:
 * @self: the subscription
 *
 * Emitted in the client's context when this member of a queue group, or this server of a topic, begins to drain, has drained,
 * or takes part again; deye_bus_subscription_get_drain_state() returns the new state. The client itself or an operator
 * (`deyebusctl drain`) has caused the change. If two changes follow each other closely, the signal may be emitted only for the
 * second one. After a reconnect the member takes part again.
 *
 * Since: 0.1
 */
/**
 * DeyeBusSubscription::ended:
 * @self: the subscription
 * @error: (transfer none): the reason that the broker gave
 *
 * Emitted in the client's context when the subscription has ended because the broker did not accept it again after a reconnect,
 * since a right, a limit or a setting has changed. The client does not subscribe it again. Other ends of a subscription are not
 * reported by this signal.
 *
 * Since: 0.1
 */
/**
 * DeyeBusSubscription::gap:
 * @self: the subscription
 * @from: sequence number of the first missed message
 * @to: sequence number of the last missed message
 * @count: number of missed messages that matched this subscription
 * @reason: the reason, a #DeyeBusError: %DEYE_BUS_ERROR_SLOW_CONSUMER (dropped by the overflow policy),
 *   %DEYE_BUS_ERROR_WOULD_BLOCK (refused), %DEYE_BUS_ERROR_EXPIRED (time to live or longest block expired),
 *   %DEYE_BUS_ERROR_LIMIT or %DEYE_BUS_ERROR_NO_MEMORY (the broker had no room), %DEYE_BUS_ERROR_UNKNOWN (the publisher
 *   could not send them, and reported it)
 *
 * Emitted in the client's context when messages were lost, exactly between the callback for the message before the loss
 * and the callback for the message after it.
 *
 * Between two messages there is at most one gap for each reason; losses that occur before a gap is reported are added
 * to it.
 *
 * With deye_bus_subscription_next_async() the signal is emitted while a call is pending, before the message that follows the
 * gap. With deye_bus_subscription_next() it is emitted after that message, when the context runs, and gaps in front of other
 * messages that were taken meanwhile are merged; deye_bus_subscription_get_missed() shows where they were.
 *
 * Since: 0.1
 */
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusSubscription, deye_bus_subscription, DEYE_BUS, SUBSCRIPTION, GObject)

/**
 * DeyeBusMessageCallback:
 * @subscription: the subscription
 * @message: (transfer none): the message; take a reference to keep it after the callback has returned
 * @user_data: data that was passed with the callback
 *
 * Called in the client's context for each message of a subscription. Messages of one sender and lane arrive in the
 * order in which the broker accepted them. A message that matches several subscriptions of a client is delivered once
 * for each.
 *
 * Since: 0.1
 */
typedef void (*DeyeBusMessageCallback) (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data);

/**
 * DeyeBusRequestCallback:
 * @subscription: the subscription that deye_bus_client_serve() returned
 * @request: (transfer none): the request; take a reference to keep it after the callback has returned
 * @user_data: data that was passed with the callback
 *
 * Called in the client's context for each request on a served topic. Answer it with deye_bus_client_respond() or
 * deye_bus_client_respond_error(), either in the callback or later (keep a reference to @request in that case).
 *
 * A message that was sent to this peer with deye_bus_client_direct() is delivered here too if the peer serves the topic
 * but does not subscribe to it. Such a message cannot be answered.
 *
 * Since: 0.1
 */
typedef void (*DeyeBusRequestCallback) (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer user_data);

/**
 * deye_bus_subscription_get_pattern:
 * @self: a #DeyeBusSubscription
 *
 * Gets the pattern of the subscription.
 *
 * Returns: (transfer none) (nullable): the pattern, or the topic that is served, owned by the subscription; %NULL if the
 *   object is not subscribed to anything
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_subscription_get_pattern (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_group:
 * @self: a #DeyeBusSubscription
 *
 * Gets the queue group of the subscription.
 *
 * Returns: (transfer none) (nullable): the name of the group, owned by the subscription; %NULL if it is not in a group
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_subscription_get_group (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_id:
 * @self: a #DeyeBusSubscription
 *
 * Gets the number of the subscription.
 *
 * Returns: a number that is unique on the client's connection
 *
 * Since: 0.1
 */
DEYE_BUS_API guint32 deye_bus_subscription_get_id (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_delivered:
 * @self: a #DeyeBusSubscription
 *
 * Gets the number of messages that were passed to the callback or returned by deye_bus_subscription_next().
 *
 * Returns: the number of messages
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_subscription_get_delivered (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_missed:
 * @self: a #DeyeBusSubscription
 *
 * Gets the number of messages that were lost: those that gaps reported, and those that had been received for the
 * callback but were not dispatched when the subscription ended.
 *
 * Once deye_bus_subscription_unsubscribe() has succeeded, messages that were still waiting in the broker or on their way
 * count as well. So the sum of delivered and missed messages (and of those that deye_bus_subscription_next() can still
 * return) is the number of all messages that matched the subscription; in a group, of those that no other member got.
 *
 * With deye_bus_subscription_next() the number covers the losses before the message that was returned last, and, if it
 * returned none, all losses that are known. The increase between two messages is therefore the number of messages that
 * were lost between them.
 *
 * Returns: the number of messages
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_subscription_get_missed (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_policy:
 * @self: a #DeyeBusSubscription
 *
 * Gets the overflow policy of the subscription.
 *
 * Returns: the policy in force, as the broker reported it when the subscription was made or when this object last
 *   adjusted it; another member of the group may have changed it since. %DEYE_BUS_POLICY_DEFAULT if the broker does not
 *   report it (an older broker)
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusPolicy deye_bus_subscription_get_policy (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_queue_messages:
 * @self: a #DeyeBusSubscription
 *
 * Gets the limit of messages in the subscription's queue in the broker.
 *
 * Returns: the limit, as reported together with the policy; 0 if the broker does not report it
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_subscription_get_queue_messages (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_queue_bytes:
 * @self: a #DeyeBusSubscription
 *
 * Gets the limit of bytes in the subscription's queue in the broker.
 *
 * Returns: the limit in bytes, as reported together with the policy; 0 if the broker does not report it
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_subscription_get_queue_bytes (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_adjust:
 * @self: a #DeyeBusSubscription
 * @options: overflow policy and limits of the queue; fields at their defaults are not changed, nor is the window
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the change may or may not take effect
 * @error: return location for a #GError, or %NULL
 *
 * Changes the overflow policy and the limits of the queue. The change takes effect at once. If more messages are queued
 * than a lower limit allows, the policy determines which of them are dropped, and a gap reports them. In a queue group
 * the change applies to all members. The call is limited to 30 s.
 *
 * Returns: %TRUE on success; the getters then return the values in force. Otherwise %FALSE with %DEYE_BUS_ERROR_DENIED,
 *   %DEYE_BUS_ERROR_LIMIT, %DEYE_BUS_ERROR_CLOSED (the subscription has ended), %DEYE_BUS_ERROR_WRONG_THREAD, an error
 *   of the connection, or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_adjust (DeyeBusSubscription *self,
                                                    DeyeBusSubscribeOptions *options,
                                                    GCancellable *cancellable,
                                                    GError **error);

/**
 * deye_bus_subscription_adjust_async:
 * @self: a #DeyeBusSubscription
 * @options: overflow policy and limits of the queue; fields at their defaults are not changed, nor is the window
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the change may or may not take effect
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_subscription_adjust().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscription_adjust_async (DeyeBusSubscription *self,
                                                      DeyeBusSubscribeOptions *options,
                                                      GCancellable *cancellable,
                                                      GAsyncReadyCallback callback,
                                                      gpointer user_data);

/**
 * deye_bus_subscription_adjust_finish:
 * @self: a #DeyeBusSubscription
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_subscription_adjust_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_subscription_adjust()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_adjust_finish (DeyeBusSubscription *self,
                                                           GAsyncResult *result,
                                                           GError **error);

/**
 * deye_bus_subscription_drain_async:
 * @self: a #DeyeBusSubscription to a topic in a queue group, or to a topic that it serves
 * @cancellable: (nullable): optional #GCancellable, %NULL to ignore
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Drains this member of a queue group, with all of the client's subscriptions in that group, or this server of a topic. The
 * broker sends it no more messages, and gives messages that were not sent yet to other members that accept them. The operation
 * is complete when all messages that were sent to the member have been handled; it has no time limit. The subscription then
 * still exists but receives nothing, so that it can be unsubscribed without losing a message. Cancelling the operation does not
 * undo the drain.
 *
 * There is no synchronous version, because callbacks do not run during a synchronous call.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscription_drain_async (DeyeBusSubscription *self,
                                                     GCancellable *cancellable,
                                                     GAsyncReadyCallback callback,
                                                     gpointer user_data);

/**
 * deye_bus_subscription_drain_finish:
 * @self: a #DeyeBusSubscription
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_subscription_drain_async(). Errors: %DEYE_BUS_ERROR_NOT_SUBSCRIBED if it is
 * neither in a queue group nor serves a topic, %DEYE_BUS_ERROR_UNSUPPORTED if the broker cannot drain, and the errors that
 * every call can have.
 *
 * Returns: %TRUE if the member has drained, or %FALSE with @error set
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_drain_finish (DeyeBusSubscription *self,
                                                          GAsyncResult *result,
                                                          GError **error);

/**
 * deye_bus_subscription_get_drain_state:
 * @self: a #DeyeBusSubscription
 *
 * Gets whether the broker gives new messages to this member of a queue group, or new requests to this server of a topic.
 * #DeyeBusSubscription::drain-changed reports changes.
 *
 * Returns: a #DeyeBusDrainState
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusDrainState deye_bus_subscription_get_drain_state (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_pause:
 * @self: a #DeyeBusSubscription with a callback
 * @error: return location for a #GError, or %NULL
 *
 * Stops calls of the callback and the signal #DeyeBusSubscription::gap; a callback that is running completes. Other
 * subscriptions of the client are not affected.
 *
 * Messages that arrive while the subscription is paused are kept, up to the window, and their credit is not returned; further
 * ones wait in the broker under the overflow policy. Under %DEYE_BUS_POLICY_BLOCK this slows publishers down. Requests on a
 * topic that is served time out at their deadlines. If the subscription ends while it is paused, the messages that were kept
 * are dropped and counted as missed.
 *
 * Returns: %TRUE, also if the subscription was paused before; %FALSE with %DEYE_BUS_ERROR_UNSUPPORTED (it has no
 *   callback), %DEYE_BUS_ERROR_CLOSED (it has ended) or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_pause (DeyeBusSubscription *self, GError **error);

/**
 * deye_bus_subscription_resume:
 * @self: a #DeyeBusSubscription with a callback
 * @error: return location for a #GError, or %NULL
 *
 * Resumes a paused subscription. The messages and gaps that were kept are dispatched from the client's context in their
 * order, before new ones.
 *
 * Returns: %TRUE, also if the subscription was not paused; %FALSE with an error as for deye_bus_subscription_pause()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_resume (DeyeBusSubscription *self, GError **error);

/**
 * deye_bus_subscription_is_paused:
 * @self: a #DeyeBusSubscription
 *
 * Checks whether the subscription is paused.
 *
 * Returns: %TRUE if the subscription is paused
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_is_paused (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_next:
 * @self: a #DeyeBusSubscription without a callback
 * @timeout_us: longest time to wait in microseconds; 0 to take only a message that has arrived, negative to wait
 *   without limit
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Takes the next message. Only one such call, synchronous or asynchronous, may be pending at a time. Messages that have
 * arrived can still be taken after the subscription or its connection has ended. deye_bus_subscription_get_missed()
 * returns the number of messages that were lost before the returned one.
 *
 * Returns: (transfer full): the message; %NULL with %DEYE_BUS_ERROR_TIMEOUT, %DEYE_BUS_ERROR_CLOSED (the subscription
 *   has ended and no message is left), %DEYE_BUS_ERROR_UNSUPPORTED (it has a callback), %DEYE_BUS_ERROR_WRONG_THREAD,
 *   %G_IO_ERROR_PENDING or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *
deye_bus_subscription_next (DeyeBusSubscription *self, gint64 timeout_us, GCancellable *cancellable, GError **error);

/**
 * deye_bus_subscription_next_async:
 * @self: a #DeyeBusSubscription without a callback
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_subscription_next(), without a timeout. The pending call does not keep the client
 * alive.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscription_next_async (DeyeBusSubscription *self,
                                                    GCancellable *cancellable,
                                                    GAsyncReadyCallback callback,
                                                    gpointer user_data);

/**
 * deye_bus_subscription_next_finish:
 * @self: a #DeyeBusSubscription without a callback
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_subscription_next_async().
 *
 * Returns: (transfer full): the message; %NULL with an error as for deye_bus_subscription_next()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *
deye_bus_subscription_next_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_subscription_unsubscribe:
 * @self: a #DeyeBusSubscription
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the call stops waiting for the broker's answer
 * @error: return location for a #GError, or %NULL
 *
 * Ends the subscription. From this call on the callback is not called any more, whether the call is synchronous or
 * asynchronous and whether or not the broker answers (unless it fails with %DEYE_BUS_ERROR_WRONG_THREAD). The destroy
 * notify of the callback's data is called from the client's context soon afterwards, never before a running callback
 * has returned. Messages that have arrived for deye_bus_subscription_next() can still be taken. The call may be made in
 * the subscription's own callback, and has no effect on a subscription that has ended.
 *
 * Returns: %TRUE if the broker acknowledged the call, or if the subscription had ended; %FALSE with
 *   %DEYE_BUS_ERROR_WRONG_THREAD, an error of the connection, or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_unsubscribe (DeyeBusSubscription *self,
                                                         GCancellable *cancellable,
                                                         GError **error);

/**
 * deye_bus_subscription_unsubscribe_async:
 * @self: a #DeyeBusSubscription
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the call stops waiting for the broker's answer
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_subscription_unsubscribe().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_subscription_unsubscribe_async (DeyeBusSubscription *self,
                                                           GCancellable *cancellable,
                                                           GAsyncReadyCallback callback,
                                                           gpointer user_data);

/**
 * deye_bus_subscription_unsubscribe_finish:
 * @self: a #DeyeBusSubscription
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_subscription_unsubscribe_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_subscription_unsubscribe()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_unsubscribe_finish (DeyeBusSubscription *self,
                                                                GAsyncResult *result,
                                                                GError **error);

G_END_DECLS
