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
 * A call that publishes or answers has one of three successful outcomes. The documentation of each call states which one:
 *
 * - *Queued*: the message is in the client's buffer, and was written to the socket if the socket accepted it at once.
 * - *Written*: the socket has accepted all bytes of it. The broker reads it, also if this process ends.
 * - *Accepted*: the broker has validated, authorized and queued it for its receivers.
 *
 * A call made outside of callbacks writes to the socket before it returns, unless deye_bus_client_hold() or
 * #DeyeBusClient:coalesce delays that. Messages of calls made in callbacks are written together at the end of the dispatch,
 * when the callbacks have returned. A callback that computes for a long time should call deye_bus_client_flush() first.
 *
 * A message stays in the client while the socket does not accept it, because the broker is slow, or while it waits for credit,
 * which the broker withholds when receivers are slow. The client sends such messages from its context and during every
 * synchronous call. So a program should call deye_bus_client_flush() or deye_bus_client_close() before it blocks in another
 * function, or ends. #DeyeBusClient:unsent is the number of messages that are not written yet.
 *
 * Messages that are lost, because the connection ends before they are written, are always reported: by the error of the call
 * that closes the client, by the error of their own call if that still waits, otherwise by #DeyeBusClient::error and a log
 * record. There is one exception: a process that ends with a client that is neither closed nor freed reports nothing. A
 * completion that was not dispatched keeps a client alive, and a language binding may keep it until the process ends.
 *
 * ## End of a connection
 *
 * When the connection ends, pending calls fail with the reason that the broker gave, for example %DEYE_BUS_ERROR_SHUTTING_DOWN.
 * If it gave none, they fail with %DEYE_BUS_ERROR_UNKNOWN: it is not known whether they took effect. Calls that had not been
 * sent fail with %DEYE_BUS_ERROR_NOT_CONNECTED. Confirmed publishes and publishes with deye_bus_options_set_at_least_once() do
 * not end if the client connects again: if they have no answer, they are sent again with the same number, and the broker does
 * not deliver them twice. They fail with %DEYE_BUS_ERROR_UNKNOWN only if the broker was restarted, or could not be reached for
 * a minute.
 *
 * The client then connects again by itself, without a limit on the number of attempts: #DeyeBusClient::interrupted is emitted,
 * and the state is %DEYE_BUS_CLIENT_STATE_CONNECTING. Attempts follow after random delays, whose upper bound grows from 50 ms
 * to 1 s; on Linux an attempt is also made when the broker's socket appears. Each attempt is limited to 5 s. When the client
 * is connected, it first restores its subscriptions and the topics that it serves, and then the state is
 * %DEYE_BUS_CLIENT_STATE_READY. By then it has received the retained messages that the broker has for these subscriptions, as
 * far as their receive windows reach; it waits for them for 2 s at most. Their callbacks may run before the client is ready.
 * Subscriptions keep their objects, callbacks and numbers. The broker does not keep messages for a subscription while its
 * client is not connected. If the broker has been restarted meanwhile, #DeyeBusClient::epoch-changed is emitted. A
 * subscription that the broker does not accept again ends, with #DeyeBusSubscription::ended; the others are not affected.
 *
 * While the client connects, a publish without acknowledgement waits in the client. At most 8,192 messages and 1 MiB wait. They
 * are sent in order as soon as the client is ready, behind the messages of which nothing was written when the connection ended.
 * If there is no more room, the oldest of them is dropped. A message on `tasks.*` or `results.*` is not dropped; if older
 * messages of other kinds cannot make room, the call fails with %DEYE_BUS_ERROR_LIMIT. Of health messages only the latest of
 * each topic is kept. The time to live of a message keeps running. When the client is ready, #DeyeBusClient::error reports the
 * number of messages that were dropped, and their subscribers get gaps (#DeyeBusSubscription::gap). Calls that subscribe or
 * serve also wait. Other calls fail with %DEYE_BUS_ERROR_NOT_CONNECTED, unless deye_bus_options_set_wait_for_ready() lets them
 * wait. deye_bus_client_flush() is such a call. Its error and that of deye_bus_client_close() contain the number of messages
 * that wait in the client.
 *
 * Publishes without acknowledgement that were written just before the connection ended may or may not have arrived:
 * #DeyeBusClient::error reports an upper bound of their number with %DEYE_BUS_ERROR_UNKNOWN. They are not sent again.
 *
 * The client does not connect again if another connection would end in the same way: the broker refuses the client's id, type,
 * role or version, or another client has taken over the id. It also does not connect again if it was created for an existing
 * socket, or if deye_bus_client_set_reconnect() has switched it off. Then #DeyeBusClient::closed is emitted, all subscriptions
 * end, and deye_bus_client_connect() may be called again.
 *
 * A program that does not iterate its context reconnects only during its calls: each call that waits continues the attempt, and
 * other calls do so from time to time.
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
 * Path of the broker's socket as it would be used now. %NULL for a client that was constructed for an existing socket, and if
 * there is no default address: $DAEMONEYE_BROKER_SOCKET is not set, the user is not root, and $XDG_RUNTIME_DIR is not an
 * absolute path. Connecting then fails with %DEYE_BUS_ERROR_NO_BROKER. The property can only be set on construction.
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
 * DeyeBusClient:coalesce:
 *
 * %TRUE if messages that follow a write within 20 microseconds wait until the client's context runs. See
 * deye_bus_client_set_coalesce().
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient:flusher:
 *
 * %TRUE if a thread writes the client's queued messages while the program does something else. See deye_bus_client_set_flusher().
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
 * Emitted once when an established connection ends and the client does not connect again, and when the client is closed. If a
 * connection could not be established, only deye_bus_client_connect() reports that.
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
 * Emitted when the client has connected to a broker that was restarted since the last connection. Messages that the
 * earlier broker had accepted and not delivered are lost.
 *
 * Since: 0.1
 */
/**
 * DeyeBusClient::error:
 * @self: the client
 * @error: (transfer none): the reason
 *
 * Emitted when a message could not be published, or was dropped after it had been accepted, and no call reports that:
 *
 * - A publish without acknowledgement was refused by the broker. (The refusal of single receivers under
 *   %DEYE_BUS_POLICY_ERROR is reported by acknowledgements only.)
 * - Messages that the broker had accepted, with or without acknowledgement, were dropped because a receiver under
 *   %DEYE_BUS_POLICY_BLOCK blocked its publishers for longer than the broker's setting `longest_block_us`. The error is
 *   %DEYE_BUS_ERROR_WOULD_BLOCK; its message contains the number of messages.
 * - A publish, direct or broadcast was called without a callback (`..._async()` with %NULL) and failed for a reason
 *   other than its own cancellable.
 * - The connection ended before all messages had been written to the socket: because the broker ended it, because the
 *   last reference to the client was released without deye_bus_client_close(), or because
 *   deye_bus_client_close_async() was called without a callback. The error is %DEYE_BUS_ERROR_UNSENT; its message and
 *   deye_bus_client_get_unsent() contain the number of messages.
 * - The connection ended, the client connects again, and publishes without acknowledgement that were written before may or
 *   may not have arrived. The error is %DEYE_BUS_ERROR_UNKNOWN; its message contains an upper bound of the number of
 *   messages.
 *
 * The signal is emitted from the client's context, with one exception: if messages are lost when the last reference is
 * released, it is emitted in that release. In languages with a garbage collector, close the client, because a reference may be
 * released at a moment at which no signal handler can run. A log record is always written.
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
 * @DEYE_BUS_CLIENT_STATE_CONNECTED: connected, and the client restores its subscriptions and gets their retained messages; no
 *   call is sent yet
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
 * Sets whether the client tries again by itself when an attempt to connect has failed, and connects again when a connection has
 * ended; see the description of #DeyeBusClient. Switching it off while the client waits for its next attempt ends the attempts.
 * A client that was created for an existing socket never connects again.
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
 * Gets the number of messages (publishes, requests and replies) that calls have queued and that are not completely written to
 * the socket: those that the socket has not accepted yet, and those that wait for credit. Frames that only concern the connection
 * are not counted, such as a heartbeat or the request that subscribes. After the end of a connection, and until the client
 * connects again, it is the number of messages that were lost. The call reads through the whole queue, so do not call it for
 * every message.
 *
 * Returns: the number of messages; 0 before the first connection; %G_MAXUINT64, which means that it is not known, while
 *   another thread has acquired the client's context
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_client_get_unsent (DeyeBusClient *self);

/**
 * deye_bus_client_set_heartbeat:
 * @self: a #DeyeBusClient
 * @interval_us: interval in microseconds, from 100,000 (100 ms) to 300,000,000 (300 s), or 0 to stop the heartbeat
 * @error: return location for a #GError, or %NULL
 *
 * Publishes a `daemoneye.eventbus.v1.Heartbeat` on `control.health.heartbeat.{id}`: the first one at once, then one per
 * interval. The heartbeat is published from the client's context, so it stops while the context is blocked. A heartbeat is
 * skipped if the client is not connected or has no credit.
 *
 * With each heartbeat a client that reconnects also asks the broker how many subscriptions it has for this client. If the
 * number differs from that of the client, the client makes a new connection, which restores the subscriptions.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_LIMIT or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_set_heartbeat (DeyeBusClient *self, gint64 interval_us, GError **error);

/**
 * deye_bus_client_set_coalesce:
 * @self: a #DeyeBusClient
 * @coalesce: %TRUE to write messages that follow each other closely together; %FALSE by default
 *
 * Sets whether messages that follow each other closely are written together. It is for programs that publish in a loop, and
 * that iterate the client's context soon afterwards. A message is not written at once if the last write was less than 20
 * microseconds ago. It is written with one of the next messages, when 64 KiB have accumulated, before a call waits, or when the
 * client's context is about to poll. A single message on an idle connection is always written at once.
 *
 * If a program publishes two messages and does not return to its main loop for a second, the second message is delayed by that
 * time. Therefore the property is %FALSE by default. deye_bus_client_flush() writes the messages that wait.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_set_coalesce (DeyeBusClient *self, gboolean coalesce);

/**
 * deye_bus_client_get_coalesce:
 * @self: a #DeyeBusClient
 *
 * Gets the value of #DeyeBusClient:coalesce.
 *
 * Returns: %TRUE if messages that follow each other closely are written together
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_get_coalesce (DeyeBusClient *self);

/**
 * deye_bus_client_set_flusher:
 * @self: a #DeyeBusClient
 * @flusher: %TRUE to start the thread, %FALSE to end it; %FALSE by default
 *
 * Starts or ends a thread that writes for the client. It is for programs that compute for a long time after they have
 * published. The thread writes the messages that calls have left in the client's buffer: because of deye_bus_client_hold() or
 * #DeyeBusClient:coalesce, because the calls were made in a callback, or because the socket was full. It waits while more
 * messages follow, for about a millisecond at most, then it writes; while the socket is full, it tries again every five
 * milliseconds. So no message waits for the program's main loop.
 *
 * The thread does not read, calls no function of the program, and blocks all signals. Messages that wait for credit, and those
 * of a #DeyeBusSender, are still only sent when the main loop runs or a call is made. The first call that leaves a message in
 * the buffer takes a lock; calls that follow it closely do not, until the thread has written. If a write fails, the client
 * handles that when it runs, like the failure of its own write.
 *
 * Returns: %TRUE if the thread was started or ended; %FALSE if the system allows no further thread, or if another thread has
 *   acquired the client's context
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_set_flusher (DeyeBusClient *self, gboolean flusher);

/**
 * deye_bus_client_get_flusher:
 * @self: a #DeyeBusClient
 *
 * Gets the value of #DeyeBusClient:flusher.
 *
 * Returns: %TRUE if a thread writes the client's queued messages
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_get_flusher (DeyeBusClient *self);

G_END_DECLS
