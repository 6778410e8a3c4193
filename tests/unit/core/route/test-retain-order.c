/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-retain-order.h"

/* Places of values in the order of acceptance. The values are pointers that are never dereferenced. */

typedef struct
{
  BusRetainOrder order;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  bus_retain_order_init (&f->order);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_retain_order_clear (&f->order);
}

static void
add (Fixture *f, guint64 seq)
{
  bus_retain_order_add (&f->order, (BusRetainPlace){ .accept_seq = seq, .value = GSIZE_TO_POINTER ((gsize) seq) });
}

static void
add_range (Fixture *f, guint64 from, guint64 to)
{
  for (guint64 seq = from; seq <= to; seq++)
    add (f, seq);
}

static void
remove_range (Fixture *f, guint64 from, guint64 to)
{
  for (guint64 seq = from; seq <= to; seq++)
    bus_retain_order_remove (&f->order, seq);
}

/* The values that a reader finds, one place after the other. */
static char *
read_all (const Fixture *f)
{
  const BusRetainOrder *order = &f->order;
  GString *all = g_string_new (NULL);

  for (guint i = bus_retain_order_after (order, 0); i < order->end; i++)
    if (order->places[i].value != NULL)
      g_string_append_printf (all, "%s%" G_GUINT64_FORMAT, all->len > 0 ? " " : "", order->places[i].accept_seq);
  return g_string_free (all, FALSE);
}

#define assert_order(f, expected)                                                                                      \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *all = read_all (f);                                                                             \
                                                                                                                       \
      g_assert_cmpstr (all, ==, expected);                                                                             \
    }                                                                                                                  \
  while (0)

static void
test_in_order (Fixture *f, gconstpointer data)
{
  assert_order (f, "");
  add (f, 2);
  add (f, 4);
  add (f, 9);
  assert_order (f, "2 4 9");
  add (f, 3); /* a message that was accepted earlier, and stored later */
  add (f, 1);
  assert_order (f, "1 2 3 4 9");
  bus_retain_order_remove (&f->order, 3);
  assert_order (f, "1 2 4 9");
  bus_retain_order_remove (&f->order, 1);
  bus_retain_order_remove (&f->order, 9);
  assert_order (f, "2 4");
  g_assert_cmpuint (f->order.n, ==, 2);
  remove_range (f, 2, 2);
  remove_range (f, 4, 4);
  assert_order (f, "");
}

static void
test_after (Fixture *f, gconstpointer data)
{
  add (f, 10);
  add (f, 20);
  add (f, 30);
  g_assert_cmpuint (bus_retain_order_after (&f->order, 9), ==, 0);
  g_assert_cmpuint (bus_retain_order_after (&f->order, 10), ==, 1);
  g_assert_cmpuint (bus_retain_order_after (&f->order, 29), ==, 2);
  g_assert_cmpuint (bus_retain_order_after (&f->order, 30), ==, f->order.end);
}

/* A reader keeps the number of its place while values are removed in front of it and behind it, and new ones are appended. */
static void
test_place_stays (Fixture *f, gconstpointer data)
{
  const guint at = 5;
  guint64 moves;

  add_range (f, 1, 7);
  moves = f->order.moves;
  remove_range (f, 1, 3);
  bus_retain_order_remove (&f->order, 5);
  add (f, 8);
  g_assert_cmpuint (f->order.moves, ==, moves);
  g_assert_cmpuint (f->order.places[at].accept_seq, ==, 6);
  assert_order (f, "4 6 7 8");
}

/* Each of these may put another value behind the place that a reader has kept. */
static void
test_moves_are_counted (Fixture *f, gconstpointer data)
{
  guint64 moves;

  add_range (f, 1, 7);
  moves = f->order.moves;
  bus_retain_order_remove (&f->order, 7); /* the next value gets the place of the last one */
  g_assert_cmpuint (f->order.moves, >, moves);
  moves = f->order.moves;
  add (f, 10);
  add (f, 8); /* in front of another one */
  g_assert_cmpuint (f->order.moves, >, moves);
  moves = f->order.moves;
  add (f, 11); /* the array is full */
  g_assert_cmpuint (f->order.moves, >, moves);
  assert_order (f, "1 2 3 4 5 6 8 10 11");
}

/* A topic whose value is replaced again and again needs no more places, nor do values that are replaced in turn. */
static void
test_empty_places_are_used (Fixture *f, gconstpointer data)
{
  add_range (f, 1, 10);
  for (guint64 seq = 11; seq < 10000; seq++)
    {
      bus_retain_order_remove (&f->order, seq - 10);
      add (f, seq);
    }
  g_assert_cmpuint (f->order.capacity, <=, 32);
  bus_retain_order_remove (&f->order, 9999);
  for (guint64 seq = 20000; seq < 30000; seq++)
    {
      add (f, seq);
      bus_retain_order_remove (&f->order, seq);
    }
  g_assert_cmpuint (f->order.capacity, <=, 32);
  assert_order (f, "9990 9991 9992 9993 9994 9995 9996 9997 9998");
}

/* Values that are removed in the middle leave few empty places, and their memory is returned. */
static void
test_shrinks (Fixture *f, gconstpointer data)
{
  add_range (f, 1, 5000);
  remove_range (f, 3, 4998);
  g_assert_cmpuint (f->order.capacity, <=, 16);
  assert_order (f, "1 2 4999 5000");
}

int
main (int argc, char **argv)
{
#define ADD(path, function) g_test_add ("/core/retain-order/" path, Fixture, NULL, setup, function, teardown)
  g_test_init (&argc, &argv, NULL);
  ADD ("in-order", test_in_order);
  ADD ("after", test_after);
  ADD ("place-stays", test_place_stays);
  ADD ("moves-are-counted", test_moves_are_counted);
  ADD ("empty-places-are-used", test_empty_places_are_used);
  ADD ("shrinks", test_shrinks);
  return g_test_run ();
}
