/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-group.h"
#include "peer/bus-state.h"
#include "sim-inside.h"

/* What may stand in the FIFO of a subscription, slot by slot: whether a policy gave up the right message can be seen there
 * before it can be seen from outside. */

/* A block that is not over holds the credit of everything that it took in from others. */
static void
check_paid (SimWorld *world, const BusSlot *slot)
{
  const BusSubscription *subscription = slot->subscription;

  if (slot->ticket == NULL && subscription->bounds.policy == BUS_OVERFLOW_BLOCK && !subscription->demoted
      && sim_is_simple (world, subscription)
      && !sim_model_is_own (world->model, sim_client_of (subscription)->number, subscription->id,
                            slot->message->accept_seq))
    sim_world_fail (world, "B04: subscription %u blocks, and a message waits that nobody pays for", subscription->id);
}

void
sim_check_slot (SimWorld *world, const BusSlot *slot)
{
  const BusSubscription *subscription = slot->subscription;
  const BusCore *core = world->core;
  gint64 end_us = slot->delivery.due_us > 0 ? slot->delivery.due_us : slot->message->expires_us;

  if (slot->ticket != NULL && slot->ticket->publisher == subscription->owner)
    sim_world_fail (world, "B07: %s holds its own credit back", subscription->owner->id);
  if (slot->ticket != NULL && !world->is_tick_due
      && world->now_us - slot->since_us > 13 * (gint64) core->limits.longest_block_us)
    sim_world_fail (world, "B04: a message holds credit back for ever");
  if (subscription->bounds.policy == BUS_OVERFLOW_CONFLATE && !slot->is_indexed)
    sim_world_fail (world, "M08: conflate lets two messages of a topic wait");
  if (end_us > 0 && end_us <= world->now_us && bus_core_next_tick_us (core) > world->now_us)
    sim_world_fail (world, "R11: the time of a message is over, and no timer says so");
  check_paid (world, slot);
}
