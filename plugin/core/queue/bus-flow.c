/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-flow.h"

#include "base/bus-probe.h"
#include "base/bus-unset.h"
#include "queue/bus-block.h"
#include "queue/bus-fifo-run.h"
#include "queue/bus-lane.h"
#include "queue/bus-report.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"
#include "wire-hot.h"

void
bus_flow_note_level (BusFlow *flow, gint64 now_us)
{
  if (bus_flow_bytes (flow) < flow->shared->limits->queue_soft_bytes)
    {
      flow->soft_since_us = 0;
      if (flow->reported_soft)
        bus_report_level (flow, now_us);
    }
  else if (flow->soft_since_us == 0)
    {
      flow->soft_since_us = now_us;
      bus_report_level (flow, now_us);
    }
}

/* --- encoding --- */

/* A message to be encoded, with the times that its stamp may need. */
typedef struct
{
  const BusStamp *stamp;
  WireSpan body;
  BusMessage *refer; /* nullable: it is referenced, not copied */
  gint64 expires_us;
  guint64 accept_seq;
  gint64 traced_us;
  gint64 queued_us;
} FlowFrame;

static void
flow_stamp_hops (WireStampOwn *own, const FlowFrame *frame, gint64 now_us)
{
  own->hops[0] = (guint64) frame->traced_us;
  own->hops[1] = (guint64) MAX (frame->queued_us - frame->traced_us, 0);
  own->hops[2] = (guint64) MAX (now_us - frame->queued_us, 0);
}

/* TRUE if the stamp of the delivery needs no field of its own but the subscriptions. */
static gboolean
flow_is_plain_delivery (const BusDelivery *delivery)
{
  return delivery->kind == WIRE_KIND_DELIVER && delivery->flags == 0
         && (delivery->route_id | (guint64) delivery->due_us | delivery->answers) == 0
         && (delivery->matched | delivery->merged | (guint32) delivery->retained) == 0 && delivery->attempt <= 1;
}

/* TRUE for most deliveries: one subscription gets a message that is copied, and only its id differs between the receivers. */
static gboolean
flow_is_plain (const FlowFrame *frame, const BusDelivery *delivery, guint n_ids)
{
  return n_ids == 1 && frame->refer == NULL && frame->body.len > 0 && (frame->expires_us | frame->traced_us) == 0
         && flow_is_plain_delivery (delivery);
}

static gboolean
flow_encode_special (BusFlow *flow,
                     WireLane lane,
                     const FlowFrame *frame,
                     const BusDelivery *delivery,
                     guint n_ids,
                     gint64 now_us)
{
  WireStampOwn own = { .subscriptions = flow->shared->ids,
                       .n_subscriptions = n_ids,
                       .route_id = delivery->route_id,
                       .answers = delivery->answers,
                       .attempt = delivery->attempt > 1 ? delivery->attempt : 0,
                       .matched = delivery->matched,
                       .queued = delivery->queued,
                       .refused = delivery->refused,
                       .merged = delivery->merged,
                       .retained = delivery->retained };
  gint64 end_us = delivery->due_us > 0 ? delivery->due_us : frame->expires_us;

  if (end_us > 0)
    own.remaining_us = (guint64) MAX (end_us - now_us, 1);
  if (frame->traced_us != 0)
    flow_stamp_hops (&own, frame, now_us);
  BUS_PROBE4 (write, frame->accept_seq, delivery->kind, lane, frame->body.len);
  if (!bus_outq_put_message (&flow->outq, lane, delivery->kind, delivery->flags, frame->stamp, &own, frame->body,
                             frame->refer))
    return FALSE;
  if (delivery->route_id != 0 && delivery->kind == WIRE_KIND_DELIVER)
    bus_fifo_note_sent (flow, delivery->route_id);
  return TRUE;
}

static inline gboolean
flow_encode (BusFlow *flow,
             WireLane lane,
             const FlowFrame *frame,
             const BusDelivery *delivery,
             guint n_ids,
             gint64 now_us)
{
  if (G_UNLIKELY (!flow_is_plain (frame, delivery, n_ids)))
    return flow_encode_special (flow, lane, frame, delivery, n_ids, now_us);
  BUS_PROBE4 (write, frame->accept_seq, delivery->kind, lane, frame->body.len);
  return bus_outq_put_plain (&flow->outq, lane, frame->stamp, flow->shared->ids[0], frame->body);
}

