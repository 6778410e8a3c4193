/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "route/bus-group.h"
#include "route/bus-routes.h"

/*
 * What one frame may change. The core is observed before the frame is handed in and after, and the two are compared:
 * which member of a group got a message, which queue paid at a limit, which message drop-oldest dropped, where the messages
 * of a member that left are, what ADJUST kept, and where a reply stands.
 */

/* --- groups --- */

/* TRUE when the message fits even after all subscriptions of the peer accepted it. */
static gboolean
check_frame_has_room (const SimWorld *world, const BusPeer *peer, gsize payload_len)
{
  const BusLimits *limits = &world->core->limits;
  const BusFlow *flow = &peer->flow;
  gsize need = SIM_SUBS * (payload_len + 1000);

  return bus_flow_bytes (flow) + need < limits->queue_soft_bytes
         && flow->waiting_messages + SIM_SUBS < limits->queue_hard_messages
         && sim_control_bytes (flow) + need < limits->control_queue_bytes;
}

/* When a peer has several matching subscriptions in a group, the one with the smallest number is the member. */
static void
check_frame_observe_group (const SimWorld *world,
                           const SimFrame *frame,
                           guint at,
                           gboolean *room,
                           gboolean *tight,
                           guint64 *lost)
{
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    {
      const BusSubscription *first = NULL;
      GHashTableIter iter;
      gpointer value;

      g_hash_table_iter_init (&iter, ((const BusPeer *) link->data)->subscriptions);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          const BusSubscription *member = value;
          g_autofree char *pattern = g_strndup ((const char *) member->pattern.data, member->pattern.len);

          if (member->group == NULL || !wire_span_equal (member->group->key.text, wire_span_str (sim_groups[at])))
            continue;
          if (member->bounds.policy == BUS_OVERFLOW_CONFLATE)
            continue; /* drops the older message, room or not */
          *lost += member->missed_by[BUS_LOSS_FULL] + member->missed_by[BUS_LOSS_REFUSED];
          /* Another subscription of its peer may use the last room after the member was picked. */
          *tight = *tight || !check_frame_has_room (world, link->data, frame->payload_len);
          if (sim_model_matches (pattern, frame->topic) && (first == NULL || member->id < first->id))
            first = member;
        }
      *room = *room
              || (first != NULL && bus_peer_is_ready (first->owner) && !first->demoted && first->fifo.messages == 0);
    }
}

/* A topic that not every member may read is left out. */
static gboolean
check_frame_picks_one (const SimFrame *frame)
{
  return frame->kind == SIM_FRAME_PUBLISH && !frame->broadcast && frame->target[0] == '\0'
         && !g_str_has_prefix (frame->topic, "control.agent");
}

/* Without room for the answer the peer is sent an ERROR, which is encoded at once. */
static gboolean
check_frame_answer_fits (const SimWorld *world, const BusPeer *asker)
{
  const BusQuota *quota = &world->core->quota;
  guint64 need = 2000;

  return world->fail_allocations == 0 && quota->memory + need < quota->cap
         && bus_flow_bytes (&asker->flow) + need < world->core->limits.queue_soft_bytes;
}

/* --- which queue pays at a limit --- */

static gboolean
check_frame_can_pay (const BusPeer *peer)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, peer->subscriptions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (!((const BusSubscription *) value)->serves && ((const BusSubscription *) value)->fifo.messages > 0)
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
        queues[i] = (SimQueue){ peer, bus_flow_bytes (&peer->flow), peer->flow.waiting_messages,
                                peer->flow.missed_by[BUS_LOSS_LIMIT], check_frame_can_pay (peer) };
    }
}

/* The largest cost of a message in a queue. */
#define QUEUE_SLACK     (PAYLOAD_LARGEST * 2)
#define PAYLOAD_LARGEST 24000u

