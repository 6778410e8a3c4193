/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-flow-private.h"
#include "bus-peer.h"
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

/* --- sim-slots --- */

/* A message that waits. */
void sim_check_slot (SimWorld *world, const BusSlot *slot);
/* A gap that is not told. @behind_message: not the first in its FIFO. */
void sim_check_gap (SimWorld *world, const BusSlot *slot, gboolean behind_message);
