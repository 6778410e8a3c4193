/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-past.h"

/* The past of an id: strikes, registrations, deaths and holds, and the time for which they are kept. */

#define SECOND G_TIME_SPAN_SECOND

typedef struct
{
  BusPasts pasts;
  BusPast *past;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  bus_pasts_init (&f->pasts);
  f->past = bus_past_open (&f->pasts, 1, WIRE_SPAN_LITERAL ("one"), SECOND);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->past != NULL)
    bus_past_close (&f->pasts, f->past, 1, BUS_PAST_MAX, SECOND);
  bus_pasts_clear (&f->pasts);
}

static void
test_strikes (Fixture *f, gconstpointer data)
{
  g_assert_false (bus_past_strike (f->past, 10 * SECOND));
  g_assert_false (bus_past_strike (f->past, 20 * SECOND));
  g_assert_cmpuint (bus_past_strikes (f->past, 69 * SECOND), ==, 2);
  g_assert_cmpuint (bus_past_strikes (f->past, 70 * SECOND), ==, 1);
  g_assert_false (bus_past_strike (f->past, 70 * SECOND));
  g_assert_true (bus_past_strike (f->past, 79 * SECOND));
  g_assert_cmpuint (bus_past_strikes (f->past, 79 * SECOND), ==, 0);
}

static void
test_registrations (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    g_assert_false (bus_past_registered (f->past, i, 10 * SECOND));
  g_assert_false (bus_past_registered (f->past, 4, 70 * SECOND));
  for (guint i = 0; i < 2; i++)
    g_assert_false (bus_past_registered (f->past, i, 71 * SECOND));
  g_assert_true (bus_past_registered (f->past, 9, 129 * SECOND));
}

static void
test_holds (Fixture *f, gconstpointer data)
{
  static const gint64 expected[] = { 5, 10, 20, 40, 60, 60 };
  gint64 now_us = SECOND;

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_assert_cmpint (bus_past_hold (f->past, 5 * SECOND, 60 * SECOND, now_us) - now_us, ==, expected[i] * SECOND);
      g_assert_true (bus_past_is_held (f->past, now_us));
      now_us = f->past->held_until_us;
      g_assert_false (bus_past_is_held (f->past, now_us));
    }
  now_us += BUS_PAST_US + 1;
  g_assert_cmpint (bus_past_hold (f->past, 5 * SECOND, 60 * SECOND, now_us) - now_us, ==, 5 * SECOND);
}

static void
test_deaths (Fixture *f, gconstpointer data)
{
  bus_past_died (f->past, 7, TRUE, 10 * SECOND);
  bus_past_registered (f->past, 7, 12 * SECOND);
  g_assert_cmpuint (f->past->deaths, ==, 0); /* its connection was interrupted */
  bus_past_died (f->past, 7, TRUE, 20 * SECOND);
  bus_past_registered (f->past, 8, 21 * SECOND);
  bus_past_died (f->past, 8, FALSE, 22 * SECOND);
  bus_past_registered (f->past, 8, 25 * SECOND);
  g_assert_cmpuint (f->past->deaths, ==, 2);
  g_assert_false (bus_past_dies_at_work (f->past));
  bus_past_died (f->past, 8, TRUE, 30 * SECOND);
  g_assert_true (bus_past_dies_at_work (f->past));
  bus_past_completed (f->past);
  g_assert_false (bus_past_dies_at_work (f->past));
  bus_past_registered (f->past, 8, 31 * SECOND); /* cleared deaths are not subtracted a second time */
  g_assert_cmpuint (f->past->deaths_at_work, ==, 0);
}

static void
open_and_close_of (Fixture *f, guint32 account, guint64 most, guint number, gint64 now_us)
{
  g_autofree char *id = g_strdup_printf ("id-%u", number);

  bus_past_close (&f->pasts, bus_past_open (&f->pasts, 1, wire_span_str (id), now_us), account, most, now_us);
}

static void
open_and_close (Fixture *f, guint number, gint64 now_us)
{
  open_and_close_of (f, 1, BUS_PAST_MAX, number, now_us);
}

/* The ids that left first are forgotten first; a registered id is never forgotten. */
static void
test_bound (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < BUS_PAST_MAX + 10; i++)
    open_and_close (f, i, 2 * SECOND);
  g_assert_cmpuint (g_hash_table_size (f->pasts.by_id), ==, BUS_PAST_MAX + 1);
  open_and_close (f, 5000, 2 * SECOND + BUS_PAST_US + 1);
  g_assert_cmpuint (g_hash_table_size (f->pasts.by_id), ==, 2);
  f->past->deaths = 4;
  bus_past_close (&f->pasts, f->past, 1, BUS_PAST_MAX, SECOND + BUS_PAST_US);
  f->past = bus_past_open (&f->pasts, 1, WIRE_SPAN_LITERAL ("one"), SECOND + 2 * BUS_PAST_US);
  g_assert_cmpuint (f->past->deaths, ==, 4);
}

static gboolean
is_known (Fixture *f, guint number)
{
  g_autofree char *id = g_strdup_printf ("id-%u", number);

  return bus_past_find (&f->pasts, 1, wire_span_str (id)) != NULL;
}

/* An account displaces only its own ids, the one that left first. */
static void
test_bound_of_account (Fixture *f, gconstpointer data)
{
  open_and_close_of (f, 1, 3, 0, 2 * SECOND);
  open_and_close_of (f, 2, 3, 1, 2 * SECOND);
  for (guint i = 2; i < 10; i++)
    open_and_close_of (f, 1, 3, i, 2 * SECOND);
  g_assert_cmpuint (f->pasts.gone.length, ==, 4);
  g_assert_true (is_known (f, 1));
  g_assert_false (is_known (f, 0));
  g_assert_false (is_known (f, 6));
  for (guint i = 7; i < 10; i++)
    g_assert_true (is_known (f, i));
  open_and_close_of (f, 1, 3, 7, 3 * SECOND); /* it was there before, so no other id is forgotten */
  g_assert_true (is_known (f, 8));
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/past/K07-strikes", test_strikes);
  ADD ("/core/past/K07-registrations", test_registrations);
  ADD ("/core/past/K07-holds", test_holds);
  ADD ("/core/past/K06-deaths", test_deaths);
  ADD ("/core/past/bound", test_bound);
  ADD ("/core/past/R06-bound-of-account", test_bound_of_account);
  return g_test_run ();
}
