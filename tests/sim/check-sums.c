/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "queue/bus-unsettled.h"
#include "route/bus-group.h"
#include "route/bus-routes.h"

/*
 * I1, I2, I7, I12: the sums of the core, counted again in the simplest way: messages, bytes and credit of each FIFO, lane, queue
 * and peer, and the charges, losses and subscriptions of the whole broker. Then the limits of these sums.
 */

/* --- queues --- */

/* Sums that are counted again for one peer. */
typedef struct
{
  guint64 waiting_bytes;
  guint64 waiting_messages;
  guint64 held_bytes;
  guint64 held_messages;
  guint64 lane_bytes[WIRE_N_LANES];
} SumsOfPeer;

/* One message may always wait. When bounds are lowered, the policies error and block keep the messages that they have
 * accepted. */
static void
check_sums_limits (SimWorld *world, const BusSubscription *subscription, guint64 tickets)
{
  const BusFifo *fifo = subscription->fifo;
  const BusBounds *bounds = &subscription->bounds;
  gboolean keeps = bounds->policy == BUS_OVERFLOW_ERROR || bounds->policy == BUS_OVERFLOW_BLOCK;
  guint64 missed = 0;

  if (!keeps && sim_bounded_messages (subscription) > 1
      && (sim_bounded_messages (subscription) > bounds->messages || fifo->bytes - fifo->kept_bytes > bounds->bytes))
    sim_world_fail (world, "B08: policy %u keeps more than its bounds allow", bounds->policy);
  if (tickets > 0 && bounds->policy != BUS_OVERFLOW_BLOCK)
    sim_world_fail (world, "B08: policy %u withholds credit", bounds->policy);
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    missed += bus_subscription_losses (subscription)->missed_by[i];
  if (missed != subscription->extra->missed || (fifo->messages > 0) != (fifo->behind_since_us != 0))
    sim_world_fail (world,
                    "I7: a subscription has wrong counts of losses, or a wrong time of its oldest waiting message");
}

static guint
check_sums_count_fifo (SimWorld *world, const BusSubscription *subscription, SumsOfPeer *sums)
{
  const BusWindow *window = &subscription->window;
  const BusFifo *fifo = subscription->fifo;
  guint64 messages = 0, bytes = 0, tickets = 0, holds = 0, queued = 0;
  guint gaps = 0, longest = 0;
  SimSlots slots = sim_slots_of (subscription);
  const BusSlot *slot;
  gboolean waiting = FALSE;

  for (slot = fifo->first; slot != NULL; slot = slot->next)
    {
      tickets += slot->ticket != NULL; /* a run has one record for all of its messages */
      sim_check_run (world, slot);
    }
  while ((slot = sim_slots_next (&slots)) != NULL)
    {
      sums->waiting_bytes += sizeof (BusSlot) + (slot->expiry != NULL ? sizeof (BusTimer) : 0);
      gaps = slot->state == BUS_DELIVERY_LOST ? gaps + 1 : 0;
      longest = MAX (longest, gaps);
      if (slot->state == BUS_DELIVERY_LOST)
        continue;
      sim_check_slot (world, slot);
      messages++;
      bytes += slot->message->body.len;
      if (slot->ticket != NULL || slot->delivery.is_kept)
        {
          sums->held_messages++;
          sums->held_bytes += bus_message_cost (slot->message) + sizeof (BusSlot);
        }
      queued += slot->state == BUS_DELIVERY_QUEUED;
      sums->waiting_bytes += slot->is_indexed ? BUS_FIFO_INDEX_COST : 0;
      sums->waiting_bytes += bus_message_cost (slot->message);
      if (slot->state == BUS_DELIVERY_QUEUED)
        sums->lane_bytes[slot->lane] += bus_message_cost (slot->message);
      if (slot->state == BUS_DELIVERY_QUEUED && waiting)
        sim_world_fail (world, "I4: a message has credit, but one in front of it has none");
      waiting = waiting || slot->state == BUS_DELIVERY_WAITING;
    }
  for (const BusSent *sent = subscription->records->first; sent != NULL; sent = sent->next)
    holds += sent->ticket != NULL;
  if (holds > subscription->delivered - (window->granted_messages - window->window_messages))
    sim_world_fail (world, "B04: subscription %u withholds credit for returned messages", subscription->id);
  if ((subscription->delivered > window->granted_messages - window->window_messages)
      != (subscription->unsettled.since_us != 0))
    sim_world_fail (world, "M06: subscription %u has a wrong time since which it holds messages", subscription->id);
  tickets += holds;
  sums->waiting_messages += messages;
  if (messages != fifo->messages || bytes != fifo->bytes || tickets != subscription->records->tickets)
    sim_world_fail (world, "I1: a FIFO miscounts");
  if (subscription->window.used_messages != subscription->delivered + queued)
    sim_world_fail (world, "I1: a window miscounts");
  check_sums_limits (world, subscription, tickets);
  sim_check_unsettled (world, subscription);
  sim_check_in_flight (world, subscription);
  if (longest > WIRE_N_LANES * BUS_N_LOSSES)
    sim_world_fail (world, "I2: %u gaps are without a message between them", longest);
  return (guint) tickets;
}

