/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-admit.h"

#include "queue/bus-fifo-run.h"
#include "queue/bus-lane.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"

/* The work for each subscription of an offer, in units of about 10 ns; bus_core_work() returns the sum. An offer to at most
 * ADMIT_WORK_FEW subscriptions adds nothing: the bytes of the message, by which turns are fair anyway, cover that work. */
#define ADMIT_WORK_FEW  16u
#define ADMIT_WORK_NOW  1u
#define ADMIT_WORK_WAIT 32u

/* --- bounds --- */

static gsize
admit_cost (const BusInbound *inbound)
{
  return bus_room_cost (inbound->frame.body.len);
}

static gboolean
admit_can_hold (const BusFlow *flow, const BusSubscription *subscription, const BusInbound *inbound)
{
  const BusLedger *publisher = inbound->ticket != NULL ? inbound->ticket->publisher : inbound->publisher;

  return bus_admit_withholds (flow, subscription, publisher) && inbound->class_of.credit_class != WIRE_CLASS_NONE;
}

static BusRoomFit
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

  return bus_room_fit (flow, subscription, &need);
}

/* --- losses --- */

static void
admit_lose_new (BusFlow *flow, BusSubscription *subscription, const BusInbound *inbound, BusLoss loss, gint64 now_us)
{
  const BusLostAt at = { inbound->class_of.lane, inbound->domain, inbound->accept_seq };

  bus_fifo_lose (flow, subscription, &at, 1, loss, now_us);
  /* With an open window the gap is sent at once; otherwise the next delivery carries it, or the report timer sends it. */
  if (bus_window_is_open (&subscription->window))
    bus_flow_send_gaps (flow, subscription, now_us);
}

/* The oldest message in the control lane that may be dropped. NULL: none. It is never in a run. */
static BusSlot *
admit_oldest_in_lane (const BusSubscription *subscription)
{
  BusSlot *slot = subscription->fifo->lane_first[WIRE_LANE_CONTROL];

  while (slot != NULL && slot->state == BUS_DELIVERY_LOST)
    slot = slot->lane_next;
  return slot != NULL && slot->state == BUS_DELIVERY_QUEUED && !slot->delivery.is_kept ? slot : NULL;
}

/* The oldest message of the subscription that counts for the exceeded bound (@why) and may be dropped. NULL: there is none, or
 * dropping would not make room; then no run is unpacked either. */
static BusSlot *
admit_oldest_to_drop (BusFlow *flow,
                      const BusSubscription *subscription,
                      const BusInbound *inbound,
                      BusRoomFit why,
                      gint64 now_us)
{
  BusSlot *slot;

  if (why == BUS_ROOM_OVER_LANE)
    return admit_oldest_in_lane (subscription);
  /* Do not drop this subscription's messages when even dropping all of them would not make room. */
  if (!bus_room_could_fit_peer (flow, subscription, admit_cost (inbound), now_us))
    return NULL;
  slot = bus_fifo_unpack_next (flow, subscription, NULL, now_us);
  return slot != NULL && !slot->delivery.is_kept ? slot : NULL;
}

/*
 * Makes room for the arriving message as the policy of the subscription says. FALSE: there is no room, and the arriving message is
 * lost; @why: the bound that prevents it, or BUS_ROOM_OVER_OWN if a newer message of its topic waits.
 *
 * Two policies may drop older messages: drop-oldest, and conflate, which first drops the waiting message of the same topic. It is
 * not enough to drop the oldest message and to check once more, for three reasons:
 *  - Messages differ in size, so one large message may need the room of several small ones. The loop drops until it fits.
 *  - The bound that is exceeded may be that of the whole peer, and other subscriptions may hold most of that room. Dropping all of
 *    this queue would then lose every message and still not make room, so admit_oldest_to_drop() first checks that it would help.
 *  - The control lane has a bound of its own. A message that waits for credit is not in the lane yet, so only the loss of a
 *    queued message of the control lane makes room there.
 * Under conflate, a message that is not larger than the one that it replaces needs no check: the bytes that it needs were in use
 * before. A message that another member of a group handed on can be older than the waiting one of its topic. Then the waiting one
 * stays, because conflate promises the newest value.
 */
static gboolean
admit_make_room (BusFlow *flow,
                 BusSubscription *subscription,
                 const BusInbound *inbound,
                 const BusDelivery *delivery,
                 gint64 now_us,
                 BusRoomFit *why)
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
          *why = BUS_ROOM_OVER_OWN;
          return FALSE;
        }
      bus_fifo_drop (flow, older, BUS_LOSS_FULL, now_us);
      if (fills_its_place)
        return TRUE;
    }
  while ((*why = admit_fit (flow, subscription, inbound, delivery, now_us)) != BUS_ROOM_FITS)
    {
      older = bus_overflow_drops_oldest (policy) ? admit_oldest_to_drop (flow, subscription, inbound, *why, now_us)
                                                 : NULL;
      if (older == NULL)
        return FALSE;
      bus_fifo_drop (flow, older, BUS_LOSS_FULL, now_us);
    }
  return TRUE;
}

