/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-match.h"

#include "route/route-fixture.h"

/* Matches: the receivers and group candidates of a topic, filtered by rights, and cached until a subscription changes. */

static BusMatch *
lookup (Peers *f, const char *topic)
{
  BusRoutes *routes = f->core->routes;

  return bus_match_lookup (&routes->matches, wire_span_str (topic));
}

static void
test_no_receiver (Peers *f, gconstpointer data)
{
  BusMatch *match = lookup (f, "events.process.new");

  g_assert_cmpuint (match->n_receivers, ==, 0);
  g_assert_cmpuint (match->n_groups, ==, 0);
  g_assert_cmpstr (bus_domain_name (match->domain), ==, "events");
  g_assert_true (wire_span_equal (match->key.text, wire_span_str ("events.process.new")));
}

/* A match has one receiver for each peer, with all its plain subscriptions in the order of subscribing. */
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

/* A peer is one candidate of each of its groups, even if several of its patterns match. */
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
  routes_subscribe (f, one, 4, "health.#", "workers", 10); /* does not match the topic */
  other = routes_subscribe (f, two, 1, "events.process.new", "workers", 10);
  plain = routes_subscribe (f, two, 2, "events.#", NULL, 10);
  match = lookup (f, "events.process.new");
  g_assert_cmpuint (match->n_groups, ==, 2);
  g_assert_true (match->groups[0].group == first->group);
  g_assert_cmpuint (match->groups[0].n, ==, 2);
  g_assert_true (match->groups[0].candidates[0] == first);
  g_assert_true (match->groups[0].candidates[1] == other);
  g_assert_cmpuint (match->groups[1].n, ==, 1);
  /* Each candidate refers to the receiver of its peer. */
  g_assert_cmpuint (match->n_receivers, ==, 2);
  for (guint i = 0; i < match->n_groups; i++)
    for (guint j = 0; j < match->groups[i].n; j++)
      g_assert_true (match->receivers[match->groups[i].receivers[j]].peer == match->groups[i].candidates[j]->owner);
  g_assert_cmpuint (match->receivers[0].n_plain, ==, 0);
  g_assert_cmpuint (match->receivers[1].n_plain, ==, 1);
  g_assert_true (match->receivers[1].subscriptions[0] == plain);
}

/* A wildcard pattern does not match a topic that its owner may not read, in a group or alone. */
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

/* A match is remembered, and made again when a subscription of its topic comes or ends; its address and the counter of
 * its topic stay. */
static void
test_remade_after_a_change (Peers *f, gconstpointer data)
{
  BusMatchCache *cache = &f->core->routes->matches;
  BusPeer *one = peers_ready (f, "one", 1000);
  BusSubscription *subscription;
  BusLeave leave = { 0 };
  BusMatch *match = lookup (f, "events.process.new");
  guint64 generation = cache->generation;

  match->counter.slot = 7;
  g_assert_true (lookup (f, "events.process.new") == match);
  g_assert_true (bus_match_is_current (cache, match));
  g_assert_cmpuint (cache->made, ==, 1);
  subscription = routes_subscribe (f, one, 1, "events.#", NULL, 10);
  g_assert_false (bus_match_is_current (cache, match));
  g_assert_true (lookup (f, "events.process.new") == match);
  g_assert_true (bus_match_is_current (cache, match));
  g_assert_cmpuint (cache->made, ==, 2);
  g_assert_cmpuint (match->n_receivers, ==, 1);
  routes_unsubscribe (f, subscription, &leave);
  g_assert_false (bus_match_is_current (cache, match));
  g_assert_cmpuint (lookup (f, "events.process.new")->n_receivers, ==, 0);
  g_assert_cmpuint (cache->made, ==, 3);
  g_assert_cmpuint (cache->bytes, ==, bus_match_size (match));
  g_assert_cmpuint (match->counter.slot, ==, 7);
  g_assert_cmpuint (cache->generation, ==, generation);
}

