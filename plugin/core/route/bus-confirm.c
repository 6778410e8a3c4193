/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-confirm.h"

#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "wire-hot.h"

struct BusConfirm
{
  BusTimer timer;
  BusCore *core;
  BusPeer *publisher;         /* NULL: it disconnected; a resend may continue the confirmation */
  BusUsage *usage;            /* charged for it */
  BusConfirmWitness *witness; /* nullable */
  guint64 id;                 /* of the message, chosen by the publisher */
  GQueue routes;              /* ConfirmRoute, by their own_link */
};

typedef struct
{
  guint64 route_id;
  BusConfirm *confirm;
  BusPeer *receiver; /* NULL: the message is held */
  gboolean is_sent;  /* to the receiver */
  guint n_queued;    /* subscriptions of the receiver for which the message was not dropped */
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
  bus_quota_keep (&confirm->core->quota, confirm->usage, bytes);
}

static void
confirm_refund (const BusConfirm *confirm, gsize bytes)
{
  bus_quota_unkeep (&confirm->core->quota, confirm->usage, bytes);
}

/* @receiver: (nullable) */
static void
confirm_set_receiver (ConfirmRoute *route, BusPeer *receiver)
{
  if (route->receiver != NULL)
    g_queue_unlink (&bus_peer_need_calls (route->receiver)->confirming, &route->receiver_link);
  if (route->receiver != receiver)
    route->is_sent = FALSE;
  route->receiver = receiver;
  if (receiver != NULL)
    g_queue_push_tail_link (&bus_peer_need_calls (receiver)->confirming, &route->receiver_link);
}

guint64
bus_confirm_add (BusConfirm *confirm, BusPeer *receiver)
{
  BusCore *core = confirm->core;
  ConfirmRoute *route = g_new0 (ConfirmRoute, 1);

  route->route_id = bus_routes_new_id (core->routes, WIRE_CLASS_NONE);
  route->confirm = confirm;
  route->n_queued = 1;
  route->own_link.data = route;
  route->receiver_link.data = route;
  g_queue_push_tail_link (&confirm->routes, &route->own_link);
  confirm_set_receiver (route, receiver);
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
  confirm_set_receiver (route, NULL);
  confirm_refund (confirm, sizeof (ConfirmRoute));
  g_free (route);
}

/* --- confirmations --- */

static void
confirm_attach (BusConfirm *confirm, BusPeer *publisher, guint64 id)
{
  BusPeerCalls *calls = bus_peer_need_calls (publisher);

  confirm->publisher = publisher;
  confirm->id = id;
  if (calls->confirms == NULL)
    calls->confirms = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_hash_table_insert (calls->confirms, &confirm->id, confirm);
}

static void
confirm_detach (BusConfirm *confirm)
{
  if (confirm->publisher != NULL)
    g_hash_table_remove (confirm->publisher->calls->confirms, &confirm->id);
  confirm->publisher = NULL;
}

BusConfirm *
bus_confirm_new (BusCore *core, BusPeer *publisher, guint64 id, gint64 due_us)
{
  BusConfirm *confirm = g_new0 (BusConfirm, 1);

  confirm->timer.kind = BUS_TIMER_CONFIRM;
  confirm->timer.owner = confirm;
  confirm->core = core;
  confirm->usage = &publisher->ledger.usage;
  confirm_attach (confirm, publisher, id);
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
  confirm_detach (confirm);
  if (confirm->witness != NULL)
    confirm->witness->confirm = NULL;
  confirm_refund (confirm, sizeof (BusConfirm));
  core->routes->n_confirms--;
  g_free (confirm);
}

static void
confirm_answer (BusPeer *publisher, guint64 id, WireStatus status, const char *detail)
{
  WireEnvelope done;

  if (!bus_peer_is_ready (publisher))
    return;
  if (status != WIRE_STATUS_OK)
    {
      bus_peer_error (publisher, id, status, detail);
      return;
    }
  wire_envelope_init (&done);
  done.answers = id;
  bus_peer_put (publisher, WIRE_KIND_DELIVERED, 0, &done);
}

/* Answers the publisher, and stores the result in the witness. @detail: NULL with OK */
static void
confirm_end (BusConfirm *confirm, WireStatus status, const char *detail)
{
  if (confirm->witness != NULL)
    *confirm->witness = (BusConfirmWitness){ confirm, TRUE, status };
  if (confirm->publisher != NULL)
    confirm_answer (confirm->publisher, confirm->id, status, detail);
  confirm_free (confirm);
}

/* --- resends --- */

void
bus_confirm_witness (BusConfirm *confirm, BusConfirmWitness *witness, BusUsage *usage)
{
  gsize bytes = sizeof (BusConfirm) + confirm->routes.length * sizeof (ConfirmRoute);

  confirm_refund (confirm, bytes);
  confirm->usage = usage;
  confirm_charge (confirm, bytes);
  confirm->witness = witness;
  witness->confirm = confirm;
}

void
bus_confirm_drop_witness (BusConfirmWitness *witness)
{
  BusConfirm *confirm = g_steal_pointer (&witness->confirm);

  if (confirm == NULL)
    return;
  confirm->witness = NULL;
  if (confirm->publisher == NULL)
    confirm_free (confirm);
}

