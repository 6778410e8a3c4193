/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"
#include "queue/bus-fifo-run.h"
#include "queue/bus-unsettled.h"

/* The state of a queue as text, and the checks that its links, counts and charges agree. */

/* --- consistency --- */

static gboolean
entry_has_slot (const BusEntry *entry, const BusSlot *slot)
{
  for (const BusSlot *other = entry->slots; other != NULL; other = other->sibling_next)
    {
      g_assert_true (other->entry == entry && other->lane == entry->lane && other->message == entry->message);
      g_assert_true (other->sibling_next == NULL || other->sibling_next->sibling_previous == other);
      if (other == slot)
        return TRUE;
    }
  return FALSE;
}

/* Returns the number of messages of a slot that is not a gap, the accept sequence of the first one, and their sizes. */
static guint
slot_messages (const BusSlot *slot)
{
  return slot->run != NULL ? slot->run->n : 1;
}

static guint64
slot_seq (const BusSlot *slot)
{
  return slot->run != NULL ? bus_waiting_run_seq (slot->run) : slot->message->accept_seq;
}

static gsize
slot_cost (const BusSlot *slot)
{
  return slot->run != NULL ? slot->run->cost : bus_message_cost (slot->message);
}

static gsize
slot_bytes (const BusSlot *slot)
{
  return slot->run != NULL ? slot->run->bytes : slot->message->body.len;
}

static void
slot_check (const Queue *queue, const BusSubscription *subscription, const BusSlot *slot)
{
  g_assert_true (slot->subscription == subscription);
  if (slot->state == BUS_DELIVERY_LOST)
    {
      g_assert_true (slot->message == NULL && slot->ticket == NULL && slot->expiry == NULL);
      g_assert_cmpuint (slot->gap_from, <=, slot->gap_to);
      g_assert_cmpuint (slot->gap_count, >, 0);
      return;
    }
  if (slot->run != NULL)
    {
      g_assert_cmpuint (slot->run->n, >, 0);
      g_assert_true (slot->message == NULL && slot->expiry == NULL && slot->state == BUS_DELIVERY_WAITING);
      g_assert_true (bus_waiting_run_is_covered (slot->run, sizeof (BusSlot)));
      return;
    }
  g_assert_cmpuint (slot->message->class_of.lane, ==, slot->lane);
  g_assert_true (slot->expiry == NULL || bus_deadline_is_armed (&slot->expiry->deadline));
  if (slot->state == BUS_DELIVERY_QUEUED)
    g_assert_true (entry_has_slot (slot->entry, slot));
  if (slot->is_indexed)
    g_assert_true (bus_fifo_find (&queue->flow, subscription, slot->message->topic) == slot);
}

/* Asserts that each lane has the order of the FIFO, that accept sequences rise, and that there is at most one gap for each reason
 * between two messages. */
static void
lane_order_check (const BusFifo *fifo, WireLane lane)
{
  const BusSlot *in_lane = fifo->lane_first[lane];
  const BusSlot *previous = NULL;
  gboolean seen[BUS_N_LOSSES] = { FALSE };
  guint64 accept_seq = 0;
  guint gaps = 0;

  for (const BusSlot *slot = fifo->first; slot != NULL; slot = slot->next)
    {
      if (slot->lane != lane)
        continue;
      g_assert_true (slot == in_lane && slot->lane_previous == previous);
      previous = slot;
      in_lane = slot->lane_next;
      if (slot->state == BUS_DELIVERY_LOST)
        {
          g_assert_false (seen[slot->gap_loss]);
          seen[slot->gap_loss] = TRUE;
          gaps++;
          continue;
        }
      memset (seen, 0, sizeof seen);
      g_assert_cmpuint (slot_seq (slot), >, accept_seq);
      accept_seq = slot_seq (slot) + slot_messages (slot) - 1;
    }
  g_assert_true (in_lane == NULL && fifo->lane_last[lane] == previous);
  g_assert_cmpuint (fifo->gaps[lane], ==, gaps);
}

typedef struct
{
  guint64 messages;
  gsize bytes;
  guint64 held_messages;
  gsize held_bytes;
  gsize sent; /* records of sent messages, and the messages that they keep */
  gsize lanes[WIRE_N_LANES];
} QueueSums;

static void
sums_add_slot (QueueSums *sums, const BusSlot *slot)
{
  if (slot->state == BUS_DELIVERY_LOST)
    {
      sums->bytes += sizeof (BusSlot);
      return;
    }
  sums->messages += slot_messages (slot);
  sums->bytes += slot_messages (slot) * sizeof (BusSlot) + slot_cost (slot);
  if (slot->expiry != NULL)
    sums->bytes += sizeof (BusTimer);
  if (slot->is_indexed)
    sums->bytes += BUS_FIFO_INDEX_COST;
  if (slot->state == BUS_DELIVERY_QUEUED)
    sums->lanes[slot->lane] += bus_message_cost (slot->message);
  if (slot->ticket == NULL && !slot->delivery.is_kept)
    return;
  sums->held_messages += slot_messages (slot);
  sums->held_bytes += slot_messages (slot) * sizeof (BusSlot) + slot_cost (slot);
}

