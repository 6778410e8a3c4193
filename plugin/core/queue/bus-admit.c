/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-admit.h"

#include "queue/bus-block.h"
#include "queue/bus-flow-private.h"

/* --- bounds --- */

typedef enum
{
  FITS,
  OVER_OWN,  /* the subscription's or the peer's bounds */
  OVER_LANE, /* the control lane */
} Fit;

/* The peer's bound in bytes: once above the soft limit for its time, that one. */
static gsize
queue_max (const BusFlow *flow, gint64 now_us)
{
  const BusLimits *limits = flow->shared->limits;

  if (flow->soft_since_us != 0 && now_us - flow->soft_since_us >= (gint64) limits->queue_soft_timeout_us)
    return limits->queue_soft_bytes;
  return limits->queue_hard_bytes;
}

static gsize
cost_of_len (gsize len)
{
  return bus_message_size (len) + sizeof (BusSlot) + sizeof (BusEntry);
}

static gsize
cost_of (const BusInbound *inbound)
{
  return cost_of_len (inbound->frame.body.len);
}

/* Of the queue what the peer itself has to answer for. */
static gsize
own_bytes (const BusFlow *flow)
{
  return bus_flow_bytes (flow) - flow->held_bytes;
}

static gboolean
fits_peer (const BusFlow *flow, gsize cost, gint64 now_us)
{
  return own_bytes (flow) + cost <= queue_max (flow, now_us)
         && flow->waiting_messages - flow->held_messages < flow->shared->limits->queue_hard_messages;
}

/* Whether its publisher pays for the place of a message with his credit. Who publishes to himself would wait for himself:
 * he is refused at the bound, and never blocked. */
static gboolean
can_be_held (const BusSubscription *subscription, const BusInbound *inbound)
{
  const BusPeer *publisher = inbound->ticket != NULL ? inbound->ticket->publisher : inbound->publisher;

  return bus_subscription_policy (subscription) == BUS_OVERFLOW_BLOCK && publisher != NULL
         && publisher != subscription->owner && inbound->class_of.credit_class != WIRE_CLASS_NONE;
}

/* One message may always wait, however large. */
static gboolean
fits_subscription (const BusSubscription *subscription, gsize len)
{
  const BusFifo *fifo = &subscription->fifo;

  return fifo->messages == 0
         || (fifo->messages < subscription->bounds.messages && fifo->bytes + len <= subscription->bounds.bytes);
}

/* Whether dropping what waits for the subscription could make the peer's queue take the message. */
static gboolean
could_fit_peer (const BusFlow *flow, const BusSubscription *subscription, gsize cost, gint64 now_us)
{
  const BusFifo *fifo = &subscription->fifo;
  gsize own = bus_message_size (fifo->bytes) + fifo->messages * cost_of_len (0);
  gsize all = own_bytes (flow);

  return (all > own ? all - own : 0) + cost <= queue_max (flow, now_us);
}

static gsize
control_bytes (const BusFlow *flow)
{
  return bus_outq_lane_bytes (&flow->outq, WIRE_LANE_CONTROL) + flow->lanes[WIRE_LANE_CONTROL].bytes;
}

static Fit
fit_need (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  /* What publishers pay for their windows bound. */
  if (!need->is_held
      && (!fits_subscription (subscription, need->len) || !fits_peer (flow, cost_of_len (need->len), need->now_us)))
    return OVER_OWN;
  if (need->lane == WIRE_LANE_CONTROL && control_bytes (flow) > flow->shared->limits->control_queue_bytes)
    return OVER_LANE;
  return FITS;
}

static Fit
fit (const BusFlow *flow, const BusSubscription *subscription, const BusInbound *inbound, gint64 now_us)
{
  const BusNeed need = { .len = inbound->frame.body.len,
                         .lane = inbound->class_of.lane,
                         .now_us = now_us,
                         .is_held = can_be_held (subscription, inbound) };

  return fit_need (flow, subscription, &need);
}

