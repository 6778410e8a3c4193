/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "route/bus-group.h"
#include "route/bus-hold.h"
#include "route/bus-routes.h"
#include "sim-will.h"

/*
 * I7: no message vanishes when a subscription ends or is demoted. Each message that waited for it was handed on to another
 * subscription, where it is counted in the same way, or is counted as discarded, or as lost because there was no memory. The other
 * subscriptions lose and gain no other messages: each message that was offered to them is delivered, missed or waiting, and each
 * message that was handed on moves from one to another. An at-least-once message that was sent and not settled is sent to another
 * member again.
 */

static gboolean
check_ends_is_ending (const SimEnds *ends, const BusSubscription *subscription)
{
  return ends->client != NULL && subscription->owner == ends->client->peer
         && (ends->subscription == 0 || ends->subscription == subscription->id);
}

static void
check_ends_count_peer (const SimWorld *world, const BusPeer *peer, SimEnds *ends)
{
  guint at = 0;
  gpointer value;

  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    {
      const BusSubscription *subscription = value;

      if (!check_ends_is_ending (ends, subscription)) /* these are counted with the other subscriptions */
        ends->ended -= bus_subscription_losses (subscription)->missed_by[BUS_LOSS_NO_MEMORY];
      if (subscription->serves)
        continue; /* requests are not counted, because they are answered */
      if (check_ends_is_ending (ends, subscription))
        {
          ends->waiting += subscription->fifo->messages;
          ends->to_repeat += sim_check_count_to_repeat (world, subscription, ends->client->peer);
        }
      else if (!sim_is_watching (subscription))
        ends->others += subscription->delivered - subscription->records->retained + subscription->extra->missed
                        + subscription->fifo->messages;
    }
}

/* Messages that are held for groups, or were held until they expired. */
static guint64
check_ends_count_held (const SimWorld *world)
{
  const BusHolds *holds = world->core->routes->holds;

  return holds != NULL ? holds->messages.length + holds->expired : 0;
}

static void
check_ends_count (const SimWorld *world, SimEnds *ends)
{
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    check_ends_count_peer (world, link->data, ends);
  ends->others += check_ends_count_held (world); /* the group has no other member now */
  ends->wills = world->wills->offered;
  ends->repeated = world->core->routes->n_repeated;
  ends->ended += world->core->flows.missed_by[BUS_LOSS_ENDED] + world->core->flows.missed_by[BUS_LOSS_NO_MEMORY];
  ends->is_closing = sim_view_is_closing (world);
}

void
sim_check_before_end (const SimWorld *world, const SimClient *client, guint32 subscription, SimEnds *ends)
{
  *ends = (SimEnds){ .client = client, .subscription = subscription };
  check_ends_count (world, ends);
}

void
sim_check_after_end (SimWorld *world, const SimEnds *ends)
{
  SimEnds now = { .client = ends->client, .subscription = ends->subscription };

  check_ends_count (world, &now);
  if (ends->is_closing || now.is_closing || now.waiting > 0 || now.to_repeat > 0)
    return;
  if (now.repeated < ends->repeated + ends->to_repeat)
    sim_world_fail (world,
                    "M06: %" G_GUINT64_FORMAT
                    " unsettled messages could be repeated to another member, %" G_GUINT64_FORMAT " were repeated",
                    ends->to_repeat, now.repeated - ends->repeated);
  if (now.others + now.ended
      != ends->others + ends->ended + ends->waiting + now.repeated - ends->repeated + now.wills - ends->wills)
    sim_world_fail (world,
                    "I7: %" G_GUINT64_FORMAT " messages waited for the ended subscriptions, %" G_GINT64_FORMAT
                    " were handed on, %" G_GUINT64_FORMAT " are counted as discarded",
                    ends->waiting, (gint64) (now.others - ends->others), now.ended - ends->ended);
}
