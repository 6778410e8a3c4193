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

typedef struct
{
  DeyeBusClient *client;
  GError *error;
} UnheardFailure;

static void
unheard_failure_free (gpointer data)
{
  UnheardFailure *failure = data;

  g_object_unref (failure->client);
  g_error_free (failure->error);
  g_free (failure);
}

static gboolean
unheard_on_failure (gpointer data)
{
  const UnheardFailure *failure = data;
  GMainContext *context = failure->client->context;

  if (!unheard_is_reported (failure->error))
    return G_SOURCE_REMOVE;
  g_main_context_push_thread_default (context);
  g_signal_emit (failure->client, deye_bus_client_signals[DEYE_BUS_SIGNAL_ERROR], 0, failure->error);
  g_main_context_pop_thread_default (context);
  return G_SOURCE_REMOVE;
}

/* A call may fail because another thread made it, so the signal is not emitted from the default context of this thread. */
void
deye_bus_client_fail_unheard (DeyeBusClient *self, GError *error)
{
  UnheardFailure *failure = g_new (UnheardFailure, 1);
  g_autoptr (GSource) source = g_idle_source_new ();

  *failure = (UnheardFailure){ g_object_ref (self), error };
  g_source_set_static_name (source, "DeyeBusUnheard");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, unheard_on_failure, failure, unheard_failure_free);
  g_source_attach (source, self->context);
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
