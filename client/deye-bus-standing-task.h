/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_STANDING_TASK (deye_bus_standing_task_get_type ())

/**
 * DeyeBusStandingTask:
 *
 * A standing task: work that a collector does until it gets another set of standing tasks, such as watching a directory. It is
 * immutable, and its reference count is atomic, so it can be used in any thread.
 *
 * See deye_bus_collector_set_standing_handler().
 *
 * Since: 0.1
 */
typedef struct _DeyeBusStandingTask DeyeBusStandingTask;

DEYE_BUS_API GType deye_bus_standing_task_get_type (void);

/**
 * deye_bus_standing_task_new:
 * @id: id of the task
 * @operation: name of the operation
 * @payload: (nullable): the payload, or %NULL for an empty one
 * @payload_type: (nullable): full name of the payload's protobuf type, or %NULL
 *
 * Creates a standing task. The library itself creates the standing tasks that a collector gets.
 *
 * Returns: (transfer full): the standing task
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusStandingTask *
deye_bus_standing_task_new (const char *id, const char *operation, GBytes *payload, const char *payload_type);

/**
 * deye_bus_standing_task_ref:
 * @task: a #DeyeBusStandingTask
 *
 * Increases the reference count of a standing task.
 *
 * Returns: (transfer full): @task
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusStandingTask *deye_bus_standing_task_ref (DeyeBusStandingTask *task);

/**
 * deye_bus_standing_task_unref:
 * @task: (transfer full): a #DeyeBusStandingTask
 *
 * Decreases the reference count of a standing task and frees it when the count reaches zero.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_standing_task_unref (DeyeBusStandingTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusStandingTask, deye_bus_standing_task_unref)

/**
 * deye_bus_standing_task_get_id:
 * @task: a #DeyeBusStandingTask
 *
 * Gets the id.
 *
 * Returns: (transfer none): the id, owned by @task; never %NULL
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_standing_task_get_id (DeyeBusStandingTask *task);

/**
 * deye_bus_standing_task_get_operation:
 * @task: a #DeyeBusStandingTask
 *
 * Gets the name of the operation.
 *
 * Returns: (transfer none): the name, owned by @task; never %NULL
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_standing_task_get_operation (DeyeBusStandingTask *task);

/**
 * deye_bus_standing_task_get_payload:
 * @task: a #DeyeBusStandingTask
 *
 * Gets the payload.
 *
 * Returns: (transfer none): the payload, owned by @task; it may be empty
 *
 * Since: 0.1
 */
DEYE_BUS_API GBytes *deye_bus_standing_task_get_payload (DeyeBusStandingTask *task);

/**
 * deye_bus_standing_task_get_payload_type:
 * @task: a #DeyeBusStandingTask
 *
 * Gets the full name of the payload's protobuf type.
 *
 * Returns: (transfer none) (nullable): the name, owned by @task; %NULL if there is none
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_standing_task_get_payload_type (DeyeBusStandingTask *task);

G_END_DECLS
