/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-servers.h"

/* The subscriptions that serve a topic. Their owner is a pointer that is never dereferenced. */

#define SEED 5u

static BusCells cells;

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
  BusSubscription *subscription = bus_subscription_new (&cells, NULL, id, wire_span_str (topic), TRUE);

  bus_servers_add (f->table, SEED, subscription);
  return subscription;
}

static void
take_out (Fixture *f, BusSubscription *subscription)
{
  bus_servers_remove (f->table, subscription);
  g_assert_null (subscription->serving.servers);
  bus_subscription_free (&cells, subscription);
}

static BusServers *
find (Fixture *f, const char *topic)
{
  return bus_servers_find (f->table, SEED, wire_span_str (topic));
}

/* An entry exists as long as its topic has a server. */
static void
test_entry_exists_while_served (Fixture *f, gconstpointer data)
{
  BusSubscription *first = add (f, 1, "tasks.procmond");
  BusSubscription *second = add (f, 2, "tasks.procmond");
  BusSubscription *other = add (f, 3, "tasks.netmond");
  BusServers *servers = find (f, "tasks.procmond");

  g_assert_nonnull (servers);
  g_assert_true (first->serving.servers == servers && second->serving.servers == servers);
  g_assert_true (other->serving.servers == find (f, "tasks.netmond") && other->serving.servers != servers);
  g_assert_cmpuint (servers->n, ==, 2);
  g_assert_true (servers->list[0] == first);
  g_assert_true (servers->list[1] == second);
  take_out (f, first);
  g_assert_true (find (f, "tasks.procmond") == servers);
  g_assert_true (servers->list[0] == second);
  g_assert_cmpuint (servers->n, ==, 1);
  take_out (f, second);
  g_assert_null (find (f, "tasks.procmond"));
  g_assert_nonnull (find (f, "tasks.netmond"));
  take_out (f, other);
}

/* When a server in the middle ends, the others keep their order, so the turns are unchanged. */
static void
test_order (Fixture *f, gconstpointer data)
{
  BusSubscription *servers[4];
  const BusServers *order;
  guint64 cursor;

  for (guint i = 0; i < 4; i++)
    servers[i] = add (f, i + 1, "a.b");
  find (f, "a.b")->balance.cursor = 7;
  take_out (f, servers[1]);
  order = find (f, "a.b");
  cursor = find (f, "a.b")->balance.cursor;
  g_assert_cmpuint (order->n, ==, 3);
  g_assert_cmpuint (cursor, ==, 7);
  g_assert_true (order->list[0] == servers[0]);
  g_assert_true (order->list[1] == servers[2]);
  g_assert_true (order->list[2] == servers[3]);
  take_out (f, servers[0]);
  take_out (f, servers[2]);
  take_out (f, servers[3]);
}

/* The subscription that made the entry may end first: the key of the entry points to the topic of another one then. */
static void
test_own_topic (Fixture *f, gconstpointer data)
{
  BusSubscription *first = add (f, 1, "a.b");
  BusSubscription *second = add (f, 2, "a.b");

  g_assert_true (find (f, "a.b")->key.text.data == first->pattern);
  take_out (f, first);
  g_assert_true (find (f, "a.b")->key.text.data == second->pattern);
  g_assert_nonnull (find (f, "a.b"));
  g_assert_null (find (f, "a"));
  g_assert_null (find (f, "a.b.c"));
  g_assert_cmpmem (second->serving.servers->key.text.data, second->serving.servers->key.text.len, "a.b", 3);
  take_out (f, second);
}

/* Adds, removes and looks up at random, and compares with a list. */
static void
test_random (Fixture *f, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autoptr (GPtrArray) want = g_ptr_array_new ();

  for (guint step = 0; step < 5000; step++)
    {
      gboolean is_growing = step / 500 % 2 == 0;

      if (want->len == 0 || g_rand_int_range (rand, 0, 100) < (is_growing ? 80 : 20))
        g_ptr_array_add (want, add (f, step + 1, "a.b"));
      else
        take_out (f, g_ptr_array_steal_index (want, (guint) g_rand_int_range (rand, 0, (gint) want->len)));
      if (g_rand_int_range (rand, 0, 4) == 0 && want->len > 0)
        {
          const BusServers *servers = find (f, "a.b");

          g_assert_cmpuint (servers->n, ==, want->len);
          for (guint i = 0; i < want->len; i++)
            g_assert_true (servers->list[i] == g_ptr_array_index (want, i));
        }
      g_assert_cmpint (find (f, "a.b") != NULL, ==, want->len > 0);
    }
  while (want->len > 0)
    take_out (f, g_ptr_array_steal_index (want, want->len - 1));
}

/* 10^5 servers of one topic end in the order of serving; the cost of each end does not depend on their number. */
static void
test_100000_servers_of_a_topic (Fixture *f, gconstpointer data)
{
  const guint n = 100000;
  g_autofree BusSubscription **servers = g_new (BusSubscription *, n);

  for (guint i = 0; i < n; i++)
    servers[i] = add (f, i + 1, "a.b");
  g_assert_cmpuint (find (f, "a.b")->n, ==, n);
  for (guint i = 0; i < n; i++)
    take_out (f, servers[i]);
  g_assert_null (find (f, "a.b"));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/servers/entry-exists-while-served", test_entry_exists_while_served);
  ADD ("/core/servers/order", test_order);
  ADD ("/core/servers/own-topic", test_own_topic);
  ADD ("/core/servers/random", test_random);
  ADD ("/core/servers/T06-100000-servers-of-a-topic", test_100000_servers_of_a_topic);
  return g_test_run ();
}
