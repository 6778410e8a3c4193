/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-flow-private.h"
#include "route/bus-group.h"
#include "peer/bus-peer.h"
#include "route/bus-request.h"
#include "peer/bus-state.h"
#include "sim-inside.h"

/*
 * What has to hold inside the core after every step: sums that are kept are counted again here, in the simplest way. The
 * model looks from outside; this room is the only one of the simulator that looks into the core.
 */

/* --- what the world asks --- */

gboolean
sim_check_has_subscription (const SimClient *client, guint32 subscription, gboolean *waits)
{
  const BusSubscription *found = client->peer != NULL ? sim_subscription_of (client, subscription) : NULL;

  *waits = found != NULL && found->fifo.messages > 0;
  return found != NULL;
}

guint64
sim_check_accepted (const SimWorld *world)
{
  return world->core->accept_seq;
}

guint64
sim_check_received (const SimClient *client)
{
  return client->peer->received;
}

gboolean
sim_check_is_closing (const SimWorld *world)
{
  return world->core->closing.length > 0;
}

/* --- I1, I2: sums --- */

typedef struct
{
  guint64 waiting_bytes;
  guint64 waiting_messages;
  guint64 held_bytes;
  guint64 held_messages;
  guint64 lane_bytes[WIRE_N_LANES];
} Count;

/* One message may always wait. What error and block took in they keep when their bounds are lowered. */
static void
check_bounds (SimWorld *world, const BusSubscription *subscription, guint64 tickets)
{
  const BusFifo *fifo = &subscription->fifo;
  const BusBounds *bounds = &subscription->bounds;
  gboolean keeps = bounds->policy == BUS_OVERFLOW_ERROR || bounds->policy == BUS_OVERFLOW_BLOCK;
  guint64 missed = 0;

  if (!keeps && fifo->messages > 1 && (fifo->messages > bounds->messages || fifo->bytes > bounds->bytes))
    sim_world_fail (world, "B08: policy %u lets more wait than its bounds say", bounds->policy);
  if (tickets > 0 && bounds->policy != BUS_OVERFLOW_BLOCK)
    sim_world_fail (world, "B08: policy %u holds credit back", bounds->policy);
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    missed += subscription->missed_by[i];
  if (missed != subscription->missed || (fifo->messages > 0) != (fifo->behind_since_us != 0))
    sim_world_fail (world, "I7: a subscription counts what it missed wrong, or since when it is behind");
}

static guint
count_fifo (SimWorld *world, const BusSubscription *subscription, Count *count)
{
  const BusWindow *window = &subscription->window;
  const BusFifo *fifo = &subscription->fifo;
  guint64 messages = 0, bytes = 0, tickets = 0, holds = 0, queued = 0;
  guint gaps = 0, longest = 0;
  gboolean waiting = FALSE;

  for (const BusSlot *slot = fifo->first; slot != NULL; slot = slot->next)
    {
      count->waiting_bytes += sizeof (BusSlot) + (slot->expiry != NULL ? sizeof (BusAlarm) : 0);
      gaps = slot->state == BUS_SLOT_GAP ? gaps + 1 : 0;
      longest = MAX (longest, gaps);
      if (slot->state == BUS_SLOT_GAP)
        continue;
      sim_check_slot (world, slot);
      messages++;
      bytes += slot->message->body.len;
      tickets += slot->ticket != NULL;
      count->held_messages += slot->ticket != NULL;
      count->held_bytes += slot->ticket != NULL ? bus_message_cost (slot->message) + sizeof (BusSlot) : 0;
      queued += slot->state == BUS_SLOT_QUEUED;
      count->waiting_bytes += slot->is_indexed ? 96 : 0;
      count->waiting_bytes += bus_message_cost (slot->message);
      if (slot->state == BUS_SLOT_QUEUED)
        count->lane_bytes[slot->lane] += bus_message_cost (slot->message);
      if (slot->state == BUS_SLOT_QUEUED && waiting)
        sim_world_fail (world, "I4: a message has credit behind one that has none");
      waiting = waiting || slot->state == BUS_SLOT_WAITING;
    }
  for (const BusHold *hold = subscription->hold_first; hold != NULL; hold = *(BusHold *const *) (gconstpointer) hold)
    holds++; /* next is its first field */
  if (holds > subscription->delivered - (window->granted_messages - window->window_messages))
    sim_world_fail (world, "B04: subscription %u holds credit of what was returned", subscription->id);
  tickets += holds;
  count->waiting_messages += messages;
  if (messages != fifo->messages || bytes != fifo->bytes || tickets != subscription->tickets)
    sim_world_fail (world, "I1: a FIFO counts wrong");
  if (subscription->window.used_messages != subscription->delivered + queued)
    sim_world_fail (world, "I1: a window counts wrong");
  check_bounds (world, subscription, tickets);
  if (longest > WIRE_N_LANES * BUS_N_LOSSES)
    sim_world_fail (world, "I2: %u gaps stand side by side", longest);
  return (guint) tickets;
}