/* Adding a subscription that does not match a topic keeps its match: an exact one, a pattern, or one that serves. */
static void
test_other_topics_stay_cached (Peers *f, gconstpointer data)
{
  static const char *const others[]
      = { "events.network.new", "events.network.#", "events.+.old", "+", "health.#", "system.#" };
  BusMatchCache *cache = &f->core->routes->matches;
  BusPeer *one = peers_ready (f, "one", 1000);
  BusMatch *match;
  guint64 made;

  routes_subscribe (f, one, 1, "events.#", NULL, 10);
  match = lookup (f, "events.process.new");
  made = cache->made;
  for (guint32 i = 0; i < G_N_ELEMENTS (others); i++)
    {
      BusSubscription *subscription = routes_subscribe (f, one, i + 2, others[i], i % 2 == 0 ? "group" : NULL, 10);
      BusLeave leave = { .discarded = 0 };

      g_assert_true (lookup (f, "events.process.new") == match);
      routes_unsubscribe (f, subscription, &leave);
      g_assert_true (lookup (f, "events.process.new") == match);
      g_assert_true (bus_match_is_current (cache, match));
    }
  g_assert_cmpuint (cache->made, ==, made);
  g_assert_cmpuint (match->n_receivers, ==, 1);
}

/* --- a naive matcher --- */

/* Returns the index of the peer's receiver; n_receivers: there is none. */
static guint
naive_receiver (const BusMatch *match, const BusPeer *peer)
{
  guint i = 0;

  while (i < match->n_receivers && match->receivers[i].peer != peer)
    i++;
  return i;
}

static gboolean
naive_matches (const char *const *pattern, const char *const *topic)
{
  if (*pattern == NULL || g_str_equal (*pattern, "#"))
    return *pattern != NULL || *topic == NULL;
  return *topic != NULL && (g_str_equal (*pattern, "+") || g_str_equal (*pattern, *topic))
         && naive_matches (pattern + 1, topic + 1);
}

static gboolean
naive_gets (const BusSubscription *subscription, const char *topic)
{
  g_autofree char *text = g_strndup ((const char *) subscription->pattern, subscription->pattern_bytes);
  g_auto (GStrv) pattern = g_strsplit (text, ".", -1);
  g_auto (GStrv) split = g_strsplit (topic, ".", -1);

  return naive_matches ((const char *const *) pattern, (const char *const *) split)
         && bus_policy_authorize (&subscription->owner->principal, BUS_OP_DELIVER, wire_span_str (topic)).allowed;
}

/* Compares a match with a walk over all subscriptions in the order of subscribing. Receivers and groups have the order of their
 * first matching subscription, plain subscriptions and members their own order, and each peer is a member once. */
static void
assert_naive (BusMatch *match, const GPtrArray *all, const char *topic)
{
  g_autofree guint *plain = g_new0 (guint, match->n_receivers + 1);
  g_autofree guint *members = g_new0 (guint, match->n_groups + 1);
  guint n_receivers = 0, n_groups = 0;

  for (guint i = 0; i < all->len; i++)
    {
      BusSubscription *subscription = g_ptr_array_index (all, i);
      guint receiver, group = 0, at = 0;

      if (!naive_gets (subscription, topic))
        continue;
      receiver = naive_receiver (match, subscription->owner);
      g_assert_cmpuint (receiver, <=, n_receivers);
      g_assert_cmpuint (receiver, <, match->n_receivers);
      n_receivers += receiver == n_receivers ? 1 : 0;
      if (subscription->group == NULL)
        {
          g_assert_cmpuint (plain[receiver], <, match->receivers[receiver].n_plain);
          g_assert_true (match->receivers[receiver].subscriptions[plain[receiver]++] == subscription);
          continue;
        }
      while (group < match->n_groups && match->groups[group].group != subscription->group)
        group++;
      g_assert_cmpuint (group, <=, n_groups);
      g_assert_cmpuint (group, <, match->n_groups);
      n_groups += group == n_groups ? 1 : 0;
      while (at < members[group] && match->groups[group].receivers[at] != receiver)
        at++;
      if (at < members[group])
        continue; /* another pattern of a member */
      g_assert_cmpuint (at, <, match->groups[group].n);
      g_assert_true (match->groups[group].candidates[at] == subscription);
      g_assert_cmpuint (match->groups[group].receivers[at], ==, receiver);
      members[group]++;
    }
  g_assert_cmpuint (match->n_receivers, ==, n_receivers);
  g_assert_cmpuint (match->n_groups, ==, n_groups);
  for (guint i = 0; i < n_receivers; i++)
    g_assert_cmpuint (match->receivers[i].n_plain, ==, plain[i]);
  for (guint i = 0; i < n_groups; i++)
    g_assert_cmpuint (match->groups[i].n, ==, members[i]);
}