/* A queue that became shorter for a limit was the longest one. */
static void
check_frame_payers (SimWorld *world, const SimBefore *before)
{
  SimQueue after[SIM_CLIENTS];

  check_frame_observe_queues (world, after);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    for (guint j = 0; j < SIM_CLIENTS; j++)
      {
        const SimQueue *payer = &before->queues[i];
        const SimQueue *other = &before->queues[j];

        if (payer->peer == NULL || payer->peer != after[i].peer || other->peer == NULL || other->peer != after[j].peer
            || after[i].lost == payer->lost || after[i].messages >= payer->messages)
          continue;
        sim_cover (world, SIM_COVER_PAID);
        if (other->can_pay && after[j].lost == other->lost && after[j].messages >= other->messages
            && other->peer->who.account == payer->peer->who.account && other->bytes > payer->bytes + QUEUE_SLACK)
          sim_world_fail (world,
                          "R04: %s paid with %" G_GUINT64_FORMAT " bytes, and the queue of %s has %" G_GUINT64_FORMAT,
                          payer->peer->id, payer->bytes, other->peer->id, other->bytes);
      }
}

/* --- which message drop-oldest drops --- */

static const BusSubscription *
check_frame_drop_oldest_of (const SimWorld *world, const SimClient *client)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, client->peer->subscriptions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
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
      guint64 own = 0;

      oldest[i] = (SimOldest){ .subscription = subscription };
      if (subscription == NULL)
        continue;
      for (const BusSlot *slot = subscription->fifo.first; slot != NULL; slot = slot->next)
        {
          if (slot->state == BUS_SLOT_GAP)
            continue;
          own += bus_message_cost (slot->message);
          oldest[i].oldest = oldest[i].oldest != 0 ? oldest[i].oldest : slot->message->accept_seq;
        }
      oldest[i].others = bus_flow_bytes (&client->peer->flow) - own;
      oldest[i].lost = subscription->missed_by[BUS_LOSS_FULL];
    }
}

/* When the rest of the peer's queue leaves room for the new message, the oldest one is dropped. */
static void
check_frame_oldest (SimWorld *world, const SimBefore *before, const SimFrame *frame)
{
  SimOldest after[SIM_CLIENTS];

  check_frame_observe_oldest (world, after);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (before->oldest[i].subscription != NULL && after[i].subscription == before->oldest[i].subscription
        && after[i].lost > before->oldest[i].lost && before->oldest[i].oldest != 0
        && after[i].oldest == before->oldest[i].oldest
        && sim_control_bytes (&world->clients[i].peer->flow) <= world->core->limits.control_queue_bytes
        && before->oldest[i].others + 2 * frame->payload_len + 2000 < world->core->limits.queue_soft_bytes)
      sim_world_fail (world, "B01: drop-oldest lost a message, but kept the oldest one");
}

/* --- the messages of a member that leaves --- */

static gboolean
check_frame_has_heir (const BusSubscription *leaving, const BusMessage *message)
{
  g_autofree char *topic = g_strndup ((const char *) message->topic.data, message->topic.len);

  for (const GList *link = leaving->group->members.head; link != NULL; link = link->next)
    {
      const BusSubscription *member = link->data;
      g_autofree char *pattern = g_strndup ((const char *) member->pattern.data, member->pattern.len);

      if (member != leaving && !member->serves && bus_peer_is_ready (member->owner)
          && sim_model_matches (pattern, topic))
        return TRUE;
    }
  return FALSE;
}

/* The waiting messages that must be handed over. A topic that not every member may read is left out. */
static guint64
check_frame_count_heritage (const SimWorld *world, const BusSubscription *leaving)
{
  guint64 n = 0;

  if (leaving->group == NULL || leaving->serves)
    return 0;
  for (const BusSlot *slot = leaving->fifo.first; slot != NULL; slot = slot->next)
    n += slot->state != BUS_SLOT_GAP && !slot->delivery.to_each
         && (slot->message->expires_us == 0 || slot->message->expires_us > world->now_us)
         && !wire_span_equal (slot->message->topic, WIRE_SPAN_LITERAL ("control.agent.policy"))
         && check_frame_has_heir (leaving, slot->message);
  return n;
}

static void
check_frame_observe_leaving (const SimWorld *world, const BusSubscription *leaving, SimBefore *before)
{
  if (leaving == NULL)
    return;
  before->heritage = check_frame_count_heritage (world, leaving);
  before->heirs = before->heritage > 0 ? leaving->group : NULL;
  before->rerouted = before->heritage > 0 ? leaving->group->rerouted : 0;
}

