/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-group.h"
#include "route/bus-request.h"
#include "peer/bus-state.h"
#include "sim-inside.h"

/* What only one frame may do: the core is looked at before it was handed in and after. */

/* For the same message to all of its subscriptions before. */
static gboolean
peer_has_room (const SimWorld *world, const BusPeer *peer, gsize payload_len)
{
  const BusLimits *limits = &world->core->limits;
  const BusFlow *flow = &peer->flow;
  gsize need = SIM_SUBS * (payload_len + 1000);

  return bus_flow_bytes (flow) + need < limits->queue_soft_bytes
         && flow->waiting_messages + SIM_SUBS < limits->queue_hard_messages
         && sim_control_bytes (flow) + need < limits->control_queue_bytes;
}

/* Of a peer with several subscriptions in a group the first that matches is the member. */
static void
look_at_group (const SimWorld *world, const SimFrame *frame, guint at, gboolean *room, gboolean *tight, guint64 *lost)
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
            continue; /* gives the older one up, room or not */
          *lost += member->missed_by[BUS_LOSS_FULL] + member->missed_by[BUS_LOSS_REFUSED];
          /* Another subscription of its peer may take the last room after it was picked. */
          *tight = *tight || !peer_has_room (world, link->data, frame->payload_len);
          if (sim_model_matches (pattern, frame->topic) && (first == NULL || member->id < first->id))
            first = member;
        }
      *room = *room
              || (first != NULL && bus_peer_is_ready (first->owner) && !first->demoted && first->fifo.messages == 0);
    }
}

/* Not of all topics may everybody read. */
static gboolean
goes_to_one (const SimFrame *frame)
{
  return frame->kind == SIM_FRAME_PUBLISH && !frame->broadcast && frame->target[0] == '\0'
         && !g_str_has_prefix (frame->topic, "control.agent");
}

/* Where it would not, the asker is told that by an ERROR, which waits for nothing. */
static gboolean
answer_fits (const SimWorld *world, const BusPeer *asker)
{
  const BusQuota *quota = &world->core->quota;
  guint64 need = 2000;

  return world->fail_allocations == 0 && quota->memory + need < quota->cap
         && bus_flow_bytes (&asker->flow) + need < world->core->limits.queue_soft_bytes;
}

/* --- who pays at a cap --- */

static gboolean
can_give (const BusPeer *peer)
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
look_at_queues (const SimWorld *world, SimQueue *queues)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      queues[i] = (SimQueue){ .peer = NULL };
      if (peer != NULL && bus_peer_is_ready (peer))
        queues[i] = (SimQueue){ peer, bus_flow_bytes (&peer->flow), peer->flow.waiting_messages,
                                peer->flow.missed_by[BUS_LOSS_LIMIT], can_give (peer) };
    }
}

/* What a message in a queue may cost, at the most. */
#define QUEUE_SLACK     (PAYLOAD_LARGEST * 2)
#define PAYLOAD_LARGEST 24000u

/* Whose queue became shorter for a limit had none above it. */
static void
check_payers (SimWorld *world, const SimBefore *before)
{
  SimQueue after[SIM_CLIENTS];

  look_at_queues (world, after);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    for (guint j = 0; j < SIM_CLIENTS; j++)
      {
        const SimQueue *payer = &before->queues[i];
        const SimQueue *other = &before->queues[j];

        if (payer->peer == NULL || payer->peer != after[i].peer || other->peer == NULL || other->peer != after[j].peer
            || after[i].lost == payer->lost || after[i].messages >= payer->messages)
          continue;
        sim_reach (world, SIM_REACH_PAID);
        if (other->can_give && after[j].lost == other->lost && after[j].messages >= other->messages
            && other->peer->who.uid == payer->peer->who.uid && other->bytes > payer->bytes + QUEUE_SLACK)
          sim_world_fail (world, "R04: %s paid with %" G_GUINT64_FORMAT " bytes, and %s held %" G_GUINT64_FORMAT,
                          payer->peer->id, payer->bytes, other->peer->id, other->bytes);
      }
}

/* --- what drop-oldest gives up --- */

static const BusSubscription *
drops_oldest (const SimWorld *world, const SimClient *client)
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
look_at_oldest (const SimWorld *world, SimOldest *oldest)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const SimClient *client = &world->clients[i];
      const BusSubscription *subscription = client->peer != NULL ? drops_oldest (world, client) : NULL;
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

/* Where the rest of the queue leaves room for the new one, the first that waits goes. */
static void
check_oldest (SimWorld *world, const SimBefore *before, const SimFrame *frame)
{
  SimOldest after[SIM_CLIENTS];

  look_at_oldest (world, after);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (before->oldest[i].subscription != NULL && after[i].subscription == before->oldest[i].subscription
        && after[i].lost > before->oldest[i].lost && before->oldest[i].oldest != 0
        && after[i].oldest == before->oldest[i].oldest
        && sim_control_bytes (&world->clients[i].peer->flow) <= world->core->limits.control_queue_bytes
        && before->oldest[i].others + 2 * frame->payload_len + 2000 < world->core->limits.queue_soft_bytes)
      sim_world_fail (world, "B01: drop-oldest lost a message, and the oldest one stays");
}

/* --- what a member leaves behind --- */

static gboolean
has_heir (const BusSubscription *leaving, const BusMessage *message)
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