static void
count_lanes (SimWorld *world, const BusFlow *flow, Count *count)
{
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    {
      guint64 own = 0;

      for (const BusEntry *entry = flow->lanes[lane].first; entry != NULL; entry = entry->next)
        {
          own += sizeof (BusEntry) + (entry->plain ? bus_message_cost (entry->message) : 0);
          if (entry->slots == NULL && !entry->plain)
            sim_world_fail (world, "I1: an entry stands in a lane for nobody");
          if (entry->slots != NULL && entry->slots->sibling_next != NULL)
            sim_reach (world, SIM_REACH_FANOUT_SHARED);
          if (entry->message->refs > 2)
            sim_reach (world, SIM_REACH_FANOUT_SHARED);
        }
      count->waiting_bytes += own;
      if (count->lane_bytes[lane] + own != flow->lanes[lane].bytes)
        sim_world_fail (world, "I1: a lane counts wrong");
    }
}

static void
check_flow (SimWorld *world, const BusPeer *peer, const Count *count)
{
  const BusLimits *limits = &world->core->limits;
  const BusFlow *flow = &peer->flow;
  /* What was encoded before is owed, one message may go over, and each gap takes a little. */
  guint64 bound
      = limits->queue_hard_bytes + limits->control_queue_bytes + 4 * (limits->max_payload + 16384) + count->held_bytes;

  if (count->waiting_bytes != flow->waiting_bytes || count->waiting_messages != flow->waiting_messages)
    sim_world_fail (world, "I1: peer %s counts %" G_GUINT64_FORMAT " bytes, there are %" G_GUINT64_FORMAT, peer->id,
                    (guint64) flow->waiting_bytes, count->waiting_bytes);
  if (count->held_bytes != flow->held_bytes || count->held_messages != flow->held_messages)
    sim_world_fail (world, "I1: peer %s counts %" G_GUINT64_FORMAT " held messages, there are %" G_GUINT64_FORMAT,
                    peer->id, flow->held_messages, count->held_messages);
  if (bus_flow_bytes (flow) > bound)
    sim_world_fail (world, "I2: the queue of %s holds %" G_GUINT64_FORMAT " bytes", peer->id,
                    (guint64) bus_flow_bytes (flow));
  if (count->waiting_messages - count->held_messages > limits->queue_hard_messages)
    sim_world_fail (world, "I2: %" G_GUINT64_FORMAT " messages wait for %s", count->waiting_messages, peer->id);
  if (flow->soft_since_us != 0)
    sim_reach (world, SIM_REACH_SOFT_LIMIT);
}

/* --- I13: who is blocked has a timer that ends it --- */

static void
check_block (SimWorld *world, const BusSubscription *subscription, guint tickets)
{
  if ((tickets > 0) != bus_deadline_is_armed (&subscription->block.deadline))
    sim_world_fail (world, "I13: subscription %u of %s holds %u tickets, and its alarm is %s", subscription->id,
                    subscription->owner->id, tickets, tickets > 0 ? "not armed" : "armed");
  if (tickets > 0)
    sim_reach (world, SIM_REACH_BLOCK_HELD);
  if (subscription->fifo.messages > subscription->bounds.messages && subscription->fifo.last->ticket != NULL)
    sim_reach (world, SIM_REACH_BLOCK_OVER_BOUND);
  if (subscription->demoted && tickets > 0)
    sim_world_fail (world, "B04: a demoted subscription holds credit back");
  if (subscription->demoted)
    sim_reach (world, SIM_REACH_DEMOTED);
}

static gboolean
is_blocked (const BusPeer *peer)
{
  return peer->held_messages[WIRE_CLASS_MUST_KEEP] > 0 && !bus_window_is_open (&peer->publish[WIRE_CLASS_MUST_KEEP]);
}

static gboolean
holds_any (const BusPeer *peer)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, peer->subscriptions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((const BusSubscription *) value)->tickets > 0)
      return TRUE;
  return FALSE;
}

