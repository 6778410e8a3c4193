/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-report.h"
#include "check-private.h"
#include "peer/bus-state.h"

/*
 * I1, R04: unfinished frames. The broker holds as many bytes of them as it charged, and at a limit it frees them before it drops
 * any message.
 *
 * The clients of the simulator know which frames are unfinished, their age and their size. The numbers below repeat those of the
 * core on purpose.
 */

#define WORTH_IT   16384u
#define STALLED_US G_TIME_SPAN_SECOND

static gboolean
check_pinned_stalls (const SimWorld *world, const SimClient *client)
{
  const SimFrame *frame = g_queue_peek_head ((GQueue *) &client->frames);

  return client->peer != NULL && bus_peer_is_ready (client->peer) && frame != NULL && frame->left < frame->size
         && frame->size - frame->left >= WORTH_IT && world->now_us - frame->begun_us >= STALLED_US;
}

void
sim_check_pinned (SimWorld *world)
{
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;
      gsize held = bus_peer_frame_held (peer);

      if (bus_peer_frame_charged (peer) != held)
        sim_world_fail (world, "I1: a reader holds %" G_GSIZE_FORMAT " bytes, charged are %" G_GSIZE_FORMAT, held,
                        bus_peer_frame_charged (peer));
      if (bus_peer_is_closing (peer) && held > 0)
        sim_world_fail (world, "I1: a peer that is being disconnected holds an unfinished frame");
      if (held > 0)
        sim_cover (world, SIM_COVER_UNFINISHED);
    }
}

/* A message was dropped for a limit, so no peer of its account may be left that should have been disconnected first. */
static void
check_pinned_lost (SimWorld *world, const BusPeer *loser)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (check_pinned_stalls (world, &world->clients[i]) && world->clients[i].peer->who.account == loser->who.account)
      sim_world_fail (world, "R04: a message of %s was dropped for a limit, but %s holds a stalled frame", loser->id,
                      world->clients[i].id);
}

void
sim_check_after_pinned (SimWorld *world, const SimBefore *before)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      if (peer != NULL && before->queues[i].peer == peer && bus_peer_is_ready (peer)
          && bus_report_losses (&peer->flow)->missed_by[BUS_LOSS_LIMIT] > before->queues[i].lost)
        check_pinned_lost (world, peer);
    }
}
