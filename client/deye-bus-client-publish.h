/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"
#include "deye-bus-message.h"
#include "deye-bus-options.h"
#include "deye-bus-publish-result.h"

G_BEGIN_DECLS

/* Publishing: to subscribers, to one client (direct), or also to all members of queue groups (broadcast). */

/**
 * deye_bus_client_publish:
 * @self: a #DeyeBusClient
 * @topic: topic to publish to, without wildcards
 * @payload: (nullable): the payload: at most deye_bus_client_get_largest_payload() bytes; not copied if larger than 8
 *   KiB
 * @options: (nullable): further fields of the message, or %NULL; its timeout (default 30 s) limits the wait for credit
 *   and for the acknowledgement
 * @result: (out caller-allocates) (optional): location for the result of the acknowledgement, or %NULL to publish
 *   without one
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Publishes a message to every matching subscription, and to one member of each matching queue group. It is delivered
 * at most once. Messages of one publisher keep their order within a lane.
 *
 * Without @result the call returns as soon as the broker's credit allows the message to be queued for the socket,
 * usually at once; a later refusal is reported by #DeyeBusClient::error. Outside of callbacks it is also written, unless
 * the socket is full: then it is written by a later call, by deye_bus_client_flush(), or when the client's context runs.
 * With @result the call returns when the broker has accepted the message. Python always requests the acknowledgement;
 * deye_bus_client_publish_async() does not have to.
 *
 * Returns: %TRUE if the message was queued, which does not mean that it was written, or, with @result, if the broker has
 *   accepted it, also if no subscriber received it. Otherwise %FALSE with
 *   %DEYE_BUS_ERROR_WOULD_BLOCK (the queue of every receiver is full; or there was no credit within the timeout, in
 *   which case the message was not sent and will not be, so it can be published again; or too many calls are waiting
 *   for credit), %DEYE_BUS_ERROR_UNKNOWN (no acknowledgement within the timeout), %DEYE_BUS_ERROR_DENIED,
 *   %DEYE_BUS_ERROR_BAD_TOPIC, %DEYE_BUS_ERROR_LIMIT, an error of the connection, or %G_IO_ERROR_CANCELLED (the message
 *   may have been sent)
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_publish (DeyeBusClient *self,
                                               const char *topic,
                                               GBytes *payload,
                                               DeyeBusOptions *options,
                                               DeyeBusPublishResult *result,
                                               GCancellable *cancellable,
                                               GError **error);

/**
 * deye_bus_client_publish_async:
 * @self: a #DeyeBusClient
 * @topic: topic to publish to, without wildcards
 * @payload: (nullable): the payload: at most deye_bus_client_get_largest_payload() bytes; not copied if larger than 8
 *   KiB
 * @options: (nullable): further fields of the message, or %NULL
 * @want_ack: %TRUE to complete when the broker has acknowledged the message, %FALSE to complete as soon as there was
 *   credit for it
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_publish(), with the same timeout. Without @want_ack, completion means that the
 * message was queued for the socket, not that it was written; see deye_bus_client_flush_async(). Calls complete in the
 * order in which they obtained credit. A caller that waits for each completion before it publishes the next message
 * cannot publish faster than the broker accepts. In each credit class (control; tasks and results; everything else)
 * at most 65,536 calls and 64 MiB may wait for credit; a further call fails with %DEYE_BUS_ERROR_WOULD_BLOCK.
 *
 * Completions are kept until the client's context runs, so a caller that never runs it accumulates them. If @callback
 * is %NULL, #DeyeBusClient::error reports a message that could not be sent.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_publish_async (DeyeBusClient *self,
                                                 const char *topic,
                                                 GBytes *payload,
                                                 DeyeBusOptions *options,
                                                 gboolean want_ack,
                                                 GCancellable *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer user_data);

/**
 * deye_bus_client_publish_finish:
 * @self: a #DeyeBusClient
 * @async_result: the #GAsyncResult that was passed to the callback
 * @result: (out caller-allocates) (optional): location for the result, or %NULL; all zeros if no acknowledgement was
 *   requested
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_publish_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_client_publish()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_publish_finish (DeyeBusClient *self,
                                                      GAsyncResult *async_result,
                                                      DeyeBusPublishResult *result,
                                                      GError **error);

/**
 * deye_bus_client_publish_confirmed:
 * @self: a #DeyeBusClient
 * @topic: topic to publish to, without wildcards
 * @payload: (nullable): the payload
 * @options: (nullable): further fields of the message, or %NULL; its timeout (default 30 s) limits the whole call
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Publishes a message and waits until one member of each queue group that subscribes to @topic has handled it. Other
 * subscriptions get the message as well, but the call does not wait for them. With deye_bus_options_set_at_least_once() another
 * member gets the message if one fails.
 *
 * Returns: %TRUE if a callback of one member of each group has returned. Otherwise %FALSE with
 *   %DEYE_BUS_ERROR_NO_RESPONDERS (no group has a member for @topic), with %DEYE_BUS_ERROR_UNKNOWN (no report within the
 *   timeout, or a member disconnected: the message may have been handled), at once with the reason if the message was
 *   dropped before it was sent to a member, with %DEYE_BUS_ERROR_UNSUPPORTED if the broker does not offer the feature
 *   DELIVERY, or with an error as for deye_bus_client_publish()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_publish_confirmed (DeyeBusClient *self,
                                                         const char *topic,
                                                         GBytes *payload,
                                                         DeyeBusOptions *options,
                                                         GCancellable *cancellable,
                                                         GError **error);

/**
 * deye_bus_client_publish_confirmed_async:
 * @self: a #DeyeBusClient
 * @topic: topic to publish to, without wildcards
 * @payload: (nullable): the payload
 * @options: (nullable): further fields of the message, or %NULL
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_publish_confirmed(). If @callback is %NULL, #DeyeBusClient::error reports a
 * failure.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_publish_confirmed_async (DeyeBusClient *self,
                                                           const char *topic,
                                                           GBytes *payload,
                                                           DeyeBusOptions *options,
                                                           GCancellable *cancellable,
                                                           GAsyncReadyCallback callback,
                                                           gpointer user_data);

/**
 * deye_bus_client_publish_confirmed_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_publish_confirmed_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_client_publish_confirmed()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_publish_confirmed_finish (DeyeBusClient *self,
                                                                GAsyncResult *result,
                                                                GError **error);

/**
 * deye_bus_client_direct:
 * @self: a #DeyeBusClient
 * @peer_id: id of the receiver
 * @topic: a topic that the receiver subscribes to or serves
 * @payload: (nullable): the payload
 * @options: (nullable): further fields of the message, or %NULL
 * @want_delivered: %TRUE to wait until the receiver has handled the message, %FALSE to wait until the broker has queued
 *   it
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Sends a message to one peer. %DEYE_BUS_ERROR_ABSENT and %DEYE_BUS_ERROR_NOT_SUBSCRIBED are reported at once.
 *
 * Returns: %TRUE if the broker has accepted the message and queued it for the receiver, or, with @want_delivered, if the
 *   receiver's callback has returned. Otherwise %FALSE with %DEYE_BUS_ERROR_UNKNOWN (no report within the timeout;
 *   the message may have been handled), or with an error as for deye_bus_client_publish()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_direct (DeyeBusClient *self,
                                              const char *peer_id,
                                              const char *topic,
                                              GBytes *payload,
                                              DeyeBusOptions *options,
                                              gboolean want_delivered,
                                              GCancellable *cancellable,
                                              GError **error);

/**
 * deye_bus_client_direct_async:
 * @self: a #DeyeBusClient
 * @peer_id: id of the receiver
 * @topic: a topic that the receiver subscribes to or serves
 * @payload: (nullable): the payload
 * @options: (nullable): further fields of the message, or %NULL
 * @want_delivered: %TRUE to wait until the receiver has handled the message, %FALSE to wait until the broker has queued
 *   it
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_direct(). If @callback is %NULL, #DeyeBusClient::error reports a failure.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_direct_async (DeyeBusClient *self,
                                                const char *peer_id,
                                                const char *topic,
                                                GBytes *payload,
                                                DeyeBusOptions *options,
                                                gboolean want_delivered,
                                                GCancellable *cancellable,
                                                GAsyncReadyCallback callback,
                                                gpointer user_data);

/**
 * deye_bus_client_direct_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_direct_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_client_direct()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_direct_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_broadcast:
 * @self: a #DeyeBusClient
 * @topic: topic to publish to, without wildcards
 * @payload: (nullable): the payload: at most deye_bus_client_get_largest_payload() bytes; not copied if larger than 8
 *   KiB
 * @options: (nullable): further fields of the message, or %NULL; its timeout (default 30 s) limits the wait for credit
 *   and for the acknowledgement
 * @result: (out caller-allocates) (optional): location for the result of the acknowledgement, or %NULL
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Publishes a message like deye_bus_client_publish() with an acknowledgement, but to every member of matching queue
 * groups instead of one of them.
 *
 * Returns: %TRUE if the broker has accepted the message; %FALSE with an error as for deye_bus_client_publish()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_broadcast (DeyeBusClient *self,
                                                 const char *topic,
                                                 GBytes *payload,
                                                 DeyeBusOptions *options,
                                                 DeyeBusPublishResult *result,
                                                 GCancellable *cancellable,
                                                 GError **error);

/**
 * deye_bus_client_broadcast_async:
 * @self: a #DeyeBusClient
 * @topic: topic to publish to, without wildcards
 * @payload: (nullable): the payload: at most deye_bus_client_get_largest_payload() bytes; not copied if larger than 8
 *   KiB
 * @options: (nullable): further fields of the message, or %NULL; its timeout (default 30 s) limits the wait for credit
 *   and for the acknowledgement
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_broadcast(). If @callback is %NULL, #DeyeBusClient::error reports a failure.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_broadcast_async (DeyeBusClient *self,
                                                   const char *topic,
                                                   GBytes *payload,
                                                   DeyeBusOptions *options,
                                                   GCancellable *cancellable,
                                                   GAsyncReadyCallback callback,
                                                   gpointer user_data);

/**
 * deye_bus_client_broadcast_finish:
 * @self: a #DeyeBusClient
 * @async_result: the #GAsyncResult that was passed to the callback
 * @result: (out caller-allocates) (optional): location for the result of the acknowledgement, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_broadcast_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_client_broadcast()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_broadcast_finish (DeyeBusClient *self,
                                                        GAsyncResult *async_result,
                                                        DeyeBusPublishResult *result,
                                                        GError **error);

/**
 * deye_bus_client_set_last_message:
 * @self: a #DeyeBusClient
 * @topic: (nullable): topic of the message, without wildcards, or %NULL to leave none
 * @payload: (nullable): the payload: at most 4 KiB
 * @options: (nullable): options, or %NULL. Only two of them are used: the type name, and deye_bus_options_set_retain() with
 *   %DEYE_BUS_RETAIN_LAST, which makes the message the retained value of its topic; an empty message clears the value
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Leaves a last message (a "last will") with the broker, which publishes it when the connection ends without
 * deye_bus_client_close(): the process crashed or was killed, or the broker disconnected it. It is published once, with the id
 * of this client as sender and with its incarnation (deye_bus_message_get_incarnation()), right before the event
 * `system.peer.gone`. It is not published if the client has connected again by then, or if the broker itself ends.
 *
 * A second call replaces the message. The broker checks the right to publish to @topic now, and again when it publishes. After
 * each reconnect the client leaves the message again, before it publishes anything.
 *
 * While the client is not connected, for example before the first connect, the call only stores the message. The client leaves it
 * with the broker while it connects, and the signal #DeyeBusClient::error reports a refusal.
 *
 * Returns: %TRUE if the broker has the message, or will get it when the client connects. Otherwise %FALSE, and the earlier
 *   message stays, with %DEYE_BUS_ERROR_DENIED, %DEYE_BUS_ERROR_BAD_TOPIC, %DEYE_BUS_ERROR_LIMIT (@payload is too large),
 *   %DEYE_BUS_ERROR_UNSUPPORTED (the broker does not offer it), %DEYE_BUS_ERROR_INVALID_ARGUMENT (@options), an error of the
 *   connection, or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_set_last_message (DeyeBusClient *self,
                                                        const char *topic,
                                                        GBytes *payload,
                                                        DeyeBusOptions *options,
                                                        GCancellable *cancellable,
                                                        GError **error);

/**
 * deye_bus_client_set_last_message_async:
 * @self: a #DeyeBusClient
 * @topic: (nullable): topic of the message, without wildcards, or %NULL to leave none
 * @payload: (nullable): the payload: at most 4 KiB
 * @options: (nullable): options as for deye_bus_client_set_last_message(), or %NULL
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_set_last_message().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_set_last_message_async (DeyeBusClient *self,
                                                          const char *topic,
                                                          GBytes *payload,
                                                          DeyeBusOptions *options,
                                                          GCancellable *cancellable,
                                                          GAsyncReadyCallback callback,
                                                          gpointer user_data);

/**
 * deye_bus_client_set_last_message_finish:
 * @self: a #DeyeBusClient
 * @async_result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_set_last_message_async().
 *
 * Returns: %TRUE on success, or %FALSE with @error set, as for deye_bus_client_set_last_message()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_set_last_message_finish (DeyeBusClient *self,
                                                               GAsyncResult *async_result,
                                                               GError **error);

G_END_DECLS