/* Adds the records of sent messages. Returns the number of records with a ticket. */
static guint
sums_add_sent (QueueSums *sums, const BusSubscription *subscription)
{
  const BusRecords *records = subscription->records;
  guint64 kept = 0, kept_bytes = 0;
  guint tickets = 0;

  for (const BusSent *sent = records->first; sent != NULL; sent = sent->next)
    {
      g_assert_true (sent->next != NULL || records->last == sent);
      g_assert_true (sent->next == NULL || sent->next->index > sent->index);
      tickets += sent->ticket != NULL;
      kept += sent->message != NULL;
      kept_bytes += sent->message != NULL ? sent->message->body.len : 0;
      sums->sent += sizeof (BusSent) + (sent->message != NULL ? bus_message_cost (sent->message) : 0);
    }
  g_assert_cmpuint (records->kept_messages, ==, kept);
  g_assert_cmpuint (records->kept_bytes, ==, kept_bytes);
  g_assert_true ((kept > 0) == bus_deadline_is_armed (&records->settle_timer.deadline));
  return tickets;
}

static void
fifo_check (const Queue *queue, const BusSubscription *subscription, QueueSums *sums)
{
  const BusFifo *fifo = subscription->fifo;
  const BusSlot *previous = NULL;
  const BusSlot *first_waiting = NULL;
  guint64 messages = 0, bytes = 0, tickets = 0, indexed = 0, missed = 0, kept = 0, kept_bytes = 0;

  for (const BusSlot *slot = fifo->first; slot != NULL; previous = slot, slot = slot->next)
    {
      g_assert_true (slot->previous == previous);
      slot_check (queue, subscription, slot);
      sums_add_slot (sums, slot);
      g_assert_true (first_waiting == NULL || slot->state != BUS_DELIVERY_QUEUED);
      if (slot->state == BUS_DELIVERY_WAITING && first_waiting == NULL)
        first_waiting = slot;
      if (slot->state == BUS_DELIVERY_LOST)
        continue;
      messages += slot_messages (slot);
      bytes += slot_bytes (slot);
      tickets += slot->ticket != NULL;
      indexed += slot->is_indexed != FALSE;
      kept += slot->delivery.is_kept != FALSE;
      kept_bytes += slot->delivery.is_kept ? slot->message->body.len : 0;
    }
  g_assert_true (fifo->last == previous && fifo->first_waiting == first_waiting);
  g_assert_cmpuint (fifo->messages, ==, messages);
  g_assert_cmpuint (fifo->bytes, ==, bytes);
  g_assert_cmpuint (fifo->kept_messages, ==, kept);
  g_assert_cmpuint (fifo->kept_bytes, ==, kept_bytes);
  g_assert_true ((fifo->behind_since_us != 0) == (messages > 0));
  g_assert_cmpuint (fifo->by_topic != NULL ? g_hash_table_size (fifo->by_topic) : 0, ==, indexed);
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    lane_order_check (fifo, lane);

  g_assert_cmpuint (subscription->records->tickets, ==, tickets + sums_add_sent (sums, subscription));
  g_assert_true (subscription->records->tickets == 0
                 || bus_deadline_is_armed (&subscription->records->block_timer.deadline));
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    missed += bus_subscription_losses (subscription)->missed_by[i];
  g_assert_cmpuint (subscription->extra->missed, ==, missed);
}

static void
lane_check (const BusFlow *flow, WireLane lane, QueueSums *sums)
{
  const BusEntry *previous = NULL;

  for (const BusEntry *entry = flow->lanes[lane].first; entry != NULL; previous = entry, entry = entry->next)
    {
      gsize cost = sizeof (BusEntry) + (entry->plain ? bus_message_cost (entry->message) : 0);

      g_assert_true (entry->previous == previous && entry->lane == lane);
      g_assert_true (entry->plain == (entry->slots == NULL));
      sums->bytes += cost;
      sums->lanes[lane] += cost;
    }
  g_assert_true (flow->lanes[lane].last == previous);
  g_assert_cmpuint (flow->lanes[lane].bytes, ==, sums->lanes[lane]);
}

/* Asserts that the charges equal the memory that is held. */
static void
queue_check (const Queue *queue)
{
  const BusFlow *flow = &queue->flow;
  QueueSums sums = { 0 };

  for (guint i = 0; i < queue->subscriptions->len; i++)
    fifo_check (queue, g_ptr_array_index (queue->subscriptions, i), &sums);
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    lane_check (flow, lane, &sums);
  g_assert_cmpuint (flow->waiting_messages, ==, sums.messages);
  g_assert_cmpuint (flow->waiting_bytes, ==, sums.bytes);
  g_assert_cmpuint (flow->held_messages, ==, sums.held_messages);
  g_assert_cmpuint (flow->held_bytes, ==, sums.held_bytes);
  g_assert_cmpuint (queue->reader.usage.charged, ==,
                    bus_flow_bytes (flow) + sums.sent + queue->reader.n_tickets * sizeof (BusTicket));
  g_assert_cmpuint (queue->quota.charged, ==,
                    queue->reader.usage.charged + queue->publisher.usage.charged + queue->other.usage.charged);
  g_assert_cmpuint (queue->account.charged, ==, queue->quota.charged);
}

