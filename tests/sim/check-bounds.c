/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "route/bus-request.h"

/*
 * B09, R04: a bound that is reached stops further messages; at a limit, the policy decides which end of the longest queue is
 * dropped; a peer whose queue has no room for its answers is disconnected. The bounds are compared before and after the frame,
 * so the checks need no slack.
 */

static guint64
check_bounds_unheld_bytes (const BusFlow *flow)
{
  return bus_flow_bytes (flow) - flow->held_bytes;
}

/* --- before --- */

/* TRUE when the message fits even after every other subscription of the peer accepted it. */
static gboolean
check_bounds_fits (const SimWorld *world, const BusSubscription *subscription, const SimFrame *frame)
{
  const BusLimits *limits = &world->core->limits;
  const BusFlow *flow = &subscription->owner->flow;
  const BusFifo *fifo = subscription->fifo;

  return (fifo->messages == 0
          || (fifo->messages < subscription->bounds.messages
              && fifo->bytes + frame->size <= subscription->bounds.bytes))
         && bus_flow_bytes (flow) + SIM_SUBS * (2 * frame->size + 1000) < limits->queue_soft_bytes
         && flow->waiting_messages + SIM_SUBS < limits->queue_hard_messages;
}

static void
check_bounds_observe_queue (const SimWorld *world,
                            const BusSubscription *subscription,
                            const SimFrame *frame,
                            SimQueued *queued)
{
  const BusSlot *oldest = subscription->fifo->first;

  while (oldest != NULL && oldest->state == BUS_DELIVERY_LOST)
    oldest = oldest->next;
  *queued = (SimQueued){ .subscription = subscription,
                         .oldest = oldest != NULL ? sim_slot_first_seq (oldest) : 0,
                         .messages = subscription->fifo->messages,
                         .bytes = subscription->fifo->bytes,
                         .missed = subscription->extra->missed,
                         .lost_full = bus_subscription_losses (subscription)->missed_by[BUS_LOSS_FULL],
                         .lost_limit = bus_subscription_losses (subscription)->missed_by[BUS_LOSS_LIMIT],
                         .fits = check_bounds_fits (world, subscription, frame) };
}

static void
check_bounds_observe_peer (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimPressed *pressed)
{
  const BusLimits *limits = &world->core->limits;
  const BusFlow *flow = &client->peer->flow;

  pressed->peer = client->peer;
  pressed->missed = flow->missed;
  pressed->is_lane_full = sim_control_bytes (flow) > limits->control_queue_bytes;
  pressed->is_soft_over = flow->soft_since_us != 0 && check_bounds_unheld_bytes (flow) >= limits->queue_soft_bytes
                          && world->now_us - flow->soft_since_us >= (gint64) limits->queue_soft_timeout_us;
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      const BusSubscription *subscription = sim_subscription_at (client, i);

      if (subscription != NULL && sim_is_simple (world, subscription) && !bus_subscription_is_demoted (subscription))
        check_bounds_observe_queue (world, subscription, frame, &pressed->subs[i]);
    }
}

/* Notes the requester if its queue has no room for the first frame of the answer. */
static void
check_bounds_observe_answer (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  const BusLimits *limits = &world->core->limits;
  const BusRequest *request = bus_request_find (world->core, client->peer, frame->number);
  const BusFlow *flow = request != NULL ? &request->requester.peer->flow : NULL;

  /* Earlier parts of an answer may be in transit, and a reply may wait for a window. */
  if (flow == NULL || request->kind != BUS_PENDING_REPLY || request->requester.kind != BUS_REQUESTER_PEER
      || request->stream != NULL || frame->is_later
      || (flow->waiting_messages - flow->held_messages < limits->queue_hard_messages
          && check_bounds_unheld_bytes (flow) < limits->queue_hard_bytes))
    return;
  before->full_asker = request->requester.peer;
  before->full_asked = request->requester.id;
  before->full_missed = flow->missed;
}

void
sim_check_before_bounds (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  gboolean is_answered = frame->kind == SIM_FRAME_PUBLISH || frame->kind == SIM_FRAME_SUBSCRIBE
                         || frame->kind == SIM_FRAME_UNSUBSCRIBE || frame->kind == SIM_FRAME_ADJUST;

  before->closes
      = is_answered
        && bus_outq_lane_bytes (&client->peer->flow.outq, WIRE_LANE_CONTROL) > world->core->limits.control_queue_bytes;
  if (frame->kind == SIM_FRAME_REPLY)
    check_bounds_observe_answer (world, client, frame, before);
  for (guint i = 0; frame->kind == SIM_FRAME_PUBLISH && i < SIM_CLIENTS; i++)
    if (world->clients[i].peer != NULL && bus_peer_is_ready (world->clients[i].peer))
      check_bounds_observe_peer (world, &world->clients[i], frame, &before->pressed[i]);
}

/* --- after --- */

/* TRUE if the message is at the end of the FIFO. */
static gboolean
check_bounds_accepted (const BusSubscription *subscription, guint64 seq)
{
  const BusSlot *last = subscription->fifo->last;

  return last != NULL && last->state != BUS_DELIVERY_LOST && sim_slot_last_seq (last) == seq;
}

