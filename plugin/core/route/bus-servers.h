/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "index/bus-topics.h"
#include "queue/bus-subscription.h"
#include "route/bus-pick.h"

/*
 * The subscriptions that serve one topic. Requests to the topic are balanced over them (bus-pick), as messages are over a group.
 *
 * A server that ends leaves a hole in the list. Holes at its end are removed at once, all others by the next look-up, or as soon
 * as more than half of the list are holes. So when ten thousand servers end one after the other, the list is compacted only a few
 * times.
 *
 * Invariant: an entry exists as long as its topic has a server, and its key points to the pattern of one that has not ended; the
 * result of bus_servers_find() has no hole.
 */

struct BusServers
{
  BusKey key; /* of the topic; points to the pattern of one of the servers */
  BusTopicPlace counter;
  BusSubscription **list; /* in the order of serving; &only while it has room for one, as for most topics */
  guint n;                /* elements of the list; the last one is no hole */
  guint room;
  guint holes; /* NULL elements of the list */
  BusBalance balance;
  BusSubscription *only;
};

GHashTable *bus_servers_table_new (void);

/* NULL: the topic has no server. The list of the result is valid until a server is added or removed. */
BusServers *bus_servers_find (GHashTable *table, guint64 seed, WireSpan topic);
void bus_servers_add (GHashTable *table, guint64 seed, BusSubscription *subscription);
void bus_servers_remove (GHashTable *table, BusSubscription *subscription);