/* --- losing --- */

static void
lose_new (BusFlow *flow, BusSubscription *subscription, const BusInbound *inbound, BusLoss loss, gint64 now_us)
{
  bus_fifo_lose (flow, subscription, inbound->class_of.lane, inbound->domain, inbound->accept_seq, loss, now_us);
  /* One that may send is told at once; else with the next delivery, or by its timer. */
  if (bus_window_is_open (&subscription->window))
    bus_flow_tell_gaps (flow, subscription);
}

static gboolean
gives_oldest (BusOverflow policy)
{
  return policy == BUS_OVERFLOW_DROP_OLDEST || policy == BUS_OVERFLOW_CONFLATE;
}

/* The oldest one whose loss makes room; NULL: none. */
static BusSlot *
oldest_to_give (const BusFlow *flow,
                const BusSubscription *subscription,
                const BusInbound *inbound,
                Fit why,
                gint64 now_us)
{
  BusSlot *slot = bus_fifo_oldest (subscription);

  /* What others of the peer hold is not paid for by what would not help anyway. */
  if (why == OVER_OWN)
    return could_fit_peer (flow, subscription, cost_of (inbound), now_us) ? slot : NULL;
  slot = subscription->fifo.lane_first[WIRE_LANE_CONTROL];
  while (slot != NULL && slot->state == BUS_SLOT_GAP)
    slot = slot->lane_next;
  return slot != NULL && slot->state == BUS_SLOT_QUEUED ? slot : NULL;
}

/* Makes room by the subscription's policy. FALSE: the new message is what is lost. */
static gboolean
make_room (BusFlow *flow, BusSubscription *subscription, const BusInbound *inbound, gint64 now_us, Fit *why)
{
  BusOverflow policy = bus_subscription_policy (subscription);
  BusSlot *older = NULL;

  if (policy == BUS_OVERFLOW_CONFLATE)
    older = bus_fifo_find (flow, subscription, inbound->envelope->topic);
  if (older != NULL)
    {
      gboolean fills_its_place = inbound->frame.body.len <= older->message->body.len;

      bus_fifo_drop (flow, older, BUS_LOSS_FULL, now_us);
      if (fills_its_place)
        return TRUE;
    }
  while ((*why = fit (flow, subscription, inbound, now_us)) != FITS)
    {
      older = gives_oldest (policy) ? oldest_to_give (flow, subscription, inbound, *why, now_us) : NULL;
      if (older == NULL)
        return FALSE;
      bus_fifo_drop (flow, older, BUS_LOSS_FULL, now_us);
    }
  return TRUE;
}

static void
refuse (BusFlow *flow,
        BusSubscription *subscription,
        const BusInbound *inbound,
        Fit why,
        BusAdmission *admission,
        gint64 now_us)
{
  BusOverflow policy = bus_subscription_policy (subscription);
  gboolean is_told = policy == BUS_OVERFLOW_ERROR || policy == BUS_OVERFLOW_BLOCK;

  if (is_told)
    admission->refused++;
  else if (why == OVER_LANE && policy == BUS_OVERFLOW_DROP_NEWEST)
    admission->closes = TRUE;
  lose_new (flow, subscription, inbound, is_told ? BUS_LOSS_REFUSED : BUS_LOSS_FULL, now_us);
}

/* --- taking in --- */

static gboolean
is_ready (const BusSubscription *subscription)
{
  return subscription->fifo.first_waiting == NULL && bus_window_is_open (&subscription->window);
}

static BusTicket *
ticket_for (BusSubscription *subscription, BusInbound *inbound)
{
  return can_be_held (subscription, inbound) ? bus_inbound_ticket (inbound) : NULL;
}

