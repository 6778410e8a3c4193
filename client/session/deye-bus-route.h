/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-class.h"

#include <gio/gio.h>

/*
 * Routes: the requests that this client received and has not answered yet.
 *
 * A route is open from the arrival of its request until its last reply, its CANCEL, or the end of the connection. The
 * replies of a route leave in the order in which the client sends them, although a large and a small one wait for credit
 * of different classes: the route remembers the last reply that had to wait. A responder that is still working can watch a
 * cancellable, which is cancelled when the requester does not wait any more.
 *
 * The request that gives a task to this client is different: the broker waits for its last reply after CANCEL as well, so the
 * route stays open and only remembers it. Nobody watches such a route; its owner gets events.
 *
 * Invariant: a route that ends without its last reply cancels its cancellable, exactly once and from a dispatch.
 */

#define DEYE_BUS_ROUTES_MAX 65536u

typedef struct
{
  guint64 id;
  guint64 waiting_number; /* of the last reply that had to wait for credit; 0: none had */
  WireClass waiting_class;
  GCancellable *cancellable; /* NULL: nobody watches it */
  gboolean is_task;          /* the last reply is due after CANCEL, too */
  gboolean is_cancelled;     /* of a task: CANCEL came */
  guint32 cancel_status;     /* ... with this reason, a WireStatus */
} DeyeBusRoute;

typedef struct
{
  GHashTable *by_id; /* of DeyeBusRoute */
} DeyeBusRouteTable;

void deye_bus_route_table_init (DeyeBusRouteTable *table);
void deye_bus_route_table_clear (DeyeBusRouteTable *table);

/* @id: is not open. FALSE: there are too many. */
gboolean deye_bus_route_table_open (DeyeBusRouteTable *table, guint64 id, gboolean is_task);
/* NULL: it is not open. */
DeyeBusRoute *deye_bus_route_table_find (const DeyeBusRouteTable *table, guint64 id);
/* It was answered. */
void deye_bus_route_table_answered (DeyeBusRouteTable *table, guint64 id);
/* The requester does not wait any more. Returns what is to be cancelled; NULL: nothing. Transfer full. */
GCancellable *deye_bus_route_table_cancel (DeyeBusRouteTable *table, guint64 id);
/* The same for all open routes. (element-type GCancellable) (transfer full) */
GPtrArray *deye_bus_route_table_cancel_all (DeyeBusRouteTable *table);