/* If the peer lost no message, no room was made, so a bound that was reached is still reached. */
static void
check_bounds_full (SimWorld *world, const SimPressed *pressed, const BusSubscription *subscription, guint64 seq)
{
  BusOverflow policy = subscription->bounds.policy;

  if (policy == BUS_OVERFLOW_CONFLATE || pressed->peer->flow.missed != pressed->missed
      || !check_bounds_accepted (subscription, seq))
    return; /* conflate replaces the older message */
  if (pressed->is_lane_full && subscription->fifo->last->lane == WIRE_LANE_CONTROL)
    sim_world_fail (world, "B09: the control lane of %s is full, but accepts a message", pressed->peer->id);
  if (pressed->is_soft_over && policy != BUS_OVERFLOW_BLOCK)
    sim_world_fail (world, "R04: %s has been above the soft limit for its time, but accepts a message",
                    pressed->peer->id);
}

/* At a limit, the policy decides which end of a queue is dropped. The new message may be dropped as well. */
static void
check_bounds_shed (SimWorld *world, const SimQueued *queued, guint64 seq)
{
  const BusSubscription *subscription = queued->subscription;
  BusOverflow policy = subscription->bounds.policy;
  gboolean gives_oldest = policy == BUS_OVERFLOW_DROP_OLDEST || policy == BUS_OVERFLOW_CONFLATE;
  SimQueued now;

  check_bounds_observe_queue (world, subscription, &(const SimFrame){ .size = 0 }, &now);
  now.messages -= check_bounds_accepted (subscription, seq);
  if (now.lost_limit < queued->lost_limit + 2 || now.messages == 0 || now.messages >= queued->messages)
    return;
  sim_cover (world, gives_oldest ? SIM_COVER_SHED_OLDEST : SIM_COVER_SHED_NEWEST);
  if (gives_oldest != (now.oldest != queued->oldest))
    sim_world_fail (world, "R04: policy %u dropped the wrong end of its queue at a limit", policy);
}

/* The limit of a peer drops messages of the subscription with the longest queue first. */
static void
check_bounds_longest (SimWorld *world, const SimPressed *pressed, const SimQueued *shed, gsize size)
{
  const BusSubscription *subscription = shed->subscription;

  if (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_LIMIT] < shed->lost_limit + 2
      || subscription->fifo->messages >= shed->messages)
    return;
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      const SimQueued *other = &pressed->subs[i];

      if (other->subscription != NULL && other->subscription->extra->missed == other->missed
          && other->bytes > shed->bytes + size)
        sim_world_fail (world, "R04: messages of %u of %s (%" G_GUINT64_FORMAT " bytes) were dropped, but %u has more",
                        subscription->id, pressed->peer->id, shed->bytes, other->subscription->id);
    }
}

/* A full control lane does not make drop-newest lose a message: the peer, which does not read the lane, is disconnected. */
static void
check_bounds_control_lane (SimWorld *world, const SimPressed *pressed, const SimQueued *queued)
{
  const BusSubscription *subscription = queued->subscription;

  if (pressed->is_lane_full && queued->fits && subscription->bounds.policy == BUS_OVERFLOW_DROP_NEWEST
      && bus_subscription_losses (subscription)->missed_by[BUS_LOSS_FULL] > queued->lost_full)
    sim_world_fail (world, "B09: the full control lane of %s lost a message, but the peer stays connected",
                    pressed->peer->id);
}

static void
check_bounds_peer (SimWorld *world, const SimClient *client, const SimPressed *pressed, gsize size, guint64 seq)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      const SimQueued *queued = &pressed->subs[i];

      if (queued->subscription == NULL || sim_subscription_of (client, client->subs[i].number) != queued->subscription)
        continue;
      check_bounds_full (world, pressed, queued->subscription, seq);
      check_bounds_shed (world, queued, seq);
      check_bounds_longest (world, pressed, queued, size);
      check_bounds_control_lane (world, pressed, queued);
    }
  if (pressed->is_lane_full)
    sim_cover (world, SIM_COVER_LANE_FULL);
  if (pressed->is_soft_over)
    sim_cover (world, SIM_COVER_SOFT_OVER);
}

void
sim_check_after_bounds (SimWorld *world,
                        const SimClient *client,
                        const SimFrame *frame,
                        const SimBefore *before,
                        guint64 seq)
{
  if (before->closes && !bus_peer_is_closing (client->peer))
    sim_world_fail (world, "B09: %s does not read its answers, but is sent more of them", client->id);
  if (before->full_asker != NULL && !sim_view_is_closing (world)
      && before->full_asker->flow.missed == before->full_missed)
    {
      sim_cover (world, SIM_COVER_REPLY_REFUSED);
      sim_client_expect_refused (bus_peer_link (before->full_asker), before->full_asked);
    }
  /* The messages of a peer that is being disconnected may enter other queues, which these checks do not expect. */
  if (frame->kind != SIM_FRAME_PUBLISH || sim_view_is_closing (world))
    return;
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (before->pressed[i].peer != NULL && before->pressed[i].peer == world->clients[i].peer)
      check_bounds_peer (world, &world->clients[i], &before->pressed[i], frame->size, seq);
}
