/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"
#include "deye-bus-task-spec.h"

G_BEGIN_DECLS

/**
 * DeyeBusTaskState:
 * @DEYE_BUS_TASK_STATE_SUBMITTED: the broker has not answered the submit yet
 * @DEYE_BUS_TASK_STATE_QUEUED: it waits for a collector; see deye_bus_task_get_wait_reason()
 * @DEYE_BUS_TASK_STATE_DELAYED: it waits for a time: its delay, or the pause before the next attempt
 * @DEYE_BUS_TASK_STATE_OFFERED: a collector was asked and has not started it yet
 * @DEYE_BUS_TASK_STATE_RUNNING: a collector works on it
 * @DEYE_BUS_TASK_STATE_CANCELLING: it was cancelled, and its collector has not confirmed that yet
 * @DEYE_BUS_TASK_STATE_SUCCEEDED: it has ended, and there is a result
 * @DEYE_BUS_TASK_STATE_FAILED: it has ended: the collector reported a permanent failure, or the last attempt failed
 * @DEYE_BUS_TASK_STATE_TIMED_OUT: it has ended: its deadline has passed
 * @DEYE_BUS_TASK_STATE_CANCELLED: it has ended: it was cancelled
 * @DEYE_BUS_TASK_STATE_QUARANTINED: it is not tried again, because its attempts ended without an answer or killed collectors.
 *   An operator may release it; submit it again to follow it
 * @DEYE_BUS_TASK_STATE_REFUSED: the broker did not accept it; the error contains the reason
 * @DEYE_BUS_TASK_STATE_UNKNOWN: its outcome is not known, and it is not followed any more: the broker does not know the task
 *   and has not run it again, or the client was closed; the error contains the reason
 *
 * State of a task, as its submitter sees it. The states from %DEYE_BUS_TASK_STATE_SUCCEEDED on are final.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_TASK_STATE_SUBMITTED = 0,
  DEYE_BUS_TASK_STATE_QUEUED = 1,
  DEYE_BUS_TASK_STATE_DELAYED = 2,
  DEYE_BUS_TASK_STATE_OFFERED = 3,
  DEYE_BUS_TASK_STATE_RUNNING = 4,
  DEYE_BUS_TASK_STATE_CANCELLING = 5,
  DEYE_BUS_TASK_STATE_SUCCEEDED = 6,
  DEYE_BUS_TASK_STATE_FAILED = 7,
  DEYE_BUS_TASK_STATE_TIMED_OUT = 8,
  DEYE_BUS_TASK_STATE_CANCELLED = 9,
  DEYE_BUS_TASK_STATE_QUARANTINED = 10,
  DEYE_BUS_TASK_STATE_REFUSED = 11,
  DEYE_BUS_TASK_STATE_UNKNOWN = 12,
} DeyeBusTaskState;

/**
 * DeyeBusWaitReason:
 * @DEYE_BUS_WAIT_REASON_NONE: it does not wait
 * @DEYE_BUS_WAIT_REASON_NO_CAPABILITY: no registered collector has the operation, type, priority and tags
 * @DEYE_BUS_WAIT_REASON_ALL_BUSY: each collector that may take it is busy
 * @DEYE_BUS_WAIT_REASON_ALL_DRAINING: each collector that may take it is about to stop
 * @DEYE_BUS_WAIT_REASON_SET_ASIDE: each collector that may take it failed too often, and gets no tasks for a time
 * @DEYE_BUS_WAIT_REASON_PAUSED: the operation is paused
 * @DEYE_BUS_WAIT_REASON_ISOLATION: it, or another task, has to run alone on its collector
 * @DEYE_BUS_WAIT_REASON_BACKOFF: an attempt has failed, and the next one is made later
 * @DEYE_BUS_WAIT_REASON_NOT_BEFORE: its delay has not passed
 * @DEYE_BUS_WAIT_REASON_OPERATION_LIMIT: the limit of the operation allows no more running tasks
 * @DEYE_BUS_WAIT_REASON_TARGET_ABSENT: its target is not registered
 * @DEYE_BUS_WAIT_REASON_ADOPTION_HOLD: the broker was restarted, and waits for a collector that may already run it
 *
 * The reason for which a task waits. A newer broker may send further values.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_WAIT_REASON_NONE = 0,
  DEYE_BUS_WAIT_REASON_NO_CAPABILITY = 1,
  DEYE_BUS_WAIT_REASON_ALL_BUSY = 2,
  DEYE_BUS_WAIT_REASON_ALL_DRAINING = 3,
  DEYE_BUS_WAIT_REASON_SET_ASIDE = 4,
  DEYE_BUS_WAIT_REASON_PAUSED = 5,
  DEYE_BUS_WAIT_REASON_ISOLATION = 6,
  DEYE_BUS_WAIT_REASON_BACKOFF = 7,
  DEYE_BUS_WAIT_REASON_NOT_BEFORE = 8,
  DEYE_BUS_WAIT_REASON_OPERATION_LIMIT = 9,
  DEYE_BUS_WAIT_REASON_TARGET_ABSENT = 10,
  DEYE_BUS_WAIT_REASON_ADOPTION_HOLD = 11,
} DeyeBusWaitReason;

#define DEYE_BUS_TYPE_TASK (deye_bus_task_get_type ())
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusTask, deye_bus_task, DEYE_BUS, TASK, GObject)

/**
 * DeyeBusTask:
 *
 * A task that this client has submitted, with its state, its progress and its result.
 *
 * deye_bus_client_submit() returns it. Wait for the end with deye_bus_task_wait() or deye_bus_task_wait_async(), or connect to
 * #DeyeBusTask::finished. The functions that read the task return its newest state. Signals and notifications of properties are
 * emitted in a dispatch of the client's context; several changes between two dispatches are reported as one.
 *
 * When the connection ends, the broker keeps the task, or the result that its submitter has not got. The client submits its
 * tasks again on the next connection and keeps following them; no task is lost or runs twice. After a restart of the broker the
 * client also sends the id of the collector that was working on the task, and the broker lets this collector continue.
 *
 * The client has a reference to a task until it has ended and the program has got the outcome: by a wait, or by a dispatch that
 * emitted #DeyeBusTask::finished. Then it confirms that to the broker, which need not keep the result any longer. A task
 * continues when the program releases its references. If the client is closed or freed, its tasks end in the state
 * %DEYE_BUS_TASK_STATE_UNKNOWN in this process, and continue at the broker; another client of the same account gets the result
 * when it submits the same id and specification, or with deye_bus_client_fetch_result().
 *
 * The confirmation is sent at the end of the dispatch, or by deye_bus_task_wait() itself, and deye_bus_client_close() sends the
 * rest.
 *
 * All functions are called in the thread of the client's context; the last reference can be dropped in any thread.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:id:
 *
 * The id.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:state:
 *
 * The state, as a #DeyeBusTaskState.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:wait-reason:
 *
 * The reason for which the task waits, as a #DeyeBusWaitReason.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:cause:
 *
 * The cause of the state: a sentence in English, from the broker.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:holder:
 *
 * Id of the collector that works on the task, or was the last one.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:attempt:
 *
 * Number of the attempt, from 1; 0 before the first one.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:progress-done:
 *
 * The work that is done, in units of the collector.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:progress-total:
 *
 * The whole work, in units of the collector; 0: unknown.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:progress-text:
 *
 * The current activity of the collector, as text from it.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:late:
 *
 * Whether the result arrived after the time of its attempt had expired, and was accepted because no other attempt had begun.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask:unconfirmed:
 *
 * Whether the task was cancelled and its collector did not confirm that: it may still be working.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask::progress:
 * @self: the task
 * @done: as #DeyeBusTask:progress-done
 * @total: as #DeyeBusTask:progress-total
 * @text: (nullable): as #DeyeBusTask:progress-text
 *
 * Emitted when the collector has reported progress. If reports follow each other quickly, only the newest one is delivered.
 *
 * Since: 0.1
 */

