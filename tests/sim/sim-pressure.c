/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-request.h"
#include "peer/bus-state.h"
#include "sim-inside.h"

/*
 * Where a bound was reached before a frame came: what it may still do to the queue of each peer, and whom an answer that
 * finds no room has to close. Bounds are looked at before and after, so that nothing needs slack.
 */

static guint64
own_bytes (const BusFlow *flow)
{
  return bus_flow_bytes (flow) - flow->held_bytes;
}

/* --- before --- */

/* Whatever else of its peer takes the same message in before. */
static gboolean
fits_own (const SimWorld *world, const BusSubscription *subscription, const SimFrame *frame)
{
  const BusLimits *limits = &world->core->limits;
  const BusFlow *flow = &subscription->owner->flow;
  const BusFifo *fifo = &subscription->fifo;

  return (fifo->messages == 0
          || (fifo->messages < subscription->bounds.messages
              && fifo->bytes + frame->size <= subscription->bounds.bytes))
         && bus_flow_bytes (flow) + SIM_SUBS * (2 * frame->size + 1000) < limits->queue_soft_bytes
         && flow->waiting_messages + SIM_SUBS < limits->queue_hard_messages;
}

static void
look_at_queue (const SimWorld *world, const BusSubscription *subscription, const SimFrame *frame, SimQueued *queued)
{
  const BusSlot *oldest = subscription->fifo.first;

  while (oldest != NULL && oldest->state == BUS_SLOT_GAP)
    oldest = oldest->next;
  *queued = (SimQueued){ .subscription = subscription,
                         .oldest = oldest != NULL ? oldest->message->accept_seq : 0,
                         .messages = subscription->fifo.messages,
                         .bytes = subscription->fifo.bytes,
                         .missed = subscription->missed,
                         .lost_full = subscription->missed_by[BUS_LOSS_FULL],
                         .lost_limit = subscription->missed_by[BUS_LOSS_LIMIT],
                         .fits_own = fits_own (world, subscription, frame) };
}

static void
look_at_peer (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimPressed *pressed)
{
  const BusLimits *limits = &world->core->limits;
  const BusFlow *flow = &client->peer->flow;

  pressed->peer = client->peer;
  pressed->missed = flow->missed;
  pressed->is_lane_full = sim_control_bytes (flow) > limits->control_queue_bytes;
  pressed->is_soft_over = flow->soft_since_us != 0 && own_bytes (flow) >= limits->queue_soft_bytes
                          && world->now_us - flow->soft_since_us >= (gint64) limits->queue_soft_timeout_us;
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      const BusSubscription *subscription
          = client->subs[i].exists ? sim_subscription_of (client, client->subs[i].number) : NULL;

      if (subscription != NULL && sim_is_simple (world, subscription) && !subscription->demoted)
        look_at_queue (world, subscription, frame, &pressed->subs[i]);
    }
}

/* The asker for whose answer there is no room. */
static void
look_at_answer (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  const BusLimits *limits = &world->core->limits;
  const BusRequest *request = bus_request_find (world->core, client->peer, frame->number);
  const BusFlow *flow = request != NULL ? &request->requester->flow : NULL;

  if (flow == NULL || request->kind != BUS_PENDING_REPLY
      || (flow->waiting_messages - flow->held_messages < limits->queue_hard_messages
          && own_bytes (flow) < limits->queue_hard_bytes))
    return;
  before->full_asker = request->requester;
  before->full_asked = request->id;
  before->full_lost = flow->missed;
}

void
sim_pressure_before (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  gboolean is_answered = frame->kind == SIM_FRAME_PUBLISH || frame->kind == SIM_FRAME_SUBSCRIBE
                         || frame->kind == SIM_FRAME_UNSUBSCRIBE || frame->kind == SIM_FRAME_ADJUST;

  before->closes
      = is_answered
        && bus_outq_lane_bytes (&client->peer->flow.outq, WIRE_LANE_CONTROL) > world->core->limits.control_queue_bytes;
  if (frame->kind == SIM_FRAME_REPLY)
    look_at_answer (world, client, frame, before);
  for (guint i = 0; frame->kind == SIM_FRAME_PUBLISH && i < SIM_CLIENTS; i++)
    if (world->clients[i].peer != NULL && bus_peer_is_ready (world->clients[i].peer))
      look_at_peer (world, &world->clients[i], frame, &before->pressed[i]);
}

/* --- after --- */

/* It stands at the end of its FIFO. */
static gboolean
took_in (const BusSubscription *subscription, guint64 seq)
{
  const BusSlot *last = subscription->fifo.last;

  return last != NULL && last->state != BUS_SLOT_GAP && last->message->accept_seq == seq;
}

