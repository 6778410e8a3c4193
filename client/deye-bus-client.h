/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-error.h"
#include "deye-bus-export.h"
#include "deye-bus-message.h"
#include "deye-bus-options.h"
#include "deye-bus-subscribe-options.h"
#include "deye-bus-subscription.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_CLIENT (deye_bus_client_get_type ())

/**
 * DeyeBusClient:
 *
 * One connection to the event bus of this machine.
 *
 * ## Threads and contexts
 *
 * A client belongs to the #GMainContext that was the thread's default when it was made. Make its calls, take and drop its
 * references in the thread that runs this context; when another thread holds the context they fail with
 * %DEYE_BUS_ERROR_WRONG_THREAD. After fork() the child's copy is dead: its calls fail with %DEYE_BUS_ERROR_NOT_CONNECTED
 * and touch nothing of the parent's stream.
 *
 * A synchronous call (no suffix) waits in poll() on the socket, in the calling thread; it does not iterate any context.
 * What arrives meanwhile is told later from the context, in order. It may be made in a callback.
 *
 * Every callback, signal and end of an asynchronous call comes from the client's context, never from inside a library
 * call. In a callback everything is allowed: further calls, synchronous ones too, unsubscribing, closing, dropping the
 * last reference. After deye_bus_client_close() and the "closed" signal, or when the last reference is gone, no callback
 * comes any more. There is one exception to all of this: freeing the last reference frees what belongs to callbacks.
 *
 * Calls that were made outside of callbacks are written to the socket before they return, those made in callbacks
 * together at the end of the dispatch; what the socket does not take waits, within the credit the broker gave.
 *
 * ## Ends
 *
 * When the connection ends, pending calls end with the broker's reason (%DEYE_BUS_ERROR_SHUTTING_DOWN, ...), or with
 * %DEYE_BUS_ERROR_UNKNOWN when it did not tell one: nobody knows what became of them. What had not been sent ends with
 * %DEYE_BUS_ERROR_NOT_CONNECTED. Subscriptions are over. deye_bus_client_connect() may be called again.
 *
 * Properties, read-only: `id`, `type`, `address` (strings), `role`, `state` (uints), `broker-epoch` (uint64, differs for
 * every start of the broker), `broker-version` (string), `largest-payload` (uint64, bytes).
 *
 * In Python deye_bus_client_connect() hides the method that connects signals: `client.connect_after("closed", ...)` does
 * it for a client.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:id:
 *
 * Its id on the bus.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:type:
 *
 * Kind of collector, or %NULL.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:role:
 *
 * A #DeyeBusRole: as granted; before the first connection the one wished for.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:address:
 *
 * Path of the broker's socket, as looked up now; %NULL for a client that was given its socket.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:state:
 *
 * A #DeyeBusClientState.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:broker-epoch:
 *
 * Differs for every start of the broker; 0 before the first connection.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:broker-version:
 *
 * Version of the broker's software; %NULL before the first connection.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:largest-payload:
 *
 * Bytes that a payload may have; 0 before the first connection.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient::closed:
 * @self: the client
 * @error: (transfer none): why: %DEYE_BUS_ERROR_CLOSED after one's own close
 *
 * A connection that stood has ended. (One that never came about is an error of connect() only.)
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient::error:
 * @self: the client
 * @error: (transfer none): why
 *
 * A publish without acknowledgement was refused by the broker (what a receiver under %DEYE_BUS_POLICY_ERROR refuses is told by
 * acknowledgements only); or messages that it had taken, acknowledged or not, were
 * dropped since a receiver under %DEYE_BUS_POLICY_BLOCK held them up for too long: %DEYE_BUS_ERROR_WOULD_BLOCK for the
 * setting `longest_block_us`, the value says how many; or a publish, direct or broadcast that was called without a
 * callback (`..._async()` with %NULL) failed otherwise than by its own cancellable.
 *
 * Since: 0.1
 */
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusClient, deye_bus_client, DEYE_BUS, CLIENT, GObject)