static void
check_credit (SimWorld *world, const BusPeer *peer)
{
  guint64 held[WIRE_N_CLASSES] = { 0 };

  for (const GList *link = peer->tickets.head; link != NULL; link = link->next)
    held[((const BusTicket *) link->data)->credit_class]++;
  for (guint i = WIRE_CLASS_NONE + 1; i < WIRE_N_CLASSES; i++)
    {
      const BusWindow *window = &peer->publish[i];
      guint64 back = window->returned_messages - window->window_messages;

      if (held[i] != peer->held_messages[i] || window->used_messages != back + held[i])
        sim_world_fail (world,
                        "I1: %s used %" G_GUINT64_FORMAT " messages of credit, got %" G_GUINT64_FORMAT
                        " back, and %" G_GUINT64_FORMAT " are held",
                        peer->id, window->used_messages, back, held[i]);
      if (held[i] == 0 && bus_peer_is_ready (peer) && !bus_window_is_open (window))
        sim_world_fail (world, "I13: %s has no credit, and nobody holds any", peer->id);
      if (bus_peer_is_ready (peer) && !bus_window_is_open (window)
          && window->returned_messages != window->granted_messages)
        sim_world_fail (world, "B04: %s waits for credit, and is not told of what came back", peer->id);
    }
  if (is_blocked (peer))
    sim_reach (world, SIM_REACH_PUBLISHER_BLOCKED);
}

/* --- peers --- */

static void
check_peer (SimWorld *world, const BusPeer *peer)
{
  Count count = { 0 };
  GHashTableIter iter;
  gpointer value;
  gboolean stuck = FALSE, free = FALSE;

  g_hash_table_iter_init (&iter, peer->subscriptions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const BusSubscription *subscription = value;

      check_block (world, subscription, count_fifo (world, subscription, &count));
      stuck = stuck || subscription->fifo.first_waiting != NULL;
      free = free || (subscription->fifo.messages == 0 && subscription->delivered > 0);
      if (subscription->group != NULL && subscription->group->rerouted > 0)
        sim_reach (world, SIM_REACH_HANDED_OVER);
      if (subscription->bounds.policy == BUS_OVERFLOW_BLOCK && subscription->missed_by[BUS_LOSS_REFUSED] > 0
          && subscription->tickets == 0)
        sim_reach (world, SIM_REACH_OWN_SUBSCRIBER);
    }
  count_lanes (world, &peer->flow, &count);
  check_flow (world, peer, &count);
  check_credit (world, peer);
  if (stuck && free)
    sim_reach (world, SIM_REACH_STUCK_BESIDE_OTHERS);
}

/* --- the whole --- */

/* I15, I16: each timer has an owner that is there. */
static void
check_timers (SimWorld *world)
{
  const BusCore *core = world->core;

  for (guint i = 0; i < core->deadlines.heap->len; i++)
    {
      const BusAlarm *alarm = g_ptr_array_index (core->deadlines.heap, i); /* deadline is its first field */
      const BusSubscription *subscription = alarm->owner;
      const BusRequest *request = alarm->owner;
      const BusSlot *slot = alarm->owner;

      if ((alarm->kind == BUS_ALARM_BLOCK && alarm != &subscription->block)
          || (alarm->kind == BUS_ALARM_ALERT && alarm != &subscription->alert)
          || (alarm->kind == BUS_ALARM_REQUEST && alarm != &request->alarm)
          || (alarm->kind == BUS_ALARM_EXPIRY && alarm != slot->expiry))
        sim_world_fail (world, "I15: a timer of kind %u has no owner", alarm->kind);
    }
}

static void
check_sums (SimWorld *world)
{
  const BusCore *core = world->core;
  guint64 charged = 0, of_uids = 0, missed = 0, delivered = 0;
  BusCoreStats stats;
  guint subscriptions = 0, serving = 0, blocking = 0;
  GHashTableIter iter;
  gpointer value;

  for (const GList *link = core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;

      charged += peer->usage.charged;
      subscriptions += g_hash_table_size (peer->subscriptions);
      blocking += is_blocked (peer) && holds_any (peer);
    }
  g_hash_table_iter_init (&iter, core->uids);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      guint64 of_uid = ((const BusUid *) value)->usage.charged;

      of_uids += of_uid;
      /* Calls and answers are not asked for. */
      if (of_uid > core->limits.uid_bytes + core->limits.uid_bytes / 4)
        sim_world_fail (world, "I2: a uid holds %" G_GUINT64_FORMAT " bytes", of_uid);
    }
  bus_core_stats (core, &stats);
  for (guint i = 0; i < BUS_N_DOMAINS; i++)
    {
      missed += core->flows.domains[i].missed;
      delivered += core->flows.domains[i].delivered;
    }
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    missed += core->flows.missed_by[i];
  if (missed != 2 * stats.missed || delivered != stats.delivered)
    sim_world_fail (world, "I7: the sums of peers, reasons and topic domains differ");
  if (charged != core->quota.charged || of_uids != charged)
    sim_world_fail (world, "I1: charges are %" G_GUINT64_FORMAT ", of peers %" G_GUINT64_FORMAT, core->quota.charged,
                    charged);
  if (core->quota.memory > core->quota.cap + core->quota.cap / 10)
    sim_world_fail (world, "I2: the broker holds %" G_GUINT64_FORMAT " bytes", core->quota.memory);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    serving += world->clients[i].peer != NULL && world->clients[i].subs[SIM_SUBS - 1].exists;
  if (subscriptions != core->n_subscriptions || bus_index_size (core->index) + serving != subscriptions
      || sim_model_count (world->model) + serving != subscriptions)
    sim_world_fail (world, "I12: %u subscriptions, %u in the index, %u in the model, %u serve", subscriptions,
                    bus_index_size (core->index), sim_model_count (world->model), serving);
  if (blocking > 1)
    sim_reach (world, SIM_REACH_BLOCKED_EACH_OTHER);
}