static gboolean
flow_encode_inbound (BusFlow *flow,
                     BusInbound *inbound,
                     WireLane lane,
                     const BusDelivery *delivery,
                     guint n,
                     gint64 now_us)
{
  /* For a reply the time in the queue begins with its acceptance, because it may have waited for the window of its requester. */
  FlowFrame frame = { .stamp = &inbound->stamp,
                      .expires_us = inbound->expires_us,
                      .accept_seq = inbound->accept_seq,
                      .traced_us = inbound->traced_us,
                      .queued_us = delivery->kind == WIRE_KIND_REPLY ? inbound->traced_us : now_us };

  if (inbound->frame.body.len > inbound->copy_max)
    {
      frame.refer = bus_inbound_keep (inbound);
      if (frame.refer == NULL)
        return FALSE;
    }
  frame.body = bus_inbound_body (inbound);
  for (guint i = 0; i < n; i++)
    flow->shared->ids[i] = flow->shared->ready[i]->id;
  return flow_encode (flow, lane, &frame, delivery, n, now_us);
}

/* The same test as flow_is_plain(), for a message without a FlowFrame, which most messages do not need. */
static gboolean
flow_is_plain_inbound (const BusInbound *inbound, const BusDelivery *delivery, guint n)
{
  return n == 1 && inbound->frame.body.len <= inbound->copy_max && inbound->frame.body.len > 0
         && (inbound->expires_us | inbound->traced_us) == 0 && flow_is_plain_delivery (delivery);
}

gboolean
bus_flow_encode_now (BusFlow *flow,
                     BusInbound *inbound,
                     WireLane lane,
                     const BusDelivery *delivery,
                     guint n,
                     gint64 now_us)
{
  if (G_UNLIKELY (!flow_is_plain_inbound (inbound, delivery, n)))
    return flow_encode_inbound (flow, inbound, lane, delivery, n, now_us);
  BUS_PROBE4 (write, inbound->accept_seq, delivery->kind, lane, inbound->frame.body.len);
  return bus_outq_put_plain (&flow->outq, lane, &inbound->stamp, flow->shared->ready[0]->id,
                             bus_inbound_body (inbound));
}

void
bus_flow_delivered (BusFlow *flow,
                    BusSubscription *subscription,
                    guint domain,
                    BusTicket *ticket,
                    BusMessage *kept,
                    const BusDelivery *delivery,
                    gint64 now_us)
{
  bus_flow_count_delivered (flow, subscription, domain, 1, now_us);
  if (ticket != NULL && kept == NULL && bus_unsettled_extend (subscription, ticket))
    bus_withheld_release (subscription, ticket);
  else if (ticket != NULL || kept != NULL)
    bus_unsettled_add (flow, subscription, ticket, kept, delivery, now_us);
}

gboolean
bus_flow_encode_kept (BusFlow *flow, BusSubscription *subscription, BusMessage *message, gint64 now_us)
{
  static const BusDelivery delivery = { .kind = WIRE_KIND_DELIVER, .retained = TRUE };
  const FlowFrame frame = { .stamp = &message->stamp,
                            .body = message->body,
                            .refer = message->body.len > BUS_OUTQ_COPY_MAX ? message : NULL,
                            .expires_us = message->expires_us,
                            .accept_seq = message->accept_seq };

  flow->shared->ids[0] = subscription->id;
  if (!flow_encode_special (flow, message->class_of.lane, &frame, &delivery, 1, now_us))
    return FALSE;
  bus_window_use (&subscription->window, message->payload_len);
  bus_subscription_need_records (subscription)->retained++;
  flow->retained++;
  bus_flow_delivered (flow, subscription, message->domain, NULL, NULL, &delivery, now_us);
  return TRUE;
}

/* The control lane is sent before the data lane, so in the data lane the end follows the retained messages of both lanes. */
gboolean
bus_flow_encode_retained_end (BusFlow *flow, const BusSubscription *subscription)
{
  WireEnvelope end BUS_UNSET;

  wire_envelope_init (&end);
  end.retained = TRUE;
  end.subscription = subscription->id;
  return bus_outq_put (&flow->outq, WIRE_LANE_DATA, WIRE_KIND_DELIVER, 0, &end, wire_span (NULL, 0));
}

/* --- gaps --- */

