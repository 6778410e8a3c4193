/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-subscription.h"
#include "session/deye-bus-channel.h"

/*
 * A subscription: what the user holds of a channel.
 *
 * The channel keeps it alive while it is subscribed (channel->owner is a reference), so a callback needs nobody to hold
 * the object; ENDED gives that reference back. It holds its client weakly.
 */

typedef struct _DeyeBusClient DeyeBusClient;

struct _DeyeBusSubscription
{
  GObject parent_instance;

  GWeakRef client;
  DeyeBusChannel *channel;
  char *pattern;
  char *group;
  guint64 delivered;
  guint64 missed;

  GCallback callback; /* DeyeBusMessageCallback; NULL: pull */
  gpointer user_data;
  GDestroyNotify destroy;

  GTask *next_task; /* of next_async() */
  GSource *next_cancelled;
};

DeyeBusSubscription *deye_bus_subscription_new (DeyeBusClient *client,
                                                DeyeBusChannel *channel,
                                                const char *pattern,
                                                const char *group,
                                                GCallback callback,
                                                gpointer user_data,
                                                GDestroyNotify destroy);

/* What dispatch tells. */
void deye_bus_subscription_deliver (DeyeBusSubscription *self, DeyeBusMessage *message);
void deye_bus_subscription_gap (DeyeBusSubscription *self, const DeyeBusGap *gap);
/* Frees what belongs to the callback; a waiting next() ends. */
void deye_bus_subscription_end (DeyeBusSubscription *self);

/* The task of next_async(), which does not wait any more; NULL: none did. Transfer full. */
GTask *deye_bus_subscription_steal_next (DeyeBusSubscription *self);

GError *deye_bus_subscription_error_ended (void);
