/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-confirm.h"

#include "peer/bus-state.h"
#include "route/bus-routes.h"

struct BusConfirm
{
  BusTimer timer;
  BusCore *core;
  BusPeer *publisher;
  guint64 id;    /* of the message, chosen by the publisher */
  GQueue routes; /* ConfirmRoute, by their own_link */
};

typedef struct
{
  guint64 route_id;
  BusConfirm *confirm;
  BusPeer *receiver;
  guint n_queued; /* subscriptions of the receiver for which the message is queued or was sent */
  GList own_link;
  GList receiver_link;
} ConfirmRoute;

/* --- routes --- */

static ConfirmRoute *
confirm_find_route (BusCore *core, guint64 route_id)
{
  return route_id != 0 ? g_hash_table_lookup (core->routes->confirm_routes, &route_id) : NULL;
}

static void
confirm_charge (const BusConfirm *confirm, gsize bytes)
{
  bus_quota_keep (&confirm->core->quota, &confirm->publisher->ledger.usage, bytes);
}

static void
confirm_refund (const BusConfirm *confirm, gsize bytes)
{
  bus_quota_forgo (&confirm->core->quota, &confirm->publisher->ledger.usage, bytes);
}

guint64
bus_confirm_add (BusConfirm *confirm, BusPeer *receiver)
{
  BusCore *core = confirm->core;
  ConfirmRoute *route = g_new0 (ConfirmRoute, 1);

  route->route_id = bus_routes_new_id (core->routes, WIRE_CLASS_NONE);
  route->confirm = confirm;
  route->receiver = receiver;
  route->n_queued = 1;
  route->own_link.data = route;
  route->receiver_link.data = route;
  g_queue_push_tail_link (&confirm->routes, &route->own_link);
  g_queue_push_tail_link (&receiver->confirming, &route->receiver_link);
  g_hash_table_insert (core->routes->confirm_routes, &route->route_id, route);
  confirm_charge (confirm, sizeof (ConfirmRoute));
  return route->route_id;
}

static void
confirm_free_route (ConfirmRoute *route)
{
  BusConfirm *confirm = route->confirm;

  g_hash_table_remove (confirm->core->routes->confirm_routes, &route->route_id);
  g_queue_unlink (&confirm->routes, &route->own_link);
  g_queue_unlink (&route->receiver->confirming, &route->receiver_link);
  confirm_refund (confirm, sizeof (ConfirmRoute));
  g_free (route);
}

/* --- confirmations --- */

BusConfirm *
bus_confirm_new (BusCore *core, BusPeer *publisher, guint64 id, gint64 due_us)
{
  BusConfirm *confirm = g_new0 (BusConfirm, 1);

  confirm->timer.kind = BUS_TIMER_CONFIRM;
  confirm->timer.owner = confirm;
  confirm->core = core;
  confirm->publisher = publisher;
  confirm->id = id;
  if (publisher->confirms == NULL)
    publisher->confirms = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_hash_table_insert (publisher->confirms, &confirm->id, confirm);
  confirm_charge (confirm, sizeof (BusConfirm));
  bus_deadline_arm (&core->deadlines, &confirm->timer.deadline, due_us);
  core->routes->n_confirms++;
  return confirm;
}

static void
confirm_free (BusConfirm *confirm)
{
  BusCore *core = confirm->core;

  while (confirm->routes.head != NULL)
    confirm_free_route (confirm->routes.head->data);
  bus_deadline_disarm (&core->deadlines, &confirm->timer.deadline);
  g_hash_table_remove (confirm->publisher->confirms, &confirm->id);
  confirm_refund (confirm, sizeof (BusConfirm));
  core->routes->n_confirms--;
  g_free (confirm);
}

static void
confirm_fail (BusConfirm *confirm, WireStatus status, const char *detail)
{
  if (bus_peer_is_ready (confirm->publisher))
    bus_peer_error (confirm->publisher, confirm->id, status, detail);
  confirm_free (confirm);
}

static BusConfirm *
confirm_find (const BusPeer *publisher, guint64 id)
{
  return publisher->confirms != NULL ? g_hash_table_lookup (publisher->confirms, &id) : NULL;
}

gboolean
bus_confirm_is_pending (const BusPeer *publisher, guint64 id)
{
  return confirm_find (publisher, id) != NULL;
}

gboolean
bus_confirm_cancel (BusPeer *publisher, guint64 id)
{
  BusConfirm *confirm = confirm_find (publisher, id);

  if (confirm != NULL)
    confirm_free (confirm);
  return confirm != NULL;
}

gboolean
bus_confirm_delivered (BusCore *core, const BusPeer *receiver, guint64 route_id)
{
  ConfirmRoute *route = confirm_find_route (core, route_id);
  BusConfirm *confirm;
  WireEnvelope done;

  if (route == NULL || route->receiver != receiver)
    return FALSE;
  confirm = route->confirm;
  confirm_free_route (route);
  if (confirm->routes.head != NULL)
    return TRUE;
  wire_envelope_init (&done);
  done.answers = confirm->id;
  bus_peer_put (confirm->publisher, WIRE_KIND_DELIVERED, 0, &done);
  confirm_free (confirm);
  return TRUE;
}

void
bus_confirm_move (BusCore *core, guint64 route_id, BusPeer *receiver)
{
  ConfirmRoute *route = confirm_find_route (core, route_id);

  if (route == NULL)
    return;
  g_queue_unlink (&route->receiver->confirming, &route->receiver_link);
  route->receiver = receiver;
  g_queue_push_tail_link (&receiver->confirming, &route->receiver_link);
}

void
bus_confirm_expect (BusCore *core, guint64 route_id, guint n)
{
  ConfirmRoute *route = confirm_find_route (core, route_id);

  if (route == NULL)
    return;
  route->n_queued = n;
  if (n == 0)
    confirm_fail (route->confirm, WIRE_STATUS_WOULD_BLOCK,
                  "the receiver's queue is full; the loss is reported to it by GAP");
}

static void
confirm_lose (BusCore *core, const BusDroppedRoute *lost)
{
  ConfirmRoute *route = confirm_find_route (core, lost->route_id);

  if (route != NULL && --route->n_queued == 0)
    confirm_fail (route->confirm, bus_loss_status (lost->loss),
                  "the message was dropped before it was sent to its receiver");
}

void
bus_confirm_lose_dropped (BusCore *core)
{
  GArray *dropped = core->flows.dropped_routes;

  if (dropped == NULL)
    return;
  /* An answer may close its publisher; nothing is dropped by that. */
  for (guint i = 0; i < dropped->len; i++)
    confirm_lose (core, &g_array_index (dropped, BusDroppedRoute, i));
  g_array_set_size (dropped, 0);
}

void
bus_confirm_expire (BusConfirm *confirm)
{
  confirm_fail (confirm, WIRE_STATUS_UNKNOWN,
                "the receiver did not confirm in time that it handled the message; it may have handled it");
}

void
bus_confirm_forget_peer (BusPeer *peer)
{
  GHashTableIter iter;
  gpointer confirm;

  while (peer->confirming.head != NULL)
    {
      ConfirmRoute *route = peer->confirming.head->data;

      confirm_fail (route->confirm, WIRE_STATUS_UNKNOWN, "the receiver disconnected; it may have handled the message");
    }
  if (peer->confirms == NULL)
    return;
  while (g_hash_table_iter_init (&iter, peer->confirms), g_hash_table_iter_next (&iter, NULL, &confirm))
    confirm_free (confirm);
  g_clear_pointer (&peer->confirms, g_hash_table_unref);
}