static gboolean
flow_encode_gap (BusFlow *flow, const BusSlot *slot)
{
  WireEnvelope gap BUS_UNSET;

  wire_envelope_init (&gap);
  gap.subscription = slot->subscription->id;
  gap.gap_from = slot->gap_from;
  gap.gap_to = slot->gap_to;
  gap.gap_count = slot->gap_count;
  gap.gap_reason = bus_loss_status (slot->gap_loss);
  return bus_outq_put (&flow->outq, slot->lane, WIRE_KIND_GAP, 0, &gap, wire_span (NULL, 0));
}

/* The order holds within a lane only, so slots of the other lane do not matter here. */
gboolean
bus_flow_send_first_gaps (BusFlow *flow, BusSubscription *subscription, WireLane lane)
{
  BusSlot *slot;

  while ((slot = subscription->fifo->lane_first[lane]) != NULL && slot->state == BUS_DELIVERY_LOST)
    {
      if (!flow_encode_gap (flow, slot))
        return FALSE;
      bus_fifo_remove (flow, slot, NULL);
    }
  return TRUE;
}

void
bus_flow_send_gaps (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    if (bus_flow_gap_is_first (subscription, lane)
        && !(bus_flow_has_room (flow, lane) && bus_flow_send_first_gaps (flow, subscription, lane)))
      bus_report_again (flow, subscription, now_us);
}

/*
 * Decides when a gap at the head of its lane is sent.
 *
 * A gap must not overtake the messages in front of it, so usually the last one of those carries it: flow_entry_encoded() encodes
 * the gaps behind a message directly after the message. A gap at the head of its lane has no such message. This happens when all
 * messages in front of it were dropped, expired or handed on, or when the queue was empty and the arriving message was lost.
 *
 * It cannot simply be sent at once. A GAP costs no credit, so no window bounds the number of such frames. A client that hangs,
 * with the policy drop-oldest, loses one message for each message that is published; sent at once, each loss would be one more
 * frame in the queue of a peer that does not read. It cannot simply wait for the next message either, because there may be none,
 * and the subscriber would not be notified of the loss.
 *
 * So the window decides. If it is open, the client keeps up, and the gap is sent at once. If it is closed, the gap waits, and
 * further losses are added to it. It is sent when credit returns (bus_flow_credit()), or by the report timer, which
 * expires at most once in BUS_REPORT_EVERY_US, so that a client that reads without returning credit gets it too.
 */
void
bus_flow_release_gaps (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  if (bus_window_is_open (&subscription->window))
    bus_flow_send_gaps (flow, subscription, now_us);
  else if (bus_flow_gap_is_first (subscription, WIRE_LANE_CONTROL)
           || bus_flow_gap_is_first (subscription, WIRE_LANE_DATA))
    bus_report_again (flow, subscription, now_us);
}

/* --- the first entry of a lane --- */

static void
flow_slot_left (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  bus_flow_release_gaps (flow, subscription, now_us);
  bus_block_check_drained (flow, subscription, now_us);
}

void
bus_flow_discard_request (BusFlow *flow, BusSlot *slot, gint64 now_us)
{
  BusSubscription *subscription = slot->subscription;
  gboolean had_credit = slot->state == BUS_DELIVERY_QUEUED;

  bus_fifo_withdraw (flow, slot, NULL);
  if (had_credit)
    bus_fifo_advance (flow, subscription, now_us);
  flow_slot_left (flow, subscription, now_us);
}

void
bus_flow_expire (BusFlow *flow, BusSlot *slot, gint64 now_us)
{
  BusSubscription *subscription = slot->subscription;

  if (slot->delivery.kind == WIRE_KIND_REQUEST)
    {
      bus_flow_discard_request (flow, slot, now_us);
      return;
    }
  bus_fifo_drop (flow, slot, BUS_LOSS_EXPIRED, now_us);
  flow_slot_left (flow, subscription, now_us);
}

/* The time to live of the entry is over, and the timers of its slots have not been handled yet: drops all slots. The entry is
 * freed with the last one. */
static void
flow_expire_entry (BusFlow *flow, BusEntry *entry, gint64 now_us)
{
  gboolean was_last = entry->slots == NULL;

  while (!was_last)
    {
      was_last = entry->slots->sibling_next == NULL;
      bus_flow_expire (flow, entry->slots, now_us);
    }
}

