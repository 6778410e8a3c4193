/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-match.h"

#include "route/route-fixture.h"

/* Matches: the receivers and group candidates of a topic, filtered by rights, and remembered until something changes. */

static BusMatch *
lookup (Peers *f, const char *topic)
{
  BusRoutes *routes = f->core->routes;

  return bus_match_lookup (&routes->matches, routes->index, f->core->seed, wire_span_str (topic));
}

static void
test_nobody (Peers *f, gconstpointer data)
{
  BusMatch *match = lookup (f, "events.process.new");

  g_assert_cmpuint (match->n_receivers, ==, 0);
  g_assert_cmpuint (match->n_groups, ==, 0);
  g_assert_cmpstr (bus_domain_name (match->domain), ==, "events");
  g_assert_true (wire_span_equal (match->key.text, wire_span_str ("events.process.new")));
}

/* One receiver for each peer, with all of its plain subscriptions in the order in which they came. */
static void
test_receivers (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusSubscription *first = routes_subscribe (f, one, 9, "events.#", NULL, 10);
  BusSubscription *other = routes_subscribe (f, two, 1, "events.process.+", NULL, 10);
  BusSubscription *second = routes_subscribe (f, one, 2, "events.process.new", NULL, 10);
  BusMatch *match;

  routes_subscribe (f, two, 3, "health.#", NULL, 10);
  match = lookup (f, "events.process.new");
  g_assert_cmpuint (match->n_receivers, ==, 2);
  g_assert_true (match->receivers[0].peer == one);
  g_assert_cmpuint (match->receivers[0].n_plain, ==, 2);
  g_assert_true (match->receivers[0].subscriptions[0] == first);
  g_assert_true (match->receivers[0].subscriptions[1] == second);
  g_assert_true (match->receivers[1].peer == two);
  g_assert_cmpuint (match->receivers[1].n_plain, ==, 1);
  g_assert_true (match->receivers[1].subscriptions[0] == other);
}

/* A member peer is one candidate, however many of its patterns match, and one of each group that it is in. */
static void
test_candidates (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusSubscription *first = routes_subscribe (f, one, 1, "events.#", "workers", 10);
  BusSubscription *other;
  BusSubscription *plain;
  BusMatch *match;

  routes_subscribe (f, one, 2, "events.process.#", "workers", 10);
  routes_subscribe (f, one, 3, "events.process.new", "writers", 10);
  routes_subscribe (f, one, 4, "health.#", "workers", 10); /* another topic's */
  other = routes_subscribe (f, two, 1, "events.process.new", "workers", 10);
  plain = routes_subscribe (f, two, 2, "events.#", NULL, 10);
  match = lookup (f, "events.process.new");
  g_assert_cmpuint (match->n_groups, ==, 2);
  g_assert_true (match->groups[0].group == first->group);
  g_assert_cmpuint (match->groups[0].n, ==, 2);
  g_assert_true (match->groups[0].candidates[0] == first);
  g_assert_true (match->groups[0].candidates[1] == other);
  g_assert_cmpuint (match->groups[1].n, ==, 1);
  /* Each candidate knows the receiver that its peer is. */
  g_assert_cmpuint (match->n_receivers, ==, 2);
  for (guint i = 0; i < match->n_groups; i++)
    for (guint j = 0; j < match->groups[i].n; j++)
      g_assert_true (match->receivers[match->groups[i].receivers[j]].peer == match->groups[i].candidates[j]->owner);
  g_assert_cmpuint (match->receivers[0].n_plain, ==, 0);
  g_assert_cmpuint (match->receivers[1].n_plain, ==, 1);
  g_assert_true (match->receivers[1].subscriptions[0] == plain);
}

/* A pattern with a wildcard over a topic that its owner may not read does not match it, in a group or alone. */
static void
test_rights (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusPeer *agent = peers_agent (f);
  BusMatch *match;

  routes_subscribe (f, one, 1, "control.collector.#", NULL, 10);
  routes_subscribe (f, two, 1, "control.collector.#", NULL, 10);
  routes_subscribe (f, two, 2, "control.collector.+", "group", 10);
  routes_subscribe (f, agent, 1, "control.collector.+", "group", 10);
  match = lookup (f, "control.collector.one");
  g_assert_cmpuint (match->n_receivers, ==, 2);
  g_assert_true (match->receivers[0].peer == one);
  g_assert_true (match->receivers[1].peer == agent);
  g_assert_cmpuint (match->n_groups, ==, 1);
  g_assert_cmpuint (match->groups[0].n, ==, 1);
  g_assert_true (match->groups[0].candidates[0]->owner == agent);
  /* A topic that all may read. */
  g_assert_cmpuint (lookup (f, "control.collector.lifecycle")->n_receivers, ==, 3);
}