/* --- text --- */

static char
loss_letter (WireStatus status)
{
  static const char letters[BUS_N_LOSSES] = { 'f', 'r', 'e', 'n', 'l', 'd', 'u' };

  for (guint i = 0; i < BUS_N_LOSSES; i++)
    if (bus_loss_status (i) == status)
      return letters[i];
  g_assert_not_reached ();
}

static void text_add (GString *text, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
text_add (GString *text, const char *format, ...)
{
  va_list arguments;

  if (text->len > 0)
    g_string_append_c (text, ' ');
  va_start (arguments, format);
  g_string_append_vprintf (text, format, arguments);
  va_end (arguments);
}

static void
text_add_gap (GString *text, char letter, guint64 from, guint64 to, guint64 count, WireStatus reason)
{
  text_add (text, "%c%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "x%" G_GUINT64_FORMAT "%c", letter, from, to, count,
            loss_letter (reason));
}

char *
queue_fifo_text (const Queue *queue, const BusSubscription *subscription)
{
  static const char letters[][WIRE_N_LANES] = {
    [BUS_DELIVERY_QUEUED] = { 'Q', 'q' }, [BUS_DELIVERY_WAITING] = { 'W', 'w' }, [BUS_DELIVERY_LOST] = { 'G', 'g' }
  };
  GString *text = g_string_new (NULL);

  queue_check (queue);
  for (const BusSlot *slot = subscription->fifo->first; slot != NULL; slot = slot->next)
    {
      char letter = letters[slot->state][slot->lane];

      if (slot->state == BUS_DELIVERY_LOST)
        text_add_gap (text, letter, slot->gap_from, slot->gap_to, slot->gap_count, bus_loss_status (slot->gap_loss));
      else if (slot->run != NULL)
        text_add (text, "%c%" G_GUINT64_FORMAT "+%u", letter, slot_seq (slot), slot->run->n - 1);
      else
        text_add (text, "%c%" G_GUINT64_FORMAT, letter, slot_seq (slot));
    }
  return g_string_free (text, FALSE);
}

static char
kind_letter (guint8 kind)
{
  switch (kind)
    {
    case WIRE_KIND_DELIVER:
      return 'd';
    case WIRE_KIND_REQUEST:
      return 'r';
    case WIRE_KIND_REPLY:
      return 'a';
    default:
      g_assert_not_reached ();
    }
}

static int
id_compare (gconstpointer a, gconstpointer b)
{
  guint32 first = *(const guint32 *) a;
  guint32 second = *(const guint32 *) b;

  return (first > second) - (first < second);
}

static void
text_add_ids (GString *text, WireSpan subscriptions)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint32 id;

  while (wire_envelope_next_u32 (&subscriptions, &id))
    g_array_append_val (ids, id);
  g_array_sort (ids, id_compare);
  for (guint i = 0; i < ids->len; i++)
    g_string_append_printf (text, "%c%u", i == 0 ? ':' : ',', g_array_index (ids, guint32, i));
}

static void
text_add_frame (Queue *queue, GString *text, const WireFrame *frame)
{
  WireEnvelope envelope;

  if (frame->kind == WIRE_KIND_PING)
    {
      text_add (text, "p");
      return;
    }
  g_assert_cmpuint (wire_envelope_read (frame->body, frame->kind, WIRE_FROM_BROKER, &envelope).status, ==,
                    WIRE_STATUS_OK);
  queue->last_remaining_us = envelope.remaining_us;
  if (frame->kind == WIRE_KIND_GAP)
    {
      text_add_gap (text, 'g', envelope.gap_from, envelope.gap_to, envelope.gap_count,
                    (WireStatus) envelope.gap_reason);
      g_string_append_printf (text, ":%u", envelope.subscription);
      return;
    }
  text_add (text, "%c%" G_GUINT64_FORMAT, kind_letter (frame->kind), envelope.accept_seq);
  text_add_ids (text, envelope.subscriptions);
}

char *
queue_sent_text (Queue *queue)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  GString *text = g_string_new (NULL);
  WireFrameReader reader;
  WireFrame frame;
  WireSpan input;
  WireSpan spans[8];
  guint n;

  while ((n = bus_outq_gather (&queue->flow.outq, spans, G_N_ELEMENTS (spans))) > 0)
    {
      gsize before = bytes->len;

      for (guint i = 0; i < n; i++)
        g_byte_array_append (bytes, spans[i].data, (guint) spans[i].len);
      bus_outq_sent (&queue->flow.outq, bytes->len - before);
    }
  wire_frame_reader_init (&reader, 1u << 24);
  input = wire_span (bytes->data, bytes->len);
  while (wire_frame_reader_next (&reader, &input, &frame) == WIRE_FRAME_COMPLETE)
    text_add_frame (queue, text, &frame);
  g_assert_cmpuint (input.len, ==, 0);
  wire_frame_reader_clear (&reader);
  return g_string_free (text, FALSE);
}
