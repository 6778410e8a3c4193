/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-group.h"

/* Checks the FIFO of a subscription, slot by slot. A policy that drops the wrong message is found here before a client could
 * find it. */

/* A subscription that blocks holds a ticket for every message that it accepted from other peers, except last messages. */
static void
check_slot_has_a_ticket (SimWorld *world, const BusSlot *slot)
{
  const BusSubscription *subscription = slot->subscription;

  if (slot->ticket == NULL && subscription->bounds.policy == BUS_OVERFLOW_BLOCK
      && !bus_subscription_is_demoted (subscription) && sim_is_simple (world, subscription)
      && !sim_model_withholds_no_credit (world->model, sim_client_of (subscription)->number, subscription->id,
                                         slot->message->accept_seq))
    sim_world_fail (world, "B04: subscription %u blocks, but a message without a ticket waits", subscription->id);
}

void
sim_check_slot (SimWorld *world, const BusSlot *slot)
{
  const BusSubscription *subscription = slot->subscription;
  const BusCore *core = world->core;
  gint64 end_us = slot->delivery.due_us > 0 ? slot->delivery.due_us : slot->message->expires_us;

  if (slot->ticket != NULL && slot->ticket->publisher == &subscription->owner->ledger)
    sim_world_fail (world, "B07: %s withholds its own credit", subscription->owner->id);
  if (slot->ticket != NULL && !world->is_tick_due
      && world->now_us - slot->ticket->since_us > (SIM_BLOCK_PATIENCE + 1) * (gint64) core->limits.longest_block_us)
    sim_world_fail (world, "B04: a message withholds credit without a time limit");
  if (slot->ticket != NULL
      && slot->ticket->since_us != g_array_index (world->accepted_us, gint64, slot->message->accept_seq))
    sim_world_fail (world, "B04: message %" G_GUINT64_FORMAT " lost the time since which it withholds credit",
                    slot->message->accept_seq);
  if (subscription->bounds.policy == BUS_OVERFLOW_CONFLATE && !slot->is_indexed && !slot->delivery.is_kept)
    sim_world_fail (world, "M08: conflate keeps two messages of a topic");
  if (end_us > 0 && end_us <= world->now_us && bus_core_next_tick_us (world->core) > world->now_us)
    sim_world_fail (world, "R11: an expired message waits without a timer");
  check_slot_has_a_ticket (world, slot);
}

/* Adds up the sizes and costs of the waiting messages of a run. Only the sums of the result are set. */
static BusWaitingRun
check_run_sums (const BusWaitingRun *run)
{
  BusWaitingRun sums = { 0 };

  for (guint i = 0; i < run->n; i++)
    {
      BusMessage message;

      bus_waiting_run_view (run, i, &message);
      sums.bytes += message.body.len;
      sums.payload_bytes += message.payload_len;
      sums.cost += bus_message_cost (&message);
    }
  return sums;
}

/* M17: messages that wait as a run are charged as if each waited alone, and use no more memory than their charge. */
void
sim_check_run (SimWorld *world, const BusSlot *slot)
{
  const BusWaitingRun *run = slot->run;
  BusWaitingRun sums;

  if (run == NULL)
    return;
  sums = check_run_sums (run);
  if (run->n == 0 || slot->state != BUS_DELIVERY_WAITING || slot->message != NULL || slot->expiry != NULL)
    sim_world_fail (world, "M17: a run of %u messages waits in the state %u", run->n, slot->state);
  if (slot->subscription->group != NULL || slot->subscription->fifo->by_topic != NULL)
    sim_world_fail (world, "M17: a run waits where single messages must");
  if (run->bytes != sums.bytes || run->payload_bytes != sums.payload_bytes || run->cost != sums.cost)
    sim_world_fail (world, "M17: a run that waits miscounts");
  if (!bus_waiting_run_is_covered (run, sizeof (BusSlot)))
    sim_world_fail (world, "M17: a run of %u messages uses more memory than it is charged", run->n);
  if (run->first > 0)
    sim_cover (world, SIM_COVER_RUN_SENT_IN_PART);
}
