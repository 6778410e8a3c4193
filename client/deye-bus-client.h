/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-error.h"
#include "deye-bus-export.h"
#include "deye-bus-message.h"
#include "deye-bus-options.h"
#include "deye-bus-publish-result.h"
#include "deye-bus-subscribe-options.h"
#include "deye-bus-subscription.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_CLIENT (deye_bus_client_get_type ())

/**
 * DeyeBusClient:
 *
 * A connection to the event bus of this machine.
 *
 * ## Threads and contexts
 *
 * A client belongs to the #GMainContext that was the thread-default context when the client was constructed. Call its
 * functions only in the thread that runs this context. While another thread has acquired the context, calls fail with
 * %DEYE_BUS_ERROR_WRONG_THREAD. The last reference may be released in any thread, as language bindings do; if another
 * thread has acquired the context, the client is freed when the context runs. After fork() the child's copy is unusable: its
 * calls fail with %DEYE_BUS_ERROR_NOT_CONNECTED and do not touch the parent's stream.
 *
 * A synchronous call (no suffix) waits in poll() on the socket in the calling thread and does not iterate any context.
 * Messages that arrive while it waits are dispatched later from the context, in order. Synchronous calls may be made in
 * callbacks.
 *
 * Callbacks, signals and completions of asynchronous calls are always dispatched from the client's context, never from
 * inside a library call. A callback may do anything: make further calls, including synchronous ones, unsubscribe, close
 * the client, or release the last reference. After deye_bus_client_close() and the #DeyeBusClient::closed signal, or
 * after the last reference has been released, no callback is called. There are two exceptions: releasing the last
 * reference calls the destroy notifies of the callbacks, and, if messages are lost by it, emits #DeyeBusClient::error.
 *
 * ## When a message is sent
 *
 * A call that publishes or answers has one of three successful outcomes, and the documentation of each says which:
 *
 * - *Queued*: the message is in the client's buffer, and was written to the socket if the socket accepted it at once.
 * - *Written*: the socket has accepted all bytes of it. The broker reads it, also if this process ends.
 * - *Accepted*: the broker has validated, authorized and queued it for its receivers.
 *
 * A call made outside of callbacks writes to the socket before it returns; calls made in callbacks are written together
 * at the end of the dispatch. A message stays in the client while the socket does not accept it, because the broker is
 * slow, or while it waits for credit, which the broker withholds when receivers are slow. The client sends such messages
 * from its context and during every synchronous call. So before a program blocks in something else, or ends, it calls
 * deye_bus_client_flush() or deye_bus_client_close(). #DeyeBusClient:unsent is the number of messages that are not
 * written yet. Messages that are lost, because the connection ends before they are written, are always reported: by the
 * error of the call that closes the client, by the error of their own call if that still waits, otherwise by
 * #DeyeBusClient::error and a log record. Only a process that ends with a client that is neither closed nor released
 * reports nothing: completions that are not dispatched hold the client, and language bindings may keep it to the end.
 *
 * ## End of a connection
 *
 * When the connection ends, pending calls fail with the reason that the broker gave, for example
 * %DEYE_BUS_ERROR_SHUTTING_DOWN. If it gave none, they fail with %DEYE_BUS_ERROR_UNKNOWN: whether they took effect is
 * not known. Calls that had not been sent fail with %DEYE_BUS_ERROR_NOT_CONNECTED.
 *
 * The client then connects again by itself, and tries for ever: #DeyeBusClient::interrupted is emitted, and the state is
 * %DEYE_BUS_CLIENT_STATE_CONNECTING. Attempts follow at random intervals that grow from 50 ms to 1 s; on Linux an attempt
 * is also made when the broker's socket appears. Each attempt is limited to 5 s. When the client is connected, it first
 * subscribes and serves everything again that it had, and then the state is %DEYE_BUS_CLIENT_STATE_READY. Subscriptions
 * keep their objects, callbacks and numbers. The broker does not keep messages for a subscription while its client is not
 * connected. If the broker has been restarted meanwhile, #DeyeBusClient::epoch-changed is emitted. A subscription that the
 * broker does not accept again ends, with #DeyeBusSubscription::ended; the others live.
 *
 * While the client connects, a publish without acknowledgement waits in the client, at most 8,192 messages and 1 MiB, and is
 * sent as soon as the client is ready, in order. If there is no more room, the oldest of them is dropped; a message on
 * `tasks.*` or `results.*` is not dropped, but the call fails with %DEYE_BUS_ERROR_LIMIT instead; of health messages only the
 * latest of each topic is kept. The time to live of a message keeps running. #DeyeBusClient::error reports the number of
 * messages that were dropped, when the client is ready. Subscribing and serving wait, too. Other calls fail with
 * %DEYE_BUS_ERROR_NOT_CONNECTED. deye_bus_client_flush() fails as well, and its error and that of deye_bus_client_close()
 * contain the number of messages that wait.
 *
 * The client does not connect again if another connection would end in the same way: the broker refuses the client's id,
 * type, role or version, or another client has taken over the id. It does not either if it was created for an existing
 * socket, or if deye_bus_client_set_reconnect() has switched it off. Then #DeyeBusClient::closed is emitted, all
 * subscriptions end, and deye_bus_client_connect() may be called again.
 *
 * A program that does not iterate its context reconnects only during its calls: every call that waits works on it, the others
 * now and then.
 *
 * ## Construction
 *
 * Besides the constructors, an object can be constructed by its type and its properties, as language bindings do:
 * `DeyeBus.Client(id="disks-1", type="diskmond")` in Python. `id` is required; `type`, `role` and `address` are optional.
 * Connecting a client without an id or with a role that does not exist fails with %DEYE_BUS_ERROR_INVALID_ARGUMENT. All
 * other functions treat it as a client that is not connected.
 *
 * In Python deye_bus_client_connect() hides the method that connects signal handlers; use
 * `client.connect_after("closed", ...)`.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:id:
 *
 * The client's id on the bus; %NULL if it was constructed without one. It can only be set on construction.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:type:
 *
 * The kind of collector, or %NULL. It can only be set on construction.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:role:
 *
 * The client's #DeyeBusRole: the role that the broker granted, or, before the first connection, the requested one. The
 * requested role can only be set on construction; the default is %DEYE_BUS_ROLE_COLLECTOR.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:address:
 *
 * Path of the broker's socket as it would be used now. %NULL for a client that was constructed for an existing socket, and
 * if there is no default address: $DAEMONEYE_BROKER_SOCKET is not set, the user is not root, and $XDG_RUNTIME_DIR is not
 * an absolute path. Connecting then fails with %DEYE_BUS_ERROR_NO_BROKER. It can only be set on construction.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:state:
 *
 * The client's #DeyeBusClientState.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:broker-epoch:
 *
 * A number that is different for each start of the broker; 0 before the first connection.
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
 * The largest payload that the broker accepts, in bytes; 0 before the first connection.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:unsent:
 *
 * Number of messages (publishes, requests and replies) that are queued in the client and not written to the socket; see
 * deye_bus_client_get_unsent(). Changes of it are not notified.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:reconnect:
 *
 * Whether the client connects again by itself; see deye_bus_client_set_reconnect().
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient::closed:
 * @self: the client
 * @error: (transfer none): the reason; %DEYE_BUS_ERROR_CLOSED if the client itself closed the connection
 *
 * Emitted once when an established connection ends and the client does not connect again, and when the client is closed. A
 * connection that could not be established is reported by deye_bus_client_connect() only.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient::interrupted:
 * @self: the client
 * @error: (transfer none): the reason
 *
 * Emitted when an established connection ends and the client connects again by itself.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient::epoch-changed:
 * @self: the client
 *
 * Emitted when the client has connected to a broker that was restarted since the last connection. What the earlier broker had
 * accepted and not delivered is lost.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient::error:
 * @self: the client
 * @error: (transfer none): the reason
 *
 * Emitted when a message could not be published, or was dropped after it had been accepted, and no call reports it:
 *
 * - A publish without acknowledgement was refused by the broker. (The refusal of single receivers under
 *   %DEYE_BUS_POLICY_ERROR is reported by acknowledgements only.)
 * - Messages that the broker had accepted, with or without acknowledgement, were dropped because a receiver under
 *   %DEYE_BUS_POLICY_BLOCK held them for longer than the broker's setting `longest_block_us`. The error is
 *   %DEYE_BUS_ERROR_WOULD_BLOCK; its message contains the number of messages.
 * - A publish, direct or broadcast was called without a callback (`..._async()` with %NULL) and failed for a reason
 *   other than its own cancellable.
 * - The connection ended before all messages had been written to the socket: because the broker ended it, because the
 *   last reference to the client was released without deye_bus_client_close(), or because
 *   deye_bus_client_close_async() was called without a callback. The error is %DEYE_BUS_ERROR_UNSENT; its message and
 *   deye_bus_client_get_unsent() contain the number of messages.
 *
 * The signal is emitted from the client's context. Only the report of messages that are lost when the last reference is
 * released is emitted by that release. A garbage collector may release a reference at a moment at which no signal
 * handler of its language can run, so close the client in languages that have one. A log record is written in any case.
 *
 * Since: 0.1
 */
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusClient, deye_bus_client, DEYE_BUS, CLIENT, GObject)

