/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-subscription-private.h"

#include <glib/gi18n-lib.h>

/*
 * Closing: GOODBYE is queued, and the pump writes what the socket still takes for at most a second.
 *
 * A closed client is never connected again. Closing works without a connection, too.
 */

#define LINGER_US G_TIME_SPAN_SECOND

static void
client_end_close (DeyeBusClient *self)
{
  DeyeBusPending *closing = g_steal_pointer (&self->closing);

  self->linger_us = 0;
  deye_bus_client_close_socket (self);
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
client_owes_bytes (DeyeBusClient *self)
{
  return self->socket != DEYE_BUS_SOCKET_NONE && !self->write_dead
         && deye_bus_outbuf_bytes (deye_bus_session_out (self->session)) > 0;
}

void
deye_bus_client_step_close (DeyeBusClient *self, gint64 now_us)
{
  if (self->linger_us > 0 && (!client_owes_bytes (self) || now_us >= self->linger_us))
    client_end_close (self);
}

static void
client_start_close (DeyeBusClient *self)
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
client_is_closed (gconstpointer data)
{
  return ((const DeyeBusClient *) data)->linger_us == 0;
}

gboolean
deye_bus_client_close (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  client_start_close (self);
  /* A cancellation only makes it shorter. */
  if (!deye_bus_client_wait (self, client_is_closed, self, G_MAXINT64, cancellable))
    client_end_close (self);
  deye_bus_client_leave (self);
  return TRUE;
}

void
deye_bus_client_close_async (DeyeBusClient *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_close_async);
  if (!deye_bus_client_enter_task (self, task, NULL))
    return;
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    g_task_return_boolean (task, TRUE);
  else
    {
      self->closing = deye_bus_pending_new (DEYE_BUS_PENDING_SENT, 0);
      deye_bus_client_run_task (self, self->closing, task, NULL, deye_bus_pending_return_true);
      client_start_close (self);
    }
  deye_bus_client_leave (self);
}

gboolean
deye_bus_client_close_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_client_close_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}

/* --- dispose --- */

static void
client_end_subscriptions (DeyeBusClient *self)
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
  deye_bus_client_close_socket (self);
  deye_bus_socket_close_handle (&self->given_fd);
  client_end_subscriptions (self);
}
