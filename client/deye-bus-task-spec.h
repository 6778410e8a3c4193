/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_TASK_SPEC (deye_bus_task_spec_get_type ())

/**
 * DeyeBusTaskSpec:
 *
 * Specification of a task: the operation and its payload, the collectors that may take it, and its limits of time.
 * deye_bus_client_submit() copies it, so a specification can be changed and submitted again; without an id each submit creates
 * another task.
 *
 * Names (id, operation, collector type, target) have 1 to 64 bytes of a-z, 0-9, `-` and `_`.
 *
 * Setters report nothing. A setter that gets a wrong value changes nothing, and from then on each submit of this
 * specification fails with %DEYE_BUS_ERROR_INVALID_ARGUMENT, whose message names the first wrong value. A specification must
 * not be used by two threads at the same time.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusTaskSpec DeyeBusTaskSpec;

DEYE_BUS_API GType deye_bus_task_spec_get_type (void);

/**
 * deye_bus_task_spec_new:
 * @operation: name of the operation
 *
 * Creates a specification of a task that any collector with this operation may take.
 *
 * Returns: (transfer full): a new specification
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusTaskSpec *deye_bus_task_spec_new (const char *operation);

/**
 * deye_bus_task_spec_copy:
 * @spec: a specification
 *
 * Copies a specification.
 *
 * Returns: (transfer full): a copy of @spec
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusTaskSpec *deye_bus_task_spec_copy (const DeyeBusTaskSpec *spec);

/**
 * deye_bus_task_spec_ref:
 * @spec: a specification
 *
 * Acquires a reference. Any thread may do so.
 *
 * Returns: (transfer full): @spec
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusTaskSpec *deye_bus_task_spec_ref (DeyeBusTaskSpec *spec);

/**
 * deye_bus_task_spec_unref:
 * @spec: (transfer full): a specification
 *
 * Releases a reference. Any thread may do so.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_unref (DeyeBusTaskSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusTaskSpec, deye_bus_task_spec_unref)

/**
 * deye_bus_task_spec_set_id:
 * @spec: a specification
 * @id: (nullable): id of the task, or %NULL: each submit makes a new one
 *
 * Sets the id. It identifies the task among all tasks of the same account. A submit with the same id and the same specification
 * attaches to the existing task, as long as the broker knows it. So if a submit may be repeated, for example by a program that
 * was restarted, derive the id from the purpose of the task.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_id (DeyeBusTaskSpec *spec, const char *id);

/**
 * deye_bus_task_spec_set_collector_type:
 * @spec: a specification
 * @type: (nullable): type of the collector, or %NULL: any
 *
 * Sets the type of the collectors that may take the task.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_collector_type (DeyeBusTaskSpec *spec, const char *type);

/**
 * deye_bus_task_spec_set_payload:
 * @spec: a specification
 * @payload: (nullable): payload that the collector gets
 * @type_name: (nullable): full protobuf name of its type
 *
 * Sets the payload. It may have up to the broker's largest payload (#DeyeBusClient:largest-payload) less 16 KiB.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_payload (DeyeBusTaskSpec *spec, GBytes *payload, const char *type_name);

/**
 * deye_bus_task_spec_set_priority:
 * @spec: a specification
 * @priority: priority, from 0 (default) to 255 (most urgent)
 *
 * Sets the priority: a task with a higher priority is given to a collector earlier. Every eighth task of an operation that is
 * given to a collector is the oldest one that waits, independently of its priority, so that no task waits for ever.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_priority (DeyeBusTaskSpec *spec, guint8 priority);

/**
 * deye_bus_task_spec_set_timeout:
 * @spec: a specification
 * @timeout_us: time in microseconds, or 0 for the broker's setting `task-deadline-us` (300 s)
 *
 * Sets the time for the whole task, including waiting and all attempts. A task that has not ended by then gets the state
 * %DEYE_BUS_TASK_STATE_TIMED_OUT. The broker refuses more than its setting `task-max-deadline-us` (24 h).
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_timeout (DeyeBusTaskSpec *spec, gint64 timeout_us);

/**
 * deye_bus_task_spec_set_delay:
 * @spec: a specification
 * @delay_us: time in microseconds
 *
 * Lets the task wait for this time, from the moment at which the broker accepts it, before a collector may take it.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_delay (DeyeBusTaskSpec *spec, gint64 delay_us);

/**
 * deye_bus_task_spec_set_run_limit:
 * @spec: a specification
 * @run_limit_us: time in microseconds, or 0 for the limit that the collector declared for the operation
 *
 * Sets the time that one attempt may take.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_run_limit (DeyeBusTaskSpec *spec, gint64 run_limit_us);

/**
 * deye_bus_task_spec_set_attempts:
 * @spec: a specification
 * @attempts: the number, 1 or more
 *
 * Sets the number of failures, expiries and deaths after which the task is not tried again. Without this call the broker's
 * setting `task-attempts` (3) applies, and the broker refuses more than 100. The number cannot be unlimited: with 0 the submit
 * fails with %DEYE_BUS_ERROR_INVALID_ARGUMENT.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_attempts (DeyeBusTaskSpec *spec, guint attempts);

/**
 * deye_bus_task_spec_set_target:
 * @spec: a specification
 * @collector_id: (nullable): id of the collector, or %NULL: any
 *
 * Lets only one collector take the task. The task waits while this collector is not registered.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_target (DeyeBusTaskSpec *spec, const char *collector_id);

/**
 * deye_bus_task_spec_add_tag:
 * @spec: a specification
 * @key: key of the tag; not empty, without `=`
 * @value: value of the tag
 *
 * Lets only collectors with this tag take the task. A specification can have up to 16 tags of at most 128 bytes; a collector
 * needs all of them.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_add_tag (DeyeBusTaskSpec *spec, const char *key, const char *value);

/**
 * deye_bus_task_spec_set_exclusive:
 * @spec: a specification
 * @exclusive: whether the collector does nothing else meanwhile
 *
 * Lets the task run alone on its collector.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_exclusive (DeyeBusTaskSpec *spec, gboolean exclusive);

/**
 * deye_bus_task_spec_set_cancel_when_gone:
 * @spec: a specification
 * @cancel_when_gone: whether the task ends without its submitters
 *
 * Cancels the task when none of its submitters has been connected for the time of the broker's setting `task-submitter-us`
 * (10 s). By default it continues, and the broker keeps its result.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_task_spec_set_cancel_when_gone (DeyeBusTaskSpec *spec, gboolean cancel_when_gone);

/**
 * deye_bus_task_spec_get_id:
 * @spec: a specification
 *
 * Gets the id.
 *
 * Returns: (nullable): the id; %NULL: none was set
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_spec_get_id (const DeyeBusTaskSpec *spec);

/**
 * deye_bus_task_spec_get_operation:
 * @spec: a specification
 *
 * Gets the operation.
 *
 * Returns: name of the operation
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_spec_get_operation (const DeyeBusTaskSpec *spec);

/**
 * deye_bus_task_spec_get_collector_type:
 * @spec: a specification
 *
 * Gets the type of the collectors that may take the task.
 *
 * Returns: (nullable): the type; %NULL: any
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_spec_get_collector_type (const DeyeBusTaskSpec *spec);

/**
 * deye_bus_task_spec_get_target:
 * @spec: a specification
 *
 * Gets the only collector that may take the task.
 *
 * Returns: (nullable): id of the collector; %NULL: any
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_spec_get_target (const DeyeBusTaskSpec *spec);

/**
 * deye_bus_task_spec_get_payload:
 * @spec: a specification
 *
 * Gets the payload.
 *
 * Returns: (nullable) (transfer none): the payload; %NULL: none was set
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_task_spec_get_payload (const DeyeBusTaskSpec *spec);

/**
 * deye_bus_task_spec_get_payload_type:
 * @spec: a specification
 *
 * Gets the type of the payload.
 *
 * Returns: (nullable): full protobuf name; %NULL: none was set
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_task_spec_get_payload_type (const DeyeBusTaskSpec *spec);

/**
 * deye_bus_task_spec_get_priority:
 * @spec: a specification
 *
 * Gets the priority.
 *
 * Returns: the priority
 *
 * Since: 0.1
 */
DEYE_BUS_API guint8 deye_bus_task_spec_get_priority (const DeyeBusTaskSpec *spec);

G_END_DECLS
