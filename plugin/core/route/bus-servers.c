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

static BusServers *
servers_lookup (GHashTable *table, guint64 seed, WireSpan topic)
{
  BusKey key = bus_key (seed, topic);

  return g_hash_table_lookup (table, &key);
}

static void
servers_close_holes (BusServers *servers)
{
  guint kept = 0;

  for (guint i = 0; i < servers->subscriptions->len; i++)
    {
      BusSubscription *subscription = g_ptr_array_index (servers->subscriptions, i);

      if (subscription == NULL)
        continue;
      subscription->server_place = kept;
      g_ptr_array_index (servers->subscriptions, kept++) = subscription;
    }
  g_ptr_array_set_size (servers->subscriptions, (gint) kept);
  servers->holes = 0;
}

BusServers *
bus_servers_find (GHashTable *table, guint64 seed, WireSpan topic)
{
  BusServers *servers = servers_lookup (table, seed, topic);

  if (servers != NULL && servers->holes > 0)
    servers_close_holes (servers);
  return servers;
}

void
bus_servers_add (GHashTable *table, guint64 seed, BusSubscription *subscription)
{
  WireSpan topic = subscription->pattern;
  BusServers *servers = servers_lookup (table, seed, topic);

  if (servers == NULL)
    {
      servers = g_malloc0 (sizeof (BusServers) + topic.len); /* a topic is at most 512 bytes */
      memcpy (servers->topic, topic.data, topic.len);
      servers->key = bus_key (seed, wire_span (servers->topic, topic.len));
      servers->subscriptions = g_ptr_array_new ();
      g_hash_table_insert (table, &servers->key, servers);
    }
  subscription->server_place = servers->subscriptions->len;
  g_ptr_array_add (servers->subscriptions, subscription);
  bus_balance_join (&servers->balance, subscription);
  subscription->servers = servers;
}

void
bus_servers_remove (GHashTable *table, BusSubscription *subscription)
{
  BusServers *servers = g_steal_pointer (&subscription->servers);
  GPtrArray *list = servers->subscriptions;

  bus_balance_leave (&servers->balance, subscription);
  g_assert (g_ptr_array_index (list, subscription->server_place) == subscription);
  g_ptr_array_index (list, subscription->server_place) = NULL;
  servers->holes++;
  if (servers->holes == list->len)
    g_hash_table_remove (table, &servers->key);
  else if (servers->holes > list->len / 2) /* there may be no look-up for a long time */
    servers_close_holes (servers);
}