typedef struct
{
  Peers *f;
  GRand *rand;
  BusPeer *peers[6];
  GPtrArray *all; /* BusSubscription, in the order of subscribing */
  guint32 last_id;
} Naive;

static guint
naive_below (Naive *naive, guint n)
{
  return (guint) g_rand_int_range (naive->rand, 0, (gint) n);
}

static void
naive_connect (Naive *naive, guint at)
{
  g_autofree char *id = g_strdup_printf ("peer-%u", at);

  naive->peers[at] = peers_ready (naive->f, id, 1000);
}

static void
naive_subscribe (Naive *naive)
{
  static const char *const patterns[] = { "events.#", "events.process.new",  "events.+.new", "events.process.+",
                                          "#",        "control.collector.#", "health.#" };
  static const char *const groups[] = { NULL, NULL, "one", "two" };
  BusPeer *owner = naive->peers[naive_below (naive, G_N_ELEMENTS (naive->peers))];
  const char *pattern = patterns[naive_below (naive, G_N_ELEMENTS (patterns))];
  const char *group = groups[naive_below (naive, G_N_ELEMENTS (groups))];

  g_ptr_array_add (naive->all, routes_subscribe (naive->f, owner, ++naive->last_id, pattern, group, 10));
}

static void
naive_unsubscribe (Naive *naive)
{
  BusLeave leave = { .discarded = 0 };

  if (naive->all->len > 0)
    routes_unsubscribe (naive->f, g_ptr_array_steal_index (naive->all, naive_below (naive, naive->all->len)), &leave);
}

static void
naive_reconnect (Naive *naive)
{
  guint at = naive_below (naive, G_N_ELEMENTS (naive->peers));

  for (guint i = naive->all->len; i-- > 0;)
    if (((const BusSubscription *) g_ptr_array_index (naive->all, i))->owner == naive->peers[at])
      g_ptr_array_remove_index (naive->all, i);
  routes_disconnect (naive->f, naive->peers[at], NULL);
  naive_connect (naive, at);
}

/* Subscribes, unsubscribes, disconnects and looks topics up at random. After each step some topics are stale in the cache; each
 * result of a look-up is compared with a walk over all subscriptions. */
static void
test_random_against_a_linear_search (Peers *f, gconstpointer data)
{
  static const char *const topics[]
      = { "events.process.new",       "events.process.old",         "events.network.new", "health",
          "control.collector.peer-1", "control.collector.lifecycle" };
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (12);
  Naive naive = { .f = f, .rand = rand, .all = all };
  BusMatchCache *cache = &f->core->routes->matches;
  guint looked_up = 0;

  for (guint i = 0; i < G_N_ELEMENTS (naive.peers); i++)
    naive_connect (&naive, i);
  for (guint step = 0; step < 20000; step++)
    {
      gboolean is_growing = step / 500 % 2 == 0;
      guint dice = naive_below (&naive, 100);

      if (dice < 2)
        naive_reconnect (&naive);
      else if (dice < (is_growing ? 70u : 30u))
        naive_subscribe (&naive);
      else
        naive_unsubscribe (&naive);
      if (step % 4000 == 0)
        cache->max = 2 + naive_below (&naive, 4); /* topics sometimes replace others */
      for (guint n = naive_below (&naive, 4); n > 0; n--)
        {
          const char *topic = topics[naive_below (&naive, G_N_ELEMENTS (topics))];

          assert_naive (lookup (f, topic), all, topic);
          looked_up++;
        }
    }
  g_assert_cmpuint (cache->made, <, looked_up * 9 / 10); /* some matches were still valid after a change */
  g_assert_cmpuint (cache->last_serial, >, 100);
}

