/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-connection.h"

#include <glib/gi18n-lib.h>

/*
 * The calls of connect(), and the checks that other calls make before they use the connection.
 *
 * A call starts the attempts, if none is in progress, and waits until the client is ready or no further attempt follows. It does
 * not connect itself: the pump runs the steps of each attempt (deye-bus-client-connect.c).
 *
 * Invariant: at most one call of connect() waits, and it ends once.
 */

/* --- checks --- */

gboolean
deye_bus_client_check_ready (DeyeBusClient *self, GError **error)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_READY)
    return TRUE;
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED,
                         _ ("This client has been closed: create a new one"));
  else if (self->state == DEYE_BUS_CLIENT_STATE_DISCONNECTED)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not connected: connect first"));
  else
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED,
                         _ ("Not connected at the moment, the client is connecting: try again when it is ready"));
  return FALSE;
}

gboolean
deye_bus_client_may_wait (DeyeBusClient *self)
{
  return deye_bus_client_reconnects (self) && self->session != NULL
         && (deye_bus_session_state (self->session) != DEYE_BUS_SESSION_ENDED
             || deye_bus_session_is_kept (self->session))
         && (self->state == DEYE_BUS_CLIENT_STATE_CONNECTING || self->state == DEYE_BUS_CLIENT_STATE_CONNECTED);
}

/* Checks the properties that were set at construction. The broker checks the form of id and type. */
static gboolean
connect_check_properties (const DeyeBusClient *self, GError **error)
{
  const char *problem = NULL;

  if (self->id == NULL)
    problem = _ ("This client has no id: construct it with one (property “id”)");
  else if (self->wanted_role < DEYE_BUS_ROLE_COLLECTOR || self->wanted_role > DEYE_BUS_ROLE_AGENT)
    problem = _ ("This client has no valid role: construct it as a collector, a tool or an agent (property “role”)");
  else if (self->is_for_fd && self->given_fd < 0 && self->n_sessions == 0)
    problem = _ ("This client was constructed with a value that is not a file descriptor");
  if (problem == NULL)
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, problem);
  return FALSE;
}

static gboolean
connect_check_allowed (DeyeBusClient *self, GError **error)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    return deye_bus_client_check_ready (self, error);
  if (!connect_check_properties (self, error))
    return FALSE;
  if (self->connect_call != NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING, _ ("This client is already connecting"));
      return FALSE;
    }
  if (self->state == DEYE_BUS_CLIENT_STATE_DISCONNECTED && self->is_for_fd && self->given_fd < 0)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED,
                           _ ("The connection that this client was created for has ended: create a new client"));
      return FALSE;
    }
  return TRUE;
}

/* --- calls of connect() --- */

/* If the client is disconnected, begins to connect, and makes the first attempt at once, without waiting for the pump. */
static void
connect_start (DeyeBusClient *self, DeyeBusPending *call)
{
  gint64 now_us = g_get_monotonic_time ();

  self->connect_call = deye_bus_pending_ref (call);
  if (self->state != DEYE_BUS_CLIENT_STATE_DISCONNECTED)
    return;
  self->connect_began_attempt = TRUE;
  deye_bus_client_attach (self);
  deye_bus_client_dial (self, now_us);
  deye_bus_client_step_connect (self, now_us);
  deye_bus_client_settle (self);
}

void
deye_bus_client_end_connect_call (DeyeBusClient *self, const GError *error)
{
  g_autoptr (DeyeBusPending) call = g_steal_pointer (&self->connect_call);

  self->connect_began_attempt = FALSE;
  if (call == NULL)
    return;
  call->done = TRUE;
  call->error = error != NULL ? g_error_copy (error) : NULL;
  if (call->complete != NULL)
    deye_bus_events_push (&self->events,
                          (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_DONE, .subject = g_steal_pointer (&call) });
}

/* If the call that made the client connect is cancelled, the attempts end. If another call is cancelled, only that call ends. */
static void
connect_cancel (DeyeBusClient *self, const DeyeBusPending *call, const GError *error)
{
  if (call->done)
    return;
  if (self->connect_began_attempt)
    deye_bus_client_stop_connecting (self, error);
  else
    deye_bus_client_end_connect_call (self, error);
}

/* --- synchronous --- */

static gboolean
connect_is_done (gconstpointer data)
{
  return ((const DeyeBusPending *) data)->done;
}

static gboolean
connect_sync (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusPending) call = deye_bus_pending_new (DEYE_BUS_PENDING_READY, G_MAXINT64);
  g_autoptr (GError) cancelled = NULL;

  connect_start (self, call);
  if (!deye_bus_client_wait (self, connect_is_done, call, G_MAXINT64, cancellable)
      && g_cancellable_set_error_if_cancelled (cancellable, &cancelled))
    connect_cancel (self, call, cancelled);
  if (call->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&call->error));
  return FALSE;
}

gboolean
deye_bus_client_connect (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  ok = self->state == DEYE_BUS_CLIENT_STATE_READY
       || (connect_check_allowed (self, error) && connect_sync (self, cancellable, error));
  deye_bus_client_leave (self);
  return ok;
}

/* --- asynchronous --- */

typedef struct
{
  DeyeBusClient *client; /* borrowed: the pending call's task holds it */
  DeyeBusPending *call;
} ConnectWatch;

static void
connect_watch_free (gpointer data)
{
  ConnectWatch *watch = data;

  deye_bus_pending_unref (watch->call);
  g_free (watch);
}

static gboolean
connect_on_cancelled (GCancellable *cancellable, gpointer data)
{
  ConnectWatch *watch = data;
  g_autoptr (DeyeBusClient) client = g_object_ref (watch->client);
  g_autoptr (GError) error = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    connect_cancel (client, watch->call, error);
  return G_SOURCE_REMOVE;
}

static void
connect_watch_cancellable (DeyeBusClient *self, DeyeBusPending *call, GCancellable *cancellable)
{
  ConnectWatch *watch = g_new0 (ConnectWatch, 1);

  watch->client = self;
  watch->call = deye_bus_pending_ref (call);
  call->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_static_name (call->cancelled, "DeyeBusConnectCancelled");
  g_source_set_callback (call->cancelled, G_SOURCE_FUNC (connect_on_cancelled), watch, connect_watch_free);
  g_source_attach (call->cancelled, self->context);
}

static void
connect_by_task (DeyeBusClient *self, GTask *task, GCancellable *cancellable)
{
  g_autoptr (DeyeBusPending) call = NULL;
  GError *error = NULL;

  if (self->state == DEYE_BUS_CLIENT_STATE_READY)
    g_task_return_boolean (task, TRUE);
  else if (!connect_check_allowed (self, &error))
    g_task_return_error (task, error);
  else
    {
      call = deye_bus_pending_new (DEYE_BUS_PENDING_READY, G_MAXINT64);
      deye_bus_client_run_task (self, call, task, NULL, deye_bus_pending_return_true);
      if (cancellable != NULL)
        connect_watch_cancellable (self, call, cancellable);
      connect_start (self, call);
    }
}

void
deye_bus_client_connect_async (DeyeBusClient *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_connect_async);
  if (!deye_bus_client_enter_task (self, task, NULL))
    return;
  connect_by_task (self, task, cancellable);
  deye_bus_client_leave (self);
}

gboolean
deye_bus_client_connect_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_client_connect_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}
