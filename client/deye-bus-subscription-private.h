/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-subscription.h"
#include "session/deye-bus-channel.h"

/*
 * A subscription: the user's object for a channel.
 *
 * While it is subscribed, its channel has a reference to it (channel->owner), so callbacks are called even if the program keeps
 * no reference; the event ENDED releases that reference. A subscription has a weak reference to its client and does not call
 * it: next(), adjust and unsubscribe are implemented in files of the client.
 *
 * Other languages can also construct an object by its type alone. Such an object gets a channel that has ended, so every
 * function treats it as a subscription that has ended.
 */

typedef struct _DeyeBusClient DeyeBusClient;

struct _DeyeBusSubscription
{
  GObject parent_instance;

  GWeakRef client;
  DeyeBusChannel *channel; /* never NULL */
  char *pattern;           /* NULL: not made by subscribe */
  char *group;
  guint64 delivered;
  guint64 missed;
  gboolean has_total;
  guint64 total; /* after the answer to unsubscribe: all messages that the broker had for this subscription */

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

/* Called by the dispatch of events. */
void deye_bus_subscription_deliver (DeyeBusSubscription *self, DeyeBusMessage *message);
void deye_bus_subscription_gap (DeyeBusSubscription *self, const DeyeBusGap *gap);
/* The channel's drain_state changed. */
void deye_bus_subscription_drain_changed (DeyeBusSubscription *self);
/* The subscription has ended because the broker refused it after a reconnect. */
void deye_bus_subscription_refused (DeyeBusSubscription *self, const GError *error);
/* Ends a waiting next() and frees the callback's data. */
void deye_bus_subscription_end (DeyeBusSubscription *self);

/* Takes the waiting task of next_async(). NULL: none waits. Transfer full. */
GTask *deye_bus_subscription_steal_next (DeyeBusSubscription *self);

GError *deye_bus_subscription_error_ended (const DeyeBusSubscription *self);
