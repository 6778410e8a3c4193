/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-client-connection.h"

#include <glib/gi18n-lib.h>

/* The start of a collector, and its reactions to changes of the client's connection. */

/* --- the connection --- */

static void
collector_on_not_ready (DeyeBusCollector *self)
{
  g_queue_clear_full (&self->arrived, (GDestroyNotify) deye_bus_message_unref);
  deye_bus_collector_check_drained (self);
  deye_bus_collector_set_state (self, DEYE_BUS_COLLECTOR_STATE_UNREGISTERED);
}

static void
collector_on_state (DeyeBusClient *client, GParamSpec *pspec, gpointer data)
{
  g_autoptr (DeyeBusCollector) self = g_object_ref (data);

  if (client->state != DEYE_BUS_CLIENT_STATE_READY)
    {
      collector_on_not_ready (self);
      return;
    }
  deye_bus_collector_open_topics (self);
  deye_bus_collector_settle (self);
  deye_bus_collector_take_arrived (self);
}

/* The attempt to connect has ended. If it failed, the client does not try again, and the collector fails. */
static void
collector_on_connected (GObject *source, GAsyncResult *result, gpointer weak)
{
  g_autoptr (DeyeBusCollector) self = g_weak_ref_get (weak);
  g_autoptr (GError) error = NULL;

  deye_bus_collector_weak_free (weak);
  if (deye_bus_client_connect_finish (DEYE_BUS_CLIENT (source), result, &error) || self == NULL)
    return;
  deye_bus_collector_end_starting (self, error);
  deye_bus_collector_fail (self, error);
  g_signal_emit (self, deye_bus_collector_signals[DEYE_BUS_COLLECTOR_REFUSED], 0, error);
}

static void
collector_on_closed (DeyeBusClient *client, const GError *error, gpointer data)
{
  g_autoptr (DeyeBusCollector) self = g_object_ref (data);

  deye_bus_collector_end_starting (self, error);
  deye_bus_collector_fail (self, error);
}

/* Without this, the collector would wait for signals that a disposed client does not emit. */
static void
collector_on_client_disposed (gpointer owner)
{
  g_autoptr (DeyeBusCollector) self = g_object_ref (owner);
  g_autoptr (GError) error = NULL;

  (void) deye_bus_client_check_ready (self->client, &error);
  collector_on_not_ready (self);
  deye_bus_collector_end_starting (self, error);
  deye_bus_collector_fail (self, error);
}

static const DeyeBusCollectorHooks collector_hooks = {
  .begin_register = deye_bus_collector_begin_register,
  .end_register = deye_bus_collector_end_register,
  .beat = deye_bus_collector_on_heartbeat,
  .task_news = deye_bus_collector_task_news,
  .disposed = collector_on_client_disposed,
};

/* --- start --- */

static gboolean
collector_check_stopped (const DeyeBusCollector *self, GError **error)
{
  if (!self->is_stopping)
    return TRUE;
  g_propagate_error (error, deye_bus_collector_error_stopped ());
  return FALSE;
}

static gboolean
collector_check_start (DeyeBusCollector *self, GError **error)
{
  const char *problem = NULL;

  if (self->client->id == NULL || self->client->type == NULL)
    problem = _ ("A collector needs an id and a type: construct it with both");
  else if (self->client->collector_hooks != NULL)
    problem = _ ("This client has another collector: use one client for each");
  if (problem == NULL)
    return self->client->state != DEYE_BUS_CLIENT_STATE_CLOSED || deye_bus_client_check_ready (self->client, error);
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, problem);
  return FALSE;
}

static void
collector_hook (DeyeBusCollector *self)
{
  DeyeBusClient *client = self->client;

  self->is_started = TRUE;
  client->collector_hooks = &collector_hooks;
  client->collector = self;
  self->state_handler = g_signal_connect (client, "notify::state", G_CALLBACK (collector_on_state), self);
  self->closed_handler = g_signal_connect (client, "closed", G_CALLBACK (collector_on_closed), self);
  deye_bus_collector_start_timer (self);
  if (client->heartbeat_us == 0)
    (void) deye_bus_client_set_heartbeat (client, DEYE_BUS_COLLECTOR_HEARTBEAT_US, NULL);
}

static void
collector_begin (DeyeBusCollector *self)
{
  collector_hook (self);
  g_main_context_push_thread_default (self->client->context);
  if (self->client->state == DEYE_BUS_CLIENT_STATE_DISCONNECTED)
    deye_bus_client_connect_async (self->client, NULL, collector_on_connected, deye_bus_collector_weak_new (self));
  else if (self->client->state == DEYE_BUS_CLIENT_STATE_READY)
    deye_bus_collector_register (self);
  deye_bus_collector_open_topics (self);
  g_main_context_pop_thread_default (self->client->context);
}

gboolean
deye_bus_collector_start (DeyeBusCollector *self, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);

  if (!deye_bus_client_enter (self->client, error))
    return FALSE;
  ok = collector_check_stopped (self, error) && (self->is_started || collector_check_start (self, error));
  if (ok && !self->is_started)
    collector_begin (self);
  deye_bus_client_leave (self->client);
  return ok;
}

/* --- asynchronous --- */

static gboolean
collector_on_start_cancelled (GCancellable *cancellable, gpointer data)
{
  GTask *task = data;
  DeyeBusCollector *self = g_task_get_source_object (task);

  if (g_queue_remove (&self->starting, task))
    {
      g_task_return_error_if_cancelled (task);
      g_object_unref (task);
    }
  return G_SOURCE_REMOVE;
}

static void
collector_destroy_source (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* @task: a reference is taken. */
static void
collector_wait_start (DeyeBusCollector *self, GTask *task, GCancellable *cancellable)
{
  GSource *source;

  g_queue_push_tail (&self->starting, g_object_ref (task));
  if (cancellable == NULL)
    return;
  source = g_cancellable_source_new (cancellable);
  g_source_set_static_name (source, "DeyeBusStartCancelled");
  g_source_set_callback (source, G_SOURCE_FUNC (collector_on_start_cancelled), task, NULL);
  g_source_attach (source, self->client->context);
  g_task_set_task_data (task, source, collector_destroy_source);
}

/* FALSE: the client has failed and does not connect again, so the collector would never be registered. */
static gboolean
collector_check_failure (const DeyeBusCollector *self, GError **error)
{
  const gboolean connects = self->client->state != DEYE_BUS_CLIENT_STATE_DISCONNECTED
                            && self->client->state != DEYE_BUS_CLIENT_STATE_CLOSED;

  if (connects || self->failure == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (self->failure));
  return FALSE;
}

void
deye_bus_collector_start_async (DeyeBusCollector *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_COLLECTOR (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_collector_start_async);
  if (!deye_bus_collector_start (self, &error) || !collector_check_failure (self, &error))
    g_task_return_error (task, error);
  else if (self->state != DEYE_BUS_COLLECTOR_STATE_UNREGISTERED)
    g_task_return_boolean (task, TRUE);
  else
    collector_wait_start (self, task, cancellable);
}

gboolean
deye_bus_collector_start_finish (DeyeBusCollector *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_collector_start_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}
