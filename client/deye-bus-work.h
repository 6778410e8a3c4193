/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * DeyeBusCancelReason:
 * @DEYE_BUS_CANCEL_NONE: it is not cancelled
 * @DEYE_BUS_CANCEL_ASKED: the submitter, or an administrator, has cancelled the task
 * @DEYE_BUS_CANCEL_EXPIRED: the run limit or the deadline of the task has passed
 * @DEYE_BUS_CANCEL_SUPERSEDED: another collector has the task, or the broker does not know this attempt: its result would be
 *   ignored
 * @DEYE_BUS_CANCEL_DRAINING: the time that the collector had for finishing its tasks has passed
 * @DEYE_BUS_CANCEL_STOPPED: the collector was stopped, or has been freed
 *
 * The reason for which a work is cancelled.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_CANCEL_NONE,
  DEYE_BUS_CANCEL_ASKED,
  DEYE_BUS_CANCEL_EXPIRED,
  DEYE_BUS_CANCEL_SUPERSEDED,
  DEYE_BUS_CANCEL_DRAINING,
  DEYE_BUS_CANCEL_STOPPED,
} DeyeBusCancelReason;

#define DEYE_BUS_TYPE_WORK (deye_bus_work_get_type ())
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusWork, deye_bus_work, DEYE_BUS, WORK, GObject)

/**
 * DeyeBusWork:
 *
 * One attempt of one task, which a collector works on.
 *
 * A #DeyeBusWorkHandler gets it, and ends it once, with deye_bus_work_succeed(), deye_bus_work_fail(), deye_bus_work_retry() or
 * deye_bus_work_acknowledge_cancel(). It may do that before it returns, or keep a reference and do it later. If the last
 * reference is released before the work was ended, the task is retried.
 *
 * The broker cancels the work when the result is not wanted any more: deye_bus_work_get_cancellable() is cancelled, and
 * deye_bus_work_get_cancel_reason() returns the reason. Until the handler has ended the work, it uses one of the collector's
 * slots.
 *
 * If the connection is lost, the work continues. When the collector has connected again, also to a broker that was restarted,
 * the library reports the works that still run, and the results that may not have arrived, to the broker. The handler is not
 * called again for them.
 *
 * All functions may be called in any thread. Calls outside of the client's context take effect when that context is
 * iterated.
 *
 * Since: 0.1
 */

