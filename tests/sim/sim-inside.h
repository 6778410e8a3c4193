/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-private.h"
#include "peer/bus-peer.h"
#include "sim-world.h"

/*
 * Between the rooms of the simulator that look into the core: sim-check after every step, sim-slots at everything that
 * waits, sim-around before and after one frame. The model and the clients never do.
 */

/* NULL: the broker has none of that number. */
static inline BusSubscription *
sim_subscription_of (const SimClient *client, guint32 subscription)
{
  return g_hash_table_lookup (client->peer->subscriptions, GUINT_TO_POINTER (subscription));
}

static inline const SimClient *
sim_client_of (const BusSubscription *subscription)
{
  return bus_peer_link (subscription->owner);
}

/* Nothing but its policy decides what waits for it, and that never changed. */
static inline gboolean
sim_is_simple (const SimWorld *world, const BusSubscription *subscription)
{
  return subscription->group == NULL && !subscription->serves
         && !sim_model_was_adjusted (world->model, sim_client_of (subscription)->number, subscription->id);
}

static inline guint64
sim_control_bytes (const BusFlow *flow)
{
  return bus_outq_lane_bytes (&flow->outq, WIRE_LANE_CONTROL) + flow->lanes[WIRE_LANE_CONTROL].bytes;
}

/* --- sim-pressure, for sim-around --- */

void sim_pressure_before (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before);
/* @seq: of the message, when it is one. */
void sim_pressure_after (SimWorld *world,
                         const SimClient *client,
                         const SimFrame *frame,
                         const SimBefore *before,
                         guint64 seq);

/* --- sim-slots --- */

/* A message that waits. */
void sim_check_slot (SimWorld *world, const BusSlot *slot);