/* A match is remembered, and forgotten when a subscription comes or ends. The generation shows that a match which is
 * remembered elsewhere is old. */
static void
test_forgets (Peers *f, gconstpointer data)
{
  BusRoutes *routes = f->core->routes;
  BusPeer *one = peers_ready (f, "one", 1000);
  BusSubscription *subscription;
  BusLeave leave = { 0 };
  BusMatch *match = lookup (f, "events.process.new");
  guint64 generation = routes->matches.generation;

  g_assert_true (lookup (f, "events.process.new") == match);
  g_assert_cmpuint (routes->matches.generation, ==, generation);
  subscription = routes_subscribe (f, one, 1, "events.#", NULL, 10);
  g_assert_cmpuint (routes->matches.generation, !=, generation);
  g_assert_cmpuint (g_hash_table_size (routes->matches.table), ==, 0);
  g_assert_cmpuint (lookup (f, "events.process.new")->n_receivers, ==, 1);
  generation = routes->matches.generation;
  routes_unsubscribe (f, subscription, &leave);
  g_assert_cmpuint (routes->matches.generation, !=, generation);
  g_assert_cmpuint (lookup (f, "events.process.new")->n_receivers, ==, 0);
}

/* The cache is bounded: a flood of topics makes it forget all, and what is remembered elsewhere with it. */
static void
test_bound (Peers *f, gconstpointer data)
{
  BusMatchCache *cache = &f->core->routes->matches;
  guint64 generation = cache->generation;

  cache->max = 16;
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.t%u", i);
      BusMatch *match = lookup (f, topic);

      g_assert_true (wire_span_equal (match->key.text, wire_span_str (topic)));
      g_assert_cmpuint (g_hash_table_size (cache->table), <=, 16);
    }
  g_assert_cmpuint (cache->generation, ==, generation + 6);
  g_assert_cmpuint (g_hash_table_size (cache->table), ==, 100 % 16);
}

/* It is bounded in bytes as well: what a topic costs depends on how many subscriptions match it. A peer in many groups
 * costs as much as its subscriptions, not their square. */
static void
test_bound_in_bytes (Peers *f, gconstpointer data)
{
  BusMatchCache *cache = &f->core->routes->matches;
  BusPeer *one = peers_ready (f, "one", 1000);
  const guint n = 500;
  gsize size;

  for (guint32 i = 1; i <= n; i++)
    {
      g_autofree char *group = g_strdup_printf ("g%u", i);

      routes_subscribe (f, one, i, "events.#", i % 2 == 0 ? group : NULL, 10);
    }
  size = lookup (f, "events.process.new")->size;
  g_assert_cmpuint (size, >, n * sizeof (BusSubscription *));
  g_assert_cmpuint (size, <, n * 100);
  g_assert_cmpuint (cache->bytes, ==, size);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.t%u", i);
      BusMatch *match = lookup (f, topic);

      g_assert_true (wire_span_equal (match->key.text, wire_span_str (topic)));
      g_assert_cmpuint (match->n_groups, ==, n / 2);
      g_assert_cmpuint (match->receivers[0].n_plain, ==, n - n / 2);
      g_assert_cmpuint (cache->bytes, <, BUS_MATCH_CACHE_BYTES + match->size);
    }
  g_assert_cmpuint (g_hash_table_size (cache->table), <, BUS_MATCH_CACHE_BYTES / size + 2);
}

#define ADD(path, function) g_test_add (path, Peers, NULL, routes_setup, function, routes_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/match/nobody", test_nobody);
  ADD ("/core/match/T08-receivers", test_receivers);
  ADD ("/core/match/M06-candidates", test_candidates);
  ADD ("/core/match/A07-rights", test_rights);
  ADD ("/core/match/I12-forgets", test_forgets);
  ADD ("/core/match/R03-bound", test_bound);
  ADD ("/core/match/R03-bound-in-bytes", test_bound_in_bytes);
  return g_test_run ();
}
