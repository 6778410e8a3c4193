/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"

#include "peer/bus-state.h"
#include "peer/bus-takeover.h"

/* A01, F08, K11: each id belongs to one connection, and the lists of silent and of waiting connections are complete. */

static guint
names_count_silent (const BusCore *core, const BusAccount *account)
{
  guint n = 0;

  for (const GList *link = core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;

      n += peer->account == account && peer->state == BUS_PEER_HELLO;
    }
  return n;
}

static void
names_check_peer (SimWorld *world, const BusPeer *peer)
{
  const BusCore *core = world->core;
  gboolean is_stranger = peer->state == BUS_PEER_HELLO;

  if (bus_peer_is_ready (peer) && g_hash_table_lookup (core->peers_by_id, &peer->key) != peer)
    sim_world_fail (world, "A01: another connection has the id of %s", peer->id);
  if (is_stranger != (g_queue_find ((GQueue *) &core->strangers, peer) != NULL))
    sim_world_fail (world, "F08: a connection in the state %u is %sa stranger", peer->state, is_stranger ? "not " : "");
  if (peer->account->silent != names_count_silent (core, peer->account))
    sim_world_fail (world, "F08: account %u has %u silent connections, and counts %u", peer->account->number,
                    names_count_silent (core, peer->account), peer->account->silent);
  if ((peer->state == BUS_PEER_WAITING) != (bus_peer_extra (peer)->hello != NULL))
    sim_world_fail (world, "K11: a connection in the state %u %s a HELLO", peer->state,
                    bus_peer_extra (peer)->hello != NULL ? "keeps" : "lost");
  if (bus_takeover_is_asked (peer) != (bus_peer_extra (peer)->newcomers.length > 0))
    sim_world_fail (world, "K11: %s has %u newcomers, and PING is %ssent to it", peer->id,
                    bus_peer_extra (peer)->newcomers.length, bus_takeover_is_asked (peer) ? "" : "not ");
}

void
sim_check_names (SimWorld *world)
{
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    names_check_peer (world, link->data);
}
