/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-admit.h"

#include "queue/bus-block.h"
#include "queue/bus-fifo.h"
#include "queue/bus-lane.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"

/* --- bounds --- */

typedef enum
{
  FITS,
  OVER_OWN,  /* the subscription's or the peer's bounds */
  OVER_LANE, /* the control lane */
} AdmitFit;

/* The peer's bound in bytes: once above the soft limit for its time, that one. */
static guint64
admit_queue_max (const BusFlow *flow, gint64 now_us)
{
  const BusLimits *limits = flow->shared->limits;

  if (flow->soft_since_us != 0 && now_us - flow->soft_since_us >= (gint64) limits->queue_soft_timeout_us)
    return limits->queue_soft_bytes;
  return limits->queue_hard_bytes;
}

static gsize
admit_cost_of_len (gsize len)
{
  return bus_message_size (len) + sizeof (BusSlot) + sizeof (BusEntry);
}

static gsize
admit_cost (const BusInbound *inbound)
{
  return admit_cost_of_len (inbound->frame.body.len);
}

/* The part of the queue that the peer's own bounds apply to. */
static gsize
admit_own_bytes (const BusFlow *flow)
{
  return bus_flow_bytes (flow) - flow->held_bytes;
}

static gboolean
admit_fits_peer (const BusFlow *flow, gsize cost, gint64 now_us)
{
  return admit_own_bytes (flow) + cost <= admit_queue_max (flow, now_us)
         && flow->waiting_messages - flow->held_messages < flow->shared->limits->queue_hard_messages;
}

/* TRUE if the credit of its publisher is withheld for a message. A peer that publishes to itself would wait for
 * itself, so it is refused at the bound and never blocked. */
static gboolean
admit_can_hold (const BusFlow *flow, const BusSubscription *subscription, const BusInbound *inbound)
{
  const BusLedger *publisher = inbound->ticket != NULL ? inbound->ticket->publisher : inbound->publisher;

  return bus_subscription_policy (subscription) == BUS_OVERFLOW_BLOCK && publisher != NULL && publisher != flow->ledger
         && inbound->class_of.credit_class != WIRE_CLASS_NONE;
}

/* Messages that wait and are not kept; the bounds of the subscription apply to them. */
static guint64
admit_bounded_messages (const BusSubscription *subscription)
{
  return subscription->fifo.messages - subscription->fifo.kept_messages;
}

static guint64
admit_bounded_bytes (const BusSubscription *subscription)
{
  return subscription->fifo.bytes - subscription->fifo.kept_bytes;
}

/* One message may always wait, however large. */
static gboolean
admit_fits_subscription (const BusSubscription *subscription, gsize len)
{
  guint64 messages = admit_bounded_messages (subscription);

  return messages == 0
         || (messages < subscription->bounds.messages
             && admit_bounded_bytes (subscription) + len <= subscription->bounds.bytes);
}

/* TRUE if dropping what waits for the subscription could make the peer's queue take the message. */
static gboolean
admit_could_fit_peer (const BusFlow *flow, const BusSubscription *subscription, gsize cost, gint64 now_us)
{
  guint64 own = bus_message_size ((gsize) admit_bounded_bytes (subscription))
                + admit_bounded_messages (subscription) * admit_cost_of_len (0);
  guint64 all = admit_own_bytes (flow);

  return (all > own ? all - own : 0) + cost <= admit_queue_max (flow, now_us);
}

static gsize
admit_control_bytes (const BusFlow *flow)
{
  return bus_outq_lane_bytes (&flow->outq, WIRE_LANE_CONTROL) + flow->lanes[WIRE_LANE_CONTROL].bytes;
}

static gboolean
admit_may_keep (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  BusExcess excess;

  return !need->is_kept || !bus_unsettled_excess (flow, subscription, need->len, &excess);
}

static AdmitFit
admit_fit_need (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  /* Messages that withhold credit are bounded by the windows of their publishers, those that are kept by bus-unsettled. */
  if (!admit_may_keep (flow, subscription, need))
    return OVER_OWN;
  if (!need->is_held && !need->is_kept
      && (!admit_fits_subscription (subscription, need->len)
          || !admit_fits_peer (flow, admit_cost_of_len (need->len), need->now_us)))
    return OVER_OWN;
  if (need->lane == WIRE_LANE_CONTROL && admit_control_bytes (flow) > flow->shared->limits->control_queue_bytes)
    return OVER_LANE;
  return FITS;
}

