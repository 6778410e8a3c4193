/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"

/*
 * M06: the members that drain are the same as in the model, and get no further messages. A call that waits for the end of a
 * drain is answered when no member has a waiting or unsettled message any more, neither earlier nor later.
 */

static guint64
drain_offered (const BusSubscription *subscription)
{
  return subscription->delivered + subscription->extra->missed + subscription->fifo->messages
         + subscription->extra->rerouted;
}

/* Notes that a subscription begins to drain or takes part again. It may do both within one step, and get messages in between. */
static void
drain_note (SimSub *sub, const BusSubscription *subscription)
{
  gboolean drains = !bus_subscription_takes_part (subscription);

  if (drains && !sub->was_draining)
    sub->offered = drain_offered (subscription);
  sub->was_draining = drains;
}

static void
drain_check_sub (SimWorld *world, const SimClient *client, SimSub *sub, const BusSubscription *subscription)
{
  gboolean drains = !bus_subscription_takes_part (subscription);
  guint64 offered = drain_offered (subscription);

  if (!subscription->serves && drains != sim_model_drains (world->model, client->number, sub->number))
    sim_world_fail (world, "M06: subscription %u of %s %s", sub->number, client->id,
                    drains ? "drains, but takes part in the model" : "takes part, but drains in the model");
  if (sub->was_draining && drains && offered > sub->offered)
    sim_world_fail (world, "M06: subscription %u of %s drains, but was offered a message", sub->number, client->id);
  if (drains && subscription->state == BUS_SUBSCRIPTION_DRAINED)
    sim_cover (world, SIM_COVER_DRAIN_FINISHED);
  sub->was_draining = drains;
  sub->offered = offered;
}

/* --- messages that waited --- */

void
sim_check_before_drain (const SimWorld *world, const SimFrame *frame, SimBefore *before)
{
  const SimClient *member = &world->clients[frame->drained_slot];

  for (guint i = 0; frame->kind == SIM_FRAME_DRAIN && member->peer != NULL && i < SIM_SUBS; i++)
    {
      const BusSubscription *subscription = sim_subscription_at (member, i);

      if (subscription != NULL && subscription->group != NULL && !subscription->serves
          && bus_subscription_takes_part (subscription))
        before->drained[i] = (SimLeaving){ .subscription = subscription,
                                           .transferable = sim_check_count_transferable (world, subscription),
                                           .rerouted = subscription->extra->rerouted };
    }
}

/* Messages that waited for a member that drains must have been handed on if another member certainly takes them. */
void
sim_check_after_drain (SimWorld *world, const SimFrame *frame, const SimBefore *before)
{
  const SimClient *member = &world->clients[frame->drained_slot];

  for (guint i = 0; frame->kind == SIM_FRAME_DRAIN && member->peer != NULL && i < SIM_SUBS; i++)
    {
      const SimLeaving *leaving = &before->drained[i];
      const BusSubscription *subscription = sim_subscription_at (member, i);

      if (subscription == NULL || subscription != leaving->subscription || bus_subscription_takes_part (subscription)
          || sim_view_is_closing (world))
        continue;
      if (leaving->transferable > 0)
        sim_cover (world, SIM_COVER_DRAIN_HANDED_ON);
      if (subscription->extra->rerouted < leaving->rerouted + leaving->transferable)
        sim_world_fail (
            world,
            "M06: %" G_GUINT64_FORMAT
            " messages of subscription %u of %s could be handed on when it began to drain, %" G_GUINT64_FORMAT
            " were handed on",
            leaving->transferable, subscription->id, member->id, subscription->extra->rerouted - leaving->rerouted);
    }
}

/* --- calls that wait --- */

static const SimClient *
drain_find_client (const SimWorld *world, guint connection)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (world->clients[i].number == connection && world->clients[i].peer != NULL
        && bus_peer_is_ready (world->clients[i].peer))
      return &world->clients[i];
  return NULL;
}

static gboolean
drain_is_of (const SimWorld *world, const SimDrain *drain, const SimClient *member, const SimSub *sub)
{
  return drain->subscription != 0 ? sub->number == drain->subscription
                                  : sim_model_is_in (world->model, member->number, sub->number, drain->scope);
}

/* TRUE if a subscription of the call drains and has waiting or unsettled messages. */
static gboolean
drain_is_busy (const SimWorld *world, const SimDrain *drain, const SimClient *member)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      const SimSub *sub = &member->subs[i];
      const BusSubscription *subscription = sub->exists ? sim_subscription_of (member, sub->number) : NULL;

      if (subscription != NULL && drain_is_of (world, drain, member, sub) && !bus_subscription_takes_part (subscription)
          && (subscription->fifo->messages > 0 || subscription->delivered > subscription->unsettled.settled))
        return TRUE;
    }
  return FALSE;
}

/* Returns FALSE if the call has ended. */
static gboolean
drain_check_call (SimWorld *world, const SimDrain *drain)
{
  const SimClient *asker = drain_find_client (world, drain->asker);
  const SimClient *member = drain_find_client (world, drain->member);
  gboolean waits = asker != NULL && sim_view_call_waits (asker, drain->id);
  gboolean is_busy = member != NULL && drain_is_busy (world, drain, member);

  if (asker == NULL)
    return FALSE;
  if (waits && !is_busy)
    sim_world_fail (world, "M06: %s still waits for a member that has drained", asker->id);
  if (!waits && is_busy)
    sim_world_fail (world, "M06: %s got the answer that %s has drained, but it still has messages", asker->id,
                    member->id);
  if (member == NULL)
    sim_cover (world, SIM_COVER_DRAIN_GONE);
  return waits;
}

/* A call ends when the member takes part again, and the member may begin to drain again before the step ends. */
static void
drain_check_ended (SimWorld *world)
{
  for (guint i = 0; i < world->drains->len; i++)
    {
      const SimDrain *drain = &g_array_index (world->drains, SimDrain, i);
      const SimClient *asker = drain_find_client (world, drain->asker);

      if ((asker == NULL || !sim_view_call_waits (asker, drain->id)) && !drain_check_call (world, drain))
        g_array_remove_index (world->drains, i--);
    }
}

void
sim_check_drain_called (SimWorld *world, SimClient *member)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      const BusSubscription *subscription = sim_subscription_at (member, i);

      if (subscription != NULL)
        drain_note (&member->subs[i], subscription);
    }
  drain_check_ended (world);
}

void
sim_check_drains (SimWorld *world)
{
  guint n_out = 0;

  for (guint i = 0; i < SIM_CLIENTS * SIM_SUBS; i++)
    {
      SimClient *client = &world->clients[i / SIM_SUBS];
      BusSubscription *subscription = client->peer != NULL ? sim_subscription_at (client, i % SIM_SUBS) : NULL;

      if (subscription == NULL)
        continue;
      drain_check_sub (world, client, &client->subs[i % SIM_SUBS], subscription);
      n_out += !bus_subscription_takes_part (subscription);
    }
  if (n_out != world->core->routes->n_drained)
    sim_world_fail (world, "M06: %u subscriptions drain, and the broker counts %u", n_out,
                    world->core->routes->n_drained);
  for (guint i = 0; i < world->drains->len; i++)
    if (!drain_check_call (world, &g_array_index (world->drains, SimDrain, i)))
      g_array_remove_index (world->drains, i--);
}
