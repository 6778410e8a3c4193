/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"
#include "deye-bus-message.h"
#include "deye-bus-options.h"

G_BEGIN_DECLS

/* Requests, and the replies of the clients that serve them. */

/**
 * deye_bus_client_request:
 * @self: a #DeyeBusClient
 * @topic: topic of the request; one of the peers that serve it, or the target in @options, answers
 * @payload: (nullable): payload of the request
 * @options: (nullable): method, target and further fields, or %NULL; its timeout (default 30 s) is the deadline, which
 *   the responder receives
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the responder is notified
 * @error: return location for a #GError, or %NULL
 *
 * Sends a request and waits for the final reply.
 *
 * Returns: (transfer full): the reply. Otherwise %NULL with %DEYE_BUS_ERROR_NO_RESPONDERS, %DEYE_BUS_ERROR_ABSENT,
 *   %DEYE_BUS_ERROR_NOT_SUBSCRIBED (the target does not serve the topic), %DEYE_BUS_ERROR_RESPONDER_GONE,
 *   %DEYE_BUS_ERROR_TIMEOUT, %DEYE_BUS_ERROR_FAILED (the responder returned an error; see deye_bus_error_get_name()),
 *   %DEYE_BUS_ERROR_CANCELLED (the responder cancelled), %DEYE_BUS_ERROR_WOULD_BLOCK (the responder's queue is full, or
 *   there was no credit), %DEYE_BUS_ERROR_DENIED, %DEYE_BUS_ERROR_LIMIT, an error of the connection, or
 *   %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_client_request (DeyeBusClient *self,
                                                      const char *topic,
                                                      GBytes *payload,
                                                      DeyeBusOptions *options,
                                                      GCancellable *cancellable,
                                                      GError **error);

/**
 * deye_bus_client_request_async:
 * @self: a #DeyeBusClient
 * @topic: topic of the request; one of the peers that serve it, or the target in @options, answers
 * @payload: (nullable): payload of the request
 * @options: (nullable): method, target and further fields, or %NULL; its timeout (default 30 s) is the deadline, which
 *   the responder receives
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the responder is notified
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_request().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_request_async (DeyeBusClient *self,
                                                 const char *topic,
                                                 GBytes *payload,
                                                 DeyeBusOptions *options,
                                                 GCancellable *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer user_data);

/**
 * deye_bus_client_request_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_request_async().
 *
 * Returns: (transfer full): the reply; %NULL with an error as for deye_bus_client_request()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_client_request_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_respond:
 * @self: the client that received @request
 * @request: a request that arrived on the current connection
 * @payload: (nullable): payload of the reply
 * @options: (nullable): further fields of the reply, or %NULL; its timeout, ttl, method and target are ignored
 * @error: return location for a #GError, or %NULL
 *
 * Answers a request with its only and final reply. The call never waits: the reply is queued, also without credit. A
 * reply that is sent from a callback is written at the end of the dispatch; call deye_bus_client_flush() to write it
 * earlier, before long work in the same callback.
 *
 * Returns: %TRUE if the reply was queued, which does not mean that it was written. Otherwise %FALSE with
 *   %DEYE_BUS_ERROR_CANCELLED (the request was answered before, or the requester has disconnected or cancelled it;
 *   harmless), %DEYE_BUS_ERROR_WOULD_BLOCK (too many calls are waiting for credit) or %DEYE_BUS_ERROR_LIMIT (the reply
 *   is too large), after both of which the request can still be answered, or with an error of the connection
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_respond (DeyeBusClient *self,
                                               DeyeBusMessage *request,
                                               GBytes *payload,
                                               DeyeBusOptions *options,
                                               GError **error);

/**
 * deye_bus_client_respond_part:
 * @self: the client that received @request
 * @request: a request that arrived on the current connection
 * @payload: (nullable): payload of the part
 * @options: (nullable): further fields of the part, or %NULL; its timeout, ttl, method and target are ignored
 * @error: return location for a #GError, or %NULL
 *
 * Sends a part of the answer to a request that is not the last one. deye_bus_client_respond() or
 * deye_bus_client_respond_error() sends the last part. Parts arrive in the order in which they were sent, and only a requester
 * that used deye_bus_client_request_stream() receives them. Like deye_bus_client_respond() the call never waits: if the
 * requester takes no answers, parts are queued until the call fails with %DEYE_BUS_ERROR_WOULD_BLOCK.
 *
 * Returns: %TRUE if the part was queued, which does not mean that it was written; %FALSE with an error as for
 *   deye_bus_client_respond(), or %DEYE_BUS_ERROR_UNSUPPORTED (the broker does not offer streams)
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_respond_part (DeyeBusClient *self,
                                                    DeyeBusMessage *request,
                                                    GBytes *payload,
                                                    DeyeBusOptions *options,
                                                    GError **error);

/**
 * deye_bus_client_respond_progress:
 * @self: the client that received @request
 * @request: a request that arrived on the current connection
 * @payload: (nullable): payload of the report
 * @options: (nullable): further fields of the report, or %NULL; its timeout, ttl, method and target are ignored
 * @error: return location for a #GError, or %NULL
 *
 * Reports the progress of the answer to a request. Works like deye_bus_client_respond_part(), but a newer report replaces a
 * report for which the requester has no room: deye_bus_message_get_skipped() counts the reports that were replaced.
 *
 * Returns: %TRUE if the report was queued, which does not mean that it was written; %FALSE with an error as for
 *   deye_bus_client_respond_part()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_respond_progress (DeyeBusClient *self,
                                                        DeyeBusMessage *request,
                                                        GBytes *payload,
                                                        DeyeBusOptions *options,
                                                        GError **error);

/**
 * deye_bus_client_watch_request:
 * @self: the client that received @request
 * @request: a request that arrived on the current connection
 * @error: return location for a #GError, or %NULL
 *
 * Gets a cancellable that is cancelled when the requester of @request stops waiting: it cancelled the request or disconnected,
 * its deadline passed, or the connection ended. Pass it to the operations that the answer needs. It is cancelled from the
 * client's context, and never after the last reply was sent. A request that was cancelled before its callback would be called
 * is not passed to the callback.
 *
 * Returns: (transfer full): a #GCancellable, already cancelled if the requester does not wait; %NULL with
 *   %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API GCancellable *deye_bus_client_watch_request (DeyeBusClient *self, DeyeBusMessage *request, GError **error);

/**
 * deye_bus_client_respond_error:
 * @self: the client that received @request
 * @request: a request that arrived on the current connection
 * @error_name: name of the error, for programs, such as `org.example.NoDisk`
 * @detail: (nullable): description of the error, for users
 * @error: return location for a #GError, or %NULL
 *
 * Answers a request with an error. The requester's call fails with %DEYE_BUS_ERROR_FAILED, @error_name and @detail.
 *
 * Returns: %TRUE if the reply was queued, which does not mean that it was written; %FALSE with an error as for
 *   deye_bus_client_respond()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_respond_error (DeyeBusClient *self,
                                                     DeyeBusMessage *request,
                                                     const char *error_name,
                                                     const char *detail,
                                                     GError **error);

G_END_DECLS