/**
 * DeyeBusClientState:
 * @DEYE_BUS_CLIENT_STATE_DISCONNECTED: not connected: not yet, or no more
 * @DEYE_BUS_CLIENT_STATE_CONNECTING: connecting, or saying hello
 * @DEYE_BUS_CLIENT_STATE_CONNECTED: connected
 * @DEYE_BUS_CLIENT_STATE_CLOSED: closed by this client, for good
 *
 * How a client is.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_CLIENT_STATE_DISCONNECTED,
  DEYE_BUS_CLIENT_STATE_CONNECTING,
  DEYE_BUS_CLIENT_STATE_CONNECTED,
  DEYE_BUS_CLIENT_STATE_CLOSED,
} DeyeBusClientState;

/**
 * DeyeBusRole:
 * @DEYE_BUS_ROLE_COLLECTOR: a collector
 * @DEYE_BUS_ROLE_TOOL: a tool: the broker grants it to the uids of its setting `tool-uids`
 * @DEYE_BUS_ROLE_AGENT: the agent: only on a connection that the module itself opened
 *
 * What a client is on the bus; its rights follow from it.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_ROLE_COLLECTOR = 1,
  DEYE_BUS_ROLE_TOOL = 2,
  DEYE_BUS_ROLE_AGENT = 3,
} DeyeBusRole;

/**
 * DeyeBusMessageCallback:
 * @subscription: the subscription
 * @message: (transfer none): the message; take a reference to keep it
 * @user_data: as given
 *
 * Called in the client's context for each message of a subscription, in the order of acceptance for each sender and lane.
 * A message for several subscriptions of a client comes once for each.
 *
 * Since: 0.1
 */
typedef void (*DeyeBusMessageCallback) (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data);

/**
 * DeyeBusRequestCallback:
 * @subscription: what deye_bus_client_serve() returned
 * @request: (transfer none): the request
 * @user_data: as given
 *
 * Called in the client's context for each request on a served topic. Answer with deye_bus_client_respond() or
 * deye_bus_client_respond_error(), now or later (keep a reference to @request then). A message that was sent to this peer
 * directly comes here as well, when the topic is served and not subscribed to; it can't be answered.
 *
 * Since: 0.1
 */
typedef void (*DeyeBusRequestCallback) (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer user_data);

