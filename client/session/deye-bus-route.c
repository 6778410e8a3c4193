/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-route.h"

/* A request is usually answered before the next one arrives, and looked up several times until then. So the newest route is found
 * without a look into the hash table. */

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
  table->by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, route_free);
}

void
deye_bus_route_table_clear (DeyeBusRouteTable *table)
{
  table->last = NULL;
  g_clear_pointer (&table->by_id, g_hash_table_unref);
}

gboolean
deye_bus_route_table_open (DeyeBusRouteTable *table, guint64 id, gboolean is_task)
{
  DeyeBusRoute *route;

  if (g_hash_table_size (table->by_id) >= DEYE_BUS_ROUTES_MAX)
    return FALSE;
  route = g_new0 (DeyeBusRoute, 1);
  route->id = id;
  route->is_task = is_task;
  g_hash_table_replace (table->by_id, &route->id, route);
  table->last = route;
  return TRUE;
}

DeyeBusRoute *
deye_bus_route_table_find (const DeyeBusRouteTable *table, guint64 id)
{
  if (table->last != NULL && table->last->id == id)
    return table->last;
  return g_hash_table_lookup (table->by_id, &id);
}

static void
route_table_remove (DeyeBusRouteTable *table, guint64 id)
{
  if (table->last != NULL && table->last->id == id)
    table->last = NULL;
  g_hash_table_remove (table->by_id, &id);
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

GPtrArray *
deye_bus_route_table_cancel_all (DeyeBusRouteTable *table)
{
  GPtrArray *watched = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer route;

  g_hash_table_iter_init (&iter, table->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &route))
    if (((DeyeBusRoute *) route)->cancellable != NULL)
      g_ptr_array_add (watched, g_steal_pointer (&((DeyeBusRoute *) route)->cancellable));
  table->last = NULL;
  g_hash_table_remove_all (table->by_id);
  return watched;
}
