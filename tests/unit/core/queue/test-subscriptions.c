/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-subscriptions.h"

/* The set of a peer's subscriptions: each is found by its number, after any additions and removals. */

#define N 300u

static BusCells cells;

static BusSubscription *
subscription_with (guint32 id)
{
  return bus_subscription_new (&cells, NULL, id, WIRE_SPAN_LITERAL ("a"), FALSE);
}

static void
test_empty (void)
{
  BusSubscriptions set = { .seed = 1 };
  guint at = 0;

  g_assert_cmpuint (bus_subscriptions_size (&set), ==, 0);
  g_assert_null (bus_subscriptions_find (&set, 0));
  g_assert_null (bus_subscriptions_find (&set, G_MAXUINT32));
  g_assert_null (bus_subscriptions_next (&set, &at));
  bus_subscriptions_clear (&set);
}

/* An empty set uses no memory, and a large set that has become almost empty uses little. */
static void
test_shrinks (void)
{
  BusSubscriptions set = { .seed = 1 };
  BusSubscription *all[N];

  for (guint i = 0; i < N; i++)
    bus_subscriptions_add (&set, all[i] = subscription_with (i));
  g_assert_cmpuint (set.n_cells, ==, 512);
  for (guint i = N; i-- > 3;)
    bus_subscriptions_remove (&set, all[i]);
  g_assert_cmpuint (set.n_cells, <=, 32);
  for (guint i = 0; i < 3; i++)
    g_assert_true (bus_subscriptions_find (&set, i) == all[i]);
  for (guint i = 0; i < 3; i++)
    bus_subscriptions_remove (&set, all[i]);
  g_assert_null (set.cells);
  for (guint i = 0; i < N; i++)
    bus_subscription_free (&cells, all[i]);
}

static void
assert_same (const BusSubscriptions *set, BusSubscription *const *all, const gboolean *is_in)
{
  g_autoptr (GPtrArray) sorted = bus_subscriptions_sorted (set);
  guint n = 0, n_seen = 0, at = 0;

  for (guint i = 0; i < N; i++)
    {
      g_assert_true (bus_subscriptions_find (set, all[i]->id) == (is_in[i] ? all[i] : NULL));
      if (is_in[i])
        g_assert_true (g_ptr_array_index (sorted, n++) == all[i]);
    }
  while (bus_subscriptions_next (set, &at) != NULL)
    n_seen++;
  g_assert_cmpuint (n_seen, ==, n);
  g_assert_cmpuint (sorted->len, ==, n);
  g_assert_cmpuint (bus_subscriptions_size (set), ==, n);
}

/* Compares the set with a list while it grows and shrinks in turn. */
static void
test_random_against_a_list (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  BusSubscriptions set = { .seed = 5 };
  BusSubscription *all[N];
  gboolean is_in[N] = { FALSE };

  for (guint i = 0; i < N; i++)
    all[i] = subscription_with (i * 4096 + (i % 3));
  for (guint step = 0; step < 20000; step++)
    {
      const gboolean is_growing = step / 1000 % 2 == 0;
      const guint i = (guint) g_rand_int_range (rand, 0, N);

      if (g_rand_int_range (rand, 0, 100) < 80 ? is_in[i] == is_growing : is_in[i] != is_growing)
        continue;
      if (is_in[i])
        bus_subscriptions_remove (&set, all[i]);
      else
        bus_subscriptions_add (&set, all[i]);
      is_in[i] = !is_in[i];
      if (step % 50 == 0)
        assert_same (&set, all, is_in);
    }
  for (guint i = 0; i < N; i++)
    {
      if (is_in[i])
        bus_subscriptions_remove (&set, all[i]);
      bus_subscription_free (&cells, all[i]);
    }
  g_assert_cmpuint (bus_subscriptions_size (&set), ==, 0);
  bus_subscriptions_clear (&set);
}

/* Numbers that share a cell with one seed do not share it with another seed. */
static void
test_seed (void)
{
  BusSubscription *one = subscription_with (1), *two = subscription_with (2);
  guint n_orders = 0;

  for (guint seed = 0; seed < 64; seed++)
    {
      BusSubscriptions set = { .seed = seed };
      guint at = 0;

      bus_subscriptions_add (&set, one);
      bus_subscriptions_add (&set, two);
      n_orders += bus_subscriptions_next (&set, &at) == one ? 1 : 0;
      bus_subscriptions_remove (&set, one);
      bus_subscriptions_remove (&set, two);
    }
  g_assert_cmpuint (n_orders, >, 8);
  g_assert_cmpuint (n_orders, <, 56);
  bus_subscription_free (&cells, one);
  bus_subscription_free (&cells, two);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/subscriptions/empty", test_empty);
  g_test_add_func ("/core/subscriptions/shrinks", test_shrinks);
  g_test_add_func ("/core/subscriptions/random-against-a-list", test_random_against_a_list);
  g_test_add_func ("/core/subscriptions/seed", test_seed);
  return g_test_run ();
}
