/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-tasks-private.h"

#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/* The table of the tasks of a client, and their part in each turn of the pump. */

DeyeBusTasks *
deye_bus_tasks_new (DeyeBusClient *client)
{
  DeyeBusTasks *tasks = g_new0 (DeyeBusTasks, 1);

  tasks->client = client;
  tasks->home = deye_bus_task_home_new (client);
  tasks->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  for (guint i = 0; i < DEYE_BUS_TASK_N_LANES; i++)
    tasks->lanes[i].id = (DeyeBusTaskLaneId) i;
  return tasks;
}

/* --- the table --- */

static gsize
tasks_payload_bytes (const DeyeBusTask *task)
{
  return task->spec->payload != NULL ? g_bytes_get_size (task->spec->payload) : 0;
}

DeyeBusTask *
deye_bus_tasks_add (DeyeBusTasks *tasks, DeyeBusTaskSpec *spec)
{
  DeyeBusTask *task = deye_bus_task_new (tasks->home, spec);

  g_hash_table_insert (tasks->by_id, task->spec->id, task);
  g_queue_push_tail_link (&tasks->order, &task->link);
  tasks->payload_bytes += tasks_payload_bytes (task);
  deye_bus_task_lane_push (&tasks->lanes[DEYE_BUS_TASK_LANE_SUBMIT], task);
  return task;
}

void
deye_bus_tasks_remove (DeyeBusTasks *tasks, DeyeBusTask *task)
{
  if (g_hash_table_lookup (tasks->by_id, task->spec->id) != task)
    return;
  g_queue_unlink (&tasks->order, &task->link);
  tasks->payload_bytes -= tasks_payload_bytes (task);
  g_hash_table_remove (tasks->by_id, task->spec->id);
}

void
deye_bus_tasks_announce (DeyeBusTasks *tasks, DeyeBusTask *task)
{
  if (task->changed == 0 || task->announced)
    return;
  task->announced = TRUE;
  deye_bus_events_push (&tasks->client->events,
                        (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_TASK_CHANGED, .subject = g_object_ref (task) });
}

void
deye_bus_tasks_fail (DeyeBusTasks *tasks, DeyeBusTask *task, DeyeBusTaskState state, GError *error)
{
  deye_bus_task_fail (task, state, error);
  deye_bus_tasks_announce (tasks, task);
  deye_bus_tasks_remove (tasks, task);
}

void
deye_bus_task_obtained (DeyeBusTask *task)
{
  g_autoptr (DeyeBusClient) client = deye_bus_task_dup_client (task);

  if (client == NULL || client->tasks == NULL)
    return;
  task->outcome_known = TRUE;
  if (g_hash_table_lookup (client->tasks->by_id, task->spec->id) == task)
    deye_bus_task_lane_push (&client->tasks->lanes[DEYE_BUS_TASK_LANE_SETTLE], task);
}

/* Cancels a task. If it waits for its first request, it ends here. If its submit has no answer yet, the cancel follows the
 * answer. */
void
deye_bus_tasks_cancel (DeyeBusTasks *tasks, DeyeBusTask *task)
{
  DeyeBusTaskLane *submit = &tasks->lanes[DEYE_BUS_TASK_LANE_SUBMIT];
  gboolean submits = (task->lanes & 1u << DEYE_BUS_TASK_LANE_SUBMIT) != 0;

  task->cancel_wanted = TRUE;
  if (!submits)
    deye_bus_task_lane_push (&tasks->lanes[DEYE_BUS_TASK_LANE_CANCEL], task);
  else if (task->sent_epoch == 0 && (submit->in_flight == NULL || !g_ptr_array_find (submit->in_flight, task, NULL)))
    {
      deye_bus_task_lane_forget (submit, task);
      deye_bus_tasks_fail (
          tasks, task, DEYE_BUS_TASK_STATE_CANCELLED,
          deye_bus_error_new (DEYE_BUS_ERROR_CANCELLED, "%s", _ ("The task was cancelled before it was submitted")));
    }
}

/* --- connections --- */

static gboolean
tasks_are_closed (const DeyeBusTasks *tasks)
{
  return tasks->client->state == DEYE_BUS_CLIENT_STATE_CLOSED
         || tasks->client->state == DEYE_BUS_CLIENT_STATE_DISCONNECTED;
}

/* Submits all tasks that have not ended again, in the order of their first submits. A cancel follows the answer. */
static void
tasks_begin_connection (DeyeBusTasks *tasks)
{
  DeyeBusTaskLane *submit = &tasks->lanes[DEYE_BUS_TASK_LANE_SUBMIT];

  tasks->connection = tasks->client->n_sessions;
  deye_bus_task_lane_clear (submit);
  deye_bus_task_lane_clear (&tasks->lanes[DEYE_BUS_TASK_LANE_CANCEL]);
  for (guint i = 0; i < DEYE_BUS_TASK_N_LANES; i++)
    tasks->lanes[i].due_us = tasks->lanes[i].pause_us = 0;
  tasks->await_due_us = tasks->await_pause_us = 0;
  for (GList *link = tasks->order.head; link != NULL; link = link->next)
    deye_bus_task_lane_push (submit, link->data); /* leaves out tasks that have ended */
}

/* Ends a task that is not followed any more. If it was never sent, it certainly does not run, so it is refused instead of
 * unknown. */
