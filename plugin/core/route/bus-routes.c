/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-routes.h"

#include "route/bus-servers.h"

BusRoutes *
bus_routes_new (const BusLimits *limits, guint64 seed, BusQuota *quota)
{
  BusRoutes *routes = g_new0 (BusRoutes, 1);

  routes->index = bus_index_new (seed);
  routes->servers = bus_servers_table_new ();
  bus_groups_init (&routes->groups, seed);
  bus_match_cache_init (&routes->matches, routes->index, seed, limits->topic_cache);
  routes->run = g_new0 (BusRun, 1);
  wire_envelope_init (&routes->run->envelope);
  bus_topics_init (&routes->topics, limits->topics_seen);
  bus_timeline_init (&routes->timeline, MIN (limits->timeline_bytes, limits->broker_bytes / BUS_TIMELINE_SHARE), seed,
                     quota);
  bus_retain_store_init (&routes->retained);
  routes->requests = g_hash_table_new (g_int64_hash, g_int64_equal);
  routes->resend_windows = g_hash_table_new (bus_key_hash, bus_key_equal);
  routes->confirm_routes = g_hash_table_new (g_int64_hash, g_int64_equal);
  return routes;
}

void
bus_routes_free (BusRoutes *routes)
{
  g_assert (g_hash_table_size (routes->requests) == 0 && g_hash_table_size (routes->servers) == 0);
  g_assert (g_hash_table_size (routes->resend_windows) == 0 && routes->holds == NULL);
  g_assert (g_hash_table_size (routes->confirm_routes) == 0 && routes->n_confirms == 0);
  for (guint i = 0; i < G_N_ELEMENTS (routes->ended_requests); i++)
    g_assert (routes->ended_requests[i].length == 0);
  bus_match_cache_clear (&routes->matches);
  g_free (routes->run);
  bus_topics_clear (&routes->topics);
  g_hash_table_unref (routes->resend_windows);
  g_hash_table_unref (routes->confirm_routes);
  bus_timeline_clear (&routes->timeline);
  bus_retain_store_clear (&routes->retained);
  g_hash_table_unref (routes->requests);
  bus_groups_clear (&routes->groups);
  g_hash_table_unref (routes->servers);
  bus_index_free (routes->index);
  g_free (routes);
}
