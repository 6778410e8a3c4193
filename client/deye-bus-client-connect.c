/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-subscription-private.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * Opening and closing. Both are small state machines that the pump steps, so that the synchronous and the asynchronous
 * call do the same: connecting tries again while the broker's queue of new connections is full, closing writes what is
 * owed for at most a second.
 */

#define RETRY_US  (5 * G_TIME_SPAN_MILLISECOND)
#define LINGER_US G_TIME_SPAN_SECOND

/* --- the socket --- */

static void
close_socket (DeyeBusClient *self)
{
  deye_bus_client_unwatch_socket (self);
  deye_bus_socket_close (&self->socket);
  self->retry_us = 0;
}

static DeyeBusSocket
open_socket (DeyeBusClient *self, gboolean *again, GError **error)
{
  g_autofree char *address = deye_bus_client_dup_address (self);
  gintptr given = self->given_fd;

  *again = FALSE;
  if (!self->is_for_fd)
    return deye_bus_socket_open (address, again, error);
  self->given_fd = -1;
  return deye_bus_socket_adopt (given, error);
}

void
deye_bus_client_step_connect (DeyeBusClient *self, gint64 now_us)
{
  GError *error = NULL;
  gboolean again;

  if (self->state != DEYE_BUS_CLIENT_STATE_CONNECTING || self->socket != DEYE_BUS_SOCKET_NONE || now_us < self->retry_us
      || deye_bus_session_state (self->session) == DEYE_BUS_SESSION_ENDED)
    return;
  self->retry_us = 0;
  self->socket = open_socket (self, &again, &error);
  if (self->socket != DEYE_BUS_SOCKET_NONE)
    deye_bus_client_watch_socket (self);
  else if (again)
    self->retry_us = now_us + RETRY_US;
  else
    deye_bus_session_fail (self->session, error);
}

void
deye_bus_client_settle (DeyeBusClient *self)
{
  gboolean was_connected = self->state == DEYE_BUS_CLIENT_STATE_CONNECTED;

  if (self->session == NULL || (self->state != DEYE_BUS_CLIENT_STATE_CONNECTING && !was_connected))
    return;
  switch (deye_bus_session_state (self->session))
    {
    case DEYE_BUS_SESSION_HELLO:
      break;
    case DEYE_BUS_SESSION_READY:
      if (!was_connected)
        self->connected_us = g_get_monotonic_time ();
      deye_bus_client_set_state (self, DEYE_BUS_CLIENT_STATE_CONNECTED);
      break;
    case DEYE_BUS_SESSION_ENDED:
      close_socket (self);
      deye_bus_client_set_state (self, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
      if (was_connected)
        deye_bus_events_push (&self->events,
                              (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_CLOSED,
                                              .subject = g_error_copy (deye_bus_session_reason (self->session)) });
      break;
    }
}

/* --- connect --- */

gboolean
deye_bus_client_check_ready (DeyeBusClient *self, GError **error)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_CONNECTED)
    return TRUE;
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED,
                         _ ("This client has been closed: create a new one"));
  else
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not connected: connect first"));
  return FALSE;
}

static gboolean
may_connect (DeyeBusClient *self, GError **error)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    return deye_bus_client_check_ready (self, error);
  if (self->state == DEYE_BUS_CLIENT_STATE_CONNECTING)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING, _ ("This client is already connecting"));
      return FALSE;
    }
  if (self->is_for_fd && self->given_fd < 0)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED,
                           _ ("The connection that this client was created for has ended: create a new client"));
      return FALSE;
    }
  return TRUE;
}

static guint64
random_incarnation (void)
{
  return (guint64) g_random_int () << 32 | g_random_int ();
}

static DeyeBusPending *
connect_start (DeyeBusClient *self, GError **error)
{
  gint64 now_us = g_get_monotonic_time ();
  DeyeBusHello hello = { self->id, self->type, self->wanted_role, random_incarnation (), DEYE_BUS_VERSION };
  DeyeBusPending *pending;

  if (!may_connect (self, error))
    return NULL;
  pending = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, now_us + DEYE_BUS_TIMEOUT_DEFAULT_US);
  g_clear_pointer (&self->session, deye_bus_session_free);
  self->session = deye_bus_session_new (&hello, &self->events, pending);
  self->write_dead = FALSE;
  deye_bus_client_attach (self);
  deye_bus_client_set_state (self, DEYE_BUS_CLIENT_STATE_CONNECTING);
  return pending;
}

static gboolean
knows_methods (const DeyeBusClient *self)
{
  return (deye_bus_session_welcome (self->session)->features & WIRE_FEATURE_PEER_METHODS) != 0;
}