static AdmitFit
admit_fit (const BusFlow *flow,
           const BusSubscription *subscription,
           const BusInbound *inbound,
           const BusDelivery *delivery,
           gint64 now_us)
{
  const BusNeed need = { .len = inbound->frame.body.len,
                         .lane = inbound->class_of.lane,
                         .now_us = now_us,
                         .is_held = delivery->is_handed_on || admit_can_hold (flow, subscription, inbound),
                         .is_kept = delivery->is_kept && !delivery->is_handed_on };

  return admit_fit_need (flow, subscription, &need);
}

/* --- losing --- */

static void
admit_lose_new (BusFlow *flow, BusSubscription *subscription, const BusInbound *inbound, BusLoss loss, gint64 now_us)
{
  const BusLostAt at = { inbound->class_of.lane, inbound->domain, inbound->accept_seq };

  bus_fifo_lose (flow, subscription, &at, 1, loss, now_us);
  /* With an open window the gap is sent at once, else with the next delivery or by the report timer. */
  if (bus_window_is_open (&subscription->window))
    bus_flow_send_gaps (flow, subscription);
}

static gboolean
admit_drops_oldest (BusOverflow policy)
{
  return policy == BUS_OVERFLOW_DROP_OLDEST || policy == BUS_OVERFLOW_CONFLATE;
}

/* The oldest message whose loss makes room; NULL: none. */
static BusSlot *
admit_oldest_to_drop (const BusFlow *flow,
                      const BusSubscription *subscription,
                      const BusInbound *inbound,
                      AdmitFit why,
                      gint64 now_us)
{
  BusSlot *slot = bus_fifo_oldest (subscription);

  if (slot != NULL && slot->delivery.is_kept)
    slot = NULL;
  /* Do not drop this subscription's messages when even dropping all of them would not make room. */
  if (why == OVER_OWN)
    return admit_could_fit_peer (flow, subscription, admit_cost (inbound), now_us) ? slot : NULL;
  slot = subscription->fifo.lane_first[WIRE_LANE_CONTROL];
  while (slot != NULL && slot->state == BUS_DELIVERY_LOST)
    slot = slot->lane_next;
  return slot != NULL && slot->state == BUS_DELIVERY_QUEUED && !slot->delivery.is_kept ? slot : NULL;
}

/* Makes room by the subscription's policy. FALSE: the new message is lost. */
static gboolean
admit_make_room (BusFlow *flow,
                 BusSubscription *subscription,
                 const BusInbound *inbound,
                 const BusDelivery *delivery,
                 gint64 now_us,
                 AdmitFit *why)
{
  BusOverflow policy = bus_subscription_policy (subscription);
  BusSlot *older = NULL;

  if (policy == BUS_OVERFLOW_CONFLATE)
    older = bus_fifo_find (flow, subscription, inbound->envelope->topic);
  if (older != NULL)
    {
      gboolean fills_its_place = inbound->frame.body.len <= older->message->body.len;

      /* A message that was handed on may be older than the one that waits. */
      if (inbound->accept_seq < older->message->accept_seq)
        {
          *why = OVER_OWN;
          return FALSE;
        }
      bus_fifo_drop (flow, older, BUS_LOSS_FULL, now_us);
      if (fills_its_place)
        return TRUE;
    }
  while ((*why = admit_fit (flow, subscription, inbound, delivery, now_us)) != FITS)
    {
      older = admit_drops_oldest (policy) ? admit_oldest_to_drop (flow, subscription, inbound, *why, now_us) : NULL;
      if (older == NULL)
        return FALSE;
      bus_fifo_drop (flow, older, BUS_LOSS_FULL, now_us);
    }
  return TRUE;
}