static void
check_sums_count_lanes (SimWorld *world, const BusFlow *flow, SumsOfPeer *sums)
{
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    {
      guint64 own = 0;

      for (const BusEntry *entry = flow->lanes[lane].first; entry != NULL; entry = entry->next)
        {
          own += sizeof (BusEntry) + (entry->plain ? bus_message_cost (entry->message) : 0);
          if (entry->slots == NULL && !entry->plain)
            sim_world_fail (world, "I1: an entry in a lane has no receiver");
          if (entry->slots != NULL && entry->slots->sibling_next != NULL)
            sim_cover (world, SIM_COVER_FANOUT_SHARED);
          if (entry->message->refs > 2)
            sim_cover (world, SIM_COVER_FANOUT_SHARED);
        }
      sums->waiting_bytes += own;
      if (sums->lane_bytes[lane] + own != flow->lanes[lane].bytes)
        sim_world_fail (world, "I1: a lane miscounts");
    }
}

static void
check_sums_queue (SimWorld *world, const BusPeer *peer, const SumsOfPeer *sums)
{
  const BusLimits *limits = &world->core->limits;
  const BusFlow *flow = &peer->flow;
  /* The sum includes encoded frames, one message beyond the limit, and the cost of gaps. */
  guint64 bound
      = limits->queue_hard_bytes + limits->control_queue_bytes + 4 * (limits->max_payload + 16384) + sums->held_bytes;

  if (sums->waiting_bytes != flow->waiting_bytes || sums->waiting_messages != flow->waiting_messages)
    sim_world_fail (world, "I1: peer %s counts %" G_GUINT64_FORMAT " bytes, there are %" G_GUINT64_FORMAT, peer->id,
                    (guint64) flow->waiting_bytes, sums->waiting_bytes);
  if (sums->held_bytes != flow->held_bytes || sums->held_messages != flow->held_messages)
    sim_world_fail (world, "I1: peer %s counts %" G_GUINT64_FORMAT " held messages, there are %" G_GUINT64_FORMAT,
                    peer->id, flow->held_messages, sums->held_messages);
  if (bus_flow_bytes (flow) > bound)
    sim_world_fail (world, "I2: the queue of %s holds %" G_GUINT64_FORMAT " bytes", peer->id,
                    (guint64) bus_flow_bytes (flow));
  if (sums->waiting_messages - sums->held_messages > limits->queue_hard_messages)
    sim_world_fail (world, "I2: %" G_GUINT64_FORMAT " messages wait for %s", sums->waiting_messages, peer->id);
  if (flow->soft_since_us != 0)
    sim_cover (world, SIM_COVER_SOFT_LIMIT);
}

/* --- credit --- */