static void
tasks_give_up (DeyeBusTasks *tasks, DeyeBusTask *task, const GError *why)
{
  if (deye_bus_task_state_is_final (task->state))
    return;
  deye_bus_task_fail (task, task->sent_epoch != 0 ? DEYE_BUS_TASK_STATE_UNKNOWN : DEYE_BUS_TASK_STATE_REFUSED,
                      g_error_copy (why));
  deye_bus_tasks_announce (tasks, task);
}

static void
tasks_give_up_all (DeyeBusTasks *tasks, const GError *why)
{
  for (guint i = 0; i < DEYE_BUS_TASK_N_LANES; i++)
    deye_bus_task_lane_clear (&tasks->lanes[i]); /* notes which tasks were sent */
  for (GList *link = tasks->order.head; link != NULL; link = link->next)
    tasks_give_up (tasks, link->data, why);
  while (tasks->order.head != NULL)
    deye_bus_tasks_remove (tasks, tasks->order.head->data);
}

static void
tasks_end (DeyeBusTasks *tasks)
{
  gboolean closed = tasks->client->state == DEYE_BUS_CLIENT_STATE_CLOSED;
  g_autoptr (GError) why = NULL;

  g_clear_pointer (&tasks->await, deye_bus_pending_unref);
  why = closed ? deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s",
                                     _ ("The client was closed before the task ended: a submitted task continues"))
               : deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, "%s",
                                     _ ("The connection ended before the task did, and the client does not connect "
                                        "again: a submitted task continues"));
  tasks_give_up_all (tasks, why);
}

/* The broker of this connection may be older than the one before. */
static gboolean
tasks_check_features (DeyeBusTasks *tasks)
{
  g_autoptr (GError) error = NULL;

  if (deye_bus_session_check_features (tasks->client->session, WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM, &error))
    return TRUE;
  tasks_give_up_all (tasks, error);
  return FALSE;
}

/* --- turns --- */

static gboolean
tasks_are_idle (const DeyeBusTasks *tasks)
{
  gboolean idle = tasks->order.head == NULL && tasks->await == NULL;

  for (guint i = 0; i < DEYE_BUS_TASK_N_LANES; i++)
    idle = idle && deye_bus_task_lane_is_idle (&tasks->lanes[i]);
  return idle;
}

static void
tasks_step (DeyeBusTasks *tasks, gint64 now_us)
{
  if (tasks_are_idle (tasks))
    return;
  for (guint i = 0; i < DEYE_BUS_TASK_N_LANES; i++)
    deye_bus_task_lane_take (tasks, &tasks->lanes[i], now_us);
  deye_bus_tasks_take_pushes (tasks, now_us);
  if (tasks_are_closed (tasks))
    tasks_end (tasks);
  if (tasks->client->state != DEYE_BUS_CLIENT_STATE_READY || !tasks_check_features (tasks))
    return;
  if (tasks->connection != tasks->client->n_sessions)
    tasks_begin_connection (tasks);
  for (guint i = 0; i < DEYE_BUS_TASK_N_LANES; i++)
    deye_bus_task_lane_send (tasks, &tasks->lanes[i], now_us);
  deye_bus_tasks_await (tasks, now_us);
}

static gint64
tasks_next_us (const DeyeBusTasks *tasks)
{
  gint64 soonest = G_MAXINT64;

  if (tasks_are_idle (tasks))
    return G_MAXINT64;
  if (tasks_are_closed (tasks))
    return 0;
  if (tasks->client->state == DEYE_BUS_CLIENT_STATE_READY && tasks->connection != tasks->client->n_sessions)
    return 0;
  for (guint i = 0; i < DEYE_BUS_TASK_N_LANES; i++)
    if (tasks->client->state == DEYE_BUS_CLIENT_STATE_READY || tasks->lanes[i].pending != NULL)
      soonest = MIN (soonest, deye_bus_task_lane_next_us (&tasks->lanes[i]));
  return MIN (soonest, deye_bus_tasks_await_next_us (tasks));
}

static void
tasks_send_all (DeyeBusTasks *tasks)
{
  gint64 now_us = g_get_monotonic_time ();

  tasks_step (tasks, now_us);
  if (tasks->client->state != DEYE_BUS_CLIENT_STATE_READY)
    return;
  for (guint i = 0; i < DEYE_BUS_TASK_N_LANES; i++)
    while (tasks->lanes[i].waiting.length > 0 && now_us >= tasks->lanes[i].due_us)
      {
        deye_bus_task_lane_abandon (&tasks->lanes[i]);
        deye_bus_task_lane_send (tasks, &tasks->lanes[i], now_us);
      }
}

void
deye_bus_client_step_tasks (DeyeBusClient *self)
{
  if (self->tasks != NULL)
    tasks_step (self->tasks, g_get_monotonic_time ());
}

gint64
deye_bus_client_next_tasks_us (DeyeBusClient *self)
{
  return self->tasks != NULL ? tasks_next_us (self->tasks) : G_MAXINT64;
}

void
deye_bus_client_send_tasks (DeyeBusClient *self)
{
  if (self->tasks != NULL)
    tasks_send_all (self->tasks);
}

void
deye_bus_client_free_tasks (DeyeBusClient *self)
{
  DeyeBusTasks *tasks = self->tasks;
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);

  if (tasks == NULL)
    return;
  for (GList *link = tasks->order.head; link != NULL; link = link->next)
    g_ptr_array_add (all, g_object_ref (link->data));
  tasks_end (tasks);
  for (guint i = 0; i < all->len; i++)
    deye_bus_task_return_waiters (all->pdata[i]);
  g_hash_table_unref (tasks->by_id);
  deye_bus_task_home_unref (tasks->home);
  g_free (tasks);
  self->tasks = NULL;
}
