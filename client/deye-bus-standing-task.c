/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-standing-task-private.h"

struct _DeyeBusStandingTask
{
  gatomicrefcount refs;
  char *id;
  char *operation;
  char *payload_type; /* NULL: none */
  GBytes *payload;
};

G_DEFINE_BOXED_TYPE (DeyeBusStandingTask,
                     deye_bus_standing_task,
                     deye_bus_standing_task_ref,
                     deye_bus_standing_task_unref)

DeyeBusStandingTask *
deye_bus_standing_task_new (const Daemoneye__Eventbus__V1__StandingTask *wire)
{
  DeyeBusStandingTask *task = g_new0 (DeyeBusStandingTask, 1);

  g_atomic_ref_count_init (&task->refs);
  task->id = g_strdup (wire->id);
  task->operation = g_strdup (wire->operation);
  task->payload_type = *wire->payload_type != '\0' ? g_strdup (wire->payload_type) : NULL;
  task->payload = g_bytes_new (wire->payload.data, wire->payload.len);
  return task;
}

DeyeBusStandingTask *
deye_bus_standing_task_ref (DeyeBusStandingTask *task)
{
  g_return_val_if_fail (task != NULL, NULL);

  g_atomic_ref_count_inc (&task->refs);
  return task;
}

void
deye_bus_standing_task_unref (DeyeBusStandingTask *task)
{
  g_return_if_fail (task != NULL);

  if (!g_atomic_ref_count_dec (&task->refs))
    return;
  g_free (task->id);
  g_free (task->operation);
  g_free (task->payload_type);
  g_bytes_unref (task->payload);
  g_free (task);
}

const char *
deye_bus_standing_task_get_id (DeyeBusStandingTask *task)
{
  g_return_val_if_fail (task != NULL, NULL);

  return task->id;
}

const char *
deye_bus_standing_task_get_operation (DeyeBusStandingTask *task)
{
  g_return_val_if_fail (task != NULL, NULL);

  return task->operation;
}

GBytes *
deye_bus_standing_task_get_payload (DeyeBusStandingTask *task)
{
  g_return_val_if_fail (task != NULL, NULL);

  return task->payload;
}

const char *
deye_bus_standing_task_get_payload_type (DeyeBusStandingTask *task)
{
  g_return_val_if_fail (task != NULL, NULL);

  return task->payload_type;
}