static gboolean
check_sums_is_blocked (const BusPeer *peer)
{
  return bus_ledger_allowance (&peer->ledger, WIRE_CLASS_MUST_KEEP)->held_messages > 0
         && !bus_window_is_open (&bus_ledger_allowance (&peer->ledger, WIRE_CLASS_MUST_KEEP)->window);
}

static gboolean
check_sums_withholds (const BusPeer *peer)
{
  guint at = 0;
  gpointer value;

  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    if (((const BusSubscription *) value)->records->tickets > 0)
      return TRUE;
  return FALSE;
}

/* The parts of a ticket are all that it withholds: each part that was released has returned its credit. */
static void
check_sums_parts (SimWorld *world, const BusPeer *publisher, const BusTicket *ticket)
{
  guint64 messages = 0, bytes = 0;

  for (guint i = 0; i < SIM_CLIENTS * SIM_SUBS; i++)
    {
      const SimClient *client = &world->clients[i / SIM_SUBS];
      const BusSubscription *subscription = client->peer != NULL ? sim_subscription_at (client, i % SIM_SUBS) : NULL;
      const BusSent *sent = subscription != NULL ? subscription->records->first : NULL;

      for (; sent != NULL; sent = sent->next)
        if (sent->ticket == ticket)
          {
            messages += sent->part_messages;
            bytes += sent->part_bytes;
          }
    }
  if (messages != ticket->messages || bytes != ticket->bytes)
    sim_world_fail (world, "I1: a ticket of %s withholds %u messages, its parts %" G_GUINT64_FORMAT, publisher->id,
                    ticket->messages, messages);
}

static void
check_sums_credit (SimWorld *world, const BusPeer *peer)
{
  guint64 held[WIRE_N_CLASSES] = { 0 };

  for (const BusTicket *ticket = peer->ledger.tickets; ticket != NULL; ticket = ticket->next)
    {
      held[ticket->credit_class] += ticket->messages;
      if (ticket->has_parts)
        check_sums_parts (world, peer, ticket);
    }
  for (guint i = WIRE_CLASS_NONE + 1; i < WIRE_N_CLASSES; i++)
    {
      const BusAllowance *allowance = bus_ledger_allowance (&peer->ledger, i);
      const BusWindow *window = &allowance->window;
      guint64 back = window->granted_messages + allowance->returned.messages - window->window_messages;

      if (held[i] != allowance->held_messages || window->used_messages != back + held[i])
        sim_world_fail (world,
                        "I1: %s used %" G_GUINT64_FORMAT " messages of credit, got %" G_GUINT64_FORMAT
                        " back, and %" G_GUINT64_FORMAT " are held",
                        peer->id, window->used_messages, back, held[i]);
      if (held[i] == 0 && bus_peer_is_ready (peer) && !bus_window_is_open (window))
        sim_world_fail (world, "I13: %s has no credit, but no receiver withholds any", peer->id);
      if (bus_peer_is_ready (peer) && !bus_window_is_open (window) && allowance->returned.messages != 0)
        sim_world_fail (world, "B04: %s has no credit, but returned credit was not sent to it", peer->id);
    }
  if (check_sums_is_blocked (peer))
    sim_cover (world, SIM_COVER_PUBLISHER_BLOCKED);
}

/* --- peers --- */

static void
check_sums_peer (SimWorld *world, const BusPeer *peer)
{
  SumsOfPeer sums = { 0 };
  guint at = 0;
  gpointer value;
  gboolean stuck = FALSE, free = FALSE;

  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    {
      const BusSubscription *subscription = value;

      sim_check_block_timer (world, subscription, check_sums_count_fifo (world, subscription, &sums));
      stuck = stuck || subscription->fifo->first_waiting != NULL;
      free = free || (subscription->fifo->messages == 0 && subscription->delivered > 0);
      if (subscription->group != NULL && subscription->group->rerouted > 0)
        sim_cover (world, SIM_COVER_HANDED_OVER);
      if (subscription->bounds.policy == BUS_OVERFLOW_BLOCK
          && bus_subscription_losses (subscription)->missed_by[BUS_LOSS_REFUSED] > 0
          && subscription->records->tickets == 0)
        sim_cover (world, SIM_COVER_OWN_SUBSCRIBER);
    }
  check_sums_count_lanes (world, &peer->flow, &sums);
  sim_check_count_streams (world, peer, &sums.waiting_bytes, &sums.waiting_messages, &sums.held_bytes,
                           &sums.held_messages);
  check_sums_queue (world, peer, &sums);
  check_sums_credit (world, peer);
  if (stuck && free)
    sim_cover (world, SIM_COVER_STUCK_BESIDE_OTHERS);
}