/* --- I7: what is not noted as lost is told --- */

/* Nobody here listens to system.drop; but it can only have told something when its alarm came. */
static void
check_said (SimWorld *world, const BusSubscription *subscription, SimSub *sub)
{
  gboolean may_have_told = sub->said_next_us != subscription->alert_next_us;

  for (guint i = 0; i < BUS_N_LOSSES; i++)
    {
      guint64 said = subscription->missed_by[i] - subscription->unsaid[i];

      if (said != sub->said[i] && !may_have_told)
        sim_world_fail (world, "I7: system.drop will not tell all that subscription %u missed", subscription->id);
      sub->said[i] = said;
    }
  sub->said_next_us = subscription->alert_next_us;
}

static void
check_client (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_SUBS && client->peer != NULL; i++)
    {
      const BusSubscription *subscription
          = client->subs[i].exists ? sim_subscription_of (client, client->subs[i].number) : NULL;

      if (subscription != NULL)
        check_said (world, subscription, &client->subs[i]);
    }
}

void
sim_check (SimWorld *world)
{
  gboolean was_demoted = world->was_demoted;
  guint64 demoted = world->reached->counts[SIM_REACH_DEMOTED];

  if (sim_world_failed (world))
    return;
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    check_peer (world, link->data);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    check_client (world, &world->clients[i]);
  check_timers (world);
  check_sums (world);
  world->was_demoted = world->reached->counts[SIM_REACH_DEMOTED] > demoted;
  if (was_demoted && !world->was_demoted)
    sim_reach (world, SIM_REACH_DRAINED);
}

/* --- I14: control goes before data --- */

gboolean
sim_check_is_between (const SimClient *client)
{
  return client->peer->flow.outq.tx_first == NULL && client->peer->flow.outq.lanes[WIRE_LANE_CONTROL].bytes > 0;
}

void
sim_check_lanes (SimWorld *world, const SimClient *client, const WireSpan *spans, guint n, gboolean was_between)
{
  static const guint8 data_only = WIRE_KIND_DELIVER;
  guint64 total = 0;

  for (guint i = 0; i < n; i++)
    total += spans[i].len;
  if (total > BUS_OUTQ_TURN_BYTES && total > world->core->limits.max_payload + 16384)
    sim_world_fail (world, "I14: a turn of %" G_GUINT64_FORMAT " bytes", total);
  /* With control waiting, at least all of it goes in this turn, or nothing else does. */
  if (was_between && client->peer->flow.outq.lanes[WIRE_LANE_CONTROL].bytes > 0
      && client->peer->flow.outq.tx_bytes < BUS_OUTQ_TURN_BYTES / 2)
    sim_world_fail (world, "I14: control waits while data goes");
  if (was_between && client->peer->flow.outq.lanes[WIRE_LANE_DATA].bytes > 0 && spans[0].data[4] != data_only)
    sim_reach (world, SIM_REACH_CONTROL_PASSED);
}

void
sim_check_counters (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const SimClient *client = &world->clients[i];
      GHashTableIter iter;
      gpointer value;

      if (client->peer == NULL)
        continue;
      g_hash_table_iter_init (&iter, client->peer->subscriptions);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          const BusSubscription *subscription = value;
          guint64 delivered, missed;

          sim_model_told (world->model, client->number, subscription->id, &delivered, &missed);
          if (!subscription->serves && (delivered != subscription->delivered || missed != subscription->missed))
            sim_world_fail (world, "I7: subscription %u of %s counts otherwise than what came and was told",
                            subscription->id, client->id);
        }
    }
}