static gboolean
flow_is_expired (const BusEntry *entry, gint64 now_us)
{
  gint64 end_us = entry->delivery.due_us > 0 ? entry->delivery.due_us : entry->message->expires_us;

  return end_us > 0 && end_us <= now_us;
}

static gboolean
flow_send_gaps_before (BusFlow *flow, const BusEntry *entry)
{
  for (const BusSlot *slot = entry->slots; slot != NULL; slot = slot->sibling_next)
    if (bus_flow_gap_is_first (slot->subscription, entry->lane)
        && !bus_flow_send_first_gaps (flow, slot->subscription, entry->lane))
      return FALSE;
  return TRUE;
}

/* TRUE if there is memory for the records that the slots of the entry need once it is encoded. */
static gboolean
flow_may_record (BusFlow *flow, const BusEntry *entry)
{
  const gboolean with_message = entry->delivery.is_kept;
  guint n = 0;

  for (const BusSlot *slot = entry->slots; slot != NULL; slot = slot->sibling_next)
    n += with_message || slot->ticket != NULL ? 1 : 0;
  return n == 0 || bus_unsettled_can_add (flow, n, with_message);
}

static guint
flow_entry_ids (const BusEntry *entry, guint32 *ids)
{
  guint n = 0;

  for (const BusSlot *slot = entry->slots; slot != NULL; slot = slot->sibling_next)
    ids[n++] = slot->subscription->id;
  return n;
}

/* The entry was encoded: counts each of its slots as delivered and frees it. The entry is freed with the last slot. */
static void
flow_entry_encoded (BusFlow *flow, BusEntry *entry, gint64 now_us)
{
  gboolean was_last = entry->slots == NULL;

  if (entry->plain)
    {
      bus_lane_leave (flow, entry);
      return;
    }
  while (!was_last)
    {
      BusSlot *slot = entry->slots;
      BusSubscription *subscription = slot->subscription;
      guint domain = slot->message->domain;
      WireLane lane = slot->lane;
      BusMessage *kept = slot->delivery.is_kept ? bus_message_ref (slot->message) : NULL;
      BusDelivery delivery BUS_UNSET;
      BusTicket *ticket = NULL;

      if (kept != NULL) /* without a message the delivery is not used */
        delivery = slot->delivery;
      was_last = slot->sibling_next == NULL;
      if (slot->delivery.mark != NULL)
        slot->delivery.mark->is_sent = TRUE;
      bus_delivery_next (slot->state, BUS_DELIVERY_ON_SEND);
      bus_fifo_remove (flow, slot, &ticket);
      bus_flow_delivered (flow, subscription, domain, ticket, kept, &delivery, now_us);
      if (bus_flow_gap_is_first (subscription, lane) && !bus_flow_send_first_gaps (flow, subscription, lane))
        bus_report_again (flow, subscription, now_us);
      bus_block_check_drained (flow, subscription, now_us);
    }
}

/* Encodes the first entry of a lane, or drops it if its time to live is over. FALSE: no memory now; the entry stays. */
static gboolean
flow_pump_first (BusFlow *flow, WireLane lane, gint64 now_us)
{
  BusEntry *entry = flow->lanes[lane].first;
  BusMessage *message = entry->message;
  const FlowFrame frame = {
    .stamp = &message->stamp,
    .body = message->body,
    .refer = message->body.len > BUS_OUTQ_COPY_MAX_FANOUT ? message : NULL,
    .expires_us = message->expires_us,
    .accept_seq = message->accept_seq,
    .traced_us = message->traced_us,
    .queued_us = entry->slots != NULL ? entry->slots->since_us : message->traced_us,
  };

  if (!entry->plain && flow_is_expired (entry, now_us))
    flow_expire_entry (flow, entry, now_us);
  else if (flow_may_record (flow, entry) && flow_send_gaps_before (flow, entry)
           && flow_encode (flow, lane, &frame, &entry->delivery, flow_entry_ids (entry, flow->shared->ids), now_us))
    flow_entry_encoded (flow, entry, now_us);
  else
    return FALSE;
  return TRUE;
}

/* A reply in the data lane (an entry for the peer itself) must not overtake an older reply, which may wait in the control lane. */
static gboolean
flow_may_encode_first (const BusFlow *flow, WireLane lane)
{
  const BusEntry *entry = flow->lanes[lane].first;

  return entry != NULL && bus_flow_has_room (flow, lane)
         && (lane == WIRE_LANE_CONTROL || !entry->plain || flow->lanes[WIRE_LANE_CONTROL].first == NULL);
}

