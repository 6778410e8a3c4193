/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-confirm.h"
#include "route/bus-routes.h"

/*
 * O05, K12: a route is confirmed only by the connection to which the message was sent last; the lists of routes and
 * confirmations agree; no confirmation waits beyond its deadline; and the broker has the windows of resends that the model has.
 */

/* --- around a DELIVERED --- */

static gpointer
confirm_find_route (const SimWorld *world, const SimFrame *frame)
{
  return frame->kind == SIM_FRAME_CONFIRM ? g_hash_table_lookup (world->core->routes->confirm_routes, &frame->number)
                                          : NULL;
}

void
sim_check_before_confirm (SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  const BusSlot *unsent;

  before->route = confirm_find_route (world, frame);
  before->is_its_own
      = before->route != NULL && g_queue_find (&bus_peer_need_calls (client->peer)->confirming, before->route) != NULL;
  if (!before->is_its_own)
    return;
  unsent = sim_unsent_of (client, frame->number);
  if (unsent != NULL)
    sim_cover (world, SIM_COVER_CONFIRM_GUESSED);
  if (unsent != NULL && !unsent->delivery.to_each && !sim_confirms_has (world->confirms, client->number, frame->number))
    {
      before->is_its_own = FALSE;
      return;
    }
  if (unsent != NULL)
    before->route = NULL; /* it may have been sent on another subscription of the client: both outcomes are valid */
  sim_confirms_sent (world->confirms, client->number, frame->number); /* or it is in transit */
}

void
sim_check_after_confirm (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before)
{
  gboolean is_left = confirm_find_route (world, frame) != NULL;

  if (before->route == NULL || bus_peer_is_closing (client->peer))
    return;
  if (before->is_its_own && is_left)
    sim_world_fail (world, "O05: %s confirmed route %" G_GUINT64_FORMAT ", whose message still waits", client->id,
                    frame->number);
  if (!before->is_its_own && !is_left)
    sim_world_fail (world, "O05: %s confirmed route %" G_GUINT64_FORMAT " of another connection", client->id,
                    frame->number);
}

/* --- after every step --- */

static void
confirm_check_lists (SimWorld *world)
{
  const BusRoutes *routes = world->core->routes;
  guint n_routes = 0, n_waiting = 0;

  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;

      n_routes += peer->calls->confirming.length;
      n_waiting += peer->calls->confirms != NULL ? g_hash_table_size (peer->calls->confirms) : 0;
      if (bus_peer_pending (peer) > world->core->limits.max_pending_requests)
        sim_world_fail (world, "R06: %s waits for %u answers", peer->id, bus_peer_pending (peer));
    }
  n_routes += sim_check_count_held_routes (world);
  if (n_routes != g_hash_table_size (routes->confirm_routes))
    sim_world_fail (world, "O05: %u routes wait, and peers and held messages have %u",
                    g_hash_table_size (routes->confirm_routes), n_routes);
  if (n_waiting > routes->n_confirms || routes->n_confirms > n_routes)
    sim_world_fail (world, "O05: %u confirmations, %u publishers wait, %u routes", routes->n_confirms, n_waiting,
                    n_routes);
}

static void
confirm_check_due (SimFrameName frame, gint64 due_us, gpointer data)
{
  SimWorld *world = data;

  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const SimClient *client = &world->clients[i];

      if (client->number == frame.connection && client->peer != NULL && due_us != 0 && due_us <= world->now_us
          && !world->is_tick_due && bus_confirm_is_pending (client->peer, frame.id))
        sim_world_fail (world, "O05: a confirmation for %s waits beyond its deadline", client->id);
    }
}

gboolean
sim_check_has_windows (const SimWorld *world)
{
  return g_hash_table_size (world->core->routes->resend_windows) > 0;
}

void
sim_check_confirms (SimWorld *world)
{
  const BusRoutes *routes = world->core->routes;

  confirm_check_lists (world);
  sim_confirms_foreach (world->confirms, confirm_check_due, world);
  if (g_hash_table_size (routes->resend_windows) != sim_resends_count (world->resends))
    sim_world_fail (world, "K12: %u windows of resends, and the model has %u",
                    g_hash_table_size (routes->resend_windows), sim_resends_count (world->resends));
}
