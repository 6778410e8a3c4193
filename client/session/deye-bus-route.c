/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-route.h"

/* A request is usually answered before the next one arrives, and looked up several times until then. So the newest route is not in
 * the hash table. It moves into the table when another route is opened. If it ends before that, its block is kept for the next
 * route. */

static void
route_free (gpointer data)
{
  DeyeBusRoute *route = data;

  g_clear_object (&route->cancellable);
  g_free (route);
}

void
deye_bus_route_table_init (DeyeBusRouteTable *table)
{
  *table = (DeyeBusRouteTable){ .by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, route_free) };
}

void
deye_bus_route_table_clear (DeyeBusRouteTable *table)
{
  g_clear_pointer (&table->last, route_free);
  g_clear_pointer (&table->by_id, g_hash_table_unref);
  g_clear_pointer (&table->spare, g_free);
}

static gboolean
route_table_is_full (const DeyeBusRouteTable *table)
{
  return g_hash_table_size (table->by_id) + (table->last != NULL ? 1 : 0) >= DEYE_BUS_ROUTES_MAX;
}

gboolean
deye_bus_route_table_open (DeyeBusRouteTable *table, guint64 id, gboolean is_task)
{
  DeyeBusRoute *route;

  if (route_table_is_full (table))
    return FALSE;
  if (table->last != NULL)
    g_hash_table_replace (table->by_id, &table->last->id, table->last);
  route = table->spare != NULL ? g_steal_pointer (&table->spare) : g_new (DeyeBusRoute, 1);
  *route = (DeyeBusRoute){ .id = id, .is_task = is_task };
  table->last = route;
  return TRUE;
}

DeyeBusRoute *
deye_bus_route_table_find (const DeyeBusRouteTable *table, guint64 id)
{
  if (table->last != NULL && table->last->id == id)
    return table->last;
  return g_hash_table_size (table->by_id) > 0 ? g_hash_table_lookup (table->by_id, &id) : NULL;
}

static void
route_table_remove (DeyeBusRouteTable *table, guint64 id)
{
  if (table->last == NULL || table->last->id != id)
    {
      g_hash_table_remove (table->by_id, &id);
      return;
    }
  g_clear_object (&table->last->cancellable);
  g_free (table->spare);
  table->spare = g_steal_pointer (&table->last);
}

void
deye_bus_route_table_answered (DeyeBusRouteTable *table, guint64 id)
{
  route_table_remove (table, id);
}

GCancellable *
deye_bus_route_table_cancel (DeyeBusRouteTable *table, guint64 id)
{
  DeyeBusRoute *route = deye_bus_route_table_find (table, id);
  GCancellable *cancellable = route != NULL ? g_steal_pointer (&route->cancellable) : NULL;

  route_table_remove (table, id);
  return cancellable;
}

static void
route_take_cancellable (DeyeBusRoute *route, GPtrArray *watched)
{
  if (route->cancellable != NULL)
    g_ptr_array_add (watched, g_steal_pointer (&route->cancellable));
}

GPtrArray *
deye_bus_route_table_cancel_all (DeyeBusRouteTable *table)
{
  GPtrArray *watched = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer route;

  if (table->last != NULL)
    route_take_cancellable (table->last, watched);
  g_hash_table_iter_init (&iter, table->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &route))
    route_take_cancellable (route, watched);
  g_clear_pointer (&table->last, route_free);
  g_hash_table_remove_all (table->by_id);
  return watched;
}
