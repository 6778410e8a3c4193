/* SPDX-License-Identifier: Apache-2.0 */
#include "pick-fixture.h"

void
picks_setup (Picks *f, gconstpointer data)
{
  peers_setup (&f->peers, NULL);
  bus_balance_init (&f->balance, BUS_STRATEGY_ROUND_ROBIN, 5);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      f->members[i]
          = peers_subscribe (&f->peers, peers_ready (&f->peers, id, 1000), 1, BUS_OVERFLOW_DROP_NEWEST, 1000000);
      bus_balance_join (&f->balance, f->members[i]);
    }
}

void
picks_teardown (Picks *f, gconstpointer data)
{
  peers_teardown (&f->peers, NULL);
}

guint
picks_next (Picks *f)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };

  return bus_pick (&f->balance, f->members, PICKS_MEMBERS, &need);
}

void
picks_close_window (Picks *f, guint at)
{
  bus_window_init (&f->members[at]->window, 1, 1000000);
  peers_offer (&f->peers, NULL, f->members[at], 1, 10);
}

void
picks_fill (Picks *f, guint at)
{
  picks_close_window (f, at);
  f->members[at]->bounds.messages = 1;
  peers_offer (&f->peers, NULL, f->members[at], 1, 10);
}

void
picks_count (Picks *f, guint *counts)
{
  memset (counts, 0, PICKS_MEMBERS * sizeof (guint));
  for (guint i = 0; i < PICKS_TURNS; i++)
    counts[picks_next (f)]++;
}

void
picks_stall (Picks *f, guint at, gint64 for_us)
{
  f->members[at]->unsettled.since_us = f->peers.core->now_us - for_us;
}
