/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include <glib/gi18n-lib.h>

/*
 * Asynchronous calls: a GTask that returns when a pending call ends.
 *
 * All asynchronous functions of the library follow the same rules: the calling thread must be able to acquire the context, a
 * source in that context watches the cancellable, and the task returns in a dispatch of the client, never from inside the call.
 */

typedef struct
{
  DeyeBusClient *client; /* borrowed: the data of the pending call has a reference */
  DeyeBusPending *pending;
} TaskWatch;

static void
task_watch_free (gpointer data)
{
  TaskWatch *watch = data;

  deye_bus_pending_unref (watch->pending);
  g_free (watch);
}

static gboolean
task_on_cancelled (GCancellable *cancellable, gpointer data)
{
  TaskWatch *watch = data;
  g_autoptr (DeyeBusClient) client = g_object_ref (watch->client);
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    {
      deye_bus_session_cancel (client->session, watch->pending, error);
      deye_bus_client_settle (client);
      deye_bus_client_write (client);
    }
  return G_SOURCE_REMOVE;
}

static void
task_watch_cancellable (DeyeBusClient *self, DeyeBusPending *pending, GCancellable *cancellable)
{
  TaskWatch *watch = g_new0 (TaskWatch, 1);

  watch->client = self;
  watch->pending = deye_bus_pending_ref (pending);
  pending->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_static_name (pending->cancelled, "DeyeBusCancelled");
  g_source_set_callback (pending->cancelled, G_SOURCE_FUNC (task_on_cancelled), watch, task_watch_free);
  g_source_attach (pending->cancelled, self->context);
}

void
deye_bus_client_run_pending (DeyeBusClient *self,
                             DeyeBusPending *pending,
                             GObject *data,
                             GCancellable *cancellable,
                             DeyeBusPendingFunc complete)
{
  pending->complete = complete;
  pending->data = g_object_ref (data);
  if (cancellable != NULL)
    task_watch_cancellable (self, pending, cancellable);
}

void
deye_bus_client_run_task (DeyeBusClient *self,
                          DeyeBusPending *pending,
                          GTask *task,
                          GCancellable *cancellable,
                          DeyeBusPendingFunc complete)
{
  /* If a call ends in the dispatch in which it was begun, GTask returns from an idle source. That source has to run before the
   * next turn of the client's own source; otherwise calls that end later would return earlier. */
  g_task_set_priority (task, G_PRIORITY_DEFAULT - 1);
  deye_bus_client_run_pending (self, pending, G_OBJECT (task), cancellable, complete);
}

gpointer
deye_bus_pending_steal_data (DeyeBusPending *pending)
{
  GSource *cancelled = g_steal_pointer (&pending->cancelled);

  if (cancelled != NULL)
    {
      g_source_destroy (cancelled);
      g_source_unref (cancelled);
    }
  return g_steal_pointer (&pending->data);
}

GTask *
deye_bus_pending_steal_task (DeyeBusPending *pending)
{
  return deye_bus_pending_steal_data (pending);
}

GTask *
deye_bus_pending_steal_task_on_success (DeyeBusPending *pending)
{
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending);

  if (pending->error == NULL)
    return g_steal_pointer (&task);
  g_task_return_error (task, g_steal_pointer (&pending->error));
  return NULL;
}

/* The source tag of a task whose result a finish function has taken. */
static const char task_finished;

gboolean
deye_bus_task_check (gpointer source, GAsyncResult *result, gpointer tag, GError **error)
{
  const char *problem = NULL;

  if (g_task_is_valid (result, source) && g_task_get_source_tag (G_TASK (result)) == &task_finished)
    problem = _ ("This call has been finished before: its result can be taken only once");
  else if (!g_task_is_valid (result, source) || g_task_get_source_tag (G_TASK (result)) != tag)
    problem = _ ("This result belongs to another call: pass the result that the callback of this call received");
  if (problem == NULL)
    {
      (g_task_set_source_tag) (G_TASK (result), (gpointer) &task_finished); /* the macro would name the task */
      return TRUE;
    }
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, problem);
  return FALSE;
}

void
deye_bus_pending_return_true (DeyeBusPending *pending)
{
  g_autoptr (GTask) task = deye_bus_pending_steal_task_on_success (pending);

  if (task != NULL)
    g_task_return_boolean (task, TRUE);
}

gboolean
deye_bus_client_enter_task (DeyeBusClient *self, GTask *task, GCancellable *cancellable)
{
  GError *error = NULL;

  /* The pending call ends with the cancellation, in order with the ends of other calls. */
  g_task_set_check_cancellable (task, FALSE);
  if (!g_cancellable_set_error_if_cancelled (cancellable, &error) && deye_bus_client_enter (self, &error))
    return TRUE;
  g_task_return_error (task, error);
  return FALSE;
}

void
deye_bus_client_leave_task (DeyeBusClient *self,
                            GTask *task,
                            DeyeBusPending *pending,
                            DeyeBusPendingFunc complete,
                            GError *error)
{
  if (error != NULL)
    g_task_return_error (task, error);
  else
    deye_bus_client_run_task (self, pending, task, g_task_get_cancellable (task), complete);
  g_clear_pointer (&pending, deye_bus_pending_unref);
  deye_bus_client_leave (self);
}
