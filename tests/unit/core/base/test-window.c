/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-window.h"

/* Credit windows: plain arithmetic that flow control in both directions depends on. */

static void
test_opens_and_closes (void)
{
  BusWindow window;

  bus_window_init (&window, 2, 100);
  g_assert_true (bus_window_is_open (&window));
  bus_window_use (&window, 10);
  g_assert_true (bus_window_is_open (&window));
  bus_window_use (&window, 500); /* the last message may exceed the credit */
  g_assert_false (bus_window_is_open (&window));
  g_assert_cmpuint (bus_window_outstanding (&window), ==, 2);

  g_assert_cmpint (bus_window_set_granted (&window, 4, 610, window.used_messages), ==, BUS_WINDOW_GRANTED);
  g_assert_true (bus_window_is_open (&window));
  g_assert_cmpuint (bus_window_outstanding (&window), ==, 0);
}

static void
test_bytes_close_it_too (void)
{
  BusWindow window;

  bus_window_init (&window, 1000, 100);
  bus_window_use (&window, 99);
  g_assert_true (bus_window_is_open (&window));
  bus_window_use (&window, 1);
  g_assert_false (bus_window_is_open (&window));
  bus_window_unuse (&window, 1);
  g_assert_true (bus_window_is_open (&window));
}

static void
test_totals_are_checked (void)
{
  BusWindow window;

  bus_window_init (&window, 10, 100);
  g_assert_cmpint (bus_window_set_granted (&window, 9, 100, window.used_messages), ==, BUS_WINDOW_BACKWARDS);
  g_assert_cmpint (bus_window_set_granted (&window, 10, 99, window.used_messages), ==, BUS_WINDOW_BACKWARDS);
  g_assert_cmpint (bus_window_set_granted (&window, 11, 100, window.used_messages), ==, BUS_WINDOW_TOO_FAR);
  g_assert_cmpint (bus_window_set_granted (&window, 10, 101, window.used_messages), ==, BUS_WINDOW_TOO_FAR);
  bus_window_use (&window, 5); /* it uses credit, and is not sent yet */
  g_assert_cmpint (bus_window_set_granted (&window, 11, 105, 0), ==, BUS_WINDOW_TOO_FAR);
  bus_window_unuse (&window, 5);
  g_assert_cmpint (bus_window_set_granted (&window, G_MAXUINT64, G_MAXUINT64, window.used_messages), ==,
                   BUS_WINDOW_TOO_FAR);
  bus_window_use (&window, 5);
  g_assert_cmpint (bus_window_set_granted (&window, 11, 105, window.used_messages), ==, BUS_WINDOW_GRANTED);
  g_assert_cmpint (bus_window_set_granted (&window, 11, 105, window.used_messages), ==, BUS_WINDOW_GRANTED);
}

static void
test_announced_at_a_quarter (void)
{
  BusWindow window;
  BusReturned returned = { 0 };

  bus_window_init (&window, 100, 100000);
  for (guint i = 0; i < 24; i++)
    {
      bus_window_use (&window, 1);
      g_assert_false (bus_window_return (&window, &returned, 1, 1));
    }
  bus_window_use (&window, 1);
  g_assert_true (bus_window_return (&window, &returned, 1, 1));
  bus_window_grant (&window, &returned);
  g_assert_cmpuint (window.granted_messages, ==, 125);
  g_assert_cmpuint (window.granted_bytes, ==, 100025);
  bus_window_use (&window, 25000);
  g_assert_true (bus_window_return (&window, &returned, 1, 25000));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/window/open", test_opens_and_closes);
  g_test_add_func ("/core/window/bytes", test_bytes_close_it_too);
  g_test_add_func ("/core/window/totals", test_totals_are_checked);
  g_test_add_func ("/core/window/quarter", test_announced_at_a_quarter);
  return g_test_run ();
}
