/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-servers.h"

/* The subscriptions that serve a topic. Their owner is a pointer that nothing looks into. */

#define SEED 5u

typedef struct
{
  GHashTable *table;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->table = bus_servers_table_new ();
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (g_hash_table_size (f->table), ==, 0);
  g_hash_table_unref (f->table);
}

static BusSubscription *
add (Fixture *f, guint32 id, const char *topic)
{
  BusSubscription *subscription = bus_subscription_new (NULL, id, wire_span_str (topic), TRUE);

  bus_servers_add (f->table, SEED, subscription);
  return subscription;
}

static void
take_out (Fixture *f, BusSubscription *subscription)
{
  bus_servers_remove (f->table, subscription);
  g_assert_null (subscription->servers);
  bus_subscription_free (subscription);
}

static BusServers *
find (Fixture *f, const char *topic)
{
  return bus_servers_find (f->table, SEED, wire_span_str (topic));
}

/* An entry exists as long as its topic has a server. */
static void
test_lives_with_its_servers (Fixture *f, gconstpointer data)
{
  BusSubscription *first = add (f, 1, "tasks.procmond");
  BusSubscription *second = add (f, 2, "tasks.procmond");
  BusSubscription *other = add (f, 3, "tasks.netmond");
  BusServers *servers = find (f, "tasks.procmond");

  g_assert_nonnull (servers);
  g_assert_true (first->servers == servers && second->servers == servers);
  g_assert_true (other->servers == find (f, "tasks.netmond") && other->servers != servers);
  g_assert_cmpuint (servers->subscriptions->len, ==, 2);
  g_assert_true (g_ptr_array_index (servers->subscriptions, 0) == first);
  g_assert_true (g_ptr_array_index (servers->subscriptions, 1) == second);
  take_out (f, first);
  g_assert_true (find (f, "tasks.procmond") == servers);
  g_assert_cmpuint (servers->subscriptions->len, ==, 1);
  take_out (f, second);
  g_assert_null (find (f, "tasks.procmond"));
  g_assert_nonnull (find (f, "tasks.netmond"));
  take_out (f, other);
}

/* The rest stays in the order of serving when one in the middle ends: a turn is not changed by that. */
static void
test_order (Fixture *f, gconstpointer data)
{
  BusSubscription *servers[4];
  GPtrArray *order;

  for (guint i = 0; i < 4; i++)
    servers[i] = add (f, i + 1, "a.b");
  order = find (f, "a.b")->subscriptions;
  take_out (f, servers[1]);
  g_assert_true (g_ptr_array_index (order, 0) == servers[0]);
  g_assert_true (g_ptr_array_index (order, 1) == servers[2]);
  g_assert_true (g_ptr_array_index (order, 2) == servers[3]);
  take_out (f, servers[0]);
  take_out (f, servers[2]);
  take_out (f, servers[3]);
}

/* The entry has its own copy of the topic: the subscription that made it may end first. */
static void
test_own_topic (Fixture *f, gconstpointer data)
{
  BusSubscription *first = add (f, 1, "a.b");
  BusSubscription *second = add (f, 2, "a.b");

  g_assert_true (first->servers->key.text.data == first->servers->topic);
  take_out (f, first);
  g_assert_nonnull (find (f, "a.b"));
  g_assert_null (find (f, "a"));
  g_assert_null (find (f, "a.b.c"));
  g_assert_cmpmem (second->servers->key.text.data, second->servers->key.text.len, "a.b", 3);
  take_out (f, second);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/servers/lives-with-its-servers", test_lives_with_its_servers);
  ADD ("/core/servers/order", test_order);
  ADD ("/core/servers/own-topic", test_own_topic);
  return g_test_run ();
}