static gboolean
is_good_without (const DeyeBusClient *self, const GError *why)
{
  if (self->state != DEYE_BUS_CLIENT_STATE_CONNECTED || g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;
  g_debug ("methods not served: %s", why->message);
  return TRUE;
}

/* Who gave up in the middle is not connected, so that the next connect() begins anew. */
static void
drop_half_connected (DeyeBusClient *self)
{
  if (self->state != DEYE_BUS_CLIENT_STATE_CONNECTED)
    return;
  deye_bus_session_close (self->session);
  deye_bus_client_flush (self);
  deye_bus_client_settle (self);
}

/* Connected: who asks this peer for its methods from here on gets an answer. A broker that does not let it serve them
 * is good for everything else. FALSE: not connected any more. */
static gboolean
serve_methods (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (!knows_methods (self) || deye_bus_client_serve_methods (self, TRUE, cancellable, &local))
    return TRUE;
  if (is_good_without (self, local))
    return TRUE;
  drop_half_connected (self);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
deye_bus_client_connect (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  gboolean ok = FALSE;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  if (self->state == DEYE_BUS_CLIENT_STATE_CONNECTED)
    ok = TRUE;
  else if ((pending = connect_start (self, error)) != NULL)
    {
      deye_bus_client_step_connect (self, g_get_monotonic_time ());
      ok = deye_bus_client_wait_pending (self, pending, cancellable, error) && serve_methods (self, cancellable, error);
    }
  deye_bus_client_leave (self);
  return ok;
}

static void
on_methods_served (DeyeBusPending *pending)
{
  GError *error = NULL;
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending, &error);
  DeyeBusClient *self = g_task_get_source_object (task);

  if (error != NULL)
    deye_bus_client_give_up_methods (self, g_task_get_task_data (task), pending, error);
  if (error != NULL && !is_good_without (self, error))
    {
      drop_half_connected (self);
      g_task_return_error (task, error);
      return;
    }
  g_clear_error (&error);
  g_task_return_boolean (task, TRUE);
}

static void
on_connected (DeyeBusPending *pending)
{
  GError *error = NULL;
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending, &error);
  DeyeBusClient *self = g_task_get_source_object (task);
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (DeyeBusPending) serving = NULL;

  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  serving = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, g_get_monotonic_time () + DEYE_BUS_TIMEOUT_DEFAULT_US);
  /* It may have been closed since. */
  if (self->state == DEYE_BUS_CLIENT_STATE_CONNECTED && knows_methods (self)
      && (subscription = deye_bus_client_begin_methods (self, TRUE, serving, NULL)) != NULL)
    {
      g_task_set_task_data (task, g_steal_pointer (&subscription), g_object_unref);
      deye_bus_client_run_task (self, serving, task, g_task_get_cancellable (task), on_methods_served);
    }
  else
    g_task_return_boolean (task, TRUE);
}

void
deye_bus_client_connect_async (DeyeBusClient *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (DeyeBusPending) pending = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_connect_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!deye_bus_client_enter (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (self->state == DEYE_BUS_CLIENT_STATE_CONNECTED)
    g_task_return_boolean (task, TRUE);
  else if ((pending = connect_start (self, &error)) == NULL)
    g_task_return_error (task, error);
  else
    {
      deye_bus_client_run_task (self, pending, task, cancellable, on_connected);
      deye_bus_client_step_connect (self, g_get_monotonic_time ());
      deye_bus_client_settle (self);
    }
  deye_bus_client_leave (self);
}

gboolean
deye_bus_client_connect_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- close --- */

static void
close_end (DeyeBusClient *self)
{
  DeyeBusPending *closing = g_steal_pointer (&self->closing);

  self->linger_us = 0;
  close_socket (self);
  deye_bus_socket_close_handle (&self->given_fd);
  deye_bus_events_push (
      &self->events,
      (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_CLOSED,
                      .subject = deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The client has been closed")) });
  if (closing == NULL)
    return;
  closing->done = TRUE;
  deye_bus_events_push (&self->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_DONE, .subject = closing });
}

static gboolean
owes (DeyeBusClient *self)
{
  return self->socket != DEYE_BUS_SOCKET_NONE && !self->write_dead
         && deye_bus_outbuf_bytes (deye_bus_session_out (self->session)) > 0;
}

void
deye_bus_client_step_close (DeyeBusClient *self, gint64 now_us)
{
  if (self->linger_us > 0 && (!owes (self) || now_us >= self->linger_us))
    close_end (self);
}

static void
close_start (DeyeBusClient *self)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    return;
  if (self->session != NULL)
    deye_bus_session_close (self->session);
  deye_bus_client_stop_heartbeat (self);
  deye_bus_client_attach (self);
  deye_bus_client_set_state (self, DEYE_BUS_CLIENT_STATE_CLOSED);
  self->linger_us = g_get_monotonic_time () + LINGER_US;
  deye_bus_client_flush (self);
  deye_bus_client_step_close (self, g_get_monotonic_time ());
}

static gboolean
is_closed (gconstpointer data)
{
  return ((const DeyeBusClient *) data)->linger_us == 0;
}

gboolean
deye_bus_client_close (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  close_start (self);
  /* A cancellation only makes it shorter. */
  if (!deye_bus_client_wait (self, is_closed, self, G_MAXINT64, cancellable))
    close_end (self);
  deye_bus_client_leave (self);
  return TRUE;
}

static void
on_closed (DeyeBusPending *pending)
{
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending, NULL);

  g_task_return_boolean (task, TRUE);
}

void
deye_bus_client_close_async (DeyeBusClient *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_close_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!deye_bus_client_enter (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    g_task_return_boolean (task, TRUE);
  else
    {
      self->closing = deye_bus_pending_new (DEYE_BUS_PENDING_SENT, 0);
      deye_bus_client_run_task (self, self->closing, task, NULL, on_closed);
      close_start (self);
    }
  deye_bus_client_leave (self);
}

gboolean
deye_bus_client_close_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- dispose --- */

static void
end_untold_subscriptions (DeyeBusClient *self)
{
  DeyeBusEvent event;

  while (deye_bus_events_pop (&self->events, &event))
    {
      DeyeBusChannel *channel = event.subject;

      if (event.kind == DEYE_BUS_EVENT_ENDED)
        deye_bus_subscription_end (channel->owner);
      deye_bus_session_clear_event (&event);
    }
}

void
deye_bus_client_drop_connection (DeyeBusClient *self)
{
  if (self->session != NULL)
    deye_bus_session_close (self->session);
  if (!deye_bus_client_is_forked (self))
    deye_bus_client_flush (self);
  close_socket (self);
  deye_bus_socket_close_handle (&self->given_fd);
  end_untold_subscriptions (self);
}