void
bus_confirm_continue (BusConfirmWitness *witness, BusPeer *publisher, guint64 id)
{
  if (witness->confirm != NULL)
    {
      confirm_detach (witness->confirm);
      confirm_attach (witness->confirm, publisher, id);
    }
  else if (witness->is_done)
    confirm_answer (publisher, id, witness->status,
                    "the message was already accepted under this number; this is its outcome");
  else
    confirm_answer (publisher, id, WIRE_STATUS_UNKNOWN,
                    "the message was already accepted under this number, without a request for confirmation");
}

/* --- answers --- */

static BusConfirm *
confirm_find (const BusPeer *publisher, guint64 id)
{
  return publisher->calls->confirms != NULL ? g_hash_table_lookup (publisher->calls->confirms, &id) : NULL;
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

  if (route == NULL || route->receiver != receiver || !route->is_sent)
    return FALSE;
  confirm = route->confirm;
  confirm_free_route (route);
  if (confirm->routes.head == NULL)
    confirm_end (confirm, WIRE_STATUS_OK, NULL);
  return TRUE;
}

void
bus_confirm_move (BusCore *core, guint64 route_id, BusPeer *receiver)
{
  ConfirmRoute *route = confirm_find_route (core, route_id);

  if (route == NULL)
    return;
  confirm_set_receiver (route, receiver);
}

void
bus_confirm_expect (BusCore *core, guint64 route_id, guint n)
{
  ConfirmRoute *route = confirm_find_route (core, route_id);

  if (route == NULL)
    return;
  route->n_queued = n;
  if (n == 0)
    confirm_end (route->confirm, WIRE_STATUS_WOULD_BLOCK,
                 "the receiver's queue is full; the loss is reported to it by GAP");
}

void
bus_confirm_fail (BusCore *core, guint64 route_id, WireStatus status, const char *detail)
{
  ConfirmRoute *route = confirm_find_route (core, route_id);

  if (route != NULL)
    confirm_end (route->confirm, status, detail);
}

/* The message of a route was sent to a peer, or dropped for one subscription. The peer of `sent_to` may not be the receiver of the
 * route any more, if the message was handed on since: then the new receiver may not confirm it yet. */
static void
confirm_take_note (BusCore *core, const BusRouteNote *note)
{
  ConfirmRoute *route = confirm_find_route (core, note->route_id);

  if (route == NULL)
    return;
  if (note->sent_to != NULL)
    route->is_sent = route->is_sent || (route->receiver != NULL && note->sent_to == &route->receiver->flow);
  else if (--route->n_queued == 0)
    confirm_end (route->confirm, bus_loss_status (note->loss),
                 "the message was dropped before it was sent to its receiver");
}

/* Queues do not call this module when they send or drop a message with a route; they append a note, and the notes are handled at
 * the end of the input call.
 *
 * A direct call would be wrong for three reasons. The queues are a lower layer, and a drop happens in the middle of routing: the
 * ERROR for the publisher could close that publisher while the router works on its message. A direct message may be queued for
 * several subscriptions of its receiver, but their number is known only when bus_confirm_expect() is called after the routing: a
 * drop before that would end the confirmation too early. And a confirmation gets its routes one by one: a drop for the first group
 * must not free it while bus_assured_publish() adds the route of the second group.
 *
 * The order of the notes is that of the events. When a peer disconnects, they are taken before bus_confirm_forget_peer(): so a
 * message that was discarded unsent fails with the reason of its loss, and only one that was sent ends with UNKNOWN. */
WIRE_HOT void
bus_confirm_take_notes (BusCore *core)
{
  GArray *notes = core->flows.route_notes;

  if (notes == NULL)
    return;
  /* The array does not grow meanwhile: an answer may close its publisher, but closing neither sends nor drops a message with a
   * route. */
  for (guint i = 0; i < notes->len; i++)
    confirm_take_note (core, &g_array_index (notes, BusRouteNote, i));
  g_array_set_size (notes, 0);
}

void
bus_confirm_expire (BusConfirm *confirm)
{
  confirm_end (confirm, WIRE_STATUS_UNKNOWN,
               "the receiver did not confirm in time that it handled the message; it may have handled it");
}

/* Any confirmation of the publisher. NULL: none is left. */
static BusConfirm *
confirm_first_of (const BusPeer *publisher)
{
  GHashTableIter iter;
  gpointer confirm = NULL;

  if (publisher->calls->confirms == NULL)
    return NULL;
  g_hash_table_iter_init (&iter, publisher->calls->confirms);
  return g_hash_table_iter_next (&iter, NULL, &confirm) ? confirm : NULL;
}

void
bus_confirm_forget_peer (BusPeer *peer)
{
  BusConfirm *confirm;

  while (peer->calls->confirming.head != NULL)
    {
      ConfirmRoute *route = peer->calls->confirming.head->data;

      confirm_end (route->confirm, WIRE_STATUS_UNKNOWN, "the receiver disconnected; it may have handled the message");
    }
  while ((confirm = confirm_first_of (peer)) != NULL)
    {
      confirm_detach (confirm);
      if (confirm->witness == NULL)
        confirm_free (confirm);
    }
  if (peer->calls->confirms != NULL)
    g_clear_pointer (&bus_peer_need_calls (peer)->confirms, g_hash_table_unref);
}
