/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-route.h"

/* The table of open routes by itself: the newest route has a place of its own there, which must make no difference. */

static gboolean
open_route (DeyeBusRouteTable *table, guint64 id)
{
  return deye_bus_route_table_open (table, id, FALSE);
}

/* Opens as many routes as the table may have, from 1 on. */
static void
fill (DeyeBusRouteTable *table)
{
  deye_bus_route_table_init (table);
  for (guint64 id = 1; id <= DEYE_BUS_ROUTES_MAX; id++)
    g_assert_true (open_route (table, id));
  g_assert_false (open_route (table, DEYE_BUS_ROUTES_MAX + 1));
}

/* The bound counts the newest route, too. */
static void
test_bound (void)
{
  DeyeBusRouteTable table;
  const guint64 most = DEYE_BUS_ROUTES_MAX;

  fill (&table);
  deye_bus_route_table_answered (&table, most); /* the newest one */
  g_assert_true (open_route (&table, most + 1));
  g_assert_false (open_route (&table, most + 2));
  deye_bus_route_table_answered (&table, 1); /* the oldest one */
  g_assert_true (open_route (&table, most + 2));
  g_assert_false (open_route (&table, most + 3));
  deye_bus_route_table_clear (&table);
}

/* A route that was refused is not open, and the newest one is still open. */
static void
test_refused (void)
{
  DeyeBusRouteTable table;
  const guint64 most = DEYE_BUS_ROUTES_MAX;

  fill (&table);
  g_assert_null (deye_bus_route_table_find (&table, most + 1));
  for (guint64 id = 1; id <= most; id++)
    g_assert_nonnull (deye_bus_route_table_find (&table, id));
  deye_bus_route_table_clear (&table);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/route-table/bound", test_bound);
  g_test_add_func ("/client/route-table/refused", test_refused);
  return g_test_run ();
}