/* FALSE: no memory now. */
WIRE_HOT static gboolean
flow_pump_lane (BusFlow *flow, WireLane lane, gint64 now_us)
{
  while (flow_may_encode_first (flow, lane))
    if (!flow_pump_first (flow, lane, now_us))
      {
        /* If no bytes are being sent, no other event calls the pump again. */
        bus_lane_retry (flow, now_us);
        return FALSE;
      }
  return TRUE;
}

WIRE_HOT void
bus_flow_pump (BusFlow *flow, gint64 now_us)
{
  gboolean has_memory = flow_pump_lane (flow, WIRE_LANE_CONTROL, now_us);

  has_memory = flow_pump_lane (flow, WIRE_LANE_DATA, now_us) && has_memory;
  /* A message that expired in the data lane gives its credit to the next one, which may be in the control lane. */
  while (has_memory && flow_may_encode_first (flow, WIRE_LANE_CONTROL))
    has_memory = flow_pump_lane (flow, WIRE_LANE_CONTROL, now_us) && flow_pump_lane (flow, WIRE_LANE_DATA, now_us);
  if (flow->soft_since_us != 0)
    bus_flow_note_level (flow, now_us);
}

gint64
bus_flow_oldest_us (const BusSubscription *subscription, gint64 now_us)
{
  const BusSlot *slot = bus_fifo_oldest (subscription);

  return slot != NULL ? MAX (now_us - slot->since_us, 1) : 0;
}

/* --- the end of a subscription --- */

void
bus_parcel_free (gpointer data)
{
  BusParcel *parcel = data;

  bus_message_unref (parcel->message);
  g_clear_pointer (&parcel->ticket, bus_ticket_unref);
  g_free (parcel);
}

BusParcel *
bus_flow_take (BusFlow *flow, BusSlot *slot)
{
  BusSubscription *subscription = slot->subscription;
  BusParcel *parcel = g_new0 (BusParcel, 1);

  parcel->message = bus_message_ref (slot->message);
  parcel->delivery = slot->delivery;
  bus_fifo_withdraw (flow, slot, &parcel->ticket);
  if (parcel->ticket != NULL)
    bus_withheld_hand_on (subscription);
  return parcel;
}

guint
bus_flow_forget (BusFlow *flow, BusSubscription *subscription, GPtrArray *unsent, gint64 now_us)
{
  BusSlot *slot;
  guint n = 0;

  /* One run after the other: all of them at once would need slots for the whole queue. */
  while ((slot = bus_fifo_unpack_next (flow, subscription, NULL, now_us)) != NULL)
    {
      g_autoptr (BusParcel) parcel = NULL;

      n++;
      parcel = bus_flow_take (flow, slot);
      if (unsent != NULL)
        g_ptr_array_add (unsent, g_steal_pointer (&parcel));
    }
  while ((slot = subscription->fifo->first) != NULL) /* only gaps are left */
    bus_fifo_remove (flow, slot, NULL);
  bus_unsettled_end (flow, subscription);
  bus_block_end (flow, subscription);
  return n;
}

void
bus_flow_init (BusFlow *flow, BusFlowShared *shared, BusLedger *ledger, gpointer owner)
{
  *flow = (BusFlow){ .shared = shared, .ledger = ledger };
  flow->retry_timer.kind = BUS_TIMER_RETRY;
  flow->retry_timer.owner = owner;
  bus_outq_init (&flow->outq, shared->segments, shared->quota, &ledger->usage);
}

void
bus_flow_end (BusFlow *flow)
{
  flow->is_ended = TRUE;
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    for (BusEntry *entry = flow->lanes[lane].first, *next; entry != NULL; entry = next)
      {
        next = entry->next;
        if (entry->plain)
          bus_lane_leave (flow, entry);
      }
}

void
bus_flow_clear (BusFlow *flow)
{
  g_assert (flow->lanes[WIRE_LANE_CONTROL].first == NULL && flow->lanes[WIRE_LANE_DATA].first == NULL);
  if (flow->losses != NULL)
    bus_deadline_disarm (flow->shared->deadlines, &flow->losses->report_timer.deadline);
  g_clear_pointer (&flow->losses, g_free);
  bus_deadline_disarm (flow->shared->deadlines, &flow->retry_timer.deadline);
  bus_outq_clear (&flow->outq);
}