/*
 * Loses the arriving message for this subscription, which gets a gap, and decides whether its publisher is notified as well.
 *
 * Under error and block the loss counts as refused in the ACK of the publisher. (Block refuses a message only if the control lane
 * is full, or if no credit can be withheld for it, because its publisher is the subscriber itself or the broker.) Under the other
 * policies a slow subscriber is no concern of the publisher, whose ACK counts the message as matched and not as queued.
 *
 * A full control lane under drop-newest, the default policy of control topics, also ends the connection. Nothing in the lane may
 * be dropped, and it contains the answers of the broker as well. A GAP would be one more frame in this lane, which a peer that
 * does not read the lane would not read either. So the caller closes the peer with SLOW_CONSUMER, as bus_peer_put() does when an
 * answer finds the lane full.
 */
static void
admit_refuse (BusFlow *flow,
              BusSubscription *subscription,
              const BusInbound *inbound,
              BusRoomFit why,
              BusAdmission *admission,
              gint64 now_us)
{
  BusOverflow policy = bus_subscription_policy (subscription);
  gboolean is_reported = policy == BUS_OVERFLOW_ERROR || policy == BUS_OVERFLOW_BLOCK;

  if (is_reported)
    admission->refused++;
  else if (why == BUS_ROOM_OVER_LANE && policy == BUS_OVERFLOW_DROP_NEWEST)
    admission->closes = TRUE;
  admit_lose_new (flow, subscription, inbound, is_reported ? BUS_LOSS_REFUSED : BUS_LOSS_FULL, now_us);
}

/* --- accepting --- */

/* @ticket: (out) (transfer full) (nullable): NULL: the subscription withholds no credit for the message. FALSE: no memory. */
static gboolean
admit_take_ticket (const BusFlow *flow,
                   const BusSubscription *subscription,
                   BusInbound *inbound,
                   BusTicket **ticket,
                   gint64 now_us)
{
  *ticket = NULL;
  if (!admit_can_hold (flow, subscription, inbound))
    return TRUE;
  *ticket = bus_inbound_ticket (inbound, now_us);
  return *ticket != NULL;
}

/* Makes everything that the first @n subscriptions of shared->ready will need besides their frame: the kept message, its ticket,
 * and memory for the records. FALSE: no memory. */
static gboolean
admit_prepare_records (BusFlow *flow, BusInbound *inbound, const BusDelivery *delivery, guint n, gint64 now_us)
{
  guint n_records = delivery->is_kept ? n : 0;

  if (delivery->is_kept && bus_inbound_keep (inbound) == NULL)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      BusTicket *ticket;

      if (!admit_take_ticket (flow, flow->shared->ready[i], inbound, &ticket, now_us))
        return FALSE;
      if (ticket == NULL)
        continue;
      bus_ticket_unref (ticket); /* the view has a reference, too */
      n_records += delivery->is_kept ? 0 : 1;
    }
  return n_records == 0 || bus_unsettled_can_add (flow, n_records, delivery->is_kept);
}

/* Appends the message to the FIFO. If the subscription has credit, the slot is also added to @entry, which is made when it is
 * first needed. FALSE: no memory. */
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
  if (!admit_take_ticket (flow, subscription, inbound, &ticket, now_us))
    return FALSE;
  slot = bus_fifo_append (flow, subscription, message, ticket, delivery, now_us);
  if (slot == NULL)
    {
      g_clear_pointer (&ticket, bus_ticket_unref);
      return FALSE;
    }
  if (ticket != NULL)
    bus_withheld_note_ticket (flow, subscription, now_us);
  if (subscription->fifo->first_waiting == slot && bus_subscription_is_open (subscription))
    {
      /* Making room may have moved older messages into the lane; this message stays behind them. In a clear lane it waits because
       * there was no memory for a gap in front of it, and no sent bytes will call bus_flow_pump(). */
      if (bus_flow_lane_is_clear (flow, message->class_of.lane))
        bus_lane_retry (flow, now_us);
      if (*entry == NULL || *entry != flow->lanes[(*entry)->lane].last)
        *entry = bus_lane_enter (flow, message->class_of.lane, message, delivery);
      if (*entry == NULL)
        {
          bus_lane_retry (flow, now_us); /* no memory: it continues to wait, although it has credit */
          return TRUE;
        }
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
  BusRoomFit why;

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

  if (!admit_prepare_records (flow, inbound, delivery, n, now_us)
      || !bus_flow_encode_now (flow, inbound, inbound->class_of.lane, delivery, n, now_us))
    {
      for (guint i = 0; i < n; i++)
        admit_lose_new (flow, ready[i], inbound, BUS_LOSS_NO_MEMORY, now_us);
      admission->refused += n;
      return;
    }
  for (guint i = 0; i < n; i++)
    {
      BusTicket *ticket;

      admit_take_ticket (flow, ready[i], inbound, &ticket, now_us); /* cannot fail any more */
      if (ticket != NULL)
        bus_withheld_note_ticket (flow, ready[i], now_us);
      bus_window_use (&ready[i]->window, inbound->envelope->payload.len);
      bus_flow_delivered (flow, ready[i], inbound->domain, ticket,
                          delivery->is_kept ? bus_message_ref (inbound->kept) : NULL, delivery, now_us);
    }
  admission->queued += n;
}