/* Where the peer lost nothing, nothing made room: what was full stays full. */
static void
check_full (SimWorld *world, const SimPressed *pressed, const BusSubscription *subscription, guint64 seq)
{
  BusOverflow policy = subscription->bounds.policy;

  if (policy == BUS_OVERFLOW_CONFLATE || pressed->peer->flow.missed != pressed->missed || !took_in (subscription, seq))
    return; /* conflate fills the place of the older one */
  if (pressed->is_lane_full && subscription->fifo.last->lane == WIRE_LANE_CONTROL)
    sim_world_fail (world, "B09: the control lane of %s is full, and takes in more", pressed->peer->id);
  if (pressed->is_soft_over && policy != BUS_OVERFLOW_BLOCK)
    sim_world_fail (world, "R04: %s has been above the soft limit for its time, and takes in more", pressed->peer->id);
}

/* What of a queue that is to become shorter at a cap goes first. The message that came may be lost as well. */
static void
check_shed (SimWorld *world, const SimQueued *queued, guint64 seq)
{
  const BusSubscription *subscription = queued->subscription;
  BusOverflow policy = subscription->bounds.policy;
  gboolean gives_oldest = policy == BUS_OVERFLOW_DROP_OLDEST || policy == BUS_OVERFLOW_CONFLATE;
  SimQueued now;

  look_at_queue (world, subscription, &(const SimFrame){ .size = 0 }, &now);
  now.messages -= took_in (subscription, seq);
  if (now.lost_limit < queued->lost_limit + 2 || now.messages == 0 || now.messages >= queued->messages)
    return;
  sim_reach (world, gives_oldest ? SIM_REACH_SHED_OLDEST : SIM_REACH_SHED_NEWEST);
  if (gives_oldest != (now.oldest != queued->oldest))
    sim_world_fail (world, "R04: policy %u gave the wrong end of its queue at a cap", policy);
}

/* Who has most waiting pays first. */
static void
check_longest (SimWorld *world, const SimPressed *pressed, const SimQueued *payer, gsize size)
{
  const BusSubscription *subscription = payer->subscription;

  if (subscription->missed_by[BUS_LOSS_LIMIT] < payer->lost_limit + 2 || subscription->fifo.messages >= payer->messages)
    return;
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      const SimQueued *other = &pressed->subs[i];

      if (other->subscription != NULL && other->subscription->missed == other->missed
          && other->bytes > payer->bytes + size)
        sim_world_fail (world, "R04: %u of %s paid with %" G_GUINT64_FORMAT " bytes, and %u has more", subscription->id,
                        pressed->peer->id, payer->bytes, other->subscription->id);
    }
}

/* Orders are not lost: who does not read them is closed. */
static void
check_orders (SimWorld *world, const SimPressed *pressed, const SimQueued *queued)
{
  const BusSubscription *subscription = queued->subscription;

  if (pressed->is_lane_full && queued->fits_own && subscription->bounds.policy == BUS_OVERFLOW_DROP_NEWEST
      && subscription->missed_by[BUS_LOSS_FULL] > queued->lost_full)
    sim_world_fail (world, "B09: the control lane of %s is full, an order was lost, and it is not closed",
                    pressed->peer->id);
}

static void
check_peer (SimWorld *world, const SimClient *client, const SimPressed *pressed, gsize size, guint64 seq)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      const SimQueued *queued = &pressed->subs[i];

      if (queued->subscription == NULL || sim_subscription_of (client, client->subs[i].number) != queued->subscription)
        continue;
      check_full (world, pressed, queued->subscription, seq);
      check_shed (world, queued, seq);
      check_longest (world, pressed, queued, size);
      check_orders (world, pressed, queued);
    }
  if (pressed->is_lane_full)
    sim_reach (world, SIM_REACH_LANE_FULL);
  if (pressed->is_soft_over)
    sim_reach (world, SIM_REACH_SOFT_OVER);
}

/* @seq: of the message, if it is one and was accepted. */
void
sim_pressure_after (SimWorld *world,
                    const SimClient *client,
                    const SimFrame *frame,
                    const SimBefore *before,
                    guint64 seq)
{
  if (before->closes && !bus_peer_is_closing (client->peer))
    sim_world_fail (world, "B09: %s does not read its answers, and gets more of them", client->id);
  if (before->full_asker != NULL && !sim_check_is_closing (world)
      && before->full_asker->flow.missed == before->full_lost)
    {
      sim_reach (world, SIM_REACH_REPLY_REFUSED);
      sim_client_expect_refused (bus_peer_link (before->full_asker), before->full_asked);
    }
  /* What somebody who is closed leaves behind are other messages. */
  if (frame->kind != SIM_FRAME_PUBLISH || sim_check_is_closing (world))
    return;
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (before->pressed[i].peer != NULL && before->pressed[i].peer == world->clients[i].peer)
      check_peer (world, &world->clients[i], &before->pressed[i], frame->size, seq);
}
