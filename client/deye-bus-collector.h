/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client-standard.h"
#include "deye-bus-standing-task.h"
#include "deye-bus-work.h"

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_COLLECTOR (deye_bus_collector_get_type ())

/**
 * DeyeBusCollector:
 *
 * A collector registers operations with the broker, and the broker gives it tasks for them.
 *
 * Add operations with deye_bus_collector_add_operation(), and call deye_bus_collector_start(). The collector has a
 * #DeyeBusClient, which reconnects without a limit; on each connection the collector is registered before subscriptions are
 * restored. The handler of an operation gets each task as a #DeyeBusWork. At most #DeyeBusCollector:max-concurrent works run at
 * once.
 *
 * A handler does not get every task that the broker offers: the library itself answers a task that was cancelled meanwhile, or
 * that arrives while the collector drains.
 *
 * The collector sends heartbeats every 5 seconds, unless deye_bus_client_set_heartbeat() was called before, and with each it
 * verifies its registration.
 *
 * The functions are called in the thread of the client's context, in which handlers and signals run. The last reference may be
 * released in any thread; works that still run are cancelled then.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector:client:
 *
 * The client. It can only be set on construction. If it is not set, the collector creates a client from #DeyeBusCollector:id,
 * #DeyeBusCollector:type and #DeyeBusCollector:address.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector:id:
 *
 * The client's id. It can only be set on construction.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector:type:
 *
 * The client's type. It can only be set on construction.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector:address:
 *
 * Path of the broker's socket, as #DeyeBusClient:address. It can only be set on construction.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector:state:
 *
 * The last #DeyeBusCollectorState that the broker reported.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector:max-concurrent:
 *
 * The number of works that may run at once: 1 to 256. The default is 1.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector:lowest-priority:
 *
 * The lowest priority of the tasks that the collector takes: 0 to 255. The default is 0. A change takes effect with the next
 * registration.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector:highest-priority:
 *
 * The highest priority of the tasks that the collector takes: 0 to 255. The default is 255. A change takes effect with the next
 * registration.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector:running:
 *
 * Number of works without an outcome. Changes of it are not notified.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector::registered:
 * @self: the collector
 *
 * Emitted when the collector is registered and its client is ready: after the start, and after each reconnect.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector::refused:
 * @self: the collector
 * @error: (transfer none): the reason
 *
 * Emitted when the broker does not register the collector, with %DEYE_BUS_ERROR_UNSUPPORTED (the broker does not support
 * tasks), or for example %DEYE_BUS_ERROR_LIMIT. The client stays connected, and the collector tries again with the next
 * heartbeat or connection. The signal is emitted once for each reason.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector::draining:
 * @self: the collector
 *
 * Emitted once when the collector begins to drain, because the program or the broker has asked for it: it takes no more tasks, and
 * finishes those that it has.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector::drained:
 * @self: the collector
 *
 * Emitted once when a collector that drains has no running work any more.
 *
 * Since: 0.1
 */
/**
 * DeyeBusCollector::set-aside:
 * @self: the collector
 *
 * Emitted when the broker gives the collector no tasks for a time, because it failed too often.
 *
 * Since: 0.1
 */
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusCollector, deye_bus_collector, DEYE_BUS, COLLECTOR, GObject)