/**
 * DeyeBusTask::finished:
 * @self: the task
 *
 * Emitted once, when the task has a final state.
 *
 * Since: 0.1
 */

/**
 * deye_bus_client_submit:
 * @self: a #DeyeBusClient
 * @spec: specification of the task; it is copied
 * @error: return location for a #GError, or %NULL
 *
 * Submits a task. The call never waits: the task is in the state %DEYE_BUS_TASK_STATE_SUBMITTED until the broker has answered.
 * Tasks that are submitted in one iteration of the client's context are sent together; a synchronous call, including
 * deye_bus_client_flush() and deye_bus_client_close(), sends them earlier. While the client connects by itself, the task waits,
 * and is submitted when the client is ready.
 *
 * If the client has a task with this id and the same specification that has not ended, that task is returned.
 *
 * Returns: (transfer full): the task. Otherwise %NULL with %DEYE_BUS_ERROR_INVALID_ARGUMENT (a name or a value is wrong, or
 *   a task that has not ended has the id and another specification, and the message names the difference),
 *   %DEYE_BUS_ERROR_WOULD_BLOCK (the client is not connected, and 10,000 tasks or 16 MiB wait), %DEYE_BUS_ERROR_LIMIT (the
 *   payload is too large), %DEYE_BUS_ERROR_UNSUPPORTED (the broker has no tasks), or an error of the connection; nothing was
 *   sent
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusTask *deye_bus_client_submit (DeyeBusClient *self, const DeyeBusTaskSpec *spec, GError **error);

/**
 * deye_bus_client_fetch_result:
 * @self: a #DeyeBusClient
 * @id: id of a task of the same account
 * @type_name: (out) (optional) (nullable) (transfer full): return location for the protobuf type of the result, or %NULL
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Gets the result of a task that another client has submitted, or that has been confirmed before. The broker keeps a result
 * until its submitter has got it, and then for 10 min (settings `task-window-us` and `task-window-bytes`).
 *
 * Returns: (transfer full): the result. Otherwise %NULL with an error as for deye_bus_task_wait() if the task did not succeed,
 *   or with %DEYE_BUS_ERROR_ABSENT (the broker does not know the task), %DEYE_BUS_ERROR_WOULD_BLOCK (it has not ended),
 *   %DEYE_BUS_ERROR_UNSUPPORTED, or an error as for deye_bus_client_request()
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_client_fetch_result (DeyeBusClient *self,
                                                   const char *id,
                                                   char **type_name,
                                                   GCancellable *cancellable,
                                                   GError **error);

/**
 * deye_bus_client_fetch_result_async:
 * @self: a #DeyeBusClient
 * @id: id of a task of the same account
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_fetch_result().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_fetch_result_async (DeyeBusClient *self,
                                                      const char *id,
                                                      GCancellable *cancellable,
                                                      GAsyncReadyCallback callback,
                                                      gpointer user_data);

/**
 * deye_bus_client_fetch_result_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @type_name: (out) (optional) (nullable) (transfer full): return location for the protobuf type of the result, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_fetch_result_async().
 *
 * Returns: (transfer full): the result; %NULL with an error as for deye_bus_client_fetch_result()
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *
deye_bus_client_fetch_result_finish (DeyeBusClient *self, GAsyncResult *result, char **type_name, GError **error);

/**
 * deye_bus_task_wait:
 * @self: a #DeyeBusTask
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, only this call ends, and the task continues
 * @error: return location for a #GError, or %NULL
 *
 * Waits for the end of the task. Like every synchronous call it does not iterate the context. It also waits while the client
 * connects by itself; the deadline of the task limits the wait.
 *
 * Returns: (transfer full): the result, which may be empty. Otherwise %NULL with %DEYE_BUS_ERROR_FAILED (the collector reported
 *   a failure, see deye_bus_error_get_name(); or the task is quarantined, or the result is not kept any more),
 *   %DEYE_BUS_ERROR_TIMEOUT (the deadline of the task has passed), %DEYE_BUS_ERROR_CANCELLED (it was cancelled),
 *   %DEYE_BUS_ERROR_UNKNOWN (the broker does not know it any more), %DEYE_BUS_ERROR_LIMIT or another code of a refusal, an
 *   error of the connection when the client does not connect again, or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_task_wait (DeyeBusTask *self, GCancellable *cancellable, GError **error);

/**
 * deye_bus_task_wait_async:
 * @self: a #DeyeBusTask
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, only this call ends, and the task continues
 * @callback: (scope async) (closure user_data) (nullable): function to call when the task has ended
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_task_wait(). Several calls may wait for one task.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_wait_async (DeyeBusTask *self,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);

/**
 * deye_bus_task_wait_finish:
 * @self: a #DeyeBusTask
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_task_wait_async().
 *
 * Returns: (transfer full): the result; %NULL with an error as for deye_bus_task_wait()
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_task_wait_finish (DeyeBusTask *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_task_cancel:
 * @self: a #DeyeBusTask
 *
 * Asks the broker to cancel the task. The call never waits: the task ends in the state %DEYE_BUS_TASK_STATE_CANCELLED, or in
 * another final state if it ends before. A task that was not sent yet is not sent; a task with the same id that another client
 * has submitted then continues. While the client is not connected, the request waits for the next connection. No effect on a
 * task that has ended.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_cancel (DeyeBusTask *self);

/**
 * deye_bus_task_is_finished:
 * @self: a #DeyeBusTask
 *
 * Gets whether the task has a final state.
 *
 * Returns: %TRUE if it has
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_task_is_finished (DeyeBusTask *self);

/**
 * deye_bus_task_get_id:
 * @self: a #DeyeBusTask
 *
 * Gets the id, which was set in the specification or made by the submit.
 *
 * Returns: (nullable): the id; %NULL: the object was not created by a submit
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_get_id (DeyeBusTask *self);

/**
 * deye_bus_task_dup_spec:
 * @self: a #DeyeBusTask
 *
 * Gets the specification as it was submitted, with the id. To submit an equal task, set another id.
 *
 * Returns: (transfer full) (nullable): a copy of the specification; %NULL: the object was not created by a submit
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusTaskSpec *deye_bus_task_dup_spec (DeyeBusTask *self);

/**
 * deye_bus_task_get_state:
 * @self: a #DeyeBusTask
 *
 * Gets the state.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusTaskState deye_bus_task_get_state (DeyeBusTask *self);

/**
 * deye_bus_task_get_wait_reason:
 * @self: a #DeyeBusTask
 *
 * Gets why the task waits, in the states %DEYE_BUS_TASK_STATE_QUEUED and %DEYE_BUS_TASK_STATE_DELAYED. It is the reason at the
 * time of the newest report from the broker. When a collector registers or leaves, the reason changes without a report; the
 * record that the method Get of `control.bus.task` returns contains the present reason.
 *
 * Returns: the reason
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusWaitReason deye_bus_task_get_wait_reason (DeyeBusTask *self);

/**
 * deye_bus_task_get_cause:
 * @self: a #DeyeBusTask
 *
 * Gets the cause of the state.
 *
 * Returns: (nullable): a sentence in English from the broker; %NULL: none was sent
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_get_cause (DeyeBusTask *self);

/**
 * deye_bus_task_get_holder:
 * @self: a #DeyeBusTask
 *
 * Gets the collector that works on the task, or was the last one.
 *
 * Returns: (nullable): id of the collector; %NULL: none was asked yet
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_get_holder (DeyeBusTask *self);

/**
 * deye_bus_task_get_attempt:
 * @self: a #DeyeBusTask
 *
 * Gets the number of the attempt.
 *
 * Returns: the number, from 1; 0 before the first attempt
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_task_get_attempt (DeyeBusTask *self);

/**
 * deye_bus_task_get_progress:
 * @self: a #DeyeBusTask
 * @done: (out) (optional): return location for the work that is done, in units of the collector, or %NULL
 * @total: (out) (optional): return location for the whole work, in the same units, or %NULL; 0: unknown
 *
 * Gets the newest progress that the collector has reported.
 *
 * Returns: (nullable): the current activity of the collector; %NULL if it did not set one
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_get_progress (DeyeBusTask *self, guint64 *done, guint64 *total);

/**
 * deye_bus_task_get_skipped:
 * @self: a #DeyeBusTask
 *
 * Gets how many changes of state and reports of progress this client did not see, because newer ones replaced them before they
 * were sent.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_task_get_skipped (DeyeBusTask *self);

/**
 * deye_bus_task_is_late:
 * @self: a #DeyeBusTask
 *
 * Gets whether the result arrived after the time of its attempt had expired, and was accepted because no other attempt had begun.
 *
 * Returns: %TRUE if it was late
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_task_is_late (DeyeBusTask *self);

/**
 * deye_bus_task_is_unconfirmed:
 * @self: a #DeyeBusTask
 *
 * Gets whether the task was cancelled and its collector did not confirm that: it may still be working.
 *
 * Returns: %TRUE if it is not known whether the work has stopped
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_task_is_unconfirmed (DeyeBusTask *self);

/**
 * deye_bus_task_get_result:
 * @self: a #DeyeBusTask
 *
 * Gets the result.
 *
 * Returns: (nullable) (transfer none): the result, which may be empty; %NULL: the task has not succeeded, or the result is not
 *   kept any more
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_task_get_result (DeyeBusTask *self);

/**
 * deye_bus_task_get_result_type:
 * @self: a #DeyeBusTask
 *
 * Gets the type of the result.
 *
 * Returns: (nullable): full protobuf name; %NULL: the collector set none
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_get_result_type (DeyeBusTask *self);

/**
 * deye_bus_task_dup_error:
 * @self: a #DeyeBusTask
 *
 * Gets the error with which the task ended, as for deye_bus_task_wait().
 *
 * Returns: (nullable) (transfer full): the error; %NULL: it has not ended, or there is a result
 *
 * Since: 0.1
 */
DEYE_BUS_API GError *deye_bus_task_dup_error (DeyeBusTask *self);

G_END_DECLS