static void
admit_refuse (BusFlow *flow,
              BusSubscription *subscription,
              const BusInbound *inbound,
              AdmitFit why,
              BusAdmission *admission,
              gint64 now_us)
{
  BusOverflow policy = bus_subscription_policy (subscription);
  gboolean is_reported = policy == BUS_OVERFLOW_ERROR || policy == BUS_OVERFLOW_BLOCK;

  if (is_reported)
    admission->refused++;
  else if (why == OVER_LANE && policy == BUS_OVERFLOW_DROP_NEWEST)
    admission->closes = TRUE;
  admit_lose_new (flow, subscription, inbound, is_reported ? BUS_LOSS_REFUSED : BUS_LOSS_FULL, now_us);
}

/* --- taking in --- */

static gboolean
admit_is_ready (const BusSubscription *subscription)
{
  return subscription->fifo.first_waiting == NULL && bus_subscription_is_open (subscription);
}

static BusTicket *
admit_ticket_for (const BusFlow *flow, const BusSubscription *subscription, BusInbound *inbound, gint64 now_us)
{
  return admit_can_hold (flow, subscription, inbound) ? bus_inbound_ticket (inbound, now_us) : NULL;
}

/* Puts the message into the FIFO; with credit its slot hangs in @entry (made when it is first needed) as well. */
static gboolean
admit_let_wait (BusFlow *flow,
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
  ticket = admit_ticket_for (flow, subscription, inbound, now_us);
  if (ticket != NULL)
    bus_withheld_took (flow, subscription, now_us);
  slot = bus_fifo_append (flow, subscription, message, ticket, delivery, now_us);
  if (subscription->fifo.first_waiting == slot && bus_subscription_is_open (subscription))
    {
      /* Dropping may have moved other messages into the lane; they stay in front of it. */
      if (bus_flow_lane_is_clear (flow, message->class_of.lane))
        bus_flow_retry (flow, now_us); /* a gap in front of it found no memory, and nothing is being sent */
      if (*entry == NULL || *entry != flow->lanes[(*entry)->lane].last)
        *entry = bus_lane_enter (flow, message->class_of.lane, message, delivery);
      bus_window_use (&subscription->window, message->payload_len);
      bus_fifo_queue (flow, slot, *entry);
    }
  return TRUE;
}

static void
admit_take_in (BusFlow *flow,
               BusInbound *inbound,
               const BusDelivery *delivery,
               BusSubscription *subscription,
               BusEntry **entry,
               BusAdmission *admission,
               gint64 now_us)
{
  AdmitFit why;

  if (!admit_make_room (flow, subscription, inbound, delivery, now_us, &why))
    admit_refuse (flow, subscription, inbound, why, admission, now_us);
  else if (admit_let_wait (flow, inbound, delivery, subscription, entry, now_us))
    admission->queued++;
  else
    {
      admission->refused++;
      admit_lose_new (flow, subscription, inbound, BUS_LOSS_NO_MEMORY, now_us);
    }
}

