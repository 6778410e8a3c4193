/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-connection.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

/*
 * Flushing: waits until the messages that were queued before are written, or until the broker has accepted them.
 *
 * A flush is a pending call of the session (session/deye-bus-session-flush.h), so deadline, cancellation and the end of the
 * connection are handled as for other calls. A flush that fails drops no message: they stay queued.
 */

/* FALSE: the client is not ready. The error contains the number of lost messages, if there are any. */
static gboolean
flush_check_ready (DeyeBusClient *self, gboolean waits_until_ready, GError **error)
{
  guint64 messages;

  if (waits_until_ready && deye_bus_client_may_wait (self))
    return TRUE;
  if (self->state != DEYE_BUS_CLIENT_STATE_DISCONNECTED && !deye_bus_client_stashes (self))
    return deye_bus_client_check_ready (self, error);
  messages = deye_bus_client_get_unsent (self);
  if (messages == 0)
    return deye_bus_client_check_ready (self, error);
  if (deye_bus_client_stashes (self))
    g_propagate_error (error, deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED,
                                                  _ ("Not connected at the moment. Messages that wait until the client "
                                                     "is ready: %" PRIu64),
                                                  messages));
  else
    g_propagate_error (error, deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED,
                                                  _ ("Not connected. Messages that were not sent when the connection "
                                                     "ended: %" PRIu64),
                                                  messages));
  return FALSE;
}

static DeyeBusPending *
flush_start (DeyeBusClient *self,
             DeyeBusOptions *options,
             gboolean want_accepted,
             DeyeBusPendingFunc complete,
             GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;

  if (!deye_bus_options_check (options, error)
      || !flush_check_ready (self, deye_bus_options_waits_until_ready (options), error))
    return NULL;
  deye_bus_client_step_tasks (self);
  deye_bus_client_write (self);
  pending
      = deye_bus_pending_new (DEYE_BUS_PENDING_FLUSH, g_get_monotonic_time () + deye_bus_options_timeout_us (options));
  pending->waits_until_ready = deye_bus_options_waits_until_ready (options);
  pending->complete = complete; /* set first, since starting the call may end it at once */
  return deye_bus_session_flush (self->session, want_accepted, pending, error) ? g_steal_pointer (&pending) : NULL;
}

gboolean
deye_bus_client_flush (DeyeBusClient *self,
                       DeyeBusOptions *options,
                       gboolean want_accepted,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !deye_bus_client_enter (self, error))
    return FALSE;
  pending = flush_start (self, options, want_accepted, NULL, error);
  ok = pending != NULL && deye_bus_client_wait_pending (self, pending, cancellable, error);
  deye_bus_client_leave (self);
  return ok;
}

void
deye_bus_client_flush_async (DeyeBusClient *self,
                             DeyeBusOptions *options,
                             gboolean want_accepted,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_flush_async);
  if (!deye_bus_client_enter_task (self, task, cancellable))
    return;
  pending = flush_start (self, options, want_accepted, deye_bus_pending_return_true, &error);
  deye_bus_client_leave_task (self, task, g_steal_pointer (&pending), deye_bus_pending_return_true, error);
}

gboolean
deye_bus_client_flush_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_client_flush_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}