/* TRUE: the subscription has credit, none of its messages waits for credit, and no gap is in front of the arriving message (gaps
 * are sent first). The caller checks that the lane is clear. */
static gboolean
admit_is_ready (BusFlow *flow, BusSubscription *subscription, WireLane lane)
{
  return bus_room_is_ready (subscription)
         && (G_LIKELY (!bus_flow_gap_is_first (subscription, lane))
             || bus_flow_send_first_gaps (flow, subscription, lane));
}

static void
admit_to_each (BusFlow *flow,
               BusInbound *inbound,
               const BusDelivery *delivery,
               BusSubscription *const *subscriptions,
               guint n,
               BusAdmission *admission,
               gint64 now_us)
{
  gboolean is_clear = bus_flow_lane_is_clear (flow, inbound->class_of.lane);
  BusEntry *entry = NULL;
  guint n_now = 0;
  guint served = 0;

  for (guint i = 0; is_clear && i < n; i++)
    if (admit_is_ready (flow, subscriptions[i], inbound->class_of.lane))
      flow->shared->ready[n_now++] = subscriptions[i];
  if (n > ADMIT_WORK_FEW)
    flow->shared->work += (guint64) n_now * ADMIT_WORK_NOW + (guint64) (n - n_now) * ADMIT_WORK_WAIT;
  if (n_now > 0)
    admit_deliver_now (flow, inbound, delivery, n_now, admission, now_us);
  if (n_now == n)
    return;

  for (guint i = 0; i < n; i++)
    if (served < n_now && flow->shared->ready[served] == subscriptions[i])
      served++;
    else
      admit_take_in (flow, inbound, delivery, subscriptions[i], &entry, admission, now_us);
  bus_flow_note_level (flow, now_us);
}

/* The same for one subscription, without loops: most peers have only one that matches a message. */
static void
admit_to_one (BusFlow *flow,
              BusInbound *inbound,
              const BusDelivery *delivery,
              BusSubscription *subscription,
              BusAdmission *admission,
              gint64 now_us)
{
  BusEntry *entry = NULL;

  if (bus_flow_lane_is_clear (flow, inbound->class_of.lane)
      && admit_is_ready (flow, subscription, inbound->class_of.lane))
    {
      flow->shared->ready[0] = subscription;
      admit_deliver_now (flow, inbound, delivery, 1, admission, now_us);
      return;
    }
  admit_take_in (flow, inbound, delivery, subscription, &entry, admission, now_us);
  bus_flow_note_level (flow, now_us);
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

  g_assert (n <= WIRE_SUBSCRIPTIONS_MAX);
  if (G_LIKELY (n == 1))
    admit_to_one (flow, inbound, delivery, subscriptions[0], &admission, now_us);
  else
    admit_to_each (flow, inbound, delivery, subscriptions, n, &admission, now_us);
  return admission;
}

gboolean
bus_admit_plain (BusFlow *flow, BusInbound *inbound, WireLane lane, const BusDelivery *delivery, gint64 now_us)
{
  BusMessage *message;

  if (!bus_room_fits_peer (flow, admit_cost (inbound), now_us))
    return FALSE;
  /* A reply in the data lane must not overtake an older reply, which may wait in the control lane. */
  if (bus_flow_lane_is_clear (flow, lane) && flow->lanes[WIRE_LANE_CONTROL].first == NULL)
    return bus_flow_encode_now (flow, inbound, lane, delivery, 0, now_us);
  message = bus_inbound_keep (inbound);
  if (message == NULL)
    return FALSE;
  if (!bus_lane_enter_plain (flow, lane, message, delivery))
    return FALSE;
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

  if (bus_room_is_ready (server) && bus_flow_send_first_gaps (flow, server, inbound->class_of.lane)
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
  return admit_fit (flow, server, inbound, delivery, now_us) == BUS_ROOM_FITS
         && admit_let_wait (flow, inbound, delivery, server, &entry, now_us);
}
