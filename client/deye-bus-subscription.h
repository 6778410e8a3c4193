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
 * One subscription, or one topic that is served; made by deye_bus_client_subscribe() and deye_bus_client_serve().
 *
 * It stays subscribed until it is unsubscribed or its client's connection ends, whether or not somebody holds the object;
 * it holds its client weakly. The same rules of thread and context as for #DeyeBusClient.
 *
 * A message is handled when its callback has returned, or when next() has handed it out; only then the broker sends more
 * than the window in force (1,000 messages and 4 MiB, unless the broker is set otherwise, or another one was asked for
 * with deye_bus_client_subscribe_full()). What does not fit the window waits in the broker, up to the bounds of the
 * subscription's queue; from there on its #DeyeBusPolicy says what happens.
 *
 * Since: 0.1
 */
/**
 * DeyeBusSubscription::gap:
 * @self: the subscription
 * @from: sequence of the first message that was missed
 * @to: sequence of the last one
 * @count: how many of them were for this subscription
 * @reason: why, a code of #DeyeBusError: %DEYE_BUS_ERROR_SLOW_CONSUMER: dropped by the policy; %DEYE_BUS_ERROR_WOULD_BLOCK:
 *   refused; %DEYE_BUS_ERROR_EXPIRED: too late; %DEYE_BUS_ERROR_LIMIT, %DEYE_BUS_ERROR_NO_MEMORY: the broker had no room
 *
 * Messages were lost: exactly here, between the callback before and the one after. From the client's context.
 *
 * Between two messages there is one gap for each reason: those that come before the first is told are added to it.
 *
 * With deye_bus_subscription_next_async() it comes while somebody waits, before the message behind the gap. With
 * deye_bus_subscription_next() it comes after that message, when the context runs, joined with others that were passed:
 * there deye_bus_subscription_get_missed() tells where the gap was.
 *
 * Since: 0.1
 */
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusSubscription, deye_bus_subscription, DEYE_BUS, SUBSCRIPTION, GObject)

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
 * With deye_bus_subscription_next() it counts what was lost before the message that was handed out last, and what is known
 * to be lost behind it when next() finds none: so what it grew by between two messages was lost between these two.
 *
 * Returns: how many messages were lost, as told by gaps; and those that had come for its callback and were not told when it
 *   ended
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_subscription_get_missed (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_policy:
 * @self: the subscription
 *
 * What happens to its messages when its queue is full. In a group another member may have changed it since.
 *
 * Returns: the policy in force, as the broker told it when it was made, or when this object last adjusted it;
 *   %DEYE_BUS_POLICY_DEFAULT: the broker did not tell (it is older)
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusPolicy deye_bus_subscription_get_policy (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_queue_messages:
 * @self: the subscription
 *
 * Bound of its queue in the broker.
 *
 * Returns: how many messages may wait there, as told with the policy; 0: the broker did not tell
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_subscription_get_queue_messages (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_get_queue_bytes:
 * @self: the subscription
 *
 * Bound of its queue in the broker.
 *
 * Returns: how many bytes of messages may wait there, as told with the policy; 0: the broker did not tell
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_subscription_get_queue_bytes (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_adjust:
 * @self: the subscription
 * @options: policy and bounds of the queue; what is at its default stays as it is, and so does the window
 * @cancellable: (nullable): to stop waiting for the broker's answer; it may be done then, or not
 * @error: return location
 *
 * Changes what happens when it is slow, at once, full or not. What waits above a lower bound is dropped as the policy
 * says, and told by a gap. In a group it changes all members. Its timeout is 30 s.
 *
 * Returns: %TRUE: done, the getters tell what is in force; else %DEYE_BUS_ERROR_DENIED, %DEYE_BUS_ERROR_LIMIT,
 *   %DEYE_BUS_ERROR_CLOSED (it has ended), %DEYE_BUS_ERROR_WRONG_THREAD, an error of the connection, or
 *   %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_adjust (DeyeBusSubscription *self,
                                                    DeyeBusSubscribeOptions *options,
                                                    GCancellable *cancellable,
                                                    GError **error);

/**
 * deye_bus_subscription_adjust_async:
 * @self: the subscription
 * @options: policy and bounds of the queue; what is at its default stays as it is, and so does the window
 * @cancellable: (nullable): to stop waiting for the broker's answer
 * @callback: (scope async) (closure user_data) (nullable): called at the end
 * @user_data: for @callback
 *
 * As deye_bus_subscription_adjust().
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
 * @self: the subscription
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_subscription_adjust_async().
 *
 * Returns: %TRUE, or %FALSE with an error as of deye_bus_subscription_adjust()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_adjust_finish (DeyeBusSubscription *self,
                                                           GAsyncResult *result,
                                                           GError **error);

/**
 * deye_bus_subscription_pause:
 * @self: a subscription with a callback
 * @error: return location
 *
 * Stops its callback and its gaps from the call on; a callback that runs may end. Other subscriptions of the client go on.
 *
 * What comes meanwhile is kept here, up to the window, and its credit is not given back: the rest waits in the broker as
 * its policy says. With %DEYE_BUS_POLICY_BLOCK that holds up publishers. Requests that it serves run into their deadlines.
 * When it ends while it is paused, what was kept is dropped and counts as missed.
 *
 * Returns: %TRUE, also when it was paused; else %DEYE_BUS_ERROR_UNSUPPORTED (it has no callback),
 *   %DEYE_BUS_ERROR_CLOSED (it has ended) or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_pause (DeyeBusSubscription *self, GError **error);

/**
 * deye_bus_subscription_resume:
 * @self: a subscription with a callback
 * @error: return location
 *
 * Lets it go on: what was kept is told from the client's context, in order and with gaps in their places, then what comes.
 *
 * Returns: %TRUE, also when it was not paused; else an error as of deye_bus_subscription_pause()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_resume (DeyeBusSubscription *self, GError **error);

/**
 * deye_bus_subscription_is_paused:
 * @self: the subscription
 *
 * Whether it is paused.
 *
 * Returns: whether deye_bus_subscription_pause() was the last of the two
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_subscription_is_paused (DeyeBusSubscription *self);

/**
 * deye_bus_subscription_next:
 * @self: a subscription without a callback
 * @timeout_us: microseconds to wait; 0: not at all, only what has arrived; negative: for ever
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * Takes the next message. One call at a time, asynchronous ones included. What had arrived is still handed out after the
 * subscription or its connection ended. deye_bus_subscription_get_missed() tells what was lost before it.
 *
 * Returns: (transfer full): the message; %NULL with %DEYE_BUS_ERROR_TIMEOUT, %DEYE_BUS_ERROR_CLOSED (nothing more will
 *   come), %DEYE_BUS_ERROR_UNSUPPORTED (it has a callback), %DEYE_BUS_ERROR_WRONG_THREAD, %G_IO_ERROR_PENDING or
 *   %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *
deye_bus_subscription_next (DeyeBusSubscription *self, gint64 timeout_us, GCancellable *cancellable, GError **error);

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
DEYE_BUS_API void deye_bus_subscription_next_async (DeyeBusSubscription *self,
                                                    GCancellable *cancellable,
                                                    GAsyncReadyCallback callback,
                                                    gpointer user_data);

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
DEYE_BUS_API DeyeBusMessage *
deye_bus_subscription_next_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error);

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
DEYE_BUS_API gboolean deye_bus_subscription_unsubscribe (DeyeBusSubscription *self,
                                                         GCancellable *cancellable,
                                                         GError **error);

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
DEYE_BUS_API void deye_bus_subscription_unsubscribe_async (DeyeBusSubscription *self,
                                                           GCancellable *cancellable,
                                                           GAsyncReadyCallback callback,
                                                           gpointer user_data);

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
DEYE_BUS_API gboolean deye_bus_subscription_unsubscribe_finish (DeyeBusSubscription *self,
                                                                GAsyncResult *result,
                                                                GError **error);

G_END_DECLS
