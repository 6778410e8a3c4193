/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-report.h"
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "route/bus-request.h"
#include "route/bus-routes.h"

/*
 * Checks the changes that one frame causes. The core is observed before and after the frame is handed in, and the two are
 * compared: the queue that dropped messages at a limit, the message that drop-oldest dropped, the messages that ADJUST kept,
 * and the place of a reply.
 */

/* --- replies --- */

/* TRUE if there is room for the answer. Otherwise the peer is sent an ERROR, which is encoded at once. */
static gboolean
check_frame_answer_fits (const SimWorld *world, const BusPeer *asker, const SimFrame *frame)
{
  const BusQuota *quota = &world->core->quota;
  const guint64 need = frame->size + 2000;

  return world->fail_allocations == 0 && quota->memory + need < quota->cap
         && bus_flow_bytes (&asker->flow) + need < world->core->limits.queue_soft_bytes
         && asker->flow.waiting_messages < world->core->limits.queue_hard_messages;
}

/* The requester, if this client is the only responder. NULL: there are others, because a request to many may send CANCEL to
 * several responders. */
static const BusPeer *
check_frame_only_asker (const SimWorld *world, const SimClient *client, const SimFrame *frame)
{
  const BusRequest *request = bus_request_find (world->core, client->peer, frame->number);

  return request != NULL && request->requester.kind == BUS_REQUESTER_PEER ? bus_request_peer (request) : NULL;
}

/* --- the queue that drops at a limit --- */

static gboolean
check_frame_can_shed (const BusPeer *peer)
{
  guint at = 0;
  gpointer value;

  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    if (!((const BusSubscription *) value)->serves && sim_bounded_messages (value) > 0)
      return TRUE;
  return FALSE;
}

static void
check_frame_observe_queues (const SimWorld *world, SimQueue *queues)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      queues[i] = (SimQueue){ .peer = NULL };
      if (peer != NULL && bus_peer_is_ready (peer))
        queues[i]
            = (SimQueue){ peer, bus_flow_bytes (&peer->flow), peer->flow.waiting_messages,
                          bus_report_losses (&peer->flow)->missed_by[BUS_LOSS_LIMIT], check_frame_can_shed (peer) };
    }
}

/* The largest cost of a message in a queue. */
#define QUEUE_SLACK     (PAYLOAD_LARGEST * 2)
#define PAYLOAD_LARGEST 24000u
#define MESSAGE_COST    2048u /* without payload */

/* The bytes that this message may have added to the queue of a peer before the queue became shorter: each subscription may
 * have accepted it. */
static guint64
check_frame_slack (const BusPeer *peer, const SimFrame *frame)
{
  return MAX (QUEUE_SLACK,
              (guint64) bus_subscriptions_size (&peer->subscriptions) * (frame->payload_len + MESSAGE_COST));
}

/* Messages are dropped for a limit from the longest queue only. */
static void
check_frame_shed (SimWorld *world, const SimFrame *frame, const SimBefore *before)
{
  SimQueue after[SIM_CLIENTS];

  check_frame_observe_queues (world, after);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    for (guint j = 0; j < SIM_CLIENTS; j++)
      {
        const SimQueue *shed = &before->queues[i];
        const SimQueue *other = &before->queues[j];

        if (shed->peer == NULL || shed->peer != after[i].peer || other->peer == NULL || other->peer != after[j].peer
            || after[i].lost == shed->lost || after[i].messages >= shed->messages)
          continue;
        sim_cover (world, SIM_COVER_QUEUE_SHED);
        if (other->can_shed && after[j].lost == other->lost && after[j].messages >= other->messages
            && other->peer->who.account == shed->peer->who.account
            && other->bytes > shed->bytes + check_frame_slack (shed->peer, frame))
          sim_world_fail (world,
                          "R04: messages of %s (%" G_GUINT64_FORMAT
                          " bytes) were dropped, but the queue of %s has %" G_GUINT64_FORMAT,
                          shed->peer->id, shed->bytes, other->peer->id, other->bytes);
      }
}

/* --- the message that drop-oldest drops --- */

static const BusSubscription *
check_frame_drop_oldest_of (const SimWorld *world, const SimClient *client)
{
  guint at = 0;
  gpointer value;

  while ((value = bus_subscriptions_next (&client->peer->subscriptions, &at)) != NULL)
    {
      const BusSubscription *subscription = value;

      if (subscription->bounds.policy == BUS_OVERFLOW_DROP_OLDEST && sim_is_simple (world, subscription)
          && sim_model_is_alone (world->model, client->number, subscription->id))
        return subscription;
    }
  return NULL;
}

