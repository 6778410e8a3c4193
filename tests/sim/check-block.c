/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "queue/bus-block.h"
#include "queue/bus-unsettled.h"
#include "route/bus-group.h"

/*
 * B04, I13: each block ends, but not too early, and a demoted subscription does not block again too early. Both are compared
 * right before and right after each input that can end them: a tick, returned credit, and bytes that were sent.
 */

/* The time since which the subscription has held credit for longest. G_MAXINT64: it holds none. */
static gint64
check_block_held_since_us (const BusSubscription *subscription)
{
  gint64 since_us = G_MAXINT64;

  for (const BusSent *sent = subscription->records->first; sent != NULL; sent = sent->next)
    if (sent->ticket != NULL)
      since_us = MIN (since_us, sent->ticket->since_us);
  for (const BusSlot *slot = subscription->fifo->first; slot != NULL; slot = slot->next)
    if (slot->ticket != NULL)
      since_us = MIN (since_us, slot->ticket->since_us);
  return since_us;
}

static gboolean
check_block_holds_sent (const BusSubscription *subscription)
{
  for (const BusSent *sent = subscription->records->first; sent != NULL; sent = sent->next)
    if (sent->ticket != NULL)
      return TRUE;
  return FALSE;
}

static void
check_block_observe (const SimWorld *world, const BusSubscription *subscription, SimSub *sub)
{
  gint64 longest_us = (gint64) world->core->limits.longest_block_us;
  gint64 since_us = subscription->records->tickets > 0 ? check_block_held_since_us (subscription) : G_MAXINT64;

  sub->was_demoted = bus_subscription_is_demoted (subscription);
  sub->was_held = check_block_holds_sent (subscription);
  sub->transferable = sim_check_count_transferable (world, subscription);
  sub->rerouted = subscription->extra->rerouted;
  sub->repeated = subscription->extra->repeated;
  sub->group_rerouted = subscription->group != NULL ? sim_check_group_changes (subscription->group) : 0;
  sub->delivered = subscription->delivered;
  sub->block_due_us = G_MAXINT64;
  if (since_us == G_MAXINT64)
    return;
  sub->block_since_us = since_us;
  sub->block_due_us = MIN (MAX (subscription->records->progress_us, sub->credit_us) + longest_us,
                           since_us + SIM_BLOCK_PATIENCE * longest_us);
}

void
sim_check_before_block (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_SUBS && client->peer != NULL; i++)
    {
      const BusSubscription *subscription = sim_subscription_at (client, i);

      client->subs[i].is_observed = subscription != NULL && subscription->bounds.policy == BUS_OVERFLOW_BLOCK;
      if (client->subs[i].is_observed)
        check_block_observe (world, subscription, &client->subs[i]);
    }
}

/* TRUE if the demoted subscription has drained. Messages that other members handed on to it in this tick arrived after it
 * had drained, so they are not counted. */
static gboolean
check_block_has_drained (const SimWorld *world, const BusSubscription *subscription, const SimSub *sub)
{
  gboolean got_more
      = subscription->group != NULL && sim_check_group_changes (subscription->group) > sub->group_rerouted;
  guint64 more = got_more ? subscription->delivered - sub->delivered : 0;

  if (subscription->cursor != NULL)
    return FALSE; /* retained messages precede them */
  for (const BusSlot *slot = subscription->fifo->first; slot != NULL; slot = slot->next)
    if (slot->state != BUS_DELIVERY_LOST && !(got_more && slot->since_us == world->now_us))
      return FALSE;
  return (bus_window_outstanding (&subscription->window) - more) * 2 <= subscription->window.window_messages;
}

