/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-subscription-private.h"

#include "deye-bus-error-private.h"

#include <glib/gi18n-lib.h>

G_DEFINE_FINAL_TYPE (DeyeBusSubscription, deye_bus_subscription, G_TYPE_OBJECT)

static guint subscription_gap_signal;
static guint subscription_ended_signal;
static guint subscription_drain_signal;

static void
deye_bus_subscription_init (DeyeBusSubscription *self)
{
  g_weak_ref_init (&self->client, NULL);
  self->channel = deye_bus_channel_new (0, FALSE, TRUE);
  self->channel->cut = TRUE;
  self->channel->ended = TRUE;
}

static void
subscription_free_callback (DeyeBusSubscription *self)
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

  subscription_free_callback (self);
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

  subscription_gap_signal = g_signal_new ("gap", DEYE_BUS_TYPE_SUBSCRIPTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 4, G_TYPE_UINT64, G_TYPE_UINT64, G_TYPE_UINT64, G_TYPE_UINT);
  subscription_ended_signal = g_signal_new ("ended", DEYE_BUS_TYPE_SUBSCRIPTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                            G_TYPE_NONE, 1, G_TYPE_ERROR);
  subscription_drain_signal = g_signal_new ("drain-changed", DEYE_BUS_TYPE_SUBSCRIPTION, G_SIGNAL_RUN_LAST, 0, NULL,
                                            NULL, NULL, G_TYPE_NONE, 0);
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
  deye_bus_channel_unref (self->channel);
  self->channel = deye_bus_channel_ref (channel);
  self->pattern = g_strdup (pattern);
  self->group = g_strdup (group);
  self->callback = callback;
  self->user_data = user_data;
  self->destroy = destroy;
  channel->owner = g_object_ref (self);
  return self;
}

/* --- called by the dispatch of events --- */

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
  /* next() has already counted the gap when it took it out of the inbox. */
  if (!self->channel->pull)
    self->missed += gap->count;
  if (!self->channel->ended)
    g_signal_emit (self, subscription_gap_signal, 0, gap->from, gap->to, gap->count, gap->reason);
}

void
deye_bus_subscription_drain_changed (DeyeBusSubscription *self)
{
  g_signal_emit (self, subscription_drain_signal, 0);
}

void
deye_bus_subscription_refused (DeyeBusSubscription *self, const GError *error)
{
  g_signal_emit (self, subscription_ended_signal, 0, error);
}

GError *
deye_bus_subscription_error_ended (const DeyeBusSubscription *self)
{
  if (self->pattern == NULL)
    return deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s",
                               _ ("This object is not subscribed to anything: deye_bus_client_subscribe() creates a "
                                  "subscription"));
  return deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s",
                             _ ("The subscription has ended: no more messages will arrive"));
}

GTask *
deye_bus_subscription_steal_next (DeyeBusSubscription *self)
{
  self->channel->waiting = FALSE;
  if (self->next_cancelled != NULL)
    g_source_destroy (self->next_cancelled);
  g_clear_pointer (&self->next_cancelled, g_source_unref);
  return g_steal_pointer (&self->next_task);
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
      g_autoptr (GTask) task = deye_bus_subscription_steal_next (self);

      g_task_return_error (task, deye_bus_subscription_error_ended (self));
    }
  subscription_free_callback (self);
  g_clear_object (&owned);
}

/* --- properties --- */

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
  guint64 others;

  g_return_val_if_fail (DEYE_BUS_IS_SUBSCRIPTION (self), 0);
  /* Messages that were on their way when the subscription ended were neither dispatched nor reported by a gap. */
  others = self->delivered + self->channel->inbox.length;
  return self->has_total && self->total > others ? MAX (self->total - others, self->missed) : self->missed;
}
