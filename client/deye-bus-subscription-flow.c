/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "deye-bus-subscribe-options-private.h"
#include "deye-bus-subscription-private.h"
#include "session/deye-bus-session-send.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * Flow control of a subscription: reading and changing the policy and the limits of its queue, draining, and pausing.
 *
 * The broker enforces policy and limits; this file only asks for them. Pausing is local: the broker only notices that no credit is
 * returned.
 */

/* --- in force --- */

DeyeBusPolicy
deye_bus_subscription_get_policy (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), DEYE_BUS_POLICY_DEFAULT);
  return self->channel->policy;
}

guint64
deye_bus_subscription_get_queue_messages (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), 0);
  return self->channel->queue_messages;
}

guint64
deye_bus_subscription_get_queue_bytes (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), 0);
  return self->channel->queue_bytes;
}

/* --- adjust --- */

static GBytes *
adjust_pack (guint32 id, const DeyeBusSubscribeOptions *options)
{
  Daemoneye__Eventbus__V1__AdjustRequest request = DAEMONEYE__EVENTBUS__V1__ADJUST_REQUEST__INIT;

  request.subscription = id;
  request.policy = options->policy;
  request.queue_messages = options->queue_messages;
  request.queue_bytes = options->queue_bytes;
  return deye_bus_pack (&request.base);
}

/* Sends the request. The session reads the answer, in order with the deliveries. */
static gboolean
adjust_begin (DeyeBusSubscription *self,
              DeyeBusClient *client,
              const DeyeBusSubscribeOptions *options,
              DeyeBusPending *pending,
              GError **error)
{
  g_autoptr (GBytes) payload = adjust_pack (self->channel->id, options);

  if (!deye_bus_subscribe_options_check (options, error))
    return FALSE;
  if (self->channel->cut)
    {
      g_propagate_error (error, deye_bus_subscription_error_ended (self));
      return FALSE;
    }
  pending->channel = deye_bus_channel_ref (self->channel);
  pending->adjusts = TRUE;
  pending->adjustment = (DeyeBusAdjustment){ options->policy, options->queue_messages, options->queue_bytes };
  return deye_bus_client_ask_broker (client, "control.bus.adjust", DEYE_BUS_TYPE_PREFIX "AdjustRequest", payload,
                                     pending, error);
}

/* The client, which was entered; the caller leaves it. NULL: @error is set. */
static DeyeBusClient *
subscription_enter_client (DeyeBusSubscription *self, GError **error)
{
  g_autoptr (DeyeBusClient) client = g_weak_ref_get (&self->client);

  if (client == NULL)
    g_propagate_error (error, deye_bus_subscription_error_ended (self));
  else if (deye_bus_client_enter (client, error))
    return g_steal_pointer (&client);
  return NULL;
}

gboolean
deye_bus_subscription_adjust (DeyeBusSubscription *self,
                              DeyeBusSubscribeOptions *options,
                              GCancellable *cancellable,
                              GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (DeyeBusClient) client = NULL;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), FALSE);
  g_return_val_if_fail (options != NULL, FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || (client = subscription_enter_client (self, error)) == NULL)
    return FALSE;
  pending = deye_bus_client_new_broker_pending ();
  ok = adjust_begin (self, client, options, pending, error)
       && deye_bus_client_wait_pending (client, pending, cancellable, error);
  deye_bus_client_leave (client);
  return ok;
}

void
deye_bus_subscription_adjust_async (DeyeBusSubscription *self,
                                    DeyeBusSubscribeOptions *options,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (DeyeBusClient) client = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self));
  g_return_if_fail (options != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_subscription_adjust_async);
  client = g_weak_ref_get (&self->client);
  if (client == NULL)
    {
      /* If the cancellable was cancelled, GTask reports that instead. */
      g_task_return_error (task, deye_bus_subscription_error_ended (self));
      return;
    }
  if (!deye_bus_client_enter_task (client, task, cancellable))
    return;
  pending = deye_bus_client_new_broker_pending ();
  /* The source object of the task, the subscription, only has a weak reference to the client, which has to live until the call
   * ends. */
  g_task_set_task_data (task, g_object_ref (client), g_object_unref);
  (void) adjust_begin (self, client, options, pending, &error);
  deye_bus_client_leave_task (client, task, g_steal_pointer (&pending), deye_bus_pending_return_true, error);
}

gboolean
deye_bus_subscription_adjust_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_subscription_adjust_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}

/* --- drain --- */

static gboolean
subscription_begin_drain (DeyeBusSubscription *self, DeyeBusClient *client, DeyeBusPending *pending, GError **error)
{
  Daemoneye__Eventbus__V1__DrainRequest request = DAEMONEYE__EVENTBUS__V1__DRAIN_REQUEST__INIT;
  g_autoptr (GBytes) payload = NULL;

  if (!deye_bus_session_check_features (client->session, WIRE_FEATURE_DELIVERY, error))
    return FALSE;
  if (self->channel->cut)
    {
      g_propagate_error (error, deye_bus_subscription_error_ended (self));
      return FALSE;
    }
  request.subscription = self->channel->id;
  payload = deye_bus_pack (&request.base);
  return deye_bus_client_ask_broker (client, "control.bus.drain", DEYE_BUS_TYPE_PREFIX "DrainRequest", payload, pending,
                                     error);
}

void
deye_bus_subscription_drain_async (DeyeBusSubscription *self,
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
  g_task_set_source_tag (task, deye_bus_subscription_drain_async);
  client = g_weak_ref_get (&self->client);
  if (client == NULL)
    {
      g_task_return_error (task, deye_bus_subscription_error_ended (self));
      return;
    }
  if (!deye_bus_client_enter_task (client, task, cancellable))
    return;
  /* There is no deadline: handling the messages that are left may take any time. */
  pending = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, G_MAXINT64);
  g_task_set_task_data (task, g_object_ref (client), g_object_unref);
  (void) subscription_begin_drain (self, client, pending, &error);
  deye_bus_client_leave_task (client, task, g_steal_pointer (&pending), deye_bus_pending_return_true, error);
}

gboolean
deye_bus_subscription_drain_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_subscription_drain_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}

DeyeBusDrainState
deye_bus_subscription_get_drain_state (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), DEYE_BUS_DRAIN_NONE);
  return self->channel->drain_state;
}

/* --- pause --- */

static DeyeBusClient *
subscription_enter_to_pause (DeyeBusSubscription *self, GError **error)
{
  if (self->channel->ended)
    g_propagate_error (error, deye_bus_subscription_error_ended (self));
  else if (!self->channel->pull)
    return subscription_enter_client (self, error);
  else
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED,
                         _ ("This subscription has no callback to pause: call next() to take its messages"));
  return NULL;
}

gboolean
deye_bus_subscription_pause (DeyeBusSubscription *self, GError **error)
{
  g_autoptr (DeyeBusClient) client = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), FALSE);

  client = subscription_enter_to_pause (self, error);
  if (client == NULL)
    return FALSE;
  self->channel->paused = TRUE;
  deye_bus_session_return_credit (client->session, self->channel);
  deye_bus_client_leave (client);
  return TRUE;
}

gboolean
deye_bus_subscription_resume (DeyeBusSubscription *self, GError **error)
{
  g_autoptr (DeyeBusClient) client = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), FALSE);

  client = subscription_enter_to_pause (self, error);
  if (client == NULL)
    return FALSE;
  self->channel->paused = FALSE;
  deye_bus_client_resume_channel (client, self->channel);
  deye_bus_client_leave (client);
  return TRUE;
}

gboolean
deye_bus_subscription_is_paused (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), FALSE);
  return self->channel->paused;
}