static BusMatch *
lookup_numbered (Peers *f, guint number)
{
  g_autofree char *topic = g_strdup_printf ("events.process.t%u", number);
  BusMatch *match = lookup (f, topic);

  g_assert_true (wire_span_equal (match->key.text, wire_span_str (topic)));
  g_assert_cmpstr (bus_domain_name (match->domain), ==, "events");
  return match;
}

/* The cache is bounded: a new topic takes the place of one that was not used recently, which keeps its address. A topic in
 * constant use stays. */
static void
test_bound (Peers *f, gconstpointer data)
{
  BusMatchCache *cache = &f->core->routes->matches;
  BusMatch *often = lookup (f, "events.process.often");
  guint64 serial = often->serial;
  guint64 generation = cache->generation;
  gsize bytes = 0;

  cache->max = 16;
  for (guint i = 0; i < 1000; i++)
    {
      BusMatch *match = lookup_numbered (f, i);

      g_assert_cmpuint (match->counter.slot, ==, 0);
      g_assert_cmpuint (match->publisher, ==, 0);
      match->counter.slot = i + 1;
      match->publisher = i + 1;
      g_assert_cmpuint (cache->matches->len, <=, 16);
      g_assert_true (lookup (f, "events.process.often") == often);
      bytes = MAX (bytes, cache->bytes);
    }
  g_assert_cmpuint (often->serial, ==, serial);
  g_assert_cmpuint (cache->made, ==, 1001);
  g_assert_cmpuint (cache->matches->len, ==, 16);
  g_assert_cmpuint (cache->generation, ==, generation);
  g_assert_cmpuint (bytes, <, 16 * (sizeof (BusMatch) + 128));
  cache->max = 4;
  bus_match_cache_trim (cache);
  g_assert_cmpuint (cache->matches->len, ==, 4);
  g_assert_cmpuint (cache->generation, ==, generation + 12);
}

/* Each subscription adds room for one topic, until it ends, so subscriptions to distinct topics are all cached. */
static void
test_bound_grows (Peers *f, gconstpointer data)
{
  BusMatchCache *cache = &f->core->routes->matches;
  BusPeer *one = peers_ready (f, "one", 1000);
  const guint n = 500;
  BusSubscription *subscriptions[500];

  cache->max = 16;
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.t%u", i);

      subscriptions[i] = routes_subscribe (f, one, i + 1, topic, NULL, 10);
    }
  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < n; i++)
      g_assert_true (lookup_numbered (f, i)->receivers[0].subscriptions[0] == subscriptions[i]);
  g_assert_cmpuint (cache->made, ==, n);
  for (guint i = 0; i < n; i++)
    {
      BusLeave leave = { .discarded = 0 };

      routes_unsubscribe (f, subscriptions[i], &leave);
      g_assert_cmpuint (cache->matches->len, <=, 16 + n - 1 - i);
    }
  g_assert_cmpuint (bus_table_size (&cache->table), ==, cache->matches->len);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (lookup_numbered (f, i)->n_receivers, ==, 0);
}

/* The block of a match is reused for another topic, whether it needs more or less room. Of two topics, one may be the beginning
 * of the other; they are not confused. */
