/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"
#include "deye-bus-options.h"

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_SENDER (deye_bus_sender_get_type ())

/**
 * DeyeBusSender:
 *
 * Publishes for a #DeyeBusClient from any thread.
 *
 * The functions of a client may only be called in the thread that runs its context. A sender has a bounded queue: any thread
 * may put messages into it without waiting. The client takes them out when its context runs or while one of its calls waits,
 * and writes them together. Only the first message after a pause wakes the client's thread.
 *
 * ## Order
 *
 * Messages of one sender keep their order, also across reconnects. Several threads may share a sender; then the order is that
 * of their calls. There is no order between two senders, or between a sender and the client itself.
 *
 * ## Limits
 *
 * If a sender is full, publishing fails with %DEYE_BUS_ERROR_WOULD_BLOCK; it never drops a message. It becomes full when the
 * client's context does not run, when the client is not connected, or when the broker withholds credit because receivers are
 * slow. deye_bus_sender_flush() waits until there is room again.
 *
 * ## Delay
 *
 * Messages of a sender wait until the client's context runs: they are delayed while a callback computes, or while no thread
 * iterates the context.
 *
 * ## Messages that cannot be sent
 *
 * deye_bus_sender_publish() reports errors that it can detect at once. A message that the client or the broker refuses later,
 * or that is lost with the connection, is reported like any message that the client publishes without acknowledgement: by
 * #DeyeBusClient::error, in the client's context. deye_bus_sender_get_refused() counts the messages that were not passed to the
 * broker.
 *
 * ## Lifetime
 *
 * A sender keeps no reference to its client. When the client is closed or freed, or when the connection has ended and the
 * client does not connect again, calls fail with %DEYE_BUS_ERROR_CLOSED or %DEYE_BUS_ERROR_NOT_CONNECTED;
 * deye_bus_client_close() still sends the messages in the sender. The last reference to a sender may be released in any thread;
 * its messages are sent nevertheless. In the child after fork() its calls fail with %DEYE_BUS_ERROR_NOT_CONNECTED.
 *
 * Since: 0.1
 */
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusSender, deye_bus_sender, DEYE_BUS, SENDER, GObject)

/**
 * deye_bus_sender_new:
 * @client: a #DeyeBusClient
 * @max_messages: largest number of messages that may wait in the sender, or 0 for the default, 8,192
 * @max_bytes: largest number of bytes that may wait in the sender, or 0 for the default, 4 MiB; the bytes of a message are its
 *   topic, its payload and about 64 more
 * @error: return location for a #GError, or %NULL
 *
 * Creates a sender. Call this function in the thread that runs the client's context.
 *
 * Returns: (transfer full): a new #DeyeBusSender, or %NULL with %DEYE_BUS_ERROR_CLOSED (the client is closed),
 *   %DEYE_BUS_ERROR_LIMIT (the process has no file descriptor left), %DEYE_BUS_ERROR_WRONG_THREAD, or
 *   %DEYE_BUS_ERROR_NOT_CONNECTED in the child after fork()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSender *
deye_bus_sender_new (DeyeBusClient *client, guint max_messages, gsize max_bytes, GError **error);

/**
 * deye_bus_sender_publish:
 * @self: a #DeyeBusSender
 * @topic: topic to publish to, without wildcards
 * @payload: (nullable): the payload; not copied
 * @options: (nullable): further fields of the message, or %NULL; copied. Its time to live begins with this call, its timeout
 *   is not used
 * @error: return location for a #GError, or %NULL
 *
 * Puts a message into the sender's queue. The client then publishes it as deye_bus_client_publish() does without a result. Any
 * thread may call this function. It does not wait, except for the short time in which another thread uses a sender of the same
 * client.
 *
 * Returns: %TRUE if the message was queued; %FALSE with %DEYE_BUS_ERROR_WOULD_BLOCK (the sender is full; the message was not
 *   queued and can be published again), %DEYE_BUS_ERROR_LIMIT (the message is larger than the sender's queue or than the
 *   broker's largest payload), %DEYE_BUS_ERROR_INVALID_ARGUMENT, %DEYE_BUS_ERROR_BAD_TOPIC (the topic is not UTF-8),
 *   %DEYE_BUS_ERROR_NOT_CONNECTED (the client has not been connected, does not connect again, or belongs to the parent process)
 *   or %DEYE_BUS_ERROR_CLOSED (the sender or the client is closed)
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_sender_publish (DeyeBusSender *self,
                                               const char *topic,
                                               GBytes *payload,
                                               DeyeBusOptions *options,
                                               GError **error);

/**
 * deye_bus_sender_flush:
 * @self: a #DeyeBusSender
 * @options: (nullable): options with a timeout, or %NULL; the timeout (default 30 s) limits the whole call
 * @want_accepted: %TRUE to wait until the broker has handled the messages, %FALSE to wait until the socket has accepted them
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Waits until everything that was put into the sender before this call was sent, as deye_bus_client_flush() does for the
 * client. Any thread may call this function. In the thread that runs the client's context it sends the messages itself. In any
 * other thread it waits until the client's context runs and has sent them.
 *
 * Returns: %TRUE if all messages were written, or, with @want_accepted, accepted by the broker. Otherwise %FALSE with an error
 *   as for deye_bus_client_flush(); with %DEYE_BUS_ERROR_TIMEOUT nothing is lost, and the messages stay queued
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_sender_flush (DeyeBusSender *self,
                                             DeyeBusOptions *options,
                                             gboolean want_accepted,
                                             GCancellable *cancellable,
                                             GError **error);

/**
 * deye_bus_sender_flush_async:
 * @self: a #DeyeBusSender
 * @options: (nullable): options with a timeout, or %NULL; the timeout (default 30 s) limits the whole operation
 * @want_accepted: %TRUE to complete when the broker has handled the messages, %FALSE to complete when the socket has accepted
 *   them
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_sender_flush(). Any thread may call this function; @callback is called in the #GMainContext
 * that is the thread's default at the time of this call.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_sender_flush_async (DeyeBusSender *self,
                                               DeyeBusOptions *options,
                                               gboolean want_accepted,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data);

/**
 * deye_bus_sender_flush_finish:
 * @self: a #DeyeBusSender
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_sender_flush_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_sender_flush()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_sender_flush_finish (DeyeBusSender *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_sender_close:
 * @self: a #DeyeBusSender
 *
 * Closes the sender: it takes no more messages. The messages in it are sent; to wait for that, call deye_bus_sender_flush(),
 * before or after this function. Any thread may call it, also repeatedly.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_sender_close (DeyeBusSender *self);

/**
 * deye_bus_sender_get_queued:
 * @self: a #DeyeBusSender
 *
 * Gets the number of messages that wait in the sender. Any thread may call this function. #DeyeBusClient:unsent includes them.
 *
 * Returns: the number of messages that the client has not taken yet
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_sender_get_queued (DeyeBusSender *self);

/**
 * deye_bus_sender_get_refused:
 * @self: a #DeyeBusSender
 *
 * Gets the number of messages that deye_bus_sender_publish() queued and that were not passed to the broker: the client refused
 * them, their time to live expired in the sender, or the client was closed before. #DeyeBusClient::error, or the call that
 * closed the client, has reported them. Any thread may call this function.
 *
 * Returns: the number of messages, since the sender was created
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_sender_get_refused (DeyeBusSender *self);

G_END_DECLS