/**
 * deye_bus_work_get_task_id:
 * @self: a #DeyeBusWork
 *
 * Gets the id of the task. The submitter has chosen it; the id of a question to many collectors comes from the broker, and
 * contains dots.
 *
 * Returns: (transfer none) (nullable): the id; %NULL for an object that no collector has made
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_work_get_task_id (DeyeBusWork *self);

/**
 * deye_bus_work_get_operation:
 * @self: a #DeyeBusWork
 *
 * Gets the name of the operation.
 *
 * Returns: (transfer none) (nullable): the name; %NULL for an object that no collector has made
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_work_get_operation (DeyeBusWork *self);

/**
 * deye_bus_work_get_payload:
 * @self: a #DeyeBusWork
 *
 * Gets the payload of the task.
 *
 * Returns: (transfer none) (nullable): the payload, which may be empty; %NULL for an object that no collector has made
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_work_get_payload (DeyeBusWork *self);

/**
 * deye_bus_work_get_payload_type:
 * @self: a #DeyeBusWork
 *
 * Gets the full name of the payload's protobuf type.
 *
 * Returns: (transfer none) (nullable): the name, or %NULL if the submitter gave none
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_work_get_payload_type (DeyeBusWork *self);

/**
 * deye_bus_work_get_attempt:
 * @self: a #DeyeBusWork
 *
 * Gets the number of this attempt.
 *
 * Returns: 1 for the first attempt; 0 for an object that no collector has made
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_work_get_attempt (DeyeBusWork *self);

/**
 * deye_bus_work_get_priority:
 * @self: a #DeyeBusWork
 *
 * Gets the priority of the task.
 *
 * Returns: the priority, from 0 to 255 (most urgent)
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_work_get_priority (DeyeBusWork *self);

/**
 * deye_bus_work_get_shard:
 * @self: a #DeyeBusWork
 *
 * Gets the part of a divided question that is wanted, such as the processes whose number modulo deye_bus_work_get_shards() is
 * this one.
 *
 * Returns: the part, from 0
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_work_get_shard (DeyeBusWork *self);

/**
 * deye_bus_work_get_shards:
 * @self: a #DeyeBusWork
 *
 * Gets the number of parts into which the question is divided.
 *
 * Returns: the number of parts; 0: it is not divided
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_work_get_shards (DeyeBusWork *self);

/**
 * deye_bus_work_get_remaining:
 * @self: a #DeyeBusWork
 *
 * Gets the time until the deadline of the task.
 *
 * Returns: the time in microseconds; 0: the deadline is over
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_work_get_remaining (DeyeBusWork *self);

/**
 * deye_bus_work_get_last_details:
 * @self: a #DeyeBusWork
 *
 * Gets the details of the newest progress of an earlier attempt, so that this attempt can continue where the earlier one ended.
 *
 * Returns: (transfer none) (nullable): the details, or %NULL if there are none
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_work_get_last_details (DeyeBusWork *self);

/**
 * deye_bus_work_get_cancellable:
 * @self: a #DeyeBusWork
 *
 * Gets a cancellable that is cancelled, in the client's context, when the result is not wanted any more.
 *
 * Returns: (transfer none): the cancellable
 *
 * Since: 0.1
 */
DEYE_BUS_API GCancellable *deye_bus_work_get_cancellable (DeyeBusWork *self);

