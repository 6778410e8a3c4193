/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-table.h"

/* A set by hash: each item is found exactly once, also if hashes collide and other items were removed. */

#define N 300u

typedef struct
{
  guint64 hash;
  gboolean is_in;
} Item;

static guint
count (const BusTable *table, const Item *wanted)
{
  guint n = 0;
  guint at;

  for (const Item *item = bus_table_first (table, wanted->hash, &at); item != NULL;
       item = bus_table_next (table, wanted->hash, &at))
    {
      g_assert_cmpuint (item->hash, ==, wanted->hash);
      g_assert_true (item->is_in);
      n += item == wanted ? 1 : 0;
    }
  return n;
}

static void
test_empty (void)
{
  BusTable table;
  guint at;

  bus_table_init (&table);
  g_assert_null (bus_table_first (&table, 0, &at));
  g_assert_null (bus_table_first (&table, G_MAXUINT64, &at));
  g_assert_cmpuint (bus_table_size (&table), ==, 0);
  bus_table_clear (&table);
}

/* Against a list: equal hashes, hashes with the same home, and homes at the end of the cells, so that runs continue at the
 * first cell. */
static void
test_naive (gconstpointer spread)
{
  const guint n_hashes = GPOINTER_TO_UINT (spread);
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  Item items[N] = { 0 };
  guint n_in = 0;
  BusTable table;

  bus_table_init (&table);
  for (guint i = 0; i < N; i++)
    items[i].hash = ((guint64) i % n_hashes) * 4096u + 4090u + i % 8;
  for (guint step = 0; step < 20000; step++)
    {
      const gboolean is_growing = step / 1000 % 2 == 0;
      Item *item = &items[g_rand_int_range (rand, 0, N)];

      if (item->is_in && g_rand_int_range (rand, 0, 100) < (is_growing ? 20 : 80))
        {
          bus_table_remove (&table, item->hash, item);
          item->is_in = FALSE;
          n_in--;
        }
      else if (!item->is_in && g_rand_int_range (rand, 0, 100) < (is_growing ? 80 : 20))
        {
          bus_table_add (&table, item->hash, item);
          item->is_in = TRUE;
          n_in++;
        }
      g_assert_cmpuint (bus_table_size (&table), ==, n_in);
      g_assert_cmpuint (count (&table, item), ==, item->is_in ? 1 : 0);
      for (guint i = 0; i < (step % 100 == 0 ? N : 0); i++)
        g_assert_cmpuint (count (&table, &items[i]), ==, items[i].is_in ? 1 : 0);
    }
  bus_table_clear (&table);
}

/* The memory of the table grows and shrinks with the number of items. */
static void
test_size (void)
{
  static Item items[10000];
  BusTable table;
  guint smallest;

  bus_table_init (&table);
  smallest = table.mask;
  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    {
      items[i] = (Item){ i * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15), TRUE };
      bus_table_add (&table, items[i].hash, &items[i]);
      g_assert_cmpuint (table.mask + 1, >, i);
    }
  g_assert_cmpuint (table.mask + 1, <=, 4 * G_N_ELEMENTS (items));
  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    {
      g_assert_cmpuint (count (&table, &items[i]), ==, 1);
      bus_table_remove (&table, items[i].hash, &items[i]);
      items[i].is_in = FALSE;
    }
  g_assert_cmpuint (table.mask, ==, smallest);
  bus_table_clear (&table);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/table/empty", test_empty);
  g_test_add_data_func ("/core/table/one-hash", GUINT_TO_POINTER (1), test_naive);
  g_test_add_data_func ("/core/table/few-hashes", GUINT_TO_POINTER (5), test_naive);
  g_test_add_data_func ("/core/table/many-hashes", GUINT_TO_POINTER (N), test_naive);
  g_test_add_func ("/core/table/size", test_size);
  return g_test_run ();
}