/**
 * DeyeBusCollectorState:
 * @DEYE_BUS_COLLECTOR_STATE_UNREGISTERED: the collector is not registered: it has no connection, or was refused
 * @DEYE_BUS_COLLECTOR_STATE_REGISTERED: it is registered, and the broker does not give it tasks yet
 * @DEYE_BUS_COLLECTOR_STATE_READY: it gets tasks
 * @DEYE_BUS_COLLECTOR_STATE_SUSPECT: it gets no tasks, because it missed two signs of life (such as heartbeats) in a row, or
 *   because all its slots wait for answers that are overdue
 * @DEYE_BUS_COLLECTOR_STATE_SET_ASIDE: it gets no tasks for a time, because it failed too often
 * @DEYE_BUS_COLLECTOR_STATE_DRAINING: it gets no more tasks, and finishes those that it has
 * @DEYE_BUS_COLLECTOR_STATE_GONE: the broker has removed it
 *
 * State of a collector, as the broker sees it.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_COLLECTOR_STATE_UNREGISTERED = 0,
  DEYE_BUS_COLLECTOR_STATE_REGISTERED = 1,
  DEYE_BUS_COLLECTOR_STATE_READY = 2,
  DEYE_BUS_COLLECTOR_STATE_SUSPECT = 3,
  DEYE_BUS_COLLECTOR_STATE_SET_ASIDE = 4,
  DEYE_BUS_COLLECTOR_STATE_DRAINING = 5,
  DEYE_BUS_COLLECTOR_STATE_GONE = 6,
} DeyeBusCollectorState;

/**
 * DeyeBusOperationFlags:
 * @DEYE_BUS_OPERATION_NONE: none of the following
 * @DEYE_BUS_OPERATION_IDEMPOTENT: a task may be run a second time although the first run may not have ended. Without this flag
 *   a task that seems to hang is not run again, but quarantined
 * @DEYE_BUS_OPERATION_WITHOUT_PROGRESS: handlers report no progress; only the run limit ends an attempt that hangs
 *
 * Flags of an operation, which decide how the broker treats its tasks.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_OPERATION_NONE = 0,
  DEYE_BUS_OPERATION_IDEMPOTENT = 1 << 0,
  DEYE_BUS_OPERATION_WITHOUT_PROGRESS = 1 << 1,
} DeyeBusOperationFlags;

/**
 * DeyeBusWorkHandler:
 * @collector: the collector
 * @work: the work
 * @user_data: data that was passed with the handler
 *
 * Called in the client's context when a task begins. The handler ends @work, or takes a reference and ends it later. The
 * collector does nothing else until the handler returns, so long work should be done in a thread or with asynchronous calls.
 *
 * Since: 0.1
 */
typedef void (*DeyeBusWorkHandler) (DeyeBusCollector *collector, DeyeBusWork *work, gpointer user_data);