/* The fast path: encodes the message once for the subscriptions in shared->ready, which have credit. */
static void
admit_deliver_now (BusFlow *flow,
                   BusInbound *inbound,
                   const BusDelivery *delivery,
                   guint n,
                   BusAdmission *admission,
                   gint64 now_us)
{
  BusSubscription *const *ready = flow->shared->ready;

  if ((delivery->is_kept && bus_inbound_keep (inbound) == NULL)
      || !bus_flow_encode_now (flow, inbound, inbound->class_of.lane, delivery, n, now_us))
    {
      for (guint i = 0; i < n; i++)
        admit_lose_new (flow, ready[i], inbound, BUS_LOSS_NO_MEMORY, now_us);
      admission->refused += n;
      return;
    }
  for (guint i = 0; i < n; i++)
    {
      BusTicket *ticket = admit_ticket_for (flow, ready[i], inbound, now_us);

      if (ticket != NULL)
        bus_withheld_took (flow, ready[i], now_us);
      bus_window_use (&ready[i]->window, inbound->envelope->payload.len);
      bus_flow_delivered (flow, ready[i], inbound->domain, ticket,
                          delivery->is_kept ? bus_message_ref (inbound->kept) : NULL, delivery, now_us);
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
    if (admit_is_ready (subscriptions[i]) && bus_flow_send_first_gaps (flow, subscriptions[i], inbound->class_of.lane))
      flow->shared->ready[n_now++] = subscriptions[i];
  if (n_now > 0)
    admit_deliver_now (flow, inbound, delivery, n_now, &admission, now_us);
  if (n_now == n)
    return admission;

  for (guint i = 0; i < n; i++)
    if (served < n_now && flow->shared->ready[served] == subscriptions[i])
      served++;
    else
      admit_take_in (flow, inbound, delivery, subscriptions[i], &entry, &admission, now_us);
  bus_flow_note_level (flow, now_us);
  return admission;
}

gboolean
bus_admit_plain (BusFlow *flow, BusInbound *inbound, WireLane lane, const BusDelivery *delivery, gint64 now_us)
{
  BusMessage *message;

  if (!admit_fits_peer (flow, admit_cost (inbound), now_us))
    return FALSE;
  /* A reply in the data lane may follow one that waits in the control lane. */
  if (bus_flow_lane_is_clear (flow, lane) && flow->lanes[WIRE_LANE_CONTROL].first == NULL)
    return bus_flow_encode_now (flow, inbound, lane, delivery, 0, now_us);
  message = bus_inbound_keep (inbound);
  if (message == NULL)
    return FALSE;
  bus_lane_enter_plain (flow, lane, message, delivery);
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

  if (admit_is_ready (server) && bus_flow_send_first_gaps (flow, server, inbound->class_of.lane)
      && bus_flow_lane_is_clear (flow, inbound->class_of.lane))
    {
      flow->shared->ready[0] = server;
      if (!bus_flow_encode_now (flow, inbound, inbound->class_of.lane, delivery, 1, now_us))
        return FALSE;
      bus_window_use (&server->window, inbound->envelope->payload.len);
      bus_flow_delivered (flow, server, inbound->domain, NULL, NULL, delivery, now_us);
      if (delivery->mark != NULL)
        delivery->mark->is_sent = TRUE;
      return TRUE;
    }
  return admit_fit (flow, server, inbound, delivery, now_us) == FITS
         && admit_let_wait (flow, inbound, delivery, server, &entry, now_us);
}

gboolean
bus_admit_has_room (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  return admit_is_ready (subscription) && bus_flow_bytes (flow) < flow->shared->limits->queue_soft_bytes
         && admit_may_keep (flow, subscription, need)
         && (bus_flow_lane_is_clear (flow, need->lane) || admit_fit_need (flow, subscription, need) == FITS);
}

gboolean
bus_admit_may_wait (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  return !bus_subscription_is_demoted (subscription) && admit_fit_need (flow, subscription, need) == FITS;
}

/* --- why not --- */

gboolean
bus_admit_excess (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess)
{
  const BusLimits *limits = flow->shared->limits;
  const BusQuota *quota = flow->shared->quota;
  const BusUsage *account = flow->ledger->usage.parent;
  const guint64 bytes_max = admit_queue_max (flow, need->now_us);
  const gsize cost = admit_cost_of_len (need->len);
  const gboolean is_first
      = subscription == NULL || admit_bounded_messages (subscription) == 0; /* one may always wait */
  const BusExcess rows[] = {
    { BUS_LIMIT_subscription_queue_messages, is_first ? G_MAXUINT64 : subscription->bounds.messages,
      is_first ? 0 : admit_bounded_messages (subscription) + 1 },
    { BUS_LIMIT_subscription_queue_bytes, is_first ? G_MAXUINT64 : subscription->bounds.bytes,
      is_first ? 0 : admit_bounded_bytes (subscription) + need->len },
    { BUS_LIMIT_queue_hard_messages, limits->queue_hard_messages, flow->waiting_messages - flow->held_messages + 1 },
    { bytes_max < limits->queue_hard_bytes ? BUS_LIMIT_queue_soft_bytes : BUS_LIMIT_queue_hard_bytes, bytes_max,
      admit_own_bytes (flow) + cost },
    { BUS_LIMIT_control_queue_bytes, limits->control_queue_bytes,
      need->lane == WIRE_LANE_CONTROL ? admit_control_bytes (flow) : 0 },
    { BUS_LIMIT_uid_bytes, limits->uid_bytes, account != NULL ? account->charged + cost : 0 },
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

gboolean
bus_admit_excess_kept (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess)
{
  const guint64 most = flow->shared->limits->control_queue_bytes;

  if (bus_unsettled_excess (flow, subscription, need->len, excess))
    return TRUE;
  if (need->lane != WIRE_LANE_CONTROL || admit_control_bytes (flow) <= most)
    return FALSE;
  *excess = (BusExcess){ BUS_LIMIT_control_queue_bytes, most, admit_control_bytes (flow) };
  return TRUE;
}

/* --- other bounds --- */

/* Dropping a message joins the gaps beside it, and leaves the messages alone. */
static BusSlot *
admit_next_message (BusSlot *slot, gboolean oldest_first)
{
  do
    slot = oldest_first ? slot->next : slot->previous;
  while (slot != NULL && slot->state == BUS_DELIVERY_LOST);
  return slot;
}

/* Of each topic the newest stays. */
static void
admit_conflate (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  BusSlot *previous;

  /* From the newest on: dropping joins gaps that the loop has passed. */
  for (BusSlot *slot = bus_fifo_newest (subscription); slot != NULL; slot = previous)
    {
      previous = admit_next_message (slot, FALSE);
      if (!slot->is_indexed && !slot->delivery.is_kept)
        bus_fifo_drop (flow, slot, BUS_LOSS_FULL, now_us);
    }
}

static gboolean
admit_is_over (const BusFlow *flow, const BusSubscription *subscription, gboolean unpaid, gint64 now_us)
{
  guint64 messages = admit_bounded_messages (subscription);

  if (unpaid && messages > 0
      && (admit_own_bytes (flow) > admit_queue_max (flow, now_us)
          || flow->waiting_messages - flow->held_messages > flow->shared->limits->queue_hard_messages))
    return TRUE;
  return messages > 1
         && (messages > subscription->bounds.messages
             || admit_bounded_bytes (subscription) > subscription->bounds.bytes);
}

/* The policies error and block keep what they accepted; block only while its publishers' credit is withheld for it. */
static void
admit_trim (BusFlow *flow, BusSubscription *subscription, gboolean unpaid, gint64 now_us)
{
  BusOverflow policy = subscription->bounds.policy;
  BusLoss loss = policy == BUS_OVERFLOW_ERROR ? BUS_LOSS_REFUSED : BUS_LOSS_FULL;
  gboolean oldest_first = admit_drops_oldest (policy);
  BusSlot *slot, *next;

  if (policy == BUS_OVERFLOW_BLOCK || (policy == BUS_OVERFLOW_ERROR && !unpaid))
    return;
  slot = oldest_first ? bus_fifo_oldest (subscription) : bus_fifo_newest (subscription);
  for (; slot != NULL && admit_is_over (flow, subscription, unpaid, now_us); slot = next)
    {
      next = admit_next_message (slot, oldest_first);
      if (!slot->delivery.is_kept)
        bus_fifo_drop (flow, slot, loss, now_us);
    }
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
      bus_block_restore (flow, subscription, now_us);
    }
  bus_fifo_index (flow, subscription, policy == BUS_OVERFLOW_CONFLATE);
  if (policy == BUS_OVERFLOW_CONFLATE)
    admit_conflate (flow, subscription, now_us);
  admit_trim (flow, subscription, unpaid, now_us);
  bus_flow_send_gaps (flow, subscription);
  bus_flow_note_level (flow, now_us);
  return subscription->missed - missed;
}

/* --- the broker is full --- */

static BusSubscription *
admit_longest (GHashTable *subscriptions)
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
      if (admit_bounded_messages (subscription) > 0 && !subscription->serves
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

  while (before - flow->waiting_bytes < bytes && (subscription = admit_longest (subscriptions)) != NULL)
    {
      gboolean oldest_first = admit_drops_oldest (bus_subscription_policy (subscription));
      BusSlot *slot = oldest_first ? bus_fifo_oldest (subscription) : bus_fifo_newest (subscription);
      BusSlot *next;

      for (; slot != NULL && before - flow->waiting_bytes < bytes; slot = next)
        {
          next = admit_next_message (slot, oldest_first);
          if (!slot->delivery.is_kept)
            bus_fifo_drop (flow, slot, BUS_LOSS_LIMIT, now_us);
        }
    }
  return before - flow->waiting_bytes;
}
