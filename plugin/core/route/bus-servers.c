/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-servers.h"

static void
servers_free (gpointer data)
{
  BusServers *servers = data;

  if (servers->list != &servers->only)
    g_free (servers->list);
  g_free (servers);
}

GHashTable *
bus_servers_table_new (void)
{
  return g_hash_table_new_full (bus_key_hash, bus_key_equal, NULL, servers_free);
}

static void
servers_append (BusServers *servers, BusSubscription *subscription)
{
  if (servers->n == servers->room)
    {
      gboolean is_first = servers->list == &servers->only;

      servers->room *= 2;
      servers->list = g_renew (BusSubscription *, is_first ? NULL : servers->list, servers->room);
      if (is_first)
        servers->list[0] = servers->only;
    }
  servers->list[servers->n++] = subscription;
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

  for (guint i = 0; i < servers->n; i++)
    {
      BusSubscription *subscription = servers->list[i];

      if (subscription == NULL)
        continue;
      subscription->serving.place = kept;
      servers->list[kept++] = subscription;
    }
  servers->n = kept;
  servers->holes = 0;
}

/* Removes the holes at the end of the list. */
static void
servers_trim (BusServers *servers)
{
  while (servers->n > 0 && servers->list[servers->n - 1] == NULL)
    {
      servers->n--;
      servers->holes--;
    }
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
  WireSpan topic = bus_subscription_pattern (subscription);
  BusServers *servers = servers_lookup (table, seed, topic);

  if (servers == NULL)
    {
      servers = g_new0 (BusServers, 1);
      servers->key = bus_key (seed, topic);
      servers->list = &servers->only;
      servers->room = 1;
      g_hash_table_insert (table, &servers->key, servers);
    }
  subscription->serving.place = servers->n;
  servers_append (servers, subscription);
  bus_balance_join (&servers->balance, subscription);
  subscription->serving.servers = servers;
}

void
bus_servers_remove (GHashTable *table, BusSubscription *subscription)
{
  BusServers *servers = g_steal_pointer (&subscription->serving.servers);

  bus_balance_leave (&servers->balance, subscription);
  g_assert (servers->list[subscription->serving.place] == subscription);
  servers->list[subscription->serving.place] = NULL;
  servers->holes++;
  servers_trim (servers);
  if (servers->n == 0)
    {
      g_hash_table_remove (table, &servers->key);
      return;
    }
  servers->key.text = bus_subscription_pattern (servers->list[servers->n - 1]);
  if (servers->holes > servers->n / 2) /* there may be no look-up for a long time */
    servers_close_holes (servers);
}
