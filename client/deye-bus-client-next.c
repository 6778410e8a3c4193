/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-message-private.h"
#include "deye-bus-subscription-private.h"
#include "session/deye-bus-session-answer.h"

#include <glib/gi18n-lib.h>

/*
 * next(): takes messages from a subscription that has no callback.
 *
 * The synchronous call pumps until the inbox has a message. The asynchronous call keeps its task in the subscription, and an event
 * NEXT wakes it.
 */

static gboolean
next_take_gap (DeyeBusSubscription *self, DeyeBusGap *gap)
{
  if (!deye_bus_channel_take_gap (self->channel, gap))
    return FALSE;
  self->missed += gap->count;
  return TRUE;
}

/* TRUE if @message is a request that was cancelled; see dispatch_is_wanted(). */
static gboolean
next_is_unwanted (DeyeBusClient *client, const DeyeBusMessage *message)
{
  return client != NULL && message->kind == WIRE_KIND_REQUEST
         && (client->session == NULL || !deye_bus_session_is_open (client->session, message));
}

/* Takes messages out of the inbox until one is not a cancelled request, and returns that one. NULL: there is none. */
static DeyeBusMessage *
next_take_wanted (DeyeBusSubscription *self, DeyeBusClient *client)
{
  DeyeBusMessage *message;

  if (client != NULL && self->channel->serve && self->channel->inbox.length > 0)
    deye_bus_client_read_ahead (client);
  while ((message = deye_bus_channel_take (self->channel)) != NULL && next_is_unwanted (client, message))
    {
      deye_bus_client_handled (client, self->channel, message, FALSE);
      deye_bus_message_unref (message);
    }
  return message;
}

/* Takes a message and the gaps in front of it out of the inbox, and returns its credit. NULL: the inbox is empty. */
static DeyeBusMessage *
next_take_message (DeyeBusSubscription *self, DeyeBusClient *client)
{
  DeyeBusMessage *message;
  DeyeBusGap gap;

  /* No callback is called from inside a call, so the gaps become events that are dispatched when the context runs. A gap that does
   * not fit into the list of undispatched gaps is only counted. */
  while (next_take_gap (self, &gap))
    if (client != NULL && !self->channel->ended)
      (void) deye_bus_channel_push_gap (self->channel, &client->events, &gap);
  message = next_take_wanted (self, client);
  if (message == NULL)
    return NULL;
  deye_bus_hops_note_delivered (message->hops);
  self->delivered++;
  if (client != NULL)
    deye_bus_client_handled (client, self->channel, message, TRUE);
  return message;
}

/* Ends the task with @message. @message: (transfer full); NULL: the subscription has ended. */
static void
next_return (DeyeBusSubscription *self, GTask *task, DeyeBusMessage *message)
{
  if (message != NULL)
    g_task_return_pointer (task, message, (GDestroyNotify) deye_bus_message_unref);
  else
    g_task_return_error (task, deye_bus_subscription_error_ended (self));
}

void
deye_bus_client_wake_next (DeyeBusSubscription *self)
{
  g_autoptr (DeyeBusClient) client = g_weak_ref_get (&self->client);
  g_autoptr (GTask) task = NULL;
  DeyeBusMessage *message;
  DeyeBusGap gap;

  /* This is a dispatch, so the gaps are reported in front of the message. */
  while (self->next_task != NULL && !self->channel->ended && next_take_gap (self, &gap))
    deye_bus_subscription_gap (self, &gap);
  if (self->next_task == NULL)
    return;
  message = next_take_message (self, client);
  if (message == NULL && !self->channel->cut)
    return;
  task = deye_bus_subscription_steal_next (self);
  next_return (self, task, message);
}

/* --- next --- */

