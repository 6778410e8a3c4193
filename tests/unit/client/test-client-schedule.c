/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-reconnect.h"

/* The schedule of attempts; the test provides the clock and the random numbers. */

#define NOW_US 5000000

/* Returns and stores the largest possible number. */
static gint64
largest (gint64 bound, gpointer data)
{
  if (data != NULL)
    *(gint64 *) data = bound;
  return bound;
}

static gint64
smallest (gint64 bound, gpointer data)
{
  return 0;
}

static void
fail (DeyeBusReconnect *r, gint64 hint_us, gint64 *bound_us)
{
  g_assert_true (deye_bus_reconnect_begin (r, r->due_us));
  deye_bus_reconnect_plan (r, NOW_US, hint_us, largest, bound_us);
}

static void
test_doubles (void)
{
  static const gint64 bounds_us[] = { 50000, 100000, 200000, 400000, 800000, 1000000, 1000000 };
  DeyeBusReconnect r = { 0 };
  gint64 bound_us = 0;

  deye_bus_reconnect_plan (&r, NOW_US, 0, largest, &bound_us);
  g_assert_cmpint (bound_us, ==, 50000);
  for (guint i = 0; i < G_N_ELEMENTS (bounds_us); i++)
    {
      fail (&r, 0, &bound_us);
      g_assert_cmpint (bound_us, ==, bounds_us[i]);
      g_assert_cmpint (r.due_us, ==, NOW_US + bounds_us[i]);
    }
  deye_bus_reconnect_reset (&r);
  deye_bus_reconnect_plan (&r, NOW_US, 0, largest, &bound_us);
  g_assert_cmpint (bound_us, ==, 50000);
}

/* Attempts never end: the number of failures does not overflow and cause early attempts. */
static void
test_without_end (void)
{
  DeyeBusReconnect r = { .failures = G_MAXUINT, .due_us = NOW_US };
  gint64 bound_us = 0;

  for (guint i = 0; i < 10; i++)
    {
      fail (&r, 0, &bound_us);
      g_assert_cmpint (bound_us, ==, DEYE_BUS_RECONNECT_MAX_US);
    }
}

static void
test_begins_when_due (void)
{
  DeyeBusReconnect r = { 0 };

  g_assert_false (deye_bus_reconnect_begin (&r, G_MAXINT64));
  deye_bus_reconnect_plan (&r, NOW_US, 0, largest, NULL);
  g_assert_false (deye_bus_reconnect_begin (&r, NOW_US + 49999));
  g_assert_true (deye_bus_reconnect_begin (&r, NOW_US + 50000));
  g_assert_false (deye_bus_reconnect_begin (&r, G_MAXINT64));
}

static void
test_wake (void)
{
  DeyeBusReconnect r = { .failures = 9, .due_us = NOW_US };
  gint64 bound_us = 0;

  fail (&r, 0, NULL);
  deye_bus_reconnect_wake (&r, NOW_US + 10, largest, &bound_us);
  g_assert_cmpint (bound_us, ==, DEYE_BUS_RECONNECT_WAKE_US);
  g_assert_cmpint (r.due_us, ==, NOW_US + 10 + DEYE_BUS_RECONNECT_WAKE_US);
  /* A wake-up never postpones an attempt. */
  deye_bus_reconnect_wake (&r, NOW_US + 40000, largest, NULL);
  g_assert_cmpint (r.due_us, ==, NOW_US + 10 + DEYE_BUS_RECONNECT_WAKE_US);
  /* The next failures begin with short delays again: the broker is just starting. */
  fail (&r, 0, &bound_us);
  g_assert_cmpint (bound_us, ==, 50000);
  deye_bus_reconnect_reset (&r);
  deye_bus_reconnect_wake (&r, NOW_US, largest, NULL);
  g_assert_cmpint (r.due_us, ==, 0);
}

/* A full broker names the time for the next attempt. Changes in the directory do not override it. */
static void
test_hint (void)
{
  DeyeBusReconnect r = { .due_us = NOW_US };

  fail (&r, 300000, NULL);
  g_assert_cmpint (r.due_us, ==, NOW_US + 300000 + 50000);
  deye_bus_reconnect_wake (&r, NOW_US, smallest, NULL);
  g_assert_cmpint (r.due_us, ==, NOW_US + 300000);
  fail (&r, G_MAXINT64, NULL);
  g_assert_cmpint (r.due_us, <=, NOW_US + DEYE_BUS_RECONNECT_HINT_US + DEYE_BUS_RECONNECT_MAX_US);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/schedule/M16-doubles", test_doubles);
  g_test_add_func ("/client/schedule/M16-without-end", test_without_end);
  g_test_add_func ("/client/schedule/begins-when-due", test_begins_when_due);
  g_test_add_func ("/client/schedule/M16-wake", test_wake);
  g_test_add_func ("/client/schedule/hint", test_hint);
  return g_test_run ();
}