/**
 * DeyeBusClientState:
 * @DEYE_BUS_CLIENT_STATE_DISCONNECTED: deye_bus_client_connect() was not called yet, or the client does not try to connect
 *   any more
 * @DEYE_BUS_CLIENT_STATE_CONNECTING: connecting, waiting for the broker's WELCOME, or waiting for the next attempt
 * @DEYE_BUS_CLIENT_STATE_CONNECTED: connected, and the client restores its subscriptions; no call is sent yet
 * @DEYE_BUS_CLIENT_STATE_CLOSED: closed permanently by this client
 * @DEYE_BUS_CLIENT_STATE_READY: connected, and everything is restored: calls are sent
 *
 * State of a client's connection.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_CLIENT_STATE_DISCONNECTED,
  DEYE_BUS_CLIENT_STATE_CONNECTING,
  DEYE_BUS_CLIENT_STATE_CONNECTED,
  DEYE_BUS_CLIENT_STATE_CLOSED,
  DEYE_BUS_CLIENT_STATE_READY,
} DeyeBusClientState;

/**
 * DeyeBusRole:
 * @DEYE_BUS_ROLE_COLLECTOR: a collector
 * @DEYE_BUS_ROLE_TOOL: a tool; the broker grants this role to the users in its setting `tool-uids`
 * @DEYE_BUS_ROLE_AGENT: the agent; only on a connection that the module itself opened
 *
 * Role of a client on the bus. The client's rights depend on it.
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
 * deye_bus_client_new:
 * @address: (type filename) (nullable): path of the broker's socket, or %NULL for the default:
 *   `$DAEMONEYE_BROKER_SOCKET` if it is set, else `/run/daemoneye/eventbus.sock` for root and
 *   `$XDG_RUNTIME_DIR/daemoneye/eventbus.sock` for other users; the default is evaluated at each connect
 * @id: id of the client: one topic segment (a-z 0-9 - _), unique on the broker
 * @type: (nullable): kind of collector, such as `procmond`: one topic segment. The topics that the client may publish
 *   depend on it; the broker refuses a collector that has none
 *
 * Creates a client with the role of a collector. It is not connected; see deye_bus_client_connect().
 *
 * Returns: (transfer full): a new #DeyeBusClient
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusClient *deye_bus_client_new (const char *address, const char *id, const char *type);

/**
 * deye_bus_client_new_tool:
 * @address: (type filename) (nullable): path of the broker's socket, or %NULL for the default, as in
 *   deye_bus_client_new()
 * @id: id of the client: one topic segment, unique on the broker
 *
 * Creates a client with the role of a tool. The broker grants this role to the users in its setting `tool-uids`.
 *
 * Returns: (transfer full): a new #DeyeBusClient
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusClient *deye_bus_client_new_tool (const char *address, const char *id);

/**
 * deye_bus_client_new_for_fd:
 * @fd: file descriptor of a connected stream socket (on Windows a handle); the client takes ownership of it and
 *   closes it. If it is out of the range of file descriptors, connecting fails with %DEYE_BUS_ERROR_INVALID_ARGUMENT
 * @id: id of the client: one topic segment, unique on the broker
 * @type: (nullable): kind of collector, as in deye_bus_client_new(); %NULL for the agent
 *
 * Creates a client for an existing connection: the agent's, which the module's connect() returns, or an inherited one.
 * The client does not check the identity of the server, and it can connect only once.
 *
 * Returns: (transfer full): a new #DeyeBusClient
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusClient *deye_bus_client_new_for_fd (gintptr fd, const char *id, const char *type);

/**
 * deye_bus_client_get_id:
 * @self: a #DeyeBusClient
 *
 * Gets the client's id on the bus.
 *
 * Returns: (transfer none) (nullable): the id, owned by the client; %NULL if it was constructed without one
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_client_get_id (DeyeBusClient *self);

/**
 * deye_bus_client_get_state:
 * @self: a #DeyeBusClient
 *
 * Gets the state of the client's connection.
 *
 * Returns: the #DeyeBusClientState
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusClientState deye_bus_client_get_state (DeyeBusClient *self);

/**
 * deye_bus_client_get_role:
 * @self: a #DeyeBusClient
 *
 * Gets the client's role on the bus.
 *
 * Returns: the role that the broker granted, or, before the first connection, the requested role
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusRole deye_bus_client_get_role (DeyeBusClient *self);

/**
 * deye_bus_client_get_broker_epoch:
 * @self: a #DeyeBusClient
 *
 * Gets the broker's epoch. Compare two epochs to find out whether the broker has been restarted.
 *
 * Returns: a number that is different for each start of the broker; 0 before the first connection
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_client_get_broker_epoch (DeyeBusClient *self);

/**
 * deye_bus_client_get_largest_payload:
 * @self: a #DeyeBusClient
 *
 * Gets the size of the largest payload that the broker accepts.
 *
 * Returns: the size in bytes; 0 before the first connection
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_client_get_largest_payload (DeyeBusClient *self);

/**
 * deye_bus_client_set_reconnect:
 * @self: a #DeyeBusClient
 * @reconnect: %TRUE (the default) to connect again by itself
 *
 * Sets whether the client connects again by itself, at first and after the end of a connection, as the description of
 * #DeyeBusClient says. Switching it off while the client waits for its next attempt ends the attempts. A client that was
 * created for an existing socket never connects again.
 *
 * Returns: %TRUE; %FALSE if nothing was set, because another thread has acquired the client's context
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_set_reconnect (DeyeBusClient *self, gboolean reconnect);

/**
 * deye_bus_client_get_reconnect:
 * @self: a #DeyeBusClient
 *
 * Gets whether the client connects again by itself.
 *
 * Returns: the value of deye_bus_client_set_reconnect()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_get_reconnect (DeyeBusClient *self);

/**
 * deye_bus_client_get_unsent:
 * @self: a #DeyeBusClient
 *
 * Gets the number of messages (publishes, requests and replies) that calls have queued and that are not completely written
 * to the socket: those that the socket has not accepted yet, and those that wait for credit. After the end of a
 * connection it is the number of messages that were lost by it, until the client connects again. The call reads through
 * the queue, so do not call it for every message.
 *
 * Returns: the number of messages; 0 before the first connection; %G_MAXUINT64, which means that it is not known, while
 *   another thread has acquired the client's context
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_client_get_unsent (DeyeBusClient *self);

/**
 * deye_bus_client_connect:
 * @self: a #DeyeBusClient
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Connects to the broker and waits until the client is ready. While there is no broker, the client tries again and the
 * call waits, for ever: cancel it, or see deye_bus_client_set_reconnect(). If that is switched off, the whole operation is
 * limited to 30 s, and the call fails at once with %DEYE_BUS_ERROR_NO_BROKER if no broker is listening.
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
 * Returns: %TRUE if the client is connected, or was connected before. Otherwise %FALSE with %DEYE_BUS_ERROR_NO_BROKER,
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
 * Returns: %TRUE on success, or %FALSE with @error set, as of deye_bus_client_connect()
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
 * Returns: %TRUE if everything was sent, or if the client was closed before; %FALSE with an error as of
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
 * Returns: %TRUE on success, or %FALSE with @error set, as of deye_bus_client_close()
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
 * Closes the client permanently. Messages that have not been dispatched are discarded together with their subscriptions.
 * Queued messages are written, also those that wait for credit, then the GOODBYE frame. Requests that wait for credit are
 * not sent. The socket is closed when everything is written, when the timeout has expired, or when the connection ends.
 * Then calls that are still pending fail with %DEYE_BUS_ERROR_CLOSED.
 *
 * The client is closed in any case, except with the three last errors.
 *
 * A call while another one is closing the client waits for the same end; its own timeout does not count.
 *
 * Returns: %TRUE if everything was sent, or if the client was closed before. Otherwise %FALSE with
 *   %DEYE_BUS_ERROR_UNSENT (messages were not sent and are lost: the message of the error and
 *   deye_bus_client_get_unsent() contain their number, in which messages are included whose own calls fail), with
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
 * Returns: %TRUE on success, or %FALSE with @error set, as of deye_bus_client_close_full()
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
 * one that was published without acknowledgement, unless #DeyeBusClient::error reported the refusal before the call;
 * the signal reports it in any case. A message that the broker accepted may still be dropped for single receivers, which
 * gaps report to them.
 *
 * A flush that fails changes nothing: messages that could not be sent stay queued.
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
 * Returns: %TRUE on success, or %FALSE with @error set, as of deye_bus_client_flush()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_flush_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

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
 *   accepted it, which includes that it was delivered to no one. Otherwise %FALSE with
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
 * Returns: %TRUE on success, or %FALSE with @error set, as of deye_bus_client_publish()
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
 * subscriptions get the message as well, but are not waited for. With deye_bus_options_set_at_least_once() a member that
 * fails is relieved by another one.
 *
 * Returns: %TRUE if a callback of one member of each group has returned. Otherwise %FALSE with
 *   %DEYE_BUS_ERROR_NO_RESPONDERS (no group has a member for @topic), with %DEYE_BUS_ERROR_UNKNOWN (no report within the
 *   timeout, or a member disconnected: the message may have been handled), at once with the reason if the message was
 *   dropped before it was sent to a member, with %DEYE_BUS_ERROR_UNSUPPORTED if the broker does not offer the feature
 *   DELIVERY, or with an error as of deye_bus_client_publish()
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
 * Returns: %TRUE on success, or %FALSE with @error set, as of deye_bus_client_publish_confirmed()
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
 *   the message may have been handled), or with an error as of deye_bus_client_publish()
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
 * Returns: %TRUE on success, or %FALSE with @error set, as of deye_bus_client_direct()
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
 * Returns: %TRUE if the broker has accepted the message; %FALSE with an error as of deye_bus_client_publish()
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
 * Returns: %TRUE on success, or %FALSE with @error set, as of deye_bus_client_broadcast()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_broadcast_finish (DeyeBusClient *self,
                                                        GAsyncResult *async_result,
                                                        DeyeBusPublishResult *result,
                                                        GError **error);

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
 * Asynchronous version of deye_bus_client_subscribe().
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
 * Returns: (transfer full): the subscription; %NULL with an error as of deye_bus_client_subscribe()
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
 *   another policy), or another error as of deye_bus_client_subscribe()
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
 * Returns: (transfer full): the subscription; %NULL with an error as of deye_bus_client_subscribe_full()
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
 * Returns: (transfer full): the subscription, which also lasts if this reference is released; %NULL with an error as of
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
 * Returns: (transfer full): the subscription; %NULL with an error as of deye_bus_client_serve()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusSubscription *
deye_bus_client_serve_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

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
 * Returns: (transfer full): the reply; %NULL with an error as of deye_bus_client_request()
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
 * Sends a part of the answer to a request; more follows. deye_bus_client_respond() or deye_bus_client_respond_error() sends
 * the last one. Parts arrive in the order in which they were sent, and only a requester that used
 * deye_bus_client_request_stream() receives them. Like deye_bus_client_respond() the call never waits: when the requester
 * takes no answers, parts are queued until there is %DEYE_BUS_ERROR_WOULD_BLOCK.
 *
 * Returns: %TRUE if the part was queued, which does not mean that it was written; %FALSE with an error as of
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
 * Reports how far the answer to a request is. As deye_bus_client_respond_part(), but a newer report replaces one that the
 * requester has no room for: deye_bus_message_get_skipped() counts those that were replaced.
 *
 * Returns: %TRUE if the report was queued, which does not mean that it was written; %FALSE with an error as of
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
 * Gets a cancellable that is cancelled when nobody waits for the answer to @request any more: the requester cancelled it or
 * disconnected, its deadline passed, or the connection ended. Pass it to what the answer needs. It is cancelled from the
 * client's context, and it is never cancelled after the last reply was sent. A request whose CANCEL has already arrived is not
 * passed to the callback at all.
 *
 * Returns: (transfer full): a #GCancellable, already cancelled if nobody waits; %NULL with %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API GCancellable *deye_bus_client_watch_request (DeyeBusClient *self, DeyeBusMessage *request, GError **error);

/**
 * deye_bus_client_respond_error:
 * @self: the client that received @request
 * @request: a request that arrived on the current connection
 * @error_name: name of the error, for programs, such as `org.example.NoDisk`
 * @detail: (nullable): description of the error, for people
 * @error: return location for a #GError, or %NULL
 *
 * Answers a request with an error. The requester's call fails with %DEYE_BUS_ERROR_FAILED, @error_name and @detail.
 *
 * Returns: %TRUE if the reply was queued, which does not mean that it was written; %FALSE with an error as of
 *   deye_bus_client_respond()
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
 * @self: a #DeyeBusClient
 * @interval_us: interval in microseconds, from 100,000 (100 ms) to 300,000,000 (300 s), or 0 to stop the heartbeat
 * @error: return location for a #GError, or %NULL
 *
 * Publishes a `daemoneye.eventbus.v1.Heartbeat` on `control.health.heartbeat.{id}` now and then once per interval. The
 * heartbeat is published from the client's context, so it stops while the context is blocked. A heartbeat is skipped if
 * the client is not connected or has no credit.
 *
 * With each heartbeat a client that reconnects also asks the broker how many subscriptions it has for this client. If the
 * number differs, the client makes a new connection, which restores them.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_LIMIT or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_set_heartbeat (DeyeBusClient *self, gint64 interval_us, GError **error);

G_END_DECLS
