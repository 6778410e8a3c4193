/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-subscription-private.h"

#include <glib/gi18n-lib.h>

G_DEFINE_FINAL_TYPE (DeyeBusSubscription, deye_bus_subscription, G_TYPE_OBJECT)

static guint gap_signal;

static void
deye_bus_subscription_init (DeyeBusSubscription *self)
{
  g_weak_ref_init (&self->client, NULL);
}

static void
free_callback (DeyeBusSubscription *self)
{
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);
  gpointer user_data = g_steal_pointer (&self->user_data);

  self->callback = NULL;
  if (destroy != NULL)
    destroy (user_data);
}

static void
deye_bus_subscription_finalize (GObject *object)
{
  DeyeBusSubscription *self = DEYE_BUS_SUBSCRIPTION (object);

  free_callback (self);
  g_weak_ref_clear (&self->client);
  g_clear_pointer (&self->channel, deye_bus_channel_unref);
  g_free (self->pattern);
  g_free (self->group);
  G_OBJECT_CLASS (deye_bus_subscription_parent_class)->finalize (object);
}

static void
deye_bus_subscription_class_init (DeyeBusSubscriptionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = deye_bus_subscription_finalize;

  gap_signal = g_signal_new ("gap", DEYE_BUS_TYPE_SUBSCRIPTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 4,
                             G_TYPE_UINT64, G_TYPE_UINT64, G_TYPE_UINT64, G_TYPE_UINT);
}

DeyeBusSubscription *
deye_bus_subscription_new (DeyeBusClient *client,
                           DeyeBusChannel *channel,
                           const char *pattern,
                           const char *group,
                           GCallback callback,
                           gpointer user_data,
                           GDestroyNotify destroy)
{
  DeyeBusSubscription *self = g_object_new (DEYE_BUS_TYPE_SUBSCRIPTION, NULL);

  g_weak_ref_set (&self->client, client);
  self->channel = deye_bus_channel_ref (channel);
  self->pattern = g_strdup (pattern);
  self->group = g_strdup (group);
  self->callback = callback;
  self->user_data = user_data;
  self->destroy = destroy;
  channel->owner = g_object_ref (self);
  return self;
}

/* --- told by dispatch --- */

void
deye_bus_subscription_deliver (DeyeBusSubscription *self, DeyeBusMessage *message)
{
  self->delivered++;
  if (self->callback != NULL)
    ((DeyeBusMessageCallback) self->callback) (self, message, self->user_data);
}

void
deye_bus_subscription_gap (DeyeBusSubscription *self, const DeyeBusGap *gap)
{
  /* next() has counted its own when it came to them. */
  if (!self->channel->pull)
    self->missed += gap->count;
  if (!self->channel->ended)
    g_signal_emit (self, gap_signal, 0, gap->from, gap->to, gap->count, gap->reason);
}

GError *
deye_bus_subscription_error_ended (void)
{
  return deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s",
                             _ ("The subscription has ended: no more messages will arrive"));
}

static gboolean
take_gap (DeyeBusSubscription *self, DeyeBusGap *gap)
{
  if (!deye_bus_channel_take_gap (self->channel, gap))
    return FALSE;
  self->missed += gap->count;
  return TRUE;
}

/* Out of the inbox, with the gaps in front of it; credit goes back. NULL: it is empty. */
static DeyeBusMessage *
take_message (DeyeBusSubscription *self, DeyeBusClient *client)
{
  DeyeBusMessage *message;
  DeyeBusGap gap;

  /* From inside a call nobody is told: that comes from the context, if somebody lets it run. Reasons that are too many are
   * counted all the same. */
  while (take_gap (self, &gap))
    if (client != NULL && !self->channel->ended)
      (void) deye_bus_channel_push_gap (self->channel, &client->events, &gap);
  message = deye_bus_channel_take (self->channel);
  if (message == NULL)
    return NULL;
  self->delivered++;
  if (client != NULL)
    deye_bus_client_handled (client, self->channel, message, TRUE);
  return message;
}

static GTask *
steal_next (DeyeBusSubscription *self)
{
  self->channel->waiting = FALSE;
  if (self->next_cancelled != NULL)
    g_source_destroy (self->next_cancelled);
  g_clear_pointer (&self->next_cancelled, g_source_unref);
  return g_steal_pointer (&self->next_task);
}

/* @message: (transfer full); NULL: it ended. */
static void
return_next (GTask *task, DeyeBusMessage *message)
{
  if (message != NULL)
    g_task_return_pointer (task, message, (GDestroyNotify) deye_bus_message_unref);
  else
    g_task_return_error (task, deye_bus_subscription_error_ended ());
}

