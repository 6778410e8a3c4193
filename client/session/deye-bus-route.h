/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-class.h"

#include <gio/gio.h>

/*
 * Routes: the requests that this client has received and not answered yet.
 *
 * A route is open from the arrival of its request until its last reply, its CANCEL, or the end of the connection. The replies
 * of a route are sent in the order in which the client makes them, although a large and a small reply wait for credit of
 * different classes: the route remembers the last reply that had to wait. A responder that is still working can watch a
 * cancellable, which is cancelled when the requester stops waiting.
 *
 * A request that gives a task to this client differs: the broker expects its last reply also after CANCEL, so CANCEL is only
 * noted and the route stays open. Such a route has no cancellable; its owner gets events.
 *
 * Invariant: when a route ends without its last reply, its cancellable is cancelled exactly once, from a dispatch.
 */

#define DEYE_BUS_ROUTES_MAX 65536u

typedef struct
{
  guint64 id;
  guint64 waiting_number; /* of the last reply that had to wait for credit; 0: none had to wait */
  WireClass waiting_class;
  GCancellable *cancellable; /* NULL: the responder does not watch it */
  gboolean is_task;          /* the last reply is due after CANCEL, too */
  gboolean is_cancelled;     /* of a task: CANCEL has arrived */
  guint32 cancel_status;     /* the reason of that CANCEL, a WireStatus */
} DeyeBusRoute;

typedef struct
{
  DeyeBusRoute *last;  /* the route that was opened last, if it is still open; otherwise NULL */
  GHashTable *by_id;   /* of DeyeBusRoute: the other ones */
  DeyeBusRoute *spare; /* for the next route; NULL: none */
} DeyeBusRouteTable;

void deye_bus_route_table_init (DeyeBusRouteTable *table);
void deye_bus_route_table_clear (DeyeBusRouteTable *table);

/* Opens the route @id, which must not be open. FALSE: there are too many routes. */
gboolean deye_bus_route_table_open (DeyeBusRouteTable *table, guint64 id, gboolean is_task);
/* NULL: it is not open. */
DeyeBusRoute *deye_bus_route_table_find (const DeyeBusRouteTable *table, guint64 id);
/* The last reply was sent: closes the route. */
void deye_bus_route_table_answered (DeyeBusRouteTable *table, guint64 id);
/* The requester has stopped waiting: closes the route. Returns the cancellable to cancel; NULL: there is none. Transfer full. */
GCancellable *deye_bus_route_table_cancel (DeyeBusRouteTable *table, guint64 id);
/* The same for all open routes. (element-type GCancellable) (transfer full) */
GPtrArray *deye_bus_route_table_cancel_all (DeyeBusRouteTable *table);
