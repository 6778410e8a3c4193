/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-block.h"
#include "peer/bus-state.h"
#include "sim-inside.h"

/*
 * When a block may be over, and when a demoted subscription may be as before again: looked at right before and right
 * after what can end either, a tick, credit that came back and bytes that went.
 */

#define PATIENCE 12 /* a message is held for so many times longest_block_us, at the most */

/* sim-block looks at what bus-block keeps to itself: its first fields. */
typedef struct
{
  gpointer next;
  gpointer ticket;
  guint64 index;
  gint64 since_us;
} Hold;

static gint64
held_since_us (const BusSubscription *subscription)
{
  const Hold *hold = (gconstpointer) subscription->hold_first;
  gint64 since_us = hold != NULL ? hold->since_us : G_MAXINT64;

  for (const BusSlot *slot = subscription->fifo.first; slot != NULL; slot = slot->next)
    if (slot->state != BUS_SLOT_GAP)
      return MIN (since_us, slot->since_us);
  return since_us;
}

static void
look_at (const SimWorld *world, const BusSubscription *subscription, SimSub *sub)
{
  gint64 longest_us = (gint64) world->core->limits.longest_block_us;
  gint64 since_us = subscription->tickets > 0 ? held_since_us (subscription) : G_MAXINT64;

  sub->was_demoted = subscription->demoted;
  sub->block_due_us = G_MAXINT64;
  if (since_us == G_MAXINT64)
    return;
  sub->block_since_us = since_us;
  sub->block_due_us
      = MIN (MAX (subscription->progress_us, sub->credit_us) + longest_us, since_us + PATIENCE * longest_us);
}

void
sim_block_before (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_SUBS && client->peer != NULL; i++)
    {
      const BusSubscription *subscription
          = client->subs[i].exists ? sim_subscription_of (client, client->subs[i].number) : NULL;

      client->subs[i].is_looked_at = subscription != NULL && subscription->bounds.policy == BUS_OVERFLOW_BLOCK;
      if (client->subs[i].is_looked_at)
        look_at (world, subscription, &client->subs[i]);
    }
}

static void
check_block (SimWorld *world, const BusSubscription *subscription, const SimSub *sub)
{
  const BusWindow *window = &subscription->window;

  if (subscription->demoted && !sub->was_demoted && world->now_us < sub->block_due_us)
    sim_world_fail (world, "B04: a block of subscription %u is over %" G_GINT64_FORMAT " us before its time",
                    subscription->id, sub->block_due_us - world->now_us);
  if (!subscription->demoted && !sub->was_demoted && sub->block_due_us != G_MAXINT64
      && world->now_us - sub->block_since_us > (gint64) world->core->limits.longest_block_us)
    sim_reach (world, SIM_REACH_BLOCK_GOES_ON);
  if (!subscription->demoted && sub->was_demoted
      && (subscription->fifo.messages > 0 || bus_window_outstanding (window) * 2 > window->window_messages))
    sim_world_fail (world, "B04: subscription %u blocks again before it has drained", subscription->id);
}

void
sim_block_after (SimWorld *world, const SimClient *client)
{
  for (guint i = 0; i < SIM_SUBS && client->peer != NULL; i++)
    {
      const SimSub *sub = &client->subs[i];
      const BusSubscription *subscription = sub->is_looked_at ? sim_subscription_of (client, sub->number) : NULL;

      if (subscription != NULL)
        check_block (world, subscription, sub);
    }
}