void
deye_bus_subscription_wake (DeyeBusSubscription *self)
{
  g_autoptr (DeyeBusClient) client = g_weak_ref_get (&self->client);
  g_autoptr (GTask) task = NULL;
  DeyeBusMessage *message;
  DeyeBusGap gap;

  /* In here they can be told in their place. */
  while (self->next_task != NULL && !self->channel->ended && take_gap (self, &gap))
    deye_bus_subscription_gap (self, &gap);
  if (self->next_task == NULL)
    return;
  message = take_message (self, client);
  if (message == NULL && !self->channel->cut)
    return;
  task = steal_next (self);
  return_next (task, message);
}

void
deye_bus_subscription_end (DeyeBusSubscription *self)
{
  DeyeBusChannel *channel = self->channel;
  DeyeBusSubscription *owned = g_steal_pointer (&channel->owner);

  channel->ended = TRUE;
  deye_bus_channel_drop_held (channel);
  if (self->next_task != NULL)
    {
      g_autoptr (GTask) task = steal_next (self);

      g_task_return_error (task, deye_bus_subscription_error_ended ());
    }
  free_callback (self);
  g_clear_object (&owned);
}

/* --- what it is --- */

const char *
deye_bus_subscription_get_pattern (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), NULL);
  return self->pattern;
}

const char *
deye_bus_subscription_get_group (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), NULL);
  return self->group;
}

guint32
deye_bus_subscription_get_id (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), 0);
  return self->channel->id;
}

guint64
deye_bus_subscription_get_delivered (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), 0);
  return self->delivered;
}

guint64
deye_bus_subscription_get_missed (DeyeBusSubscription *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), 0);
  return self->missed;
}

/* --- next --- */

static gboolean
check_next (DeyeBusSubscription *self, GError **error)
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
has_something (gconstpointer data)
{
  const DeyeBusChannel *channel = data;

  return channel->inbox.length > 0 || channel->cut;
}

static gint64
due_after (gint64 timeout_us)
{
  gint64 now_us = g_get_monotonic_time ();

  return timeout_us < 0 || timeout_us > G_MAXINT64 - now_us ? G_MAXINT64 : now_us + timeout_us;
}

static DeyeBusMessage *
next_sync (DeyeBusSubscription *self,
           DeyeBusClient *client,
           gint64 timeout_us,
           GCancellable *cancellable,
           GError **error)
{
  DeyeBusMessage *message = take_message (self, client);
  gboolean woken;

  if (message != NULL)
    return message;
  woken = deye_bus_client_wait (client, has_something, self->channel, due_after (timeout_us), cancellable);
  message = take_message (self, client);
  if (message == NULL && woken)
    g_propagate_error (error, deye_bus_subscription_error_ended ());
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

  if (!check_next (self, error) || g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  client = g_weak_ref_get (&self->client);
  if (client == NULL)
    {
      message = take_message (self, NULL);
      if (message == NULL)
        g_propagate_error (error, deye_bus_subscription_error_ended ());
      return message;
    }
  if (!deye_bus_client_enter (client, error))
    return NULL;
  message = next_sync (self, client, timeout_us, cancellable, error);
  deye_bus_client_leave (client);
  return message;
}

static gboolean
on_next_cancelled (GCancellable *cancellable, gpointer data)
{
  DeyeBusSubscription *self = data;
  g_autoptr (GTask) task = NULL;

  if (!g_cancellable_is_cancelled (cancellable) || self->next_task == NULL)
    return G_SOURCE_REMOVE;
  task = steal_next (self);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", _ ("Waiting for a message was cancelled"));
  return G_SOURCE_REMOVE;
}

static void
watch_next (DeyeBusSubscription *self, DeyeBusClient *client, GCancellable *cancellable)
{
  if (cancellable == NULL)
    return;
  self->next_cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (self->next_cancelled, G_SOURCE_FUNC (on_next_cancelled), g_object_ref (self), g_object_unref);
  g_source_attach (self->next_cancelled, client->context);
}

/* Takes @task. */
static void
wait_for_next (DeyeBusSubscription *self, DeyeBusClient *client, GTask *task)
{
  self->next_task = task;
  self->channel->waiting = TRUE;
  watch_next (self, client, g_task_get_cancellable (task));
  if (has_something (self->channel) || self->channel->inbox_gaps.length > 0)
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
  if (!check_next (self, &error) || g_cancellable_set_error_if_cancelled (cancellable, &error))
    g_task_return_error (task, error);
  else if (client == NULL)
    return_next (task, take_message (self, NULL));
  else if (!deye_bus_client_enter (client, &error))
    g_task_return_error (task, error);
  else
    {
      /* No event of it is told any more. */
      if (self->channel->ended)
        return_next (task, take_message (self, client));
      else
        wait_for_next (self, client, g_steal_pointer (&task));
      deye_bus_client_leave (client);
    }
}

DeyeBusMessage *
deye_bus_subscription_next_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
