/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-flow.h"

typedef enum
{
  SLOT_QUEUED,  /* hangs in an entry, has its credit */
  SLOT_WAITING, /* waits for credit */
  SLOT_GAP,
} SlotState;

struct BusSlot
{
  SlotState state;
  BusSubscription *subscription;
  BusSlot *previous; /* in the subscription's FIFO */
  BusSlot *next;
  BusEntry *entry;           /* QUEUED */
  BusSlot *sibling_previous; /* in the entry */
  BusSlot *sibling_next;
  BusMessage *message;  /* WAITING: own reference */
  BusDelivery delivery; /* WAITING */
  WireLane lane;        /* GAP: where the loss was */
  guint64 gap_from;
  guint64 gap_to;
  guint64 gap_count;
  guint32 gap_reason;
};

struct BusEntry
{
  BusEntry *next;
  BusMessage *message;
  BusDelivery delivery;
  BusSlot *slots;
  gboolean plain; /* for the peer itself: encoded without slots */
};

static gsize
entry_cost (const BusMessage *message)
{
  return sizeof (BusEntry) + message->body.len;
}

static gsize
waiting_cost (const BusMessage *message)
{
  return message->body.len;
}

/* --- accounting --- */

static void
charge (BusFlow *flow, gsize bytes)
{
  bus_quota_charge (flow->outq.quota, flow->outq.usage, bytes);
}

static void
refund (BusFlow *flow, gsize bytes)
{
  bus_quota_refund (flow->outq.quota, flow->outq.usage, bytes);
}

static void
count_waiting (BusFlow *flow, gsize bytes)
{
  flow->waiting_bytes += bytes;
  flow->waiting_messages++;
  charge (flow, bytes);
}

static void
uncount_waiting (BusFlow *flow, gsize bytes)
{
  g_assert (flow->waiting_bytes >= bytes && flow->waiting_messages > 0);
  flow->waiting_bytes -= bytes;
  flow->waiting_messages--;
  refund (flow, bytes);
}

gsize
bus_flow_bytes (const BusFlow *flow)
{
  return bus_outq_bytes (&flow->outq) + flow->waiting_bytes;
}

/* --- slots in a subscription's FIFO --- */

static BusSlot *
slot_append (BusFlow *flow, BusSubscription *subscription, SlotState state)
{
  BusSlot *slot = g_slice_new0 (BusSlot);

  slot->state = state;
  slot->subscription = subscription;
  slot->previous = subscription->last;
  if (subscription->last != NULL)
    subscription->last->next = slot;
  else
    subscription->first = slot;
  subscription->last = slot;
  if (state == SLOT_WAITING && subscription->first_waiting == NULL)
    subscription->first_waiting = slot;
  charge (flow, sizeof (BusSlot));
  return slot;
}

static BusSlot *
next_waiting (BusSlot *slot)
{
  while (slot != NULL && slot->state != SLOT_WAITING)
    slot = slot->next;
  return slot;
}

static void
slot_remove (BusFlow *flow, BusSlot *slot)
{
  BusSubscription *subscription = slot->subscription;

  if (subscription->first_waiting == slot)
    subscription->first_waiting = next_waiting (slot->next);
  if (slot->previous != NULL)
    slot->previous->next = slot->next;
  else
    subscription->first = slot->next;
  if (slot->next != NULL)
    slot->next->previous = slot->previous;
  else
    subscription->last = slot->previous;
  g_clear_pointer (&slot->message, bus_message_unref);
  g_slice_free (BusSlot, slot);
  refund (flow, sizeof (BusSlot));
}

/* --- entries in a lane --- */

static BusEntry *
entry_append (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery)
{
  BusEntry *entry = g_slice_new0 (BusEntry);

  entry->message = bus_message_ref (message);
  entry->delivery = *delivery;
  if (flow->lanes[lane].last != NULL)
    flow->lanes[lane].last->next = entry;
  else
    flow->lanes[lane].first = entry;
  flow->lanes[lane].last = entry;
  count_waiting (flow, entry_cost (message));
  return entry;
}

static void
entry_hang (BusEntry *entry, BusSlot *slot)
{
  slot->state = SLOT_QUEUED;
  slot->entry = entry;
  slot->sibling_next = entry->slots;
  if (entry->slots != NULL)
    entry->slots->sibling_previous = slot;
  entry->slots = slot;
}

static void
entry_unhang (BusSlot *slot)
{
  if (slot->sibling_previous != NULL)
    slot->sibling_previous->sibling_next = slot->sibling_next;
  else
    slot->entry->slots = slot->sibling_next;
  if (slot->sibling_next != NULL)
    slot->sibling_next->sibling_previous = slot->sibling_previous;
}

