/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-heap.h"

/* One item can be in two heaps: one by its number, one by the reverse. */
typedef struct
{
  gint number;
  guint up;
  guint down;
} Item;

#define N_ITEMS 64u

typedef struct
{
  BusHeap up;
  BusHeap down;
  Item items[N_ITEMS];
} Fixture;

static int
compare_up (gconstpointer a, gconstpointer b)
{
  return ((const Item *) a)->number - ((const Item *) b)->number;
}

static int
compare_down (gconstpointer a, gconstpointer b)
{
  return compare_up (b, a);
}

static void
setup (Fixture *f, gconstpointer data)
{
  bus_heap_init (&f->up, compare_up, G_STRUCT_OFFSET (Item, up));
  bus_heap_init (&f->down, compare_down, G_STRUCT_OFFSET (Item, down));
}

static void
remove_item (Fixture *f, Item *item)
{
  bus_heap_remove (&f->up, item);
  bus_heap_remove (&f->down, item);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < N_ITEMS; i++)
    remove_item (f, &f->items[i]);
  bus_heap_clear (&f->up);
  bus_heap_clear (&f->down);
}

static void
add_item (Fixture *f, Item *item, gint number)
{
  item->number = number;
  bus_heap_add (&f->up, item);
  bus_heap_add (&f->down, item);
}

static void
assert_first (Fixture *f)
{
  const Item *up = bus_heap_first (&f->up);
  const Item *down = bus_heap_first (&f->down);
  gint least = G_MAXINT;
  gint most = G_MININT;

  for (guint i = 0; i < N_ITEMS; i++)
    if (f->items[i].up != 0)
      {
        least = MIN (least, f->items[i].number);
        most = MAX (most, f->items[i].number);
      }
  g_assert_cmpint (up != NULL ? up->number : G_MAXINT, ==, least);
  g_assert_cmpint (down != NULL ? down->number : G_MININT, ==, most);
  g_assert_cmpint (bus_heap_is_empty (&f->up), ==, up == NULL);
}

/* Adds and removes at random, and compares the first item with a plain search over all. */
static void
test_random_against_a_sorted_list (Fixture *f, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  for (guint step = 0; step < 20000; step++)
    {
      Item *item = &f->items[g_rand_int_range (rand, 0, N_ITEMS)];

      if (item->up != 0)
        remove_item (f, item);
      else
        add_item (f, item, g_rand_int_range (rand, 0, 50));
      assert_first (f);
    }
}

static void
set_number (Fixture *f, Item *item, gint number)
{
  item->number = number;
  bus_heap_update (&f->up, item);
  bus_heap_update (&f->down, item);
}

/* Also changes the keys of items, in the heap or not. */
static void
test_random_updates (Fixture *f, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);

  for (guint step = 0; step < 20000; step++)
    {
      Item *item = &f->items[g_rand_int_range (rand, 0, N_ITEMS)];
      const gint number = g_rand_int_range (rand, 0, 50);

      if (item->up == 0 && step % 2 == 0)
        add_item (f, item, number);
      else if (step % 7 == 0)
        remove_item (f, item);
      else
        set_number (f, item, number);
      assert_first (f);
    }
}

static void
test_removes_twice (Fixture *f, gconstpointer data)
{
  add_item (f, &f->items[0], 1);
  remove_item (f, &f->items[0]);
  remove_item (f, &f->items[0]);
  g_assert_null (bus_heap_first (&f->up));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/core/heap/random-against-a-sorted-list", Fixture, NULL, setup, test_random_against_a_sorted_list,
              teardown);
  g_test_add ("/core/heap/random-updates", Fixture, NULL, setup, test_random_updates, teardown);
  g_test_add ("/core/heap/removes-twice", Fixture, NULL, setup, test_removes_twice, teardown);
  return g_test_run ();
}