/**
 * DeyeBusPublishResult:
 * @sequence: the broker's order of acceptance
 * @matched: receivers that matched
 * @queued: of these, queued
 * @refused: of these, refused because they were full; they are told by a gap
 *
 * What became of a publish with an acknowledgement. A group counts as one receiver. What is in @matched, but neither in
 * @queued nor in @refused, was dropped by a receiver with %DEYE_BUS_POLICY_DROP_NEWEST.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusPublishResult
{
  guint64 sequence;
  guint matched;
  guint queued;
  guint refused;
} DeyeBusPublishResult;

#define DEYE_BUS_TYPE_PUBLISH_RESULT (deye_bus_publish_result_get_type ())

DEYE_BUS_API GType deye_bus_publish_result_get_type (void);

/**
 * deye_bus_publish_result_copy:
 * @result: a result
 *
 * Copies a result.
 *
 * Returns: (transfer full): a copy
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusPublishResult *deye_bus_publish_result_copy (const DeyeBusPublishResult *result);

/**
 * deye_bus_publish_result_free:
 * @result: (transfer full) (nullable): a result that deye_bus_publish_result_copy() made
 *
 * Frees a copy.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_publish_result_free (DeyeBusPublishResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusPublishResult, deye_bus_publish_result_free)

/**
 * deye_bus_client_new:
 * @address: (type filename) (nullable): path of the broker's socket; %NULL: `$DAEMONEYE_BROKER_SOCKET`, else
 *   `/run/daemoneye/eventbus.sock` for root and `$XDG_RUNTIME_DIR/daemoneye/eventbus.sock` for everybody else, looked up
 *   at each connect
 * @id: one topic segment (a-z 0-9 - _), unique on this broker
 * @type: (nullable): kind of collector (`procmond`), one topic segment, which decides what it may publish; the broker refuses
 *   a collector without one
 *
 * A client with the role of a collector. It is not connected yet.
 *
 * Returns: (transfer full): a client
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusClient *deye_bus_client_new (const char *address, const char *id, const char *type);

/**
 * deye_bus_client_new_tool:
 * @address: (type filename) (nullable): as in deye_bus_client_new()
 * @id: one topic segment, unique on this broker
 *
 * A client with the role of a tool: the broker grants it to the uids of its setting `tool-uids`.
 *
 * Returns: (transfer full): a client
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusClient *deye_bus_client_new_tool (const char *address, const char *id);

/**
 * deye_bus_client_new_for_fd:
 * @fd: a connected stream socket; taken over and closed by the client
 * @id: one topic segment, unique on this broker
 * @type: (nullable): as in deye_bus_client_new(); %NULL for an agent
 *
 * A client for a socket that is there already: the agent's own from the module's connect(), or an inherited one. Who
 * serves it is not checked. It can connect once.
 *
 * Returns: (transfer full): a client
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusClient *deye_bus_client_new_for_fd (int fd, const char *id, const char *type);

/**
 * deye_bus_client_get_id:
 * @self: a client
 *
 * What it is called on the bus.
 *
 * Returns: (transfer none): its id on the bus
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_client_get_id (DeyeBusClient *self);

/**
 * deye_bus_client_get_state:
 * @self: a client
 *
 * Whether it is connected.
 *
 * Returns: how it is
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusClientState deye_bus_client_get_state (DeyeBusClient *self);

/**
 * deye_bus_client_get_role:
 * @self: a client
 *
 * What it is on the bus.
 *
 * Returns: the role as granted; before the first connection the one wished for
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusRole deye_bus_client_get_role (DeyeBusClient *self);

/**
 * deye_bus_client_get_broker_epoch:
 * @self: a client
 *
 * Tells one start of the broker from another.
 *
 * Returns: a number that differs for every start of the broker; 0 before the first connection
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_client_get_broker_epoch (DeyeBusClient *self);

/**
 * deye_bus_client_get_largest_payload:
 * @self: a client
 *
 * How large a payload may be.
 *
 * Returns: bytes that a payload may have; 0 before the first connection
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_client_get_largest_payload (DeyeBusClient *self);

/**
 * deye_bus_client_connect:
 * @self: a client
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * Connects and says hello; at the longest 30 s. No broker is no wait: %DEYE_BUS_ERROR_NO_BROKER comes at once.
 *
 * The server has to run as root, as this user, or as the owner of the socket's directory, when nobody else may write to
 * that; else %DEYE_BUS_ERROR_UNTRUSTED.
 *
 * Returns: %TRUE: connected (or it was before); else %DEYE_BUS_ERROR_NO_BROKER, %DEYE_BUS_ERROR_UNTRUSTED,
 *   %DEYE_BUS_ERROR_VERSION, %DEYE_BUS_ERROR_DENIED, %DEYE_BUS_ERROR_DUPLICATE_ID, %DEYE_BUS_ERROR_LIMIT,
 *   %DEYE_BUS_ERROR_TIMEOUT, %DEYE_BUS_ERROR_CLOSED, %DEYE_BUS_ERROR_PROTOCOL, %G_IO_ERROR_PENDING (connecting already)
 *   or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_connect (DeyeBusClient *self, GCancellable *cancellable, GError **error);

/**
 * deye_bus_client_connect_async:
 * @self: a client
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (closure user_data) (nullable): called at the end
 * @user_data: for @callback
 *
 * As deye_bus_client_connect().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_connect_async (DeyeBusClient *self,
                                                 GCancellable *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer user_data);

/**
 * deye_bus_client_connect_finish:
 * @self: the client
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_client_connect_async().
 *
 * Returns: %TRUE, or %FALSE with an error as of deye_bus_client_connect()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_connect_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_close:
 * @self: a client
 * @cancellable: (nullable): to close without writing what is owed
 * @error: return location
 *
 * Ends it for good: pending calls end with %DEYE_BUS_ERROR_CLOSED, what is owed and the goodbye are written (for one
 * second at the longest), the socket is closed. Messages that have not been told are dropped with their subscriptions.
 *
 * Returns: %TRUE, also when it was closed; %FALSE with %DEYE_BUS_ERROR_WRONG_THREAD or after fork()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_close (DeyeBusClient *self, GCancellable *cancellable, GError **error);

/**
 * deye_bus_client_close_async:
 * @self: a client
 * @cancellable: (nullable): to close without writing what is owed
 * @callback: (scope async) (closure user_data) (nullable): called at the end
 * @user_data: for @callback
 *
 * As deye_bus_client_close().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_close_async (DeyeBusClient *self,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data);

/**
 * deye_bus_client_close_finish:
 * @self: the client
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_client_close_async().
 *
 * Returns: %TRUE, or %FALSE with an error as of deye_bus_client_close()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_close_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_publish:
 * @self: a connected client
 * @topic: where to; no wildcards
 * @payload: (nullable): at most deye_bus_client_get_largest_payload() bytes; not copied above 8 KiB
 * @options: (nullable): what else to say; its timeout (30 s) bounds the wait for credit and acknowledgement
 * @result: (out caller-allocates) (optional): asks for an acknowledgement, and gets it
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * Publishes to every subscription that matches, and one member of each matching group. At most once; the order of a
 * publisher's messages is kept in each lane.
 *
 * Without @result it returns as soon as the broker's credit allows the message to be queued on the socket, usually at
 * once; a refusal is told by #DeyeBusClient::error. With it, it returns when the broker has accepted the message. Python
 * always asks; deye_bus_client_publish_async() need not.
 *
 * Returns: %TRUE: sent, or acknowledged by the broker (@result says for how many); %DEYE_BUS_ERROR_WOULD_BLOCK: every
 *   receiver was full, or there was no credit within the time given (it was not sent and will not be: publish it again
 *   later), or too many calls wait for credit; %DEYE_BUS_ERROR_UNKNOWN: no acknowledgement within
 *   the time given; %DEYE_BUS_ERROR_DENIED, %DEYE_BUS_ERROR_BAD_TOPIC, %DEYE_BUS_ERROR_LIMIT, an error of the connection
 *   or %G_IO_ERROR_CANCELLED (it may have been sent)
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
 * @self: a connected client
 * @topic: where to; no wildcards
 * @payload: (nullable): at most deye_bus_client_get_largest_payload() bytes; not copied above 8 KiB
 * @options: (nullable): what else to say
 * @want_ack: %TRUE: ends with the broker's acknowledgement; %FALSE: ends when there was credit for it
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (closure user_data) (nullable): called at the end
 * @user_data: for @callback
 *
 * As deye_bus_client_publish(), its timeout included. Calls end in the order in which they got credit. Who waits for the
 * end before the next one can't get ahead of the broker. In each credit class (control, tasks and results, the rest) 65,536
 * calls or 64 MiB that wait are the most, then %DEYE_BUS_ERROR_WOULD_BLOCK.
 *
 * Each end is kept until the client's context runs: who makes calls and never lets it run keeps them all. Without a
 * @callback, #DeyeBusClient::error tells of what could not be sent.
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
 * @self: the client
 * @async_result: the result that the callback got
 * @result: (out caller-allocates) (optional): what became of it; zeros when no acknowledgement was asked for
 * @error: return location
 *
 * Ends deye_bus_client_publish_async().
 *
 * Returns: %TRUE, or %FALSE with an error as of deye_bus_client_publish()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_publish_finish (DeyeBusClient *self,
                                                      GAsyncResult *async_result,
                                                      DeyeBusPublishResult *result,
                                                      GError **error);

/**
 * deye_bus_client_direct:
 * @self: a connected client
 * @peer_id: id of the one receiver
 * @topic: a topic that it subscribes to, or serves
 * @payload: (nullable): the payload
 * @options: (nullable): what else to say
 * @want_delivered: wait until the receiver has handled it, not only until the broker has queued it
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * Publishes to one named peer. %DEYE_BUS_ERROR_ABSENT and %DEYE_BUS_ERROR_NOT_SUBSCRIBED come at once.
 *
 * Returns: %TRUE: queued for it, with @want_delivered: its callback has returned; %DEYE_BUS_ERROR_UNKNOWN: not known
 *   within the time given, it may have been handled; else as deye_bus_client_publish()
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
 * @self: a connected client
 * @peer_id: id of the one receiver
 * @topic: a topic that it subscribes to, or serves
 * @payload: (nullable): the payload
 * @options: (nullable): what else to say
 * @want_delivered: wait until the receiver has handled it, not only until the broker has queued it
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (closure user_data) (nullable): called at the end
 * @user_data: for @callback
 *
 * As deye_bus_client_direct(). Without a @callback, #DeyeBusClient::error tells when it fails.
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
 * @self: the client
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_client_direct_async().
 *
 * Returns: %TRUE, or %FALSE with an error as of deye_bus_client_direct()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_direct_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_broadcast:
 * @self: a connected client
 * @topic: where to; no wildcards
 * @payload: (nullable): at most deye_bus_client_get_largest_payload() bytes; not copied above 8 KiB
 * @options: (nullable): what else to say; its timeout (30 s) bounds the wait for credit and acknowledgement
 * @result: (out caller-allocates) (optional): what became of it
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * As deye_bus_client_publish() with an acknowledgement, but to every member of matching groups, too.
 *
 * Returns: %TRUE: acknowledged by the broker; %FALSE with an error as of deye_bus_client_publish()
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
 * @self: a connected client
 * @topic: where to; no wildcards
 * @payload: (nullable): at most deye_bus_client_get_largest_payload() bytes; not copied above 8 KiB
 * @options: (nullable): what else to say; its timeout (30 s) bounds the wait for credit and acknowledgement
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (closure user_data) (nullable): called at the end
 * @user_data: for @callback
 *
 * As deye_bus_client_broadcast(). Without a @callback, #DeyeBusClient::error tells when it fails.
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
 * @self: the client
 * @async_result: the result that the callback got
 * @result: (out caller-allocates) (optional): what became of it
 * @error: return location
 *
 * Ends deye_bus_client_broadcast_async().
 *
 * Returns: %TRUE, or %FALSE with an error as of deye_bus_client_broadcast()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_broadcast_finish (DeyeBusClient *self,
                                                        GAsyncResult *async_result,
                                                        DeyeBusPublishResult *result,
                                                        GError **error);

/**
 * deye_bus_client_subscribe:
 * @self: a connected client
 * @pattern: topic, or pattern: `+` is one segment, `#` at the end the rest; `system.` is matched by name only
 * @group: (nullable): name of a queue group, one segment: each message goes to one of its members
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): called for each message; %NULL: they are
 *   taken with deye_bus_subscription_next()
 * @user_data: for @callback
 * @destroy: (nullable): frees @user_data, once, when the subscription has ended, also when the call fails
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * When it returns, every later matching publish is seen. Its timeout is 30 s.
 *
 * Returns: (transfer full): the subscription, which lasts also without this reference; %NULL with
 *   %DEYE_BUS_ERROR_DENIED, %DEYE_BUS_ERROR_BAD_PATTERN, %DEYE_BUS_ERROR_LIMIT, %DEYE_BUS_ERROR_TIMEOUT, an error of the
 *   connection, or %G_IO_ERROR_CANCELLED
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
 * @self: a connected client
 * @pattern: topic, or pattern, as in deye_bus_client_subscribe()
 * @group: (nullable): name of a queue group, one segment: each message goes to one of its members
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): called for each message; %NULL: they
 *   are taken with deye_bus_subscription_next()
 * @user_data: for @callback; Python gives a tuple here
 * @destroy: (nullable): frees @user_data, once, when the subscription has ended, also when the call fails
 * @cancellable: (nullable): to give up
 * @ready: (scope async) (closure ready_data) (nullable): called at the end
 * @ready_data: for @ready
 *
 * As deye_bus_client_subscribe().
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
 * @self: the client
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_client_subscribe_async().
 *
 * Returns: (transfer full): the subscription; %NULL with an error as of deye_bus_client_subscribe()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *
deye_bus_client_subscribe_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_subscribe_full:
 * @self: a connected client
 * @pattern: topic, or pattern, as in deye_bus_client_subscribe()
 * @group: (nullable): name of a queue group, one segment: each message goes to one of its members
 * @options: (nullable): policy, bounds of the queue and the window
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): called for each message; %NULL: they
 *   are taken with deye_bus_subscription_next()
 * @user_data: for @callback
 * @destroy: (nullable): frees @user_data, once, when the subscription has ended, also when the call fails
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * As deye_bus_client_subscribe(), which has no @options.
 *
 * Returns: (transfer full): the subscription, which lasts also without this reference and tells what is in force; %NULL
 *   with %DEYE_BUS_ERROR_DENIED (the policy needs a right, too), %DEYE_BUS_ERROR_PROTOCOL (its group has another policy)
 *   or another error as of deye_bus_client_subscribe()
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
 * @self: a connected client
 * @pattern: topic, or pattern, as in deye_bus_client_subscribe()
 * @group: (nullable): name of a queue group, one segment: each message goes to one of its members
 * @options: (nullable): policy, bounds of the queue and the window
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): called for each message; %NULL: they
 *   are taken with deye_bus_subscription_next()
 * @user_data: for @callback; Python gives a tuple here
 * @destroy: (nullable): frees @user_data, once, when the subscription has ended, also when the call fails
 * @cancellable: (nullable): to give up
 * @ready: (scope async) (closure ready_data) (nullable): called at the end
 * @ready_data: for @ready
 *
 * As deye_bus_client_subscribe_full().
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
 * @self: the client
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_client_subscribe_full_async().
 *
 * Returns: (transfer full): the subscription; %NULL with an error as of deye_bus_client_subscribe_full()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *
deye_bus_client_subscribe_full_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_serve:
 * @self: a connected client
 * @topic: one topic, without wildcards
 * @group: (nullable): name of a queue group, as in deye_bus_client_subscribe()
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): called for each request; %NULL: they
 *   are taken with deye_bus_subscription_next()
 * @user_data: for @callback
 * @destroy: (nullable): frees @user_data, once, when the subscription has ended, also when the call fails
 * @cancellable: (nullable): to give up
 * @error: return location
 *
 * As deye_bus_client_subscribe(), but for requests: each comes to one of those who serve @topic, in turn.
 *
 * Returns: (transfer full): the subscription, which lasts also without this reference; %NULL with an error as of
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
 * @self: a connected client
 * @topic: one topic, without wildcards
 * @group: (nullable): name of a queue group, as in deye_bus_client_subscribe()
 * @callback: (scope notified) (closure user_data) (destroy destroy) (nullable): called for each request; %NULL: they
 *   are taken with deye_bus_subscription_next()
 * @user_data: for @callback; Python gives a tuple here
 * @destroy: (nullable): frees @user_data, once, when the subscription has ended, also when the call fails
 * @cancellable: (nullable): to give up
 * @ready: (scope async) (closure ready_data) (nullable): called at the end
 * @ready_data: for @ready
 *
 * As deye_bus_client_serve().
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
 * @self: the client
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_client_serve_async().
 *
 * Returns: (transfer full): the subscription; %NULL with an error as of deye_bus_client_serve()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *
deye_bus_client_serve_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_request:
 * @self: a connected client
 * @topic: what is asked; answered by one of those who serve it, or by the options' target
 * @payload: (nullable): the question
 * @options: (nullable): method, target and the like; its timeout (30 s) is the deadline, which the responder is told
 * @cancellable: (nullable): to give up; the responder is told
 * @error: return location
 *
 * Asks, and waits for the final reply.
 *
 * Returns: (transfer full): the reply; %NULL with %DEYE_BUS_ERROR_NO_RESPONDERS, %DEYE_BUS_ERROR_ABSENT,
 *   %DEYE_BUS_ERROR_NOT_SUBSCRIBED (the target does not serve it), %DEYE_BUS_ERROR_RESPONDER_GONE,
 *   %DEYE_BUS_ERROR_TIMEOUT, %DEYE_BUS_ERROR_FAILED (the responder's own, deye_bus_error_get_name() says which),
 *   %DEYE_BUS_ERROR_CANCELLED (the responder gave up), %DEYE_BUS_ERROR_WOULD_BLOCK (its queue is full, or no credit),
 *   %DEYE_BUS_ERROR_DENIED, %DEYE_BUS_ERROR_LIMIT, an error of the connection, or %G_IO_ERROR_CANCELLED
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
 * @self: a connected client
 * @topic: what is asked; answered by one of those who serve it, or by the options' target
 * @payload: (nullable): the question
 * @options: (nullable): method, target and the like; its timeout (30 s) is the deadline, which the responder is told
 * @cancellable: (nullable): to give up; the responder is told
 * @callback: (scope async) (closure user_data) (nullable): called at the end
 * @user_data: for @callback
 *
 * As deye_bus_client_request().
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
 * @self: the client
 * @result: the result that the callback got
 * @error: return location
 *
 * Ends deye_bus_client_request_async().
 *
 * Returns: (transfer full): the reply; %NULL with an error as of deye_bus_client_request()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_client_request_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_client_respond:
 * @self: the client that got @request
 * @request: a request, of this connection
 * @payload: (nullable): the answer
 * @options: (nullable): what else to say; timeout, ttl, method and target are left out
 * @error: return location
 *
 * Answers a request, once and finally. Never waits: without credit the answer waits its turn.
 *
 * Returns: %TRUE: on its way; %FALSE with %DEYE_BUS_ERROR_CANCELLED: it was answered already, or the requester is gone
 *   (harmless); %DEYE_BUS_ERROR_WOULD_BLOCK: too many calls wait for credit, or %DEYE_BUS_ERROR_LIMIT: the answer is too
 *   large (it can still be answered after both); or an error of the connection
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_respond (DeyeBusClient *self,
                                               DeyeBusMessage *request,
                                               GBytes *payload,
                                               DeyeBusOptions *options,
                                               GError **error);

/**
 * deye_bus_client_respond_error:
 * @self: the client that got @request
 * @request: a request, of this connection
 * @error_name: what failed, for programs: `org.example.NoDisk`
 * @detail: (nullable): for people
 * @error: return location
 *
 * As deye_bus_client_respond(); the requester gets %DEYE_BUS_ERROR_FAILED with both.
 *
 * Returns: %TRUE: on its way; %FALSE with an error as of deye_bus_client_respond()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_respond_error (DeyeBusClient *self,
                                                     DeyeBusMessage *request,
                                                     const char *error_name,
                                                     const char *detail,
                                                     GError **error);

/**
 * deye_bus_client_set_heartbeat:
 * @self: a client
 * @interval_us: microseconds, 100,000 (100 ms) to 300,000,000 (300 s); 0: none
 * @error: return location
 *
 * Publishes a `daemoneye.eventbus.v1.Heartbeat` on `control.health.heartbeat.{id}` now and at each interval, from the
 * client's context (so a context that hangs has no heartbeat). One that finds no connection or no credit is left out.
 *
 * Returns: %TRUE, or %DEYE_BUS_ERROR_LIMIT or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_set_heartbeat (DeyeBusClient *self, gint64 interval_us, GError **error);

G_END_DECLS
