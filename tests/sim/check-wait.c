/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"

/*
 * K11: a watch exists in the core until its asker ends it or disconnects, a wait until its client is connected or its deadline
 * has passed. At rest each watcher knows the connected clients and their incarnations.
 */

static const SimClient *
wait_find_asker (const SimWorld *world, const SimWait *wait)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (world->clients[i].number == wait->connection && world->clients[i].peer != NULL
        && bus_peer_is_ready (world->clients[i].peer))
      return &world->clients[i];
  return NULL;
}

static gboolean
wait_is_there (const SimWorld *world, guint slot)
{
  return world->clients[slot].peer != NULL && bus_peer_is_ready (world->clients[slot].peer);
}

static void
wait_check_call (SimWorld *world, const SimWait *wait, const SimClient *asker)
{
  gboolean waits = sim_view_call_waits (asker, wait->id);

  if (wait->has_ended && waits)
    sim_world_fail (world, "K11: a call of %s still waits after its end", asker->id);
  if (wait->has_ended)
    return;
  if (wait->watches && !waits)
    sim_world_fail (world, "K11: a watch of %s has ended without a reason", asker->id);
  if (!wait->watches && waits && wait_is_there (world, wait->slot))
    sim_world_fail (world, "K11: %s still waits for %s, which is connected", asker->id, world->clients[wait->slot].id);
}

void
sim_check_waits (SimWorld *world)
{
  const SimWait *wait;

  for (guint i = 0; (wait = sim_waits_nth (world->waits, i)) != NULL; i++)
    {
      const SimClient *asker = wait_find_asker (world, wait);

      if (asker != NULL)
        wait_check_call (world, wait, asker);
    }
}

static void
wait_compare (SimWorld *world, const SimWait *wait, const SimClient *asker, guint slot)
{
  const SimClient *client = &world->clients[slot];
  const SimWaitRow *row = &wait->known[slot];

  if (wait->slot != SIM_WAIT_ALL && wait->slot != slot)
    return;
  sim_cover (world, SIM_COVER_WATCH_COMPARED);
  if (row->present != wait_is_there (world, slot) || (row->present && row->incarnation != client->incarnation))
    sim_world_fail (world, "K11: %s was notified that %s is %s, of incarnation %" G_GUINT64_FORMAT, asker->id,
                    client->id, row->present ? "there" : "gone", row->incarnation);
}

void
sim_check_waits_at_rest (SimWorld *world)
{
  const SimWait *wait;

  for (guint i = 0; (wait = sim_waits_nth (world->waits, i)) != NULL; i++)
    {
      const SimClient *asker = wait_find_asker (world, wait);

      if (asker == NULL || !wait->watches)
        continue;
      /* If changes were still waiting when the call ended, they were not sent. */
      if (wait->is_counted && (wait->has_ended ? wait->changes > wait->happened : wait->changes != wait->happened))
        sim_world_fail (world, "K11: %s got %" G_GUINT64_FORMAT " changes, there were %" G_GUINT64_FORMAT, asker->id,
                        wait->changes, wait->happened);
      if (wait->is_counted && wait->happened > 0)
        sim_cover (world, SIM_COVER_WATCH_COUNTED);
      if (wait->has_ended)
        continue;
      if (!wait->is_complete)
        sim_world_fail (world, "K11: a watch of %s is not complete", asker->id);
      for (guint slot = 0; slot < SIM_CLIENTS; slot++)
        wait_compare (world, wait, asker, slot);
    }
}
