/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"

/* I14: control is sent before data, and data is sent in turns that are short enough for that. */

gboolean
sim_check_is_between_turns (const SimClient *client)
{
  return client->peer->flow.outq.tx_first == NULL && client->peer->flow.outq.lanes[WIRE_LANE_CONTROL].bytes > 0;
}

void
sim_check_turn (SimWorld *world, const SimClient *client, const WireSpan *spans, guint n, gboolean was_between)
{
  static const guint8 data_only = WIRE_KIND_DELIVER;
  const BusOutq *outq = &client->peer->flow.outq;
  guint64 total = 0;

  for (guint i = 0; i < n; i++)
    total += spans[i].len;
  if (total > BUS_OUTQ_TURN_BYTES && total > world->core->limits.max_payload + 16384)
    sim_world_fail (world, "I14: a turn of %" G_GUINT64_FORMAT " bytes", total);
  /* When control waited, either all of it is in this turn, or it fills the turn. */
  if (was_between && outq->lanes[WIRE_LANE_CONTROL].bytes > 0 && outq->tx_bytes < BUS_OUTQ_TURN_BYTES / 2)
    sim_world_fail (world, "I14: control waits while data is sent");
  if (was_between && outq->lanes[WIRE_LANE_DATA].bytes > 0 && spans[0].data[4] != data_only)
    sim_cover (world, SIM_COVER_CONTROL_PASSED);
}

/* Nothing waits in front of a gap at the head of its lane, so no message carries it: its report timer sends it within a second. */
static void
lanes_check_gaps (SimWorld *world, const SimClient *client)
{
  for (guint place = 0; place < SIM_SUBS; place++)
    {
      const BusSubscription *subscription = sim_subscription_at (client, place);

      for (guint lane = 0; subscription != NULL && lane < WIRE_N_LANES; lane++)
        if (subscription->fifo->lane_first[lane] != NULL
            && subscription->fifo->lane_first[lane]->state == BUS_DELIVERY_LOST
            && !bus_deadline_is_armed (&bus_subscription_losses (subscription)->report_timer.deadline))
          sim_world_fail (world, "I20: a gap waits for %u of %s, but no timer or frame will send it", subscription->id,
                          client->id);
    }
}

/* A frame that waits in a lane is sent after an earlier one was sent. Without an earlier one only the retry timer is left. */
void
sim_check_lanes (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (world->clients[i].peer != NULL && bus_peer_is_ready (world->clients[i].peer))
      lanes_check_gaps (world, &world->clients[i]);
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;
      const BusFlow *flow = &peer->flow;

      if (bus_peer_is_ready (peer)
          && (flow->lanes[WIRE_LANE_CONTROL].first != NULL || flow->lanes[WIRE_LANE_DATA].first != NULL)
          && bus_outq_bytes (&flow->outq) == 0 && !bus_deadline_is_armed (&flow->retry_timer.deadline))
        sim_world_fail (world, "I20: messages wait for %s, but no timer or frame will send them", peer->id);
    }
}