/* Of what waits for it what goes on to somebody. Not of all topics may everybody read. */
static guint64
count_heritage (const SimWorld *world, const BusSubscription *leaving)
{
  guint64 n = 0;

  if (leaving->group == NULL || leaving->serves)
    return 0;
  for (const BusSlot *slot = leaving->fifo.first; slot != NULL; slot = slot->next)
    n += slot->state != BUS_SLOT_GAP && !slot->delivery.to_each
         && (slot->message->expires_us == 0 || slot->message->expires_us > world->now_us)
         && !wire_span_equal (slot->message->topic, WIRE_SPAN_LITERAL ("control.agent.policy"))
         && has_heir (leaving, slot->message);
  return n;
}

static void
look_at_leaving (const SimWorld *world, const BusSubscription *leaving, SimBefore *before)
{
  if (leaving == NULL)
    return;
  before->heritage = count_heritage (world, leaving);
  before->heirs = before->heritage > 0 ? leaving->group : NULL;
  before->rerouted = before->heritage > 0 ? leaving->group->rerouted : 0;
}

/* --- the whole --- */

void
sim_check_before (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  const BusSubscription *adjusted
      = frame->kind == SIM_FRAME_ADJUST ? sim_subscription_of (client, frame->subscription) : NULL;

  *before = (SimBefore){ .seq = world->core->accept_seq + 1,
                         .waiting = adjusted != NULL ? adjusted->fifo.messages : 0,
                         .was_block = adjusted != NULL && adjusted->bounds.policy == BUS_OVERFLOW_BLOCK };
  sim_pressure_before (world, client, frame, before);
  look_at_queues (world, before->queues);
  look_at_oldest (world, before->oldest);
  if (frame->kind == SIM_FRAME_UNSUBSCRIBE && client->peer != NULL)
    look_at_leaving (world, sim_subscription_of (client, frame->subscription), before);
  for (guint i = 0; goes_to_one (frame) && i < SIM_GROUPS; i++)
    look_at_group (world, frame, i, &before->has_room[i], &before->is_tight[i], &before->lost[i]);
  for (guint i = 0; frame->kind == SIM_FRAME_REPLY && i < SIM_CLIENTS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      before->is_taken[i] = peer != NULL && peer != client->peer && answer_fits (world, peer)
                            && peer->flow.lanes[WIRE_LANE_CONTROL].first != NULL;
      before->encoded[i] = peer != NULL ? bus_outq_lane_bytes (&peer->flow.outq, WIRE_LANE_CONTROL) : 0;
    }
}

static void
check_adjusted (SimWorld *world, const BusSubscription *adjusted, const SimBefore *before)
{
  const BusFifo *fifo = &adjusted->fifo;
  gboolean unpaid = before->was_block && adjusted->bounds.policy != BUS_OVERFLOW_BLOCK;

  if (adjusted->bounds.policy == BUS_OVERFLOW_ERROR && !unpaid && fifo->messages != before->waiting)
    sim_world_fail (world, "B08: error gave up what it had taken in");
  /* What nobody pays for any more has bounds again. */
  if (unpaid && fifo->messages > 1
      && (fifo->messages > adjusted->bounds.messages || fifo->bytes > adjusted->bounds.bytes))
    sim_world_fail (world, "B08: what block left behind is above the bounds");
}

void
sim_check_after (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before)
{
  const BusSubscription *adjusted
      = frame->kind == SIM_FRAME_ADJUST ? sim_subscription_of (client, frame->subscription) : NULL;

  if (adjusted != NULL)
    check_adjusted (world, adjusted, before);
  sim_pressure_after (world, client, frame, before, before->seq);
  if (frame->kind == SIM_FRAME_PUBLISH)
    {
      check_payers (world, before);
      check_oldest (world, before, frame);
    }
  /* It lives on: it has heirs, unless what it left behind was too much for them. */
  if (before->heirs != NULL && !sim_check_is_closing (world) && client->peer != NULL
      && sim_subscription_of (client, frame->subscription) == NULL
      && before->heirs->rerouted < before->rerouted + before->heritage)
    sim_world_fail (world,
                    "M06: %" G_GUINT64_FORMAT " messages of a member that left had another to go to, %" G_GUINT64_FORMAT
                    " went",
                    before->heritage, before->heirs->rerouted - before->rerouted);
  for (guint i = 0; goes_to_one (frame) && i < SIM_GROUPS; i++)
    {
      gboolean room = FALSE, tight = FALSE;
      guint64 lost = 0;

      look_at_group (world, frame, i, &room, &tight, &lost);
      /* What somebody who is closed leaves behind are other messages. */
      if (before->has_room[i] && !before->is_tight[i] && lost > before->lost[i] && !sim_check_is_closing (world))
        sim_world_fail (world, "M08: group %s lost a message while a member had room", sim_groups[i]);
    }
  for (guint i = 0; frame->kind == SIM_FRAME_REPLY && i < SIM_CLIENTS; i++)
    {
      const BusPeer *peer = world->clients[i].peer;

      if (!before->is_taken[i] || bus_peer_is_closing (peer))
        continue;
      sim_reach (world, SIM_REACH_REPLY_BEHIND);
      if (bus_outq_lane_bytes (&peer->flow.outq, WIRE_LANE_CONTROL) > before->encoded[i]
          && peer->flow.lanes[WIRE_LANE_CONTROL].first != NULL)
        sim_world_fail (world, "I4: an answer to %s overtook what stands in its lane", peer->id);
    }
}