/**
 * deye_bus_work_get_cancel_reason:
 * @self: a #DeyeBusWork
 *
 * Gets the reason for which the work is cancelled.
 *
 * Returns: a #DeyeBusCancelReason
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusCancelReason deye_bus_work_get_cancel_reason (DeyeBusWork *self);

/**
 * deye_bus_work_is_ended:
 * @self: a #DeyeBusWork
 *
 * Checks whether the work has its outcome.
 *
 * Returns: %TRUE if a function that ends it has succeeded
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_work_is_ended (DeyeBusWork *self);

/**
 * deye_bus_work_progress:
 * @self: a #DeyeBusWork
 * @done: the work that is done, in any unit
 * @total: the whole work, in the same unit; 0: not known
 * @text: (nullable): the current activity, for users; at most 256 bytes are sent
 * @details: (nullable): at most 4,096 bytes, which the next attempt gets if this one does not end the task
 * @error: return location for a #GError, or %NULL
 *
 * Reports progress, which shows the broker that the handler is alive. It may be called at any rate: the library sends the first
 * report at once, and then the newest report at most four times within the interval of the operation. The last report is always
 * sent before the outcome. The library never reports progress by itself.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_CANCELLED if the work is cancelled or was ended: then stop working on
 *   it; or with %DEYE_BUS_ERROR_LIMIT (@details are too large)
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_work_progress (DeyeBusWork *self,
                                              guint64 done,
                                              guint64 total,
                                              const char *text,
                                              GBytes *details,
                                              GError **error);

/**
 * deye_bus_work_set_rows:
 * @self: a #DeyeBusWork
 * @rows: number of rows in the result; 0: the handler has searched and found nothing
 *
 * Sets the number of rows in the result. A manifest distinguishes an answer without rows from an answer with rows, and from a
 * collector that did not search.
 *
 * This function and the following ones describe the result. Call them before deye_bus_work_succeed(): they have no effect on a
 * work that was ended.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_work_set_rows (DeyeBusWork *self, guint64 rows);

/**
 * deye_bus_work_set_truncated:
 * @self: a #DeyeBusWork
 * @limit: the limit that was reached, in rows; 0: it is not a number of rows
 *
 * Notes that there is more data than the result contains. A question with such an answer is not answered completely.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_work_set_truncated (DeyeBusWork *self, guint64 limit);

/**
 * deye_bus_work_set_period:
 * @self: a #DeyeBusWork
 * @from_time_us: start, in microseconds since 1970
 * @to_time_us: end, in microseconds since 1970
 * @gaps: number of gaps in the period, in which the collector did not search
 *
 * Sets the period that the result covers.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_work_set_period (DeyeBusWork *self, guint64 from_time_us, guint64 to_time_us, guint gaps);

/**
 * deye_bus_work_set_share:
 * @self: a #DeyeBusWork
 * @permille: the share in permille, 1 to 1000
 *
 * Sets the share of the existing data that the collector can see, such as the processes that it may read.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_work_set_share (DeyeBusWork *self, guint permille);

/**
 * deye_bus_work_set_age:
 * @self: a #DeyeBusWork
 * @age_us: the age, in microseconds
 *
 * Sets the age of the oldest data in the result.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_work_set_age (DeyeBusWork *self, guint64 age_us);

/**
 * deye_bus_work_set_configuration:
 * @self: a #DeyeBusWork
 * @revision: (nullable): revision of the collector's configuration; at most 64 bytes are sent
 *
 * Sets the revision of the configuration that the collector used.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_work_set_configuration (DeyeBusWork *self, const char *revision);

/**
 * deye_bus_work_succeed:
 * @self: a #DeyeBusWork
 * @payload: (nullable): the result, or %NULL for an empty one
 * @payload_type: (nullable): full name of the result's protobuf type, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Ends the work with its result. The library keeps the result until the submitter has it, at most 5 minutes and 4 MiB of all
 * results, and offers it again after the connection was lost.
 *
 * The result of a cancelled work is sent as well: the broker decides whether it arrived in time.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_CANCELLED (it was ended before), %DEYE_BUS_ERROR_LIMIT (the result is
 *   larger than the broker's largest payload less 16 KiB; the work is not ended), or %DEYE_BUS_ERROR_INVALID_ARGUMENT
 *   (@payload_type is not UTF-8 text of at most 256 bytes)
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_work_succeed (DeyeBusWork *self,
                                             GBytes *payload,
                                             const char *payload_type,
                                             GError **error);

/**
 * deye_bus_work_fail:
 * @self: a #DeyeBusWork
 * @name: name of the error for programs, such as `org.example.NoDisk`
 * @text: (nullable): explanation for users; at most 256 bytes are sent
 * @error: return location for a #GError, or %NULL
 *
 * Ends the work and its task with an error: another attempt would fail as well.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_CANCELLED (it was ended before)
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_work_fail (DeyeBusWork *self, const char *name, const char *text, GError **error);

/**
 * deye_bus_work_retry:
 * @self: a #DeyeBusWork
 * @text: (nullable): description of the failure, for users; at most 256 bytes are sent
 * @after_us: shortest time until the next attempt, in microseconds; 0: the broker decides, with a delay that grows with each
 *   attempt
 * @error: return location for a #GError, or %NULL
 *
 * Ends the work with an error that may not occur in another attempt. After a number of attempts the broker gives up.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_CANCELLED (it was ended before)
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_work_retry (DeyeBusWork *self, const char *text, gint64 after_us, GError **error);

/**
 * deye_bus_work_acknowledge_cancel:
 * @self: a #DeyeBusWork
 * @error: return location for a #GError, or %NULL
 *
 * Ends a work that is cancelled.
 *
 * Returns: %TRUE on success; %FALSE with %DEYE_BUS_ERROR_CANCELLED (it was ended before), or %DEYE_BUS_ERROR_INVALID_ARGUMENT
 *   (it is not cancelled: use deye_bus_work_retry())
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_work_acknowledge_cancel (DeyeBusWork *self, GError **error);

G_END_DECLS
