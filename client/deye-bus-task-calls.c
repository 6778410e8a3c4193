/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-task-private.h"

#include "deye-bus-tasks-private.h"

#include <glib/gi18n-lib.h>

/*
 * The calls of a task that need its client: waiting for the end, and cancelling.
 *
 * The synchronous call pumps until the state is final; it need not wait for the dispatch that reports the state. Asynchronous
 * calls wait in a queue of the task, and have a reference to the client, so that it lives until the task has ended.
 */

typedef struct
{
  GTask *task;
  GSource *cancelled; /* NULL: there is no cancellable */
  GList *link;        /* its place among the waiters of the task; borrowed */
} Waiter;

static void
wait_return (GTask *task, DeyeBusTask *self)
{
  if (self->error != NULL)
    g_task_return_error (task, g_error_copy (self->error));
  else
    g_task_return_pointer (task, g_bytes_ref (self->result), (GDestroyNotify) g_bytes_unref);
}

static void
waiter_free (Waiter *waiter)
{
  if (waiter->cancelled != NULL)
    {
      g_source_destroy (waiter->cancelled);
      g_source_unref (waiter->cancelled);
    }
  g_object_unref (waiter->task);
  g_free (waiter);
}

void
deye_bus_task_return_waiters (DeyeBusTask *self)
{
  Waiter *waiter;

  while ((waiter = g_queue_pop_head (&self->waiters)) != NULL)
    {
      wait_return (waiter->task, self);
      waiter_free (waiter);
    }
}

static gboolean
wait_on_cancelled (GCancellable *cancellable, gpointer data)
{
  Waiter *waiter = data;
  DeyeBusTask *self = g_task_get_source_object (waiter->task);

  if (!g_cancellable_is_cancelled (cancellable))
    return G_SOURCE_CONTINUE;
  g_queue_delete_link (&self->waiters, waiter->link);
  g_task_return_new_error (waiter->task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s",
                           _ ("Waiting for a task was cancelled"));
  waiter_free (waiter);
  return G_SOURCE_REMOVE;
}

static void
wait_enqueue (DeyeBusTask *self, GTask *task, DeyeBusClient *client)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->task = g_object_ref (task);
  g_task_set_task_data (task, g_object_ref (client), g_object_unref);
  g_queue_push_tail (&self->waiters, waiter);
  waiter->link = self->waiters.tail;
  if (cancellable == NULL)
    return;
  waiter->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_static_name (waiter->cancelled, "DeyeBusTaskCancelled");
  g_source_set_callback (waiter->cancelled, G_SOURCE_FUNC (wait_on_cancelled), waiter, NULL);
  g_source_attach (waiter->cancelled, client->context);
}

/* TRUE if the outcome is known and was reported, or cannot be reported because there is no client. */
static gboolean
wait_is_settled (DeyeBusTask *self)
{
  g_autoptr (DeyeBusClient) client = deye_bus_task_dup_client (self);

  return deye_bus_task_state_is_final (self->state) && (self->finished_emitted || client == NULL);
}

/* Enters the client of the task, transfer full. NULL: the task has no client, or another thread owns the context. */
static DeyeBusClient *
wait_enter (DeyeBusTask *self, GError **error)
{
  g_autoptr (DeyeBusClient) client = deye_bus_task_dup_client (self);

  if (client == NULL)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED,
                         _ ("This object has no task: deye_bus_client_submit() creates one"));
  else if (deye_bus_client_enter (client, error))
    return g_steal_pointer (&client);
  return NULL;
}

void
deye_bus_task_wait_async (DeyeBusTask *self,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (DeyeBusClient) client = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_TASK (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_task_wait_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_priority (task, G_PRIORITY_DEFAULT - 1); /* before the client's next turn */
  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    g_task_return_error (task, error);
  else if (wait_is_settled (self))
    wait_return (task, self);
  else if ((client = wait_enter (self, &error)) == NULL)
    g_task_return_error (task, error);
  else
    {
      wait_enqueue (self, task, client);
      deye_bus_client_leave (client);
    }
}

GBytes *
deye_bus_task_wait_finish (DeyeBusTask *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_task_wait_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- synchronous --- */

static gboolean
wait_is_over (gconstpointer data)
{
  return deye_bus_task_state_is_final (((const DeyeBusTask *) data)->state);
}

static GBytes *
wait_take (DeyeBusTask *self, GError **error)
{
  if (self->error == NULL)
    return g_bytes_ref (self->result);
  g_propagate_error (error, g_error_copy (self->error));
  return NULL;
}

GBytes *
deye_bus_task_wait (DeyeBusTask *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusClient) client = NULL;
  gboolean ended;

  g_return_val_if_fail (DEYE_BUS_IS_TASK (self), NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (wait_is_settled (self))
    return wait_take (self, error);
  client = wait_enter (self, error);
  if (client == NULL)
    return NULL;
  ended = deye_bus_client_wait (client, wait_is_over, self, G_MAXINT64, cancellable);
  if (ended)
    deye_bus_task_obtained (self);
  deye_bus_client_step_tasks (client);
  deye_bus_client_leave (client);
  if (ended)
    return wait_take (self, error);
  g_cancellable_set_error_if_cancelled (cancellable, error);
  return NULL;
}

/* --- cancel --- */

void
deye_bus_task_cancel (DeyeBusTask *self)
{
  g_autoptr (DeyeBusClient) client = NULL;

  g_return_if_fail (DEYE_BUS_IS_TASK (self));

  client = deye_bus_task_dup_client (self);
  if (client == NULL || deye_bus_task_state_is_final (self->state) || !deye_bus_client_enter (client, NULL))
    return;
  deye_bus_tasks_cancel (client->tasks, self);
  deye_bus_client_leave (client);
}