/* --- the broker --- */

static void
check_sums_charges (SimWorld *world)
{
  const BusCore *core = world->core;
  guint64 of_peers = 0, of_uids = 0;
  GHashTableIter iter;
  gpointer value;

  for (const GList *link = core->peers.head; link != NULL; link = link->next)
    of_peers += ((const BusPeer *) link->data)->ledger.usage.charged;
  g_hash_table_iter_init (&iter, core->accounts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      guint64 of_uid = ((const BusAccount *) value)->usage.charged;
      guint64 of_its_peers = 0;

      for (const GList *link = core->peers.head; link != NULL; link = link->next)
        if (((const BusPeer *) link->data)->account == value)
          of_its_peers += ((const BusPeer *) link->data)->ledger.usage.charged;
      of_its_peers += sim_check_count_held (world, value);
      /* Windows of resends are charged to the account alone. */
      if (of_uid < of_its_peers || (of_uid != of_its_peers && !sim_check_has_windows (world)))
        sim_world_fail (world, "I1: an account is charged %" G_GUINT64_FORMAT ", its peers %" G_GUINT64_FORMAT, of_uid,
                        of_its_peers);
      of_uids += of_uid;
      /* Calls and answers are not subject to the limit. */
      if (of_uid > core->limits.uid_bytes + core->limits.uid_bytes / 4)
        sim_world_fail (world, "I2: a uid holds %" G_GUINT64_FORMAT " bytes", of_uid);
    }
  if (of_uids != core->quota.charged || of_peers > of_uids)
    sim_world_fail (world, "I1: charges are %" G_GUINT64_FORMAT ", of peers %" G_GUINT64_FORMAT, core->quota.charged,
                    of_peers);
  if (core->quota.memory > core->quota.cap + core->quota.cap / 10)
    sim_world_fail (world, "I2: the broker holds %" G_GUINT64_FORMAT " bytes", core->quota.memory);
}

static void
check_sums_counters (SimWorld *world)
{
  const BusCore *core = world->core;
  guint64 missed = 0, delivered = 0;
  BusCoreStats stats;

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
}

static void
check_sums_subscriptions (SimWorld *world)
{
  const BusCore *core = world->core;
  guint subscriptions = 0, serving = 0;

  for (const GList *link = core->peers.head; link != NULL; link = link->next)
    subscriptions += bus_subscriptions_size (&((const BusPeer *) link->data)->subscriptions);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    serving += world->clients[i].peer != NULL && world->clients[i].subs[SIM_SUBS - 1].exists;
  if (subscriptions != core->routes->n_subscriptions || bus_index_size (core->routes->index) + serving != subscriptions
      || sim_model_count (world->model) + serving != subscriptions)
    sim_world_fail (world, "I12: %u subscriptions, %u in the index, %u in the model, %u serve", subscriptions,
                    bus_index_size (core->routes->index), sim_model_count (world->model), serving);
}

void
sim_check_sums (SimWorld *world)
{
  guint blocking = 0;

  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;

      check_sums_peer (world, peer);
      blocking += check_sums_is_blocked (peer) && check_sums_withholds (peer);
    }
  if (blocking > 1)
    sim_cover (world, SIM_COVER_BLOCKED_EACH_OTHER);
  check_sums_charges (world);
  check_sums_counters (world);
  check_sums_subscriptions (world);
}