static gboolean
next_check (DeyeBusSubscription *self, GError **error)
{
  if (!self->channel->pull)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED,
                         _ ("This subscription has a callback: subscribe without one to take messages with next()"));
  else if (self->next_task != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                         _ ("Another call is already waiting for the next message"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
next_has_something (gconstpointer data)
{
  const DeyeBusChannel *channel = data;

  return channel->inbox.length > 0 || channel->cut;
}

static gint64
next_due_after (gint64 timeout_us)
{
  gint64 now_us = g_get_monotonic_time ();

  return timeout_us < 0 || timeout_us > G_MAXINT64 - now_us ? G_MAXINT64 : now_us + timeout_us;
}

static DeyeBusMessage *
next_run_sync (DeyeBusSubscription *self,
               DeyeBusClient *client,
               gint64 timeout_us,
               GCancellable *cancellable,
               GError **error)
{
  DeyeBusMessage *message = next_take_message (self, client);
  gint64 due_us = next_due_after (timeout_us);
  gboolean woken = TRUE;

  /* The wait is repeated, because the message that has arrived may be a cancelled request. */
  while (message == NULL && woken && !self->channel->cut)
    {
      woken = deye_bus_client_wait (client, next_has_something, self->channel, due_us, cancellable);
      message = next_take_message (self, client);
    }
  if (message == NULL && woken)
    g_propagate_error (error, deye_bus_subscription_error_ended (self));
  else if (message == NULL && !g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT, _ ("No message within the timeout"));
  return message;
}

DeyeBusMessage *
deye_bus_subscription_next (DeyeBusSubscription *self, gint64 timeout_us, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusClient) client = NULL;
  DeyeBusMessage *message;

  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), NULL);

  if (!next_check (self, error) || g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  client = g_weak_ref_get (&self->client);
  if (client == NULL)
    {
      message = next_take_message (self, NULL);
      if (message == NULL)
        g_propagate_error (error, deye_bus_subscription_error_ended (self));
      return message;
    }
  if (!deye_bus_client_enter (client, error))
    return NULL;
  message = next_run_sync (self, client, timeout_us, cancellable, error);
  deye_bus_client_leave (client);
  return message;
}

static gboolean
next_on_cancelled (GCancellable *cancellable, gpointer data)
{
  DeyeBusSubscription *self = data;
  g_autoptr (GTask) task = NULL;

  if (!g_cancellable_is_cancelled (cancellable) || self->next_task == NULL)
    return G_SOURCE_REMOVE;
  task = deye_bus_subscription_steal_next (self);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", _ ("Waiting for a message was cancelled"));
  return G_SOURCE_REMOVE;
}

static void
next_watch (DeyeBusSubscription *self, DeyeBusClient *client, GCancellable *cancellable)
{
  if (cancellable == NULL)
    return;
  self->next_cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (self->next_cancelled, G_SOURCE_FUNC (next_on_cancelled), g_object_ref (self), g_object_unref);
  g_source_attach (self->next_cancelled, client->context);
}

/* Takes @task. */
static void
next_wait (DeyeBusSubscription *self, DeyeBusClient *client, GTask *task)
{
  self->next_task = task;
  self->channel->waiting = TRUE;
  next_watch (self, client, g_task_get_cancellable (task));
  if (next_has_something (self->channel) || self->channel->inbox_gaps.length > 0)
    deye_bus_channel_wake (self->channel, &client->events);
}

void
deye_bus_subscription_next_async (DeyeBusSubscription *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (DeyeBusClient) client = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_subscription_next_async);
  g_task_set_check_cancellable (task, FALSE);
  client = g_weak_ref_get (&self->client);
  if (!next_check (self, &error) || g_cancellable_set_error_if_cancelled (cancellable, &error))
    g_task_return_error (task, error);
  else if (client == NULL)
    next_return (self, task, next_take_message (self, NULL));
  else if (!deye_bus_client_enter (client, &error))
    g_task_return_error (task, error);
  else
    {
      /* No event of this channel is dispatched any more, so nothing would wake the task. */
      if (self->channel->ended)
        next_return (self, task, next_take_message (self, client));
      else
        next_wait (self, client, g_steal_pointer (&task));
      deye_bus_client_leave (client);
    }
}

DeyeBusMessage *
deye_bus_subscription_next_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_subscription_next_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}