static void
test_block (Peers *f, gconstpointer data)
{
  BusMatchCache *cache = &f->core->routes->matches;
  g_autofree char *longest = g_strnfill (64, 'x');
  BusPeer *peers[20];

  cache->max = 2;
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      g_autofree char *id = g_strdup_printf ("peer-%u", i);

      peers[i] = peers_ready (f, id, 1000);
      routes_subscribe (f, peers[i], 1, i < 2 ? "health.#" : "events.#", NULL, 10);
    }
  for (guint i = 0; i < 400; i++)
    {
      g_autofree char *topic
          = g_strdup_printf ("%s.a%u.%.*s", i % 3 == 0 ? "health" : "events", i % 7, 1 + (gint) (i * 31 % 64), longest);
      const BusMatch *match = lookup (f, topic);
      gsize bytes = 0;

      g_assert_true (wire_span_equal (match->key.text, wire_span_str (topic)));
      g_assert_cmpuint (match->n_receivers, ==, i % 3 == 0 ? 2 : G_N_ELEMENTS (peers) - 2);
      g_assert_true (match->receivers[0].peer == peers[i % 3 == 0 ? 0 : 2]);
      for (guint k = 0; k < cache->matches->len; k++)
        bytes += bus_match_size (g_ptr_array_index (cache->matches, k));
      g_assert_cmpuint (cache->bytes, ==, bytes);
    }
}

/* The cache is bounded in bytes as well, because the cost of a topic depends on the number of matching subscriptions. The cost of
 * a peer in many groups grows linearly with its subscriptions, not with their square. */
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
  size = bus_match_size (lookup (f, "events.process.new"));
  g_assert_cmpuint (size, >, n * sizeof (BusSubscription *));
  g_assert_cmpuint (size, <, n * 100);
  g_assert_cmpuint (cache->bytes, ==, size);
  for (guint i = 0; i < 1000; i++)
    {
      const BusMatch *match = lookup_numbered (f, i);

      g_assert_cmpuint (match->n_groups, ==, n / 2);
      g_assert_cmpuint (match->receivers[0].n_plain, ==, n - n / 2);
      g_assert_cmpuint (cache->bytes, <, bus_match_cache_bytes_max (cache) + bus_match_size (match));
    }
  g_assert_cmpuint (cache->matches->len, <, bus_match_cache_bytes_max (cache) / size + 2);
  g_assert_cmpuint (cache->matches->len, >, bus_match_cache_bytes_max (cache) / size / 2);
}

/* Matches that are made again count with their new size, so that topics which gain subscriptions cannot pass the bound. */
static void
test_bound_while_growing (Peers *f, gconstpointer data)
{
  BusMatchCache *cache = &f->core->routes->matches;
  BusPeer *one = peers_ready (f, "one", 1000);
  guint64 generation = cache->generation;
  /* With 1,000 subscriptions each, they need twice the bytes of the cache. */
  guint topics = 2 * (BUS_MATCH_CACHE_BYTES + 1000 * BUS_MATCH_SUBSCRIPTION_BYTES) / (1000 * sizeof (gpointer));

  for (guint32 i = 1; i <= 1000; i++)
    {
      routes_subscribe (f, one, i, "events.#", NULL, 10);
      for (guint k = 0; k < (i % 100 == 0 ? topics : 0); k++)
        {
          g_autofree char *topic = g_strdup_printf ("events.process.t%u", k);
          const BusMatch *match = lookup (f, topic);

          g_assert_cmpuint (match->receivers[0].n_plain, ==, i);
          g_assert_cmpuint (cache->bytes, <, bus_match_cache_bytes_max (cache) + bus_match_size (match));
        }
    }
  g_assert_cmpuint (cache->generation, >, generation);
}

#define ADD(path, function) g_test_add (path, Peers, NULL, routes_setup, function, routes_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/match/no-receiver", test_no_receiver);
  ADD ("/core/match/T08-receivers", test_receivers);
  ADD ("/core/match/M06-candidates", test_candidates);
  ADD ("/core/match/A07-rights", test_rights);
  ADD ("/core/match/I12-remade-after-a-change", test_remade_after_a_change);
  ADD ("/core/match/T07-other-topics-stay-cached", test_other_topics_stay_cached);
  ADD ("/core/match/T07-random-against-a-linear-search", test_random_against_a_linear_search);
  ADD ("/core/match/R03-bound", test_bound);
  ADD ("/core/match/R03-bound-grows", test_bound_grows);
  ADD ("/core/match/R03-block", test_block);
  ADD ("/core/match/R03-bound-in-bytes", test_bound_in_bytes);
  ADD ("/core/match/R03-bound-while-growing", test_bound_while_growing);
  return g_test_run ();
}
