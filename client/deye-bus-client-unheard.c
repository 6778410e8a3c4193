/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

/*
 * Asynchronous publishes without a callback.
 *
 * They have no GTask, since the caller does not take the result. But no message is lost silently: the signal "error" reports a
 * message that was not sent, as it reports messages that the broker refused. A cancellation by the caller is not reported.
 *
 * Invariant: a call that has begun has a reference to the client until it ends, as a task would have.
 */

static gboolean
unheard_is_reported (const GError *error)
{
  return error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
unheard_on_end (DeyeBusPending *pending)
{
  g_autoptr (DeyeBusClient) client = DEYE_BUS_CLIENT (deye_bus_pending_steal_data (pending));

  if (unheard_is_reported (pending->error))
    g_signal_emit (client, deye_bus_client_signals[DEYE_BUS_SIGNAL_ERROR], 0, pending->error);
}

/* --- calls that did not begin --- */

static void
unheard_on_failure (GObject *client, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) && unheard_is_reported (error))
    g_signal_emit (client, deye_bus_client_signals[DEYE_BUS_SIGNAL_ERROR], 0, error);
}

void
deye_bus_client_fail_unheard (DeyeBusClient *self, GError *error)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, unheard_on_failure, NULL);

  g_task_return_error (task, error);
}

/* --- the call --- */

/* TRUE if there is credit, so that the call ends at once and needs no pending call. */
static gboolean
unheard_ends_at_once (DeyeBusClient *self, const DeyeBusCall *call, DeyeBusPendingKind kind)
{
  return kind == DEYE_BUS_PENDING_SENT && self->state == DEYE_BUS_CLIENT_STATE_READY
         && deye_bus_session_has_credit (self->session, call);
}

/* Starts the call. FALSE: @error is set. */
static gboolean
unheard_begin (DeyeBusClient *self,
               const DeyeBusCall *call,
               DeyeBusPendingKind kind,
               GCancellable *cancellable,
               GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;

  if (kind == DEYE_BUS_PENDING_SENT && deye_bus_client_stashes (self))
    return deye_bus_client_stash (self, call, error);
  if (unheard_ends_at_once (self, call, kind))
    return deye_bus_client_start_call (self, call, NULL, error);
  pending = deye_bus_client_new_pending (self, kind, call->options);
  pending->complete = unheard_on_end; /* set first, since starting the call may end it at once */
  if (!deye_bus_client_start_call (self, call, pending, error))
    return FALSE;
  deye_bus_client_run_pending (self, pending, G_OBJECT (self), cancellable, unheard_on_end);
  return TRUE;
}

void
deye_bus_client_run_unheard (DeyeBusClient *self,
                             const DeyeBusCall *call,
                             DeyeBusPendingKind kind,
                             GCancellable *cancellable)
{
  GError *error = NULL;

  if ((cancellable != NULL && g_cancellable_is_cancelled (cancellable)))
    return;
  if (!deye_bus_client_enter (self, &error))
    {
      deye_bus_client_fail_unheard (self, error);
      return;
    }
  if (!unheard_begin (self, call, kind, cancellable, &error))
    deye_bus_client_fail_unheard (self, error);
  deye_bus_client_leave (self);
}
