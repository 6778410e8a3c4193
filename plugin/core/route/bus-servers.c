/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-servers.h"

static void
servers_free (gpointer data)
{
  BusServers *servers = data;

  g_ptr_array_unref (servers->subscriptions);
  g_free (servers);
}

GHashTable *
bus_servers_table_new (void)
{
  return g_hash_table_new_full (bus_key_hash, bus_key_equal, NULL, servers_free);
}

BusServers *
bus_servers_find (GHashTable *table, guint64 seed, WireSpan topic)
{
  BusKey key = bus_key (seed, topic);

  return g_hash_table_lookup (table, &key);
}

void
bus_servers_add (GHashTable *table, guint64 seed, BusSubscription *subscription)
{
  WireSpan topic = subscription->pattern;
  BusServers *servers = bus_servers_find (table, seed, topic);

  if (servers == NULL)
    {
      servers = g_malloc0 (sizeof (BusServers) + topic.len); /* a topic is at most 512 bytes */
      memcpy (servers->topic, topic.data, topic.len);
      servers->key = bus_key (seed, wire_span (servers->topic, topic.len));
      servers->subscriptions = g_ptr_array_new ();
      g_hash_table_insert (table, &servers->key, servers);
    }
  g_ptr_array_add (servers->subscriptions, subscription);
  subscription->servers = servers;
}

void
bus_servers_remove (GHashTable *table, BusSubscription *subscription)
{
  BusServers *servers = g_steal_pointer (&subscription->servers);

  g_ptr_array_remove (servers->subscriptions, subscription);
  if (servers->subscriptions->len == 0)
    g_hash_table_remove (table, &servers->key);
}