/* Takes the first entry of the lane out; the caller frees it. */
static BusEntry *
entry_pop (BusFlow *flow, WireLane lane)
{
  BusEntry *entry = flow->lanes[lane].first;

  flow->lanes[lane].first = entry->next;
  if (entry->next == NULL)
    flow->lanes[lane].last = NULL;
  return entry;
}

static void
entry_free (BusFlow *flow, BusEntry *entry)
{
  g_assert (entry->slots == NULL);
  uncount_waiting (flow, entry_cost (entry->message));
  bus_message_unref (entry->message);
  g_slice_free (BusEntry, entry);
}

/* --- encoding --- */

static gboolean
encode (BusFlow *flow, WireLane lane, const BusStamp *stamp, WireSpan body, BusMessage *refer,
        const BusDelivery *delivery, guint n_ids, gint64 now_us)
{
  WireStampOwn own = { .subscriptions = flow->scratch->ids,
                       .n_subscriptions = n_ids,
                       .route_id = delivery->route_id,
                       .answers = delivery->answers };

  if (delivery->due_us > 0)
    own.remaining_us = (guint64) MAX (delivery->due_us - now_us, 1);
  return bus_outq_put_message (&flow->outq, lane, delivery->kind, delivery->flags, stamp, &own, body, refer);
}

static gboolean
encode_gap (BusFlow *flow, const BusSlot *slot)
{
  WireEnvelope gap;

  wire_envelope_init (&gap);
  gap.subscription = slot->subscription->id;
  gap.gap_from = slot->gap_from;
  gap.gap_to = slot->gap_to;
  gap.gap_count = slot->gap_count;
  gap.gap_reason = slot->gap_reason;
  return bus_outq_put (&flow->outq, slot->lane, WIRE_KIND_GAP, 0, &gap, wire_span (NULL, 0));
}

/* Tells the gaps at the front of a FIFO: everything before them is encoded. */
static void
tell_gaps (BusFlow *flow, BusSubscription *subscription)
{
  while (subscription->first != NULL && subscription->first->state == SLOT_GAP
         && encode_gap (flow, subscription->first))
    slot_remove (flow, subscription->first);
}

static gboolean
lane_is_clear (const BusFlow *flow, WireLane lane)
{
  return flow->lanes[lane].first == NULL && bus_outq_lane_bytes (&flow->outq, lane) < BUS_FLOW_ENCODED_MAX;
}

static guint
entry_ids (const BusEntry *entry, guint32 *ids)
{
  guint n = 0;

  for (const BusSlot *slot = entry->slots; slot != NULL; slot = slot->sibling_next)
    ids[n++] = slot->subscription->id;
  return n;
}

static void
entry_encoded (BusFlow *flow, BusEntry *entry)
{
  while (entry->slots != NULL)
    {
      BusSlot *slot = entry->slots;
      BusSubscription *subscription = slot->subscription;

      entry_unhang (slot);
      slot_remove (flow, slot);
      subscription->delivered++;
      flow->delivered++;
      tell_gaps (flow, subscription);
    }
}

/* A request whose requester gave up meanwhile: nobody wants it any more, and its credit was not spent. */
static gboolean
is_overdue (const BusEntry *entry, gint64 now_us)
{
  return entry->delivery.due_us > 0 && entry->delivery.due_us <= now_us;
}

static void
entry_discard (BusFlow *flow, BusEntry *entry)
{
  while (entry->slots != NULL)
    {
      BusSlot *slot = entry->slots;
      BusSubscription *subscription = slot->subscription;

      bus_window_unuse (&subscription->window, entry->message->payload_len);
      entry_unhang (slot);
      slot_remove (flow, slot);
      tell_gaps (flow, subscription);
    }
}

/* FALSE: no memory now; the entry stays and is tried again at the next pump. */
static gboolean
pump_first (BusFlow *flow, WireLane lane, gint64 now_us)
{
  BusEntry *entry = flow->lanes[lane].first;
  BusMessage *message = entry->message;
  guint n;

  if (is_overdue (entry, now_us))
    entry_discard (flow, entry);
  n = entry_ids (entry, flow->scratch->ids);
  if (n > 0 || entry->plain)
    {
      BusMessage *refer = message->body.len > BUS_OUTQ_COPY_MAX_FANOUT ? message : NULL;

      if (!encode (flow, lane, &message->stamp, message->body, refer, &entry->delivery, n, now_us))
        return FALSE;
    }
  entry_encoded (flow, entry);
  entry_free (flow, entry_pop (flow, lane));
  return TRUE;
}