/**
 * deye_bus_collector_new:
 * @address: (nullable): path of the broker's socket, or %NULL for the default one
 * @id: the id of this process on the bus, such as `procmond-1`
 * @type: the kind of collector, such as `procmond`
 *
 * Creates a collector with a client of its own.
 *
 * Returns: (transfer full): the collector
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusCollector *deye_bus_collector_new (const char *address, const char *id, const char *type);

/**
 * deye_bus_collector_new_for_client:
 * @client: a #DeyeBusClient with a type, which has no other collector
 *
 * Creates a collector with an existing client. If the client is already connected, the collector is registered on that connection.
 *
 * Returns: (transfer full): the collector
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusCollector *deye_bus_collector_new_for_client (DeyeBusClient *client);

/**
 * deye_bus_collector_get_client:
 * @self: a #DeyeBusCollector
 *
 * Gets the client, for publishing, requests and services. A client that the collector has created is closed when the collector is
 * freed.
 *
 * Returns: (transfer none): the client
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusClient *deye_bus_collector_get_client (DeyeBusCollector *self);

/**
 * deye_bus_collector_get_state:
 * @self: a #DeyeBusCollector
 *
 * Gets the state.
 *
 * Returns: a #DeyeBusCollectorState
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusCollectorState deye_bus_collector_get_state (DeyeBusCollector *self);

/**
 * deye_bus_collector_get_running:
 * @self: a #DeyeBusCollector
 *
 * Gets the number of works that have no outcome.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_collector_get_running (DeyeBusCollector *self);

/**
 * deye_bus_collector_add_operation:
 * @self: a #DeyeBusCollector
 * @name: name of the operation: one segment of a topic, of a-z, 0-9, - and _
 * @payload_type: (nullable): full name of the protobuf type of the tasks' payloads; %NULL: any
 * @flags: #DeyeBusOperationFlags
 * @handler: (scope notified) (closure user_data) (destroy destroy): function to call for each task
 * @user_data: data to pass to @handler
 * @destroy: (nullable): destroy notify for @user_data; called once, when the operation is removed, when the collector is freed,
 *   or if the call fails
 * @error: return location for a #GError, or %NULL
 *
 * Adds an operation. An operation that is added after the start is announced to the broker at once.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT (the name is not valid, or exists), or
 *   %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_add_operation (DeyeBusCollector *self,
                                                        const char *name,
                                                        const char *payload_type,
                                                        DeyeBusOperationFlags flags,
                                                        DeyeBusWorkHandler handler,
                                                        gpointer user_data,
                                                        GDestroyNotify destroy,
                                                        GError **error);

/**
 * deye_bus_collector_set_operation_limits:
 * @self: a #DeyeBusCollector
 * @name: name of an operation that was added
 * @run_limit_us: longest time of one attempt, in microseconds; 0: the broker's default, 30 s
 * @progress_us: longest time between two reports of progress, in microseconds; 0: the broker's default, 10 s
 * @error: return location for a #GError, or %NULL
 *
 * Sets how long an attempt may take. If an attempt exceeds a limit, the broker gives the task to another collector.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT (there is no such operation, a limit is negative, or
 *   the operation has no progress), or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_set_operation_limits (DeyeBusCollector *self,
                                                               const char *name,
                                                               gint64 run_limit_us,
                                                               gint64 progress_us,
                                                               GError **error);

/**
 * deye_bus_collector_remove_operation:
 * @self: a #DeyeBusCollector
 * @name: name of an operation that was added
 * @error: return location for a #GError, or %NULL
 *
 * Removes an operation. Works of the operation that are running continue.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT (there is no such operation), or
 *   %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_remove_operation (DeyeBusCollector *self, const char *name, GError **error);

/**
 * deye_bus_collector_add_tag:
 * @self: a #DeyeBusCollector
 * @key: key of the tag, such as `os`
 * @value: its value
 * @error: return location for a #GError, or %NULL
 *
 * Adds a tag, which tasks can require. A second tag with the same key replaces the first one.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT (key or value are not UTF-8 text, the key is empty or
 *   contains `=`, or both are longer than 63 bytes together), %DEYE_BUS_ERROR_LIMIT (it has 16 tags), or
 *   %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_add_tag (DeyeBusCollector *self,
                                                  const char *key,
                                                  const char *value,
                                                  GError **error);

/**
 * deye_bus_collector_start:
 * @self: a #DeyeBusCollector
 * @error: return location for a #GError, or %NULL
 *
 * Starts the collector: its client connects, without a limit on the number of attempts, and the collector is registered on each
 * connection. The call never waits; #DeyeBusCollector::registered and #DeyeBusCollector::refused report the result. A second
 * call does nothing.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_INVALID_ARGUMENT (id or type are missing, or the client has another
 *   collector), %DEYE_BUS_ERROR_CLOSED (also when the collector was stopped), or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_start (DeyeBusCollector *self, GError **error);

/**
 * deye_bus_collector_start_async:
 * @self: a #DeyeBusCollector
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, only this call ends, and the collector continues
 * @callback: (scope async) (closure user_data) (nullable): function to call when the collector is registered
 * @user_data: data to pass to @callback
 *
 * Starts the collector like deye_bus_collector_start(), and completes when it is registered for the first time.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_collector_start_async (DeyeBusCollector *self,
                                                  GCancellable *cancellable,
                                                  GAsyncReadyCallback callback,
                                                  gpointer user_data);

/**
 * deye_bus_collector_start_finish:
 * @self: a #DeyeBusCollector
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_collector_start_async().
 *
 * Returns: %TRUE if the collector is registered; %FALSE with an error as for deye_bus_collector_start(), the reason why the broker
 *   refused it (the collector tries again), or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_start_finish (DeyeBusCollector *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_collector_drain:
 * @self: a #DeyeBusCollector
 * @grace_us: time until the broker gives the rest of the tasks to other collectors, in microseconds, at most an hour; 0: the
 *   broker's default, 30 s
 * @error: return location for a #GError, or %NULL
 *
 * Drains the collector: it takes no more tasks and finishes those that it has. This cannot be undone. The call never waits:
 * #DeyeBusCollector::drained is emitted when no work runs any more. The collector stays registered.
 *
 * Returns: %TRUE on success, also if it drains already; %FALSE with %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_drain (DeyeBusCollector *self, gint64 grace_us, GError **error);

/**
 * deye_bus_collector_is_draining:
 * @self: a #DeyeBusCollector
 *
 * Checks whether the collector drains, or has drained.
 *
 * Returns: %TRUE if it takes no more tasks
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_is_draining (DeyeBusCollector *self);

/**
 * deye_bus_collector_stop_async:
 * @self: a #DeyeBusCollector that was started
 * @grace_us: how long it waits for works that run, in microseconds; 0: 30 s
 * @cancellable: (nullable): a #GCancellable, or %NULL; if it is cancelled before the call, the collector does not wait for
 *   works
 * @callback: (scope async) (closure user_data) (nullable): function to call when the collector has stopped
 * @user_data: data to pass to @callback
 *
 * Stops the collector permanently: it drains, waits until no work runs any more or @grace_us have passed, deregisters, and
 * closes its client. A client that was passed to deye_bus_collector_new_for_client() is not closed. Works that still run are
 * cancelled, and other collectors get their tasks. A second call can shorten the time. It does not wait if its client was closed,
 * because no result can be sent any more.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_collector_stop_async (DeyeBusCollector *self,
                                                 gint64 grace_us,
                                                 GCancellable *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer user_data);

/**
 * deye_bus_collector_stop_finish:
 * @self: a #DeyeBusCollector
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_collector_stop_async().
 *
 * Returns: %TRUE if the collector has stopped and everything was sent; %FALSE with %DEYE_BUS_ERROR_UNSENT as for
 *   deye_bus_client_close() (it has stopped), %DEYE_BUS_ERROR_CLOSED (it has stopped, but its client was closed before works
 *   or results were reported), or %DEYE_BUS_ERROR_INVALID_ARGUMENT (it was not started)
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_stop_finish (DeyeBusCollector *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_collector_stop:
 * @self: a #DeyeBusCollector that was started
 * @grace_us: how long it waits for works that run, in microseconds; 0: 30 s
 * @error: return location for a #GError, or %NULL
 *
 * Stops the collector like deye_bus_collector_stop_async(), and waits for the end. Unlike other synchronous calls, this one
 * iterates the client's context, because handlers need it to end their works.
 *
 * Returns: %TRUE on success; %FALSE with an error as for deye_bus_collector_stop_finish(), or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_stop (DeyeBusCollector *self, gint64 grace_us, GError **error);

/**
 * deye_bus_collector_run:
 * @self: a #DeyeBusCollector
 * @error: return location for a #GError, or %NULL
 *
 * Starts the collector, iterates the client's context, and returns when the collector has stopped. SIGTERM and SIGINT stop it
 * like deye_bus_collector_stop_async(); a second signal ends the wait for works. It also stops when it has drained because the
 * broker has announced that the process should end.
 *
 * This is the main loop of a program that is a collector and nothing else.
 *
 * Returns: %TRUE if it has stopped and everything was sent; %FALSE with an error as for deye_bus_collector_start(),
 *   %DEYE_BUS_ERROR_UNSENT as for deye_bus_client_close() (it has stopped), or the reason why the client does not connect again
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_run (DeyeBusCollector *self, GError **error);

/**
 * deye_bus_collector_set_unit_health:
 * @self: a #DeyeBusCollector
 * @unit: name of a part of the collector, such as `disk`
 * @health: its health; every unit is %DEYE_BUS_HEALTH_HEALTHY until this function is called
 * @detail: (nullable): explanation for users
 *
 * Sets the health of one unit. The heartbeat contains the health of the worst unit, with the names and explanations of all
 * units with this health; the report to the broker lists up to 64 units that are not healthy, with up to 64 bytes of their
 * names and 256 of their explanations. See deye_bus_client_set_health(). This function may be called in any thread.
 *
 * Since: 0.1
 */
