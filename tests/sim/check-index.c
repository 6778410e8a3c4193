/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "route/bus-servers.h"

/*
 * T07: the receivers of each topic in the cache, and the servers of each topic, compared with a walk over all subscriptions. An
 * outdated match that the cache takes for current is found here before a message uses it.
 */

static gboolean
check_index_gets (const BusSubscription *subscription, const char *topic)
{
  char pattern[512];

  g_assert (subscription->pattern_bytes < sizeof pattern);
  memcpy (pattern, subscription->pattern, subscription->pattern_bytes);
  pattern[subscription->pattern_bytes] = '\0';
  return !subscription->serves && sim_model_matches (pattern, topic)
         && bus_policy_authorize (&subscription->owner->principal, BUS_OP_DELIVER, wire_span_str (topic)).allowed;
}

/* @named: counts each subscription that the match lists */
static void
check_index_list (const BusMatch *match, GHashTable *named)
{
  for (guint i = 0; i < match->n_receivers; i++)
    for (guint k = 0; k < match->receivers[i].n_plain; k++)
      g_hash_table_add (named, match->receivers[i].subscriptions[k]);
  for (guint i = 0; i < match->n_filtered; i++)
    g_hash_table_add (named, match->filtered[i].subscription);
  for (guint i = 0; i < match->n_groups; i++)
    for (guint k = 0; k < match->groups[i].n; k++)
      g_hash_table_add (named, match->groups[i].candidates[k]);
}

/* TRUE if the match lists the subscription. A candidate represents all subscriptions of its peer in the group. */
static gboolean
check_index_is_listed (const BusMatch *match, GHashTable *named, BusSubscription *subscription)
{
  if (g_hash_table_remove (named, subscription))
    return TRUE;
  for (guint i = 0; i < match->n_groups && subscription->group != NULL; i++)
    for (guint k = 0; k < match->groups[i].n; k++)
      if (match->groups[i].group == subscription->group
          && match->receivers[match->groups[i].receivers[k]].peer == subscription->owner)
        return TRUE;
  return FALSE;
}

static void
check_index_match (SimWorld *world, const BusMatch *match)
{
  g_autofree char *topic = g_strndup ((const char *) match->key.text.data, match->key.text.len);
  g_autoptr (GHashTable) named = g_hash_table_new (NULL, NULL);

  check_index_list (match, named);
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    {
      guint at = 0;
      gpointer value;

      while ((value = bus_subscriptions_next (&((const BusPeer *) link->data)->subscriptions, &at)) != NULL)
        if (check_index_gets (value, topic) && !check_index_is_listed (match, named, value))
          sim_world_fail (world, "T07: subscription %u is missing among the receivers of %s",
                          ((const BusSubscription *) value)->id, topic);
    }
  if (g_hash_table_size (named) > 0)
    sim_world_fail (world, "T07: %s has %u receivers that do not subscribe to it", topic, g_hash_table_size (named));
}

static void
check_index_servers (SimWorld *world)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, world->core->routes->servers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const BusServers *servers = value;
      gboolean is_named = FALSE;
      guint holes = 0;

      for (guint i = 0; i < servers->n; i++)
        {
          const BusSubscription *subscription = servers->list[i];

          if (subscription == NULL)
            holes++;
          else if (subscription->serving.servers != servers || subscription->serving.place != i)
            sim_world_fail (world, "T07: a server is not at its noted place");
          else if (subscription->pattern == servers->key.text.data)
            is_named = TRUE;
        }
      if (!is_named)
        sim_world_fail (world, "T07: the topic of an entry is that of no server");
      if (holes != servers->holes || holes == servers->n)
        sim_world_fail (world, "T07: a topic has %u holes among its servers, not %u", holes, servers->holes);
      if (holes > 0)
        sim_cover (world, SIM_COVER_SERVER_HOLE);
    }
}

/* Each match is at its place, each topic has one match, and the bounds hold. */
static void
check_index_cache (SimWorld *world)
{
  BusMatchCache *cache = &world->core->routes->matches;
  gsize bytes = 0;

  for (guint i = 0; i < cache->matches->len; i++)
    {
      BusMatch *match = g_ptr_array_index (cache->matches, i);
      const gboolean is_recent = match->is_recent;

      bytes += bus_match_size (match);
      if (match->place != i || bus_match_find (cache, match->key) != match)
        sim_world_fail (world, "T07: the match of a topic is not found at its place");
      match->is_recent = is_recent;
    }
  if (bytes != cache->bytes || cache->matches->len > bus_match_cache_topics_max (cache))
    sim_world_fail (world, "R03: the cache holds %u matches of %" G_GSIZE_FORMAT " bytes, and counts %" G_GSIZE_FORMAT,
                    cache->matches->len, bytes, cache->bytes);
}

/* Too slow for each step: every match is compared with every subscription. */
void
sim_check_index (SimWorld *world)
{
  const BusRoutes *routes = world->core->routes;

  check_index_servers (world);
  if (bus_index_count_entries (routes->index) < bus_index_size (routes->index))
    sim_cover (world, SIM_COVER_FOLDED);
  if (world->now_us % 16 != 0)
    return;
  check_index_cache (world);
  for (guint i = 0; i < routes->matches.matches->len; i++)
    {
      const BusMatch *match = g_ptr_array_index (routes->matches.matches, i);

      /* Only a current match is used by the next look-up. */
      if (bus_match_is_current (&routes->matches, match))
        check_index_match (world, match);
      else if (bus_index_mark_equal (match->mark, bus_index_mark (routes->index, match->key.text)))
        {
          check_index_match (world, match);
          sim_cover (world, SIM_COVER_MATCH_KEPT);
        }
      else
        sim_cover (world, SIM_COVER_MATCH_STALE);
    }
}
