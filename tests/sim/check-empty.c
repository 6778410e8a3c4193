/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"

/*
 * I3, I15, M16: when the last connection has ended, the core has only windows of resends and held messages, their charges and
 * their timers. It has no subscription, request, confirmation, waiting call or peer.
 */

static void
empty_check_peers (SimWorld *world)
{
  const BusCore *core = world->core;

  if (core->peers.length + core->strangers.length + core->writable.length + core->closing.length
          + core->unflushed.length + core->creditors.due.length + g_hash_table_size (core->peers_by_id)
      > 0)
    sim_world_fail (world, "I3: a list still contains a disconnected peer");
  if (core->waits.length + core->n_later > 0)
    sim_world_fail (world, "I3: %u calls still wait for an answer", core->n_later);
}

static void
empty_check_routes (SimWorld *world)
{
  const BusRoutes *routes = world->core->routes;

  if (routes->n_subscriptions + bus_index_size (routes->index) + g_hash_table_size (routes->servers) > 0)
    sim_world_fail (world, "I3: %u subscriptions, %u in the index, %u served topics are left", routes->n_subscriptions,
                    bus_index_size (routes->index), g_hash_table_size (routes->servers));
  if (g_hash_table_size (routes->requests) + routes->drains.length > 0)
    sim_world_fail (world, "I3: %u requests, %u drains still wait", g_hash_table_size (routes->requests),
                    routes->drains.length);
  /* The publishers of held messages may reconnect. */
  if (g_hash_table_size (routes->confirm_routes) != sim_check_count_held_routes (world)
      || routes->n_confirms > g_hash_table_size (routes->confirm_routes))
    sim_world_fail (world, "I3: %u messages that are not held still wait to be confirmed", routes->n_confirms);
  if (g_hash_table_size (routes->resend_windows) != routes->resend_idle.length)
    sim_world_fail (world, "K12: a window of resends refers to a disconnected client");
}

static void
empty_check_charges (SimWorld *world)
{
  const BusCore *core = world->core;
  guint64 charged = 0;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, core->accounts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const BusAccount *account = value;

      charged += account->usage.charged;
      if (account->peers > 0 || account->holders == 0)
        sim_world_fail (world, "I3: account %u is kept for %u peers", account->number, account->peers);
    }
  if (charged != core->quota.charged)
    sim_world_fail (world, "I3: %" G_GUINT64_FORMAT " bytes are charged, but not held", core->quota.charged - charged);
}

static void
empty_check_timers (SimWorld *world)
{
  const BusDeadlineSet *deadlines = &world->core->deadlines;

  for (guint i = 0; i < deadlines->heap->len; i++)
    {
      const BusDeadline *deadline = g_array_index (deadlines->heap, BusDeadlineCell, i).deadline;
      const BusTimer *timer = (const BusTimer *) deadline; /* its first field */

      if (timer != NULL && timer->kind != BUS_TIMER_RESEND && timer->kind != BUS_TIMER_RETAINED
          && timer->kind != BUS_TIMER_ACCOUNT && timer->kind != BUS_TIMER_BROKER && timer->kind != BUS_TIMER_HELD
          && timer->kind != BUS_TIMER_HOLD_RETRY && timer->kind != BUS_TIMER_HOLD_REPORT
          && (timer->kind != BUS_TIMER_CONFIRM || world->core->routes->n_confirms == 0))
        sim_world_fail (world, "I15: a timer of kind %u is armed, but no peer is connected", timer->kind);
    }
}

void
sim_check_empty (SimWorld *world)
{
  empty_check_peers (world);
  empty_check_routes (world);
  empty_check_charges (world);
  empty_check_timers (world);
}