DEYE_BUS_API void
deye_bus_collector_set_unit_health (DeyeBusCollector *self, const char *unit, DeyeBusHealth health, const char *detail);

/**
 * DeyeBusConfigurationHandler:
 * @collector: the collector
 * @generation: number of the reload, counted by the agent; 0 with a @payload
 * @payload: (nullable): the configuration, or %NULL if the collector should read it again from its own source
 * @payload_type: (nullable): full name of the protobuf type of @payload
 * @user_data: data that was passed with the handler
 *
 * Called in the client's context when the agent asks all collectors to read their configuration again, or sends a configuration
 * to this one.
 *
 * Returns: %TRUE if the configuration is in force: the agent gets an acknowledgement. %FALSE if it is not: a configuration that
 *   was sent is refused, and a reload is not acknowledged
 *
 * Since: 0.1
 */
typedef gboolean (*DeyeBusConfigurationHandler) (DeyeBusCollector *collector,
                                                 guint64 generation,
                                                 GBytes *payload,
                                                 const char *payload_type,
                                                 gpointer user_data);

/**
 * deye_bus_collector_set_configuration_handler:
 * @self: a #DeyeBusCollector
 * @handler: (scope notified) (closure user_data) (destroy destroy): function to call for each configuration
 * @user_data: data to pass to @handler
 * @destroy: (nullable): destroy notify for @user_data; called once, when another handler is set, when the collector is freed,
 *   or if the call fails
 * @error: return location for a #GError, or %NULL
 *
 * Sets the function that handles the agent's reloads, and configurations sent to `control.collector.config.{id}`. Do not use it
 * together with a callback for deye_bus_client_serve_standard().
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_set_configuration_handler (DeyeBusCollector *self,
                                                                    DeyeBusConfigurationHandler handler,
                                                                    gpointer user_data,
                                                                    GDestroyNotify destroy,
                                                                    GError **error);

/**
 * DeyeBusStandingHandler:
 * @collector: the collector
 * @revision: number of the set, counted by the agent
 * @tasks: (element-type DeyeBusStandingTask): everything that the collector has to do until the next set; it may be empty
 * @user_data: data that was passed with the handler
 *
 * Called in the client's context when the agent has set other standing tasks. A set that was applied is not passed again when
 * the collector has connected again.
 *
 * Returns: (transfer full) (nullable): %NULL if the collector does exactly @tasks from now on; otherwise the reason why it does
 *   not, as text for users
 *
 * Since: 0.1
 */
typedef char *(*DeyeBusStandingHandler) (DeyeBusCollector *collector,
                                         guint64 revision,
                                         GPtrArray *tasks,
                                         gpointer user_data);

/**
 * deye_bus_collector_set_standing_handler:
 * @self: a #DeyeBusCollector
 * @handler: (scope notified) (closure user_data) (destroy destroy): function to call for each set of standing tasks
 * @user_data: data to pass to @handler
 * @destroy: (nullable): destroy notify for @user_data; called once, when another handler is set, when the collector is freed,
 *   or if the call fails
 * @error: return location for a #GError, or %NULL
 *
 * Sets the function that handles standing tasks.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_collector_set_standing_handler (DeyeBusCollector *self,
                                                               DeyeBusStandingHandler handler,
                                                               gpointer user_data,
                                                               GDestroyNotify destroy,
                                                               GError **error);

G_END_DECLS
