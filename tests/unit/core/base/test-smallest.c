/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-smallest.h"

/* The smallest few of many items, against a sort of all of them. */

#define N_MOST 500u

static int
compare (gconstpointer a, gconstpointer b)
{
  guint first = **(const guint *const *) a;
  guint second = **(const guint *const *) b;

  return (first > second) - (first < second);
}

static int
compare_values (gconstpointer a, gconstpointer b)
{
  guint first = *(const guint *) a;
  guint second = *(const guint *) b;

  return (first > second) - (first < second);
}

static void
assert_smallest (guint *values, guint n, guint max)
{
  g_autofree guint *sorted = g_memdup2 (values, MAX (n, 1) * sizeof (guint));
  g_autoptr (GPtrArray) found = NULL;
  guint64 work = 7;
  BusSmallest smallest;

  qsort (sorted, n, sizeof (guint), compare_values);
  bus_smallest_init (&smallest, &work, compare, max);
  for (guint i = 0; i < n; i++)
    {
      bus_smallest_add (&smallest, &values[i]);
      g_assert_cmpuint (smallest.items->len, <, 2 * max);
    }
  found = bus_smallest_end (&smallest);
  g_assert_cmpuint (found->len, ==, MIN (n, max));
  for (guint i = 0; i < found->len; i++)
    g_assert_cmpuint (*(guint *) g_ptr_array_index (found, i), ==, sorted[i]);

  /* The work is added to the earlier count, and is linear in the number of items. */
  g_assert_cmpuint (work, >=, 7 + (guint64) found->len * BUS_SMALLEST_WORK);
  g_assert_cmpuint (work, <=, 7 + (2 * (guint64) n + 2 * max) * BUS_SMALLEST_WORK);
}

static void
test_random (void)
{
  for (guint round = 0; round < 500; round++)
    {
      guint values[N_MOST];
      guint n = (guint) g_test_rand_int_range (0, N_MOST);
      guint max = (guint) g_test_rand_int_range (1, 40);
      gint range = round % 2 == 0 ? 20 : 100000; /* many of one value, or hardly any */

      for (guint i = 0; i < n; i++)
        values[i] = (guint) g_test_rand_int_range (0, range);
      assert_smallest (values, n, max);
    }
}

/* Numbers of items around those at which the list is cut. */
static void
test_sizes (void)
{
  guint rising[N_MOST];
  guint falling[N_MOST];

  for (guint i = 0; i < N_MOST; i++)
    {
      rising[i] = i;
      falling[i] = N_MOST - i;
    }
  for (guint max = 1; max < 6; max++)
    for (guint n = 0; n < 5 * max; n++)
      {
        assert_smallest (rising, n, max);
        assert_smallest (falling, n, max);
      }
}

/* Each item is in the result at most once, also among equal ones. */
static void
test_no_item_twice (void)
{
  guint values[40] = { 0 };
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) found = NULL;
  guint64 work = 0;
  BusSmallest smallest;

  bus_smallest_init (&smallest, &work, compare, 10);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    bus_smallest_add (&smallest, &values[i]);
  found = bus_smallest_end (&smallest);
  g_assert_cmpuint (found->len, ==, 10);
  for (guint i = 0; i < found->len; i++)
    g_assert_true (g_hash_table_add (seen, g_ptr_array_index (found, i)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/smallest/random", test_random);
  g_test_add_func ("/core/smallest/sizes", test_sizes);
  g_test_add_func ("/core/smallest/no-item-twice", test_no_item_twice);
  return g_test_run ();
}