/* --- before and after --- */

void
sim_check_before_frame (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  const BusSubscription *adjusted
      = frame->kind == SIM_FRAME_ADJUST ? sim_subscription_of (client, frame->subscription) : NULL;

  *before = (SimBefore){ .seq = world->core->routes->accept_seq + 1,
                         .waiting = adjusted != NULL ? adjusted->fifo.messages : 0,
                         .was_block = adjusted != NULL && adjusted->bounds.policy == BUS_OVERFLOW_BLOCK };
  sim_check_before_bounds (world, client, frame, before);
  check_frame_observe_queues (world, before->queues);
  check_frame_observe_oldest (world, before->oldest);
  if (frame->kind == SIM_FRAME_UNSUBSCRIBE && client->peer != NULL)
    check_frame_observe_leaving (world, sim_subscription_of (client, frame->subscription), before);
  for (guint i = 0; check_frame_picks_one (frame) && i < SIM_GROUPS; i++)
    check_frame_observe_group (world, frame, i, &before->has_room[i], &before->is_tight[i], &before->lost[i]);
  for (guint i = 0; frame->kind == SIM_FRAME_REPLY && i < SIM_CLIENTS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      before->is_taken[i] = peer != NULL && peer != client->peer && check_frame_answer_fits (world, peer)
                            && peer->flow.lanes[WIRE_LANE_CONTROL].first != NULL;
      before->encoded[i] = peer != NULL ? bus_outq_lane_bytes (&peer->flow.outq, WIRE_LANE_CONTROL) : 0;
    }
}

static void
check_frame_adjusted (SimWorld *world, const BusSubscription *adjusted, const SimBefore *before)
{
  const BusFifo *fifo = &adjusted->fifo;
  gboolean unpaid = before->was_block && adjusted->bounds.policy != BUS_OVERFLOW_BLOCK;

  if (adjusted->bounds.policy == BUS_OVERFLOW_ERROR && !unpaid && fifo->messages != before->waiting)
    sim_world_fail (world, "B08: error dropped what it had accepted");
  /* Messages that no publisher pays for any more are subject to the bounds again. */
  if (unpaid && fifo->messages > 1
      && (fifo->messages > adjusted->bounds.messages || fifo->bytes > adjusted->bounds.bytes))
    sim_world_fail (world, "B08: the messages that block left exceed the bounds");
}

/* The peer stays connected, so the messages of its subscription must have been handed over. */
static void
check_frame_heritage (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before)
{
  if (before->heirs != NULL && !sim_view_is_closing (world) && client->peer != NULL
      && sim_subscription_of (client, frame->subscription) == NULL
      && before->heirs->rerouted < before->rerouted + before->heritage)
    sim_world_fail (world,
                    "M06: %" G_GUINT64_FORMAT " messages of a member that left had another member, %" G_GUINT64_FORMAT
                    " were handed over",
                    before->heritage, before->heirs->rerouted - before->rerouted);
}

static void
check_frame_groups (SimWorld *world, const SimFrame *frame, const SimBefore *before)
{
  for (guint i = 0; i < SIM_GROUPS; i++)
    {
      gboolean room = FALSE, tight = FALSE;
      guint64 lost = 0;

      check_frame_observe_group (world, frame, i, &room, &tight, &lost);
      /* The messages that a disconnected peer leaves may be lost as well. */
      if (before->has_room[i] && !before->is_tight[i] && lost > before->lost[i] && !sim_view_is_closing (world))
        sim_world_fail (world, "M08: group %s lost a message while a member had room", sim_groups[i]);
    }
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
  if (frame->kind == SIM_FRAME_PUBLISH)
    {
      check_frame_payers (world, before);
      check_frame_oldest (world, before, frame);
      sim_check_after_pinned (world, before);
    }
  check_frame_heritage (world, client, frame, before);
  if (check_frame_picks_one (frame))
    check_frame_groups (world, frame, before);
  if (frame->kind == SIM_FRAME_REPLY)
    check_frame_replies (world, before);
}