static void
check_frame_observe_oldest (const SimWorld *world, SimOldest *oldest)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const SimClient *client = &world->clients[i];
      const BusSubscription *subscription = client->peer != NULL ? check_frame_drop_oldest_of (world, client) : NULL;
      SimSlots slots;
      const BusSlot *slot;
      guint64 own = 0;

      oldest[i] = (SimOldest){ .subscription = subscription };
      if (subscription == NULL)
        continue;
      slots = sim_slots_of (subscription);
      while ((slot = sim_slots_next (&slots)) != NULL)
        {
          if (slot->state == BUS_DELIVERY_LOST)
            continue;
          own += bus_message_cost (slot->message);
          oldest[i].oldest = oldest[i].oldest != 0 ? oldest[i].oldest : slot->message->accept_seq;
        }
      oldest[i].others = bus_flow_bytes (&client->peer->flow) - own;
      oldest[i].lost = bus_subscription_losses (subscription)->missed_by[BUS_LOSS_FULL];
      oldest[i].is_lane_full = sim_control_bytes (&client->peer->flow) > world->core->limits.control_queue_bytes;
    }
}

/* If the other subscriptions of the peer leave room for the new message, drop-oldest drops the oldest one. */
static void
check_frame_oldest (SimWorld *world, const SimBefore *before, const SimFrame *frame)
{
  SimOldest after[SIM_CLIENTS];

  check_frame_observe_oldest (world, after);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (before->oldest[i].subscription != NULL && after[i].subscription == before->oldest[i].subscription
        && after[i].lost > before->oldest[i].lost && before->oldest[i].oldest != 0
        && after[i].oldest == before->oldest[i].oldest && !before->oldest[i].is_lane_full && !after[i].is_lane_full
        && before->oldest[i].others + 2 * frame->payload_len + 2000 < world->core->limits.queue_soft_bytes)
      sim_world_fail (world, "B01: drop-oldest dropped a message, but kept the oldest one");
}

/* --- before and after --- */

void
sim_check_before_frame (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  const BusSubscription *adjusted
      = frame->kind == SIM_FRAME_ADJUST ? sim_subscription_of (client, frame->subscription) : NULL;

  *before = (SimBefore){ .seq = world->core->routes->accept_seq + 1,
                         .waiting = adjusted != NULL ? adjusted->fifo->messages : 0,
                         .was_block = adjusted != NULL && adjusted->bounds.policy == BUS_OVERFLOW_BLOCK };
  sim_check_before_bounds (world, client, frame, before);
  check_frame_observe_queues (world, before->queues);
  check_frame_observe_oldest (world, before->oldest);
  sim_check_before_groups (world, client, frame, before);
  sim_check_before_drain (world, frame, before);
  sim_check_before_lineage (world, client, frame, before);
  for (guint i = 0; frame->kind == SIM_FRAME_REPLY && i < SIM_CLIENTS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      before->is_taken[i]
          = peer != NULL && peer != client->peer && peer == check_frame_only_asker (world, client, frame)
            && check_frame_answer_fits (world, peer, frame) && peer->flow.lanes[WIRE_LANE_CONTROL].first != NULL;
      before->encoded[i] = peer != NULL ? bus_outq_lane_bytes (&peer->flow.outq, WIRE_LANE_CONTROL) : 0;
    }
}

static void
check_frame_adjusted (SimWorld *world, const BusSubscription *adjusted, const SimBefore *before)
{
  const BusFifo *fifo = adjusted->fifo;
  gboolean left_block = before->was_block && adjusted->bounds.policy != BUS_OVERFLOW_BLOCK;

  if (adjusted->bounds.policy == BUS_OVERFLOW_ERROR && !left_block && fifo->messages != before->waiting)
    sim_world_fail (world, "B08: error dropped accepted messages");
  /* Messages that hold no credit of a publisher are subject to the bounds again. */
  if (left_block && sim_bounded_messages (adjusted) > 1
      && (sim_bounded_messages (adjusted) > adjusted->bounds.messages
          || fifo->bytes - fifo->kept_bytes > adjusted->bounds.bytes))
    sim_world_fail (world, "B08: messages accepted under block exceed the bounds");
}

static void
check_frame_replies (SimWorld *world, const SimBefore *before)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      if (!before->is_taken[i] || bus_peer_is_closing (peer))
        continue;
      sim_cover (world, SIM_COVER_REPLY_BEHIND);
      if (bus_outq_lane_bytes (&peer->flow.outq, WIRE_LANE_CONTROL) > before->encoded[i]
          && peer->flow.lanes[WIRE_LANE_CONTROL].first != NULL)
        sim_world_fail (world, "I4: a reply to %s overtook the messages in its lane", peer->id);
    }
}

void
sim_check_after_frame (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before)
{
  const BusSubscription *adjusted
      = frame->kind == SIM_FRAME_ADJUST ? sim_subscription_of (client, frame->subscription) : NULL;

  if (adjusted != NULL)
    check_frame_adjusted (world, adjusted, before);
  sim_check_after_bounds (world, client, frame, before, before->seq);
  sim_check_after_drain (world, frame, before);
  if (frame->kind == SIM_FRAME_PUBLISH)
    {
      check_frame_shed (world, frame, before);
      check_frame_oldest (world, before, frame);
      sim_check_after_pinned (world, before);
    }
  sim_check_after_groups (world, client, frame, before);
  sim_check_after_lineage (world, client, frame, before);
  if (frame->kind == SIM_FRAME_REPLY)
    check_frame_replies (world, before);
}
