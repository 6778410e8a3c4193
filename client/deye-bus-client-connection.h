/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"
#include "deye-bus-options.h"

G_BEGIN_DECLS

/* Connecting, closing, and waiting until messages are sent. The class is in deye-bus-client.h. */

/**
 * deye_bus_client_connect:
 * @self: a #DeyeBusClient
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Connects to the broker and waits until the client is ready. While there is no broker, the client tries again and the call
 * waits, without a limit: cancel it, or see deye_bus_client_set_reconnect(). If reconnecting is switched off, the whole
 * operation is limited to 30 s, and the call fails at once with %DEYE_BUS_ERROR_NO_BROKER if no broker is listening.
 *
 * The client trusts a server that runs as root or as the client's own user. A client that does not run as root also trusts
 * the owner of the socket and its directory, if only this owner, root and the client's user can change any directory on the
 * way, and none of them is one in which every user can create entries, such as /tmp. It refuses any other server with
 * %DEYE_BUS_ERROR_UNTRUSTED.
 *
 * An id belongs to one connection. When another connection has the id of this client, the broker decides by the account,
 * the process and the client object. The same object takes its id over from its older connection at once. Another object
 * or process of the same account takes it over when the older connection does not answer the broker within a second, as
 * when its process is stopped or does not iterate its context; otherwise this call fails with
 * %DEYE_BUS_ERROR_DUPLICATE_ID, as it does for any other account.
 *
 * Returns: %TRUE if the client is ready, also if it was ready before the call. Otherwise %FALSE with %DEYE_BUS_ERROR_NO_BROKER,
 *   %DEYE_BUS_ERROR_UNTRUSTED, %DEYE_BUS_ERROR_VERSION, %DEYE_BUS_ERROR_DENIED, %DEYE_BUS_ERROR_DUPLICATE_ID,
 *   %DEYE_BUS_ERROR_LIMIT, %DEYE_BUS_ERROR_TIMEOUT, %DEYE_BUS_ERROR_CLOSED, %DEYE_BUS_ERROR_PROTOCOL,
 *   %DEYE_BUS_ERROR_INVALID_ARGUMENT (see Construction above), %G_IO_ERROR_PENDING (a connect is in progress) or
 *   %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_connect (DeyeBusClient *self, GCancellable *cancellable, GError **error);

/**
 * deye_bus_client_connect_async:
 * @self: a #DeyeBusClient
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_connect().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_connect_async (DeyeBusClient *self,
                                                 GCancellable *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer user_data);

/**
 * deye_bus_client_connect_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_connect_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_client_connect()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_connect_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_close:
 * @self: a #DeyeBusClient
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the client closes without writing queued data
 * @error: return location for a #GError, or %NULL
 *
 * Closes the client permanently, like deye_bus_client_close_full() with the default timeout of one second.
 *
 * Returns: %TRUE if everything was sent, or if the client was closed before; %FALSE with an error as for
 *   deye_bus_client_close_full()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_close (DeyeBusClient *self, GCancellable *cancellable, GError **error);

/**
 * deye_bus_client_close_async:
 * @self: a #DeyeBusClient
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the client closes without writing queued data
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_close().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_close_async (DeyeBusClient *self,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data);

/**
 * deye_bus_client_close_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_close_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_client_close()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_close_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_close_full:
 * @self: a #DeyeBusClient
 * @options: (nullable): options with a timeout, or %NULL; the timeout is one second if it is not set
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the client closes without writing more queued data
 * @error: return location for a #GError, or %NULL
 *
 * Closes the client permanently. Messages that have not been dispatched are discarded together with their subscriptions. Queued
 * messages are written, including those that wait for credit, and then the GOODBYE frame. Requests that wait for credit are not
 * sent. The socket is closed when everything is written, when the timeout has expired, or when the connection ends. Then calls
 * that are still pending fail with %DEYE_BUS_ERROR_CLOSED.
 *
 * A call that fails with %DEYE_BUS_ERROR_UNSENT has closed the client. After any other error the client is not closed.
 *
 * If another call is already closing the client, this call waits until the client is closed, and its own timeout is ignored.
 *
 * Returns: %TRUE if everything was sent, or if the client was closed before. Otherwise %FALSE with
 *   %DEYE_BUS_ERROR_UNSENT (messages were not sent and are lost; the message of the error and deye_bus_client_get_unsent()
 *   contain their number, which includes messages whose own calls fail), with
 *   %DEYE_BUS_ERROR_INVALID_ARGUMENT (@options), with %DEYE_BUS_ERROR_WRONG_THREAD, or with
 *   %DEYE_BUS_ERROR_NOT_CONNECTED in the child after fork()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_close_full (DeyeBusClient *self,
                                                  DeyeBusOptions *options,
                                                  GCancellable *cancellable,
                                                  GError **error);

/**
 * deye_bus_client_close_full_async:
 * @self: a #DeyeBusClient
 * @options: (nullable): options with a timeout, or %NULL; the timeout is one second if it is not set
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the client closes without writing more queued data
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_close_full(). If @callback is %NULL, #DeyeBusClient::error reports messages that
 * were not sent.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_close_full_async (DeyeBusClient *self,
                                                    DeyeBusOptions *options,
                                                    GCancellable *cancellable,
                                                    GAsyncReadyCallback callback,
                                                    gpointer user_data);

/**
 * deye_bus_client_close_full_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_close_full_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_client_close_full()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_close_full_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_flush:
 * @self: a #DeyeBusClient
 * @options: (nullable): options with a timeout, or %NULL; the timeout (default 30 s) limits the whole call
 * @want_accepted: %TRUE to wait until the broker has handled the messages, %FALSE to wait until the socket has accepted
 *   them
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Waits until all messages that were published, requested or answered before this call have been sent, in every lane;
 * messages that wait for credit count as not sent. Returns at once if nothing is queued and @want_accepted is %FALSE.
 *
 * With @want_accepted the call then waits until the broker has handled these messages. It fails if the broker refused
 * one that was published without an acknowledgement. #DeyeBusClient::error always reports such a refusal; a refusal that the
 * signal has reported before the call does not make the call fail. A message that the broker accepted may still be dropped for
 * single receivers, which get a gap then.
 *
 * A flush that fails changes nothing: messages that could not be sent stay queued.
 *
 * When the connection ends during a flush and the client connects again, a flush without @want_accepted continues: messages that
 * were not written are sent on the next connection. With @want_accepted it fails, since written messages may be lost. While the
 * client connects, a new flush fails with %DEYE_BUS_ERROR_NOT_CONNECTED, unless @options let it wait
 * (deye_bus_options_set_wait_for_ready()).
 *
 * Returns: %TRUE if all messages were written, or, with @want_accepted, accepted by the broker. Otherwise %FALSE with
 *   %DEYE_BUS_ERROR_TIMEOUT (the message of the error and deye_bus_client_get_unsent() contain the number of messages
 *   that were not sent), %DEYE_BUS_ERROR_NOT_CONNECTED (the connection ended before all were sent, or there was none),
 *   the reason of the end of the connection (all were sent, but it is not known whether the broker has accepted them),
 *   the error of the first refused message, %DEYE_BUS_ERROR_CLOSED, %DEYE_BUS_ERROR_INVALID_ARGUMENT,
 *   %DEYE_BUS_ERROR_WRONG_THREAD or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_flush (DeyeBusClient *self,
                                             DeyeBusOptions *options,
                                             gboolean want_accepted,
                                             GCancellable *cancellable,
                                             GError **error);

/**
 * deye_bus_client_flush_async:
 * @self: a #DeyeBusClient
 * @options: (nullable): options with a timeout, or %NULL; the timeout (default 30 s) limits the whole operation
 * @want_accepted: %TRUE to complete when the broker has handled the messages, %FALSE to complete when the socket has
 *   accepted them
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_flush(). Messages that are published after this call are not waited for.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_flush_async (DeyeBusClient *self,
                                               DeyeBusOptions *options,
                                               gboolean want_accepted,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data);

/**
 * deye_bus_client_flush_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_flush_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_client_flush()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_flush_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

G_END_DECLS