/* In its FIFO; with credit it hangs in @entry (made at the first need) as well. */
static gboolean
let_wait (BusFlow *flow,
          BusInbound *inbound,
          const BusDelivery *delivery,
          BusSubscription *subscription,
          BusEntry **entry,
          gint64 now_us)
{
  BusMessage *message = bus_inbound_keep (inbound);
  BusTicket *ticket;
  BusSlot *slot;

  if (message == NULL)
    return FALSE;
  ticket = ticket_for (subscription, inbound);
  if (ticket != NULL)
    bus_block_took (flow, subscription, now_us);
  slot = bus_fifo_append (flow, subscription, message, ticket, delivery, now_us);
  if (subscription->fifo.first_waiting == slot && bus_window_is_open (&subscription->window))
    {
      /* What dropping moved into the lane since stands before it. */
      if (bus_flow_lane_is_clear (flow, message->class_of.lane))
        bus_flow_retry (flow, now_us); /* a gap before it found no memory, and nothing is on its way */
      if (*entry == NULL || *entry != flow->lanes[(*entry)->lane].last)
        *entry = bus_flow_enter (flow, message->class_of.lane, message, delivery);
      bus_window_use (&subscription->window, message->payload_len);
      bus_fifo_queue (flow, slot, *entry);
    }
  return TRUE;
}

static void
take_in (BusFlow *flow,
         BusInbound *inbound,
         const BusDelivery *delivery,
         BusSubscription *subscription,
         BusEntry **entry,
         BusAdmission *admission,
         gint64 now_us)
{
  Fit why;

  if (!make_room (flow, subscription, inbound, now_us, &why))
    refuse (flow, subscription, inbound, why, admission, now_us);
  else if (let_wait (flow, inbound, delivery, subscription, entry, now_us))
    admission->queued++;
  else
    {
      admission->refused++;
      lose_new (flow, subscription, inbound, BUS_LOSS_NO_MEMORY, now_us);
    }
}

/* The fast path: encoded once for those that have credit while the lane is clear; they stand in shared->now. */
static void
deliver_now (BusFlow *flow,
             BusInbound *inbound,
             const BusDelivery *delivery,
             guint n,
             BusAdmission *admission,
             gint64 now_us)
{
  BusSubscription *const *now = flow->shared->now;

  if (!bus_flow_encode_now (flow, inbound, inbound->class_of.lane, delivery, n, now_us))
    {
      for (guint i = 0; i < n; i++)
        lose_new (flow, now[i], inbound, BUS_LOSS_NO_MEMORY, now_us);
      admission->refused += n;
      return;
    }
  for (guint i = 0; i < n; i++)
    {
      BusTicket *ticket = ticket_for (now[i], inbound);

      if (ticket != NULL)
        bus_block_took (flow, now[i], now_us);
      bus_window_use (&now[i]->window, inbound->envelope->payload.len);
      bus_flow_delivered (flow, now[i], inbound->domain, ticket, now_us);
    }
  admission->queued += n;
}

BusAdmission
bus_admit (BusFlow *flow,
           BusInbound *inbound,
           const BusDelivery *delivery,
           BusSubscription *const *subscriptions,
           guint n,
           gint64 now_us)
{
  BusAdmission admission = { 0, 0, FALSE };
  gboolean is_clear = bus_flow_lane_is_clear (flow, inbound->class_of.lane);
  BusEntry *entry = NULL;
  guint n_now = 0;
  guint served = 0;

  g_assert (n <= WIRE_SUBSCRIPTIONS_MAX);
  for (guint i = 0; is_clear && i < n; i++)
    if (is_ready (subscriptions[i]) && bus_flow_tell_first (flow, subscriptions[i], inbound->class_of.lane))
      flow->shared->now[n_now++] = subscriptions[i];
  if (n_now > 0)
    deliver_now (flow, inbound, delivery, n_now, &admission, now_us);
  if (n_now == n)
    return admission;

  for (guint i = 0; i < n; i++)
    if (served < n_now && flow->shared->now[served] == subscriptions[i])
      served++;
    else
      take_in (flow, inbound, delivery, subscriptions[i], &entry, &admission, now_us);
  bus_flow_note_level (flow, now_us);
  return admission;
}