void
bus_flow_pump (BusFlow *flow, gint64 now_us)
{
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    while (flow->lanes[lane].first != NULL && bus_outq_lane_bytes (&flow->outq, lane) < BUS_FLOW_ENCODED_MAX)
      if (!pump_first (flow, lane, now_us))
        break;
  if (bus_flow_bytes (flow) < flow->limits->queue_soft_bytes)
    flow->soft_since_us = 0;
}

/* --- room and loss --- */

gboolean
bus_flow_takes (BusFlow *flow, gsize bytes, gint64 now_us)
{
  gsize held = bus_flow_bytes (flow);

  if (held < flow->limits->queue_soft_bytes)
    flow->soft_since_us = 0;
  else if (flow->soft_since_us == 0)
    flow->soft_since_us = now_us;
  else if (now_us - flow->soft_since_us >= (gint64) flow->limits->queue_soft_timeout_us)
    return FALSE;
  return held + bytes <= flow->limits->queue_hard_bytes;
}

gboolean
bus_flow_has_room (const BusFlow *flow, const BusSubscription *subscription)
{
  return bus_window_is_open (&subscription->window) && subscription->first_waiting == NULL
         && bus_flow_bytes (flow) < flow->limits->queue_soft_bytes;
}

/* Drops the newest for one subscription. TRUE: a new gap began. */
static gboolean
lose (BusFlow *flow, BusSubscription *subscription, WireLane lane, guint64 accept_seq, guint32 reason)
{
  BusSlot *gap = subscription->last;
  gboolean is_new = gap == NULL || gap->state != SLOT_GAP || gap->lane != lane || gap->gap_reason != reason;

  if (is_new)
    {
      gap = slot_append (flow, subscription, SLOT_GAP);
      gap->lane = lane;
      gap->gap_from = accept_seq;
      gap->gap_reason = reason;
    }
  gap->gap_to = accept_seq;
  gap->gap_count++;
  subscription->missed++;
  flow->missed++;
  return is_new;
}

static void
lose_all (BusFlow *flow, const BusInbound *inbound, BusSubscription *const *subscriptions, guint n, guint32 reason,
          gboolean *first_loss)
{
  for (guint i = 0; i < n; i++)
    if (lose (flow, subscriptions[i], inbound->class_of.lane, inbound->accept_seq, reason) && first_loss != NULL)
      *first_loss = TRUE;
}

/* --- offers --- */

/* Sorts into those that have credit and those that wait, in order; returns how many have credit. */
static guint
split_by_credit (BusSubscription *const *subscriptions, guint n, BusSubscription **ready, BusSubscription **waiting,
                 guint *n_waiting)
{
  guint n_ready = 0;

  *n_waiting = 0;
  for (guint i = 0; i < n; i++)
    if (subscriptions[i]->first_waiting == NULL && bus_window_is_open (&subscriptions[i]->window))
      ready[n_ready++] = subscriptions[i];
    else
      waiting[(*n_waiting)++] = subscriptions[i];
  return n_ready;
}

/* The fast path: encoded from where the bytes lie. */
static gboolean
encode_now (BusFlow *flow, BusInbound *inbound, WireLane lane, const BusDelivery *delivery, guint n_ids, gint64 now_us)
{
  BusMessage *refer = NULL;

  if (inbound->frame.body.len > inbound->copy_max)
    {
      refer = bus_inbound_keep (inbound);
      if (refer == NULL)
        return FALSE;
    }
  return encode (flow, lane, &inbound->stamp, bus_inbound_body (inbound), refer, delivery, n_ids, now_us);
}

static gboolean
queue_ready (BusFlow *flow, BusInbound *inbound, const BusDelivery *delivery, BusSubscription **ready, guint n,
             gint64 now_us)
{
  WireLane lane = inbound->class_of.lane;
  BusMessage *message;
  BusEntry *entry;

  if (lane_is_clear (flow, lane))
    {
      for (guint i = 0; i < n; i++)
        flow->scratch->ids[i] = ready[i]->id;
      if (!encode_now (flow, inbound, lane, delivery, n, now_us))
        return FALSE;
      for (guint i = 0; i < n; i++)
        ready[i]->delivered++;
      flow->delivered += n;
    }
  else
    {
      message = bus_inbound_keep (inbound);
      if (message == NULL)
        return FALSE;
      entry = entry_append (flow, lane, message, delivery);
      for (guint i = 0; i < n; i++)
        entry_hang (entry, slot_append (flow, ready[i], SLOT_QUEUED));
    }
  for (guint i = 0; i < n; i++)
    bus_window_use (&ready[i]->window, inbound->envelope->payload.len);
  return TRUE;
}