static void
check_block_end (SimWorld *world, const BusSubscription *subscription, SimSub *sub)
{
  const BusWindow *window = &subscription->window;

  if (bus_subscription_is_demoted (subscription) && !sub->was_demoted && world->now_us < sub->block_due_us)
    sim_world_fail (world, "B04: the block of subscription %u ended %" G_GINT64_FORMAT " us too early",
                    subscription->id, sub->block_due_us - world->now_us);
  if (!bus_subscription_is_demoted (subscription) && !sub->was_demoted && sub->block_due_us != G_MAXINT64
      && world->now_us - sub->block_since_us > (gint64) world->core->limits.longest_block_us)
    sim_cover (world, SIM_COVER_BLOCK_GOES_ON);
  if (bus_subscription_is_demoted (subscription) && !sub->was_demoted
      && subscription->extra->rerouted < sub->rerouted + sub->transferable && !sim_view_is_closing (world))
    sim_world_fail (
        world,
        "M06: %" G_GUINT64_FORMAT " messages of subscription %u of %s could be handed on when it was demoted, "
        "%" G_GUINT64_FORMAT " were handed on",
        sub->transferable, subscription->id, subscription->owner->id, subscription->extra->rerouted - sub->rerouted);
  if (!bus_subscription_is_demoted (subscription) && sub->was_demoted && sub->credit_us < sub->demoted_us
      && bus_window_outstanding (window) > 0)
    sim_world_fail (world, "B04: subscription %u blocks again, but has returned no credit since it was demoted",
                    subscription->id);
  if (sub->was_held && !check_block_holds_sent (subscription) && !bus_subscription_is_demoted (subscription)
      && sub->credit_us < world->now_us
      && subscription->extra->repeated == sub->repeated /* the ticket of a repeat is moved to the other member */
      && subscription->bounds.policy == BUS_OVERFLOW_BLOCK)
    sim_world_fail (world, "B04: the block of subscription %u ended, but it is not demoted", subscription->id);
  if (bus_subscription_is_demoted (subscription) && !sub->was_demoted)
    sub->demoted_us = world->now_us;
  if (bus_subscription_is_demoted (subscription) && !sub->was_demoted && subscription->extra->rerouted > sub->rerouted)
    sim_cover (world, SIM_COVER_HANDED_ON);
  if (!bus_subscription_is_demoted (subscription) && sub->was_demoted
      && !check_block_has_drained (world, subscription, sub))
    sim_world_fail (world, "B04: subscription %u blocks again before it has drained", subscription->id);
}

void
sim_check_after_block (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_SUBS && client->peer != NULL; i++)
    {
      SimSub *sub = &client->subs[i];
      const BusSubscription *subscription = sub->is_observed ? sim_subscription_of (client, sub->number) : NULL;

      if (subscription != NULL)
        check_block_end (world, subscription, sub);
    }
}

/* --- after every step --- */

void
sim_check_block_timer (SimWorld *world, const BusSubscription *subscription, guint tickets)
{
  const BusDeadline *deadline = &subscription->records->block_timer.deadline;
  const gint64 longest_us = (gint64) world->core->limits.longest_block_us;

  if (tickets > 0 && !bus_deadline_is_armed (deadline))
    sim_world_fail (world, "I13: subscription %u of %s holds %u tickets, and its timer is not armed", subscription->id,
                    subscription->owner->id, tickets);
  if (tickets > 0 && deadline->due_us > subscription->records->progress_us + longest_us)
    sim_world_fail (world, "I13: the timer of subscription %u of %s is due too late", subscription->id,
                    subscription->owner->id);
  if (tickets == 0 && bus_deadline_is_armed (deadline))
    sim_cover (world, SIM_COVER_BLOCK_TIMER_LEFT);
  if (tickets > 0)
    sim_cover (world, SIM_COVER_BLOCK_HELD);
  if (subscription->fifo->messages > subscription->bounds.messages && subscription->fifo->last->ticket != NULL)
    sim_cover (world, SIM_COVER_BLOCK_OVER_BOUND);
  if (bus_subscription_is_demoted (subscription) && tickets > 0)
    sim_world_fail (world, "B04: a demoted subscription withholds credit");
  if (bus_subscription_is_demoted (subscription))
    sim_cover (world, SIM_COVER_DEMOTED);
}