gboolean
bus_admit_plain (BusFlow *flow, BusInbound *inbound, WireLane lane, const BusDelivery *delivery, gint64 now_us)
{
  BusMessage *message;

  if (!fits_peer (flow, cost_of (inbound), now_us))
    return FALSE;
  if (bus_flow_lane_is_clear (flow, lane))
    return bus_flow_encode_now (flow, inbound, lane, delivery, 0, now_us);
  message = bus_inbound_keep (inbound);
  if (message == NULL)
    return FALSE;
  bus_flow_enter_plain (flow, lane, message, delivery);
  bus_flow_note_level (flow, now_us);
  return TRUE;
}

gboolean
bus_admit_request (BusFlow *flow,
                   BusInbound *inbound,
                   const BusDelivery *delivery,
                   BusSubscription *server,
                   gint64 now_us)
{
  BusEntry *entry = NULL;

  if (is_ready (server) && bus_flow_tell_first (flow, server, inbound->class_of.lane)
      && bus_flow_lane_is_clear (flow, inbound->class_of.lane))
    {
      flow->shared->now[0] = server;
      if (!bus_flow_encode_now (flow, inbound, inbound->class_of.lane, delivery, 1, now_us))
        return FALSE;
      bus_window_use (&server->window, inbound->envelope->payload.len);
      bus_flow_delivered (flow, server, inbound->domain, NULL, now_us);
      return TRUE;
    }
  return fit (flow, server, inbound, now_us) == FITS && let_wait (flow, inbound, delivery, server, &entry, now_us);
}

gboolean
bus_admit_has_room (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  return is_ready (subscription) && bus_flow_bytes (flow) < flow->shared->limits->queue_soft_bytes
         && (bus_flow_lane_is_clear (flow, need->lane) || fit_need (flow, subscription, need) == FITS);
}

gboolean
bus_admit_may_wait (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  return !subscription->demoted && fit_need (flow, subscription, need) == FITS;
}

/* --- why not --- */

gboolean
bus_admit_excess (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess)
{
  const BusLimits *limits = flow->shared->limits;
  const BusQuota *quota = flow->shared->quota;
  const BusFifo *fifo = subscription != NULL ? &subscription->fifo : NULL;
  const gsize bytes_max = queue_max (flow, need->now_us);
  const gsize cost = cost_of_len (need->len);
  const gboolean is_first = fifo == NULL || fifo->messages == 0; /* one may always wait */
  const BusExcess rows[] = {
    { BUS_LIMIT_subscription_queue_messages, is_first ? G_MAXUINT64 : subscription->bounds.messages,
      is_first ? 0 : fifo->messages + 1 },
    { BUS_LIMIT_subscription_queue_bytes, is_first ? G_MAXUINT64 : subscription->bounds.bytes,
      is_first ? 0 : fifo->bytes + need->len },
    { BUS_LIMIT_queue_hard_messages, limits->queue_hard_messages, flow->waiting_messages - flow->held_messages + 1 },
    { bytes_max < limits->queue_hard_bytes ? BUS_LIMIT_queue_soft_bytes : BUS_LIMIT_queue_hard_bytes, bytes_max,
      own_bytes (flow) + cost },
    { BUS_LIMIT_control_queue_bytes, limits->control_queue_bytes,
      need->lane == WIRE_LANE_CONTROL ? control_bytes (flow) : 0 },
    { BUS_LIMIT_broker_bytes, quota->cap, quota->memory + cost },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].value > rows[i].most)
      {
        *excess = rows[i];
        return TRUE;
      }
  return FALSE;
}

/* --- other bounds --- */

