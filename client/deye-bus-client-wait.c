/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-pack.h"
#include "deye-bus-peer-private.h"
#include "session/deye-bus-session-standing.h"

#include <glib/gi18n-lib.h>

/* Waiting for a peer: a standing call, which is sent again when the client connects again. */

typedef Daemoneye__Eventbus__V1__WaitReply WaitReply;

static DeyeBusPending *
peer_wait_new_pending (const char *peer, const DeyeBusOptions *options)
{
  gint64 due_us = g_get_monotonic_time () + deye_bus_options_timeout_us (options);
  DeyeBusPending *pending = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, due_us);
  DeyeBusStanding standing = deye_bus_peer_standing (peer, FALSE);

  deye_bus_pending_set_standing (pending, &standing);
  g_bytes_unref (standing.payload);
  return pending;
}

static gboolean
peer_wait_start (DeyeBusClient *self, DeyeBusPending *pending, GError **error)
{
  return (deye_bus_client_may_wait (self) || deye_bus_client_check_ready (self, error))
         && deye_bus_session_start_standing (self->session, pending, error);
}

/* @peer: its id. */
static DeyeBusPeer *
peer_wait_read (const DeyeBusPending *pending, const char *peer, GError **error)
{
  g_autoptr (WireGuard) guard = NULL;
  const WaitReply *reply;

  if (g_error_matches (pending->error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT))
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT, _ ("%s has not connected within the timeout"), peer);
  else if (pending->error != NULL)
    g_propagate_error (error, g_error_copy (pending->error));
  if (pending->error != NULL)
    return NULL;
  guard = deye_bus_unpack (&daemoneye__eventbus__v1__wait_reply__descriptor, pending->reply);
  reply = guard != NULL ? wire_guard_message (guard) : NULL;
  if (reply != NULL && reply->n_peers == 1)
    return deye_bus_peer_new (reply->peers[0]);
  g_propagate_error (error, deye_bus_peer_error_malformed ());
  return NULL;
}

static gboolean
peer_wait_check (const char *peer, const DeyeBusOptions *options, GError **error)
{
  return deye_bus_options_check (options, error) && deye_bus_peer_check_id (peer, error);
}

DeyeBusPeer *
deye_bus_client_wait_for_peer (DeyeBusClient *self,
                               const char *peer,
                               DeyeBusOptions *options,
                               GCancellable *cancellable,
                               GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  gboolean started;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (peer != NULL, NULL);

  if (!peer_wait_check (peer, options, error) || g_cancellable_set_error_if_cancelled (cancellable, error)
      || !deye_bus_client_enter (self, error))
    return NULL;
  pending = peer_wait_new_pending (peer, options);
  started = peer_wait_start (self, pending, error);
  if (started)
    deye_bus_client_wait_done (self, pending, cancellable);
  deye_bus_client_leave (self);
  return started ? peer_wait_read (pending, peer, error) : NULL;
}

static void
peer_wait_complete (DeyeBusPending *pending)
{
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending);
  GError *error = NULL;
  DeyeBusPeer *peer = peer_wait_read (pending, g_task_get_task_data (task), &error);

  if (peer != NULL)
    g_task_return_pointer (task, peer, (GDestroyNotify) deye_bus_peer_unref);
  else
    g_task_return_error (task, error);
}

void
deye_bus_client_wait_for_peer_async (DeyeBusClient *self,
                                     const char *peer,
                                     DeyeBusOptions *options,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (peer != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_wait_for_peer_async);
  g_task_set_task_data (task, g_strdup (peer), g_free);
  if (!peer_wait_check (peer, options, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (!deye_bus_client_enter_task (self, task, cancellable))
    return;
  pending = peer_wait_new_pending (peer, options);
  pending->complete = peer_wait_complete; /* set first, since starting the call may end it at once */
  (void) peer_wait_start (self, pending, &error);
  deye_bus_client_leave_task (self, task, g_steal_pointer (&pending), peer_wait_complete, error);
}

DeyeBusPeer *
deye_bus_client_wait_for_peer_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_client_wait_for_peer_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}
