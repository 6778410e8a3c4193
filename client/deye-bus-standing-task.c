/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-standing-task.h"

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
deye_bus_standing_task_new (const char *id, const char *operation, GBytes *payload, const char *payload_type)
{
  DeyeBusStandingTask *task;

  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (operation != NULL, NULL);

  task = g_new0 (DeyeBusStandingTask, 1);
  g_atomic_ref_count_init (&task->refs);
  task->id = g_strdup (id);
  task->operation = g_strdup (operation);
  task->payload_type = g_strdup (payload_type);
  task->payload = payload != NULL ? g_bytes_ref (payload) : g_bytes_new (NULL, 0);
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
