/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-subscribe.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "deye-bus-subscription-private.h"
#include "session/deye-bus-session-send.h"

/*
 * Ends a subscription for the program, with a request to the broker's method control.bus.unsubscribe.
 *
 * From the moment of the call the callback is not called any more, independently of the broker's answer.
 */

static GBytes *
unsubscribe_pack (guint32 id)
{
  Daemoneye__Eventbus__V1__UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;

  request.subscription = id;
  return deye_bus_pack (&request.base);
}

gboolean
deye_bus_client_ask_unsubscribe (DeyeBusClient *self, guint32 id, DeyeBusPending *pending, GError **error)
{
  g_autoptr (GBytes) payload = unsubscribe_pack (id);

  return deye_bus_client_ask_broker (self, "control.bus.unsubscribe", DEYE_BUS_TYPE_PREFIX "UnsubscribeRequest",
                                     payload, pending, error);
}

/* Removes the channel from the table at once; the broker's answer only confirms the end. FALSE: there is nothing to wait for: the
 * subscription had ended, or the call failed with @error. */
static gboolean
unsubscribe_begin (DeyeBusSubscription *subscription, DeyeBusClient *client, DeyeBusPending *pending, GError **error)
{
  DeyeBusChannel *channel = subscription->channel;

  if (channel->cut)
    {
      channel->ended = TRUE;
      return FALSE;
    }
  channel->ended = TRUE;
  deye_bus_session_remove_channel (client->session, channel);
  if (!deye_bus_client_is_connected (client))
    return FALSE;
  return deye_bus_client_ask_unsubscribe (client, channel->id, pending, error);
}

/* Reads from the broker's answer how many messages it had for the subscription. */
static void
unsubscribe_read_answer (DeyeBusSubscription *self, const DeyeBusPending *pending)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__UnsubscribeReply *reply;

  if (pending->error != NULL || pending->reply == NULL)
    return;
  guard = deye_bus_unpack (&daemoneye__eventbus__v1__unsubscribe_reply__descriptor, pending->reply);
  if (guard == NULL)
    return;
  reply = wire_guard_message (guard);
  self->has_total = TRUE;
  self->total = reply->delivered + reply->missed + reply->discarded;
}

static void
unsubscribe_on_answer (DeyeBusPending *pending)
{
  unsubscribe_read_answer (g_task_get_source_object (pending->data), pending);
  deye_bus_pending_return_true (pending);
}

gboolean
deye_bus_subscription_unsubscribe (DeyeBusSubscription *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (DeyeBusClient) client = NULL;
  GError *local = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), FALSE);

  client = g_weak_ref_get (&self->client);
  if (client == NULL)
    return TRUE;
  if (!deye_bus_client_enter (client, error))
    return FALSE;
  pending = deye_bus_client_new_broker_pending ();
  if (unsubscribe_begin (self, client, pending, &local)
      && deye_bus_client_wait_pending (client, pending, cancellable, &local))
    unsubscribe_read_answer (self, pending);
  deye_bus_client_leave (client);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

void
deye_bus_subscription_unsubscribe_async (DeyeBusSubscription *self,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (DeyeBusClient) client = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_subscription_unsubscribe_async);
  client = g_weak_ref_get (&self->client);
  if (client == NULL)
    {
      g_task_set_check_cancellable (task, FALSE);
      g_task_return_boolean (task, TRUE);
      return;
    }
  if (!deye_bus_client_enter_task (client, task, NULL))
    return;
  pending = deye_bus_client_new_broker_pending ();
  /* The source object of the task, the subscription, only has a weak reference to the client, which has to live until the call
   * ends. */
  g_task_set_task_data (task, g_object_ref (client), g_object_unref);
  if (unsubscribe_begin (self, client, pending, &error) || error != NULL)
    {
      deye_bus_client_leave_task (client, task, g_steal_pointer (&pending), unsubscribe_on_answer, error);
      return;
    }
  g_task_return_boolean (task, TRUE);
  deye_bus_client_leave (client);
}

gboolean
deye_bus_subscription_unsubscribe_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_subscription_unsubscribe_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}