static gboolean
queue_waiting (BusFlow *flow, BusInbound *inbound, const BusDelivery *delivery, BusSubscription *subscription)
{
  BusMessage *message = bus_inbound_keep (inbound);
  BusSlot *slot;

  if (message == NULL)
    return FALSE;
  slot = slot_append (flow, subscription, SLOT_WAITING);
  slot->message = bus_message_ref (message);
  slot->delivery = *delivery;
  slot->lane = inbound->class_of.lane;
  count_waiting (flow, waiting_cost (message));
  return TRUE;
}

guint
bus_flow_offer (BusFlow *flow, BusInbound *inbound, const BusDelivery *delivery, BusSubscription *const *subscriptions,
                guint n, gint64 now_us, gboolean *first_loss)
{
  BusSubscription **ready = flow->scratch->ready;
  BusSubscription **waiting = flow->scratch->waiting;
  gsize len = inbound->frame.body.len;
  guint queued = 0;
  guint n_waiting, n_ready;

  g_assert (n <= WIRE_SUBSCRIPTIONS_MAX);
  if (!bus_flow_takes (flow, len, now_us))
    {
      lose_all (flow, inbound, subscriptions, n, WIRE_STATUS_SLOW_CONSUMER, first_loss);
      return 0;
    }

  n_ready = split_by_credit (subscriptions, n, ready, waiting, &n_waiting);
  if (n_ready > 0 && queue_ready (flow, inbound, delivery, ready, n_ready, now_us))
    queued = n_ready;
  else
    lose_all (flow, inbound, ready, n_ready, WIRE_STATUS_NO_MEMORY, first_loss);

  for (guint i = 0; i < n_waiting; i++)
    if (!bus_flow_takes (flow, len, now_us))
      lose_all (flow, inbound, &waiting[i], 1, WIRE_STATUS_SLOW_CONSUMER, first_loss);
    else if (queue_waiting (flow, inbound, delivery, waiting[i]))
      queued++;
    else
      lose_all (flow, inbound, &waiting[i], 1, WIRE_STATUS_NO_MEMORY, first_loss);
  return queued;
}

gboolean
bus_flow_offer_plain (BusFlow *flow, BusInbound *inbound, WireLane lane, const BusDelivery *delivery, gint64 now_us)
{
  BusMessage *message;

  if (!bus_flow_takes (flow, inbound->frame.body.len, now_us))
    return FALSE;
  if (lane_is_clear (flow, lane))
    return encode_now (flow, inbound, lane, delivery, 0, now_us);
  message = bus_inbound_keep (inbound);
  if (message == NULL)
    return FALSE;
  entry_append (flow, lane, message, delivery)->plain = TRUE;
  return TRUE;
}

/* --- credit and leaving --- */

void
bus_flow_credit (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  while (subscription->first_waiting != NULL && bus_window_is_open (&subscription->window))
    {
      BusSlot *slot = subscription->first_waiting;
      BusMessage *message = slot->message;
      BusEntry *entry = entry_append (flow, slot->lane, message, &slot->delivery);

      bus_window_use (&subscription->window, message->payload_len);
      uncount_waiting (flow, waiting_cost (message));
      g_clear_pointer (&slot->message, bus_message_unref);
      subscription->first_waiting = next_waiting (slot->next);
      entry_hang (entry, slot);
    }
  bus_flow_pump (flow, now_us);
}

guint
bus_flow_forget (BusFlow *flow, BusSubscription *subscription, GPtrArray *unsent)
{
  guint n = 0;

  while (subscription->first != NULL)
    {
      BusSlot *slot = subscription->first;
      BusMessage *message = slot->state == SLOT_QUEUED ? slot->entry->message : slot->message;

      if (slot->state != SLOT_GAP)
        {
          n++;
          if (unsent != NULL)
            g_ptr_array_add (unsent, bus_message_ref (message));
        }
      if (slot->state == SLOT_QUEUED)
        {
          bus_window_unuse (&subscription->window, message->payload_len);
          entry_unhang (slot);
        }
      else if (slot->state == SLOT_WAITING)
        uncount_waiting (flow, waiting_cost (message));
      slot_remove (flow, slot);
    }
  return n;
}

void
bus_flow_init (BusFlow *flow, const BusLimits *limits, BusFlowScratch *scratch, BusSegmentPool *pool, BusQuota *quota,
               BusUsage *usage)
{
  *flow = (BusFlow){ .limits = limits, .scratch = scratch };
  bus_outq_init (&flow->outq, pool, quota, usage);
}

void
bus_flow_clear (BusFlow *flow)
{
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    while (flow->lanes[lane].first != NULL)
      entry_free (flow, entry_pop (flow, lane));
  bus_outq_clear (&flow->outq);
}