/* Of each topic the newest stays. */
static void
conflate (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  BusSlot *previous;

  /* From the newest on: what is dropped joins gaps that are not looked at any more. */
  for (BusSlot *slot = bus_fifo_newest (subscription); slot != NULL; slot = previous)
    {
      previous = slot->previous;
      while (previous != NULL && previous->state == BUS_SLOT_GAP)
        previous = previous->previous;
      if (!slot->is_indexed)
        bus_fifo_drop (flow, slot, BUS_LOSS_FULL, now_us);
    }
}

static gboolean
is_over (const BusFlow *flow, const BusSubscription *subscription, gboolean unpaid, gint64 now_us)
{
  const BusFifo *fifo = &subscription->fifo;

  if (unpaid && fifo->messages > 0
      && (own_bytes (flow) > queue_max (flow, now_us)
          || flow->waiting_messages - flow->held_messages > flow->shared->limits->queue_hard_messages))
    return TRUE;
  return fifo->messages > 1
         && (fifo->messages > subscription->bounds.messages || fifo->bytes > subscription->bounds.bytes);
}

/* What error took in it promised to deliver, and so did block while its publishers paid for the place. */
static void
trim (BusFlow *flow, BusSubscription *subscription, gboolean unpaid, gint64 now_us)
{
  BusOverflow policy = subscription->bounds.policy;
  BusLoss loss = policy == BUS_OVERFLOW_ERROR ? BUS_LOSS_REFUSED : BUS_LOSS_FULL;

  if (policy == BUS_OVERFLOW_BLOCK || (policy == BUS_OVERFLOW_ERROR && !unpaid))
    return;
  while (is_over (flow, subscription, unpaid, now_us))
    bus_fifo_drop (flow, gives_oldest (policy) ? bus_fifo_oldest (subscription) : bus_fifo_newest (subscription), loss,
                   now_us);
}

guint64
bus_admit_adjust (BusFlow *flow, BusSubscription *subscription, const BusBounds *bounds, gint64 now_us)
{
  BusOverflow policy = bounds->policy;
  gboolean unpaid = subscription->bounds.policy == BUS_OVERFLOW_BLOCK && policy != BUS_OVERFLOW_BLOCK;
  guint64 missed = subscription->missed;

  subscription->bounds = *bounds;
  if (policy != BUS_OVERFLOW_BLOCK)
    {
      bus_block_end (flow, subscription);
      subscription->demoted = FALSE;
    }
  bus_fifo_index (flow, subscription, policy == BUS_OVERFLOW_CONFLATE);
  if (policy == BUS_OVERFLOW_CONFLATE)
    conflate (flow, subscription, now_us);
  trim (flow, subscription, unpaid, now_us);
  bus_flow_tell_gaps (flow, subscription);
  bus_flow_note_level (flow, now_us);
  return subscription->missed - missed;
}

/* --- the broker is full --- */

static BusSubscription *
longest (GHashTable *subscriptions)
{
  BusSubscription *longest = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, subscriptions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      BusSubscription *subscription = value;
      guint64 bytes = subscription->fifo.bytes;

      /* Requests have their own bounds and end. Equal ones by their number: the same input gives the same output. */
      if (subscription->fifo.messages > 0 && !subscription->serves
          && (longest == NULL || bytes > longest->fifo.bytes
              || (bytes == longest->fifo.bytes && subscription->id < longest->id)))
        longest = subscription;
    }
  return longest;
}

gsize
bus_admit_shed (BusFlow *flow, GHashTable *subscriptions, gsize bytes, gint64 now_us)
{
  gsize before = flow->waiting_bytes;
  BusSubscription *subscription;

  while (before - flow->waiting_bytes < bytes && (subscription = longest (subscriptions)) != NULL)
    while (subscription->fifo.messages > 0 && before - flow->waiting_bytes < bytes)
      bus_fifo_drop (flow,
                     gives_oldest (bus_subscription_policy (subscription)) ? bus_fifo_oldest (subscription)
                                                                           : bus_fifo_newest (subscription),
                     BUS_LOSS_LIMIT, now_us);
  return before - flow->waiting_bytes;
}
