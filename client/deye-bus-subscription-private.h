/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-subscription.h"
#include "session/deye-bus-channel.h"

/*
 * A subscription: the user's object for a channel.
 *
 * While it is subscribed the channel holds a reference (channel->owner), so a callback works even if the user keeps no
 * reference; the event ENDED releases it. A subscription holds its client weakly and does not call it: next(), adjust and
 * unsubscribe are implemented above.
 *
 * Other languages can also construct the bare type. Such an object has a channel of its own that has ended, so every
 * function finds a subscription that has ended.
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
  guint64 total; /* once the broker has answered unsubscribe: every message that it had for this subscription */

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
/* It ended because the broker did not take it back after a reconnect. */
void deye_bus_subscription_refused (DeyeBusSubscription *self, const GError *error);
/* Ends a waiting next() and frees the callback's data. */
void deye_bus_subscription_end (DeyeBusSubscription *self);

/* Takes the waiting task of next_async(). NULL: none waits. Transfer full. */
GTask *deye_bus_subscription_steal_next (DeyeBusSubscription *self);

GError *deye_bus_subscription_error_ended (const DeyeBusSubscription *self);
