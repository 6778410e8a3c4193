/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"

/* Messages: a view costs nothing; a kept message is immutable, shared, and held against the cap until the last reference. */

#define TOPIC "events.process"

static void
test_view_is_not_charged (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, TOPIC, 100);

  g_assert_cmpuint (queue->quota.memory, ==, 0);
  g_assert_cmpuint (queue->quota.charged, ==, 0);
  g_assert_true (bus_inbound_body (&arrival->inbound).data == arrival->body);
}

static void
test_keep (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, TOPIC, 100);
  WireSpan body = arrival->inbound.frame.body;
  BusMessage *message;

  arrival->inbound.expires_us = 77;
  message = bus_inbound_keep (&arrival->inbound);
  g_assert_nonnull (message);
  g_assert_true (bus_inbound_keep (&arrival->inbound) == message);
  g_assert_cmpuint (message->refs, ==, 1);
  g_assert_cmpuint (queue->quota.memory, ==, bus_message_size (body.len));
  g_assert_cmpuint (bus_message_cost (message), ==, bus_message_size (body.len));
  g_assert_cmpuint (queue->quota.charged, ==, 0);

  g_assert_cmpmem (message->body.data, message->body.len, body.data, body.len);
  g_assert_true (message->body.data != body.data);
  g_assert_true (bus_inbound_body (&arrival->inbound).data == message->body.data);
  g_assert_cmpmem (message->topic.data, message->topic.len, TOPIC, strlen (TOPIC));
  g_assert_true (message->topic.data > message->body.data
                 && message->topic.data < message->body.data + message->body.len);
  g_assert_cmpuint (message->payload_len, ==, 100);
  g_assert_cmpuint (message->accept_seq, ==, 1);
  g_assert_cmpint (message->expires_us, ==, 77);
  g_assert_cmpuint (message->domain, ==, bus_domain_of_topic (wire_span_str (TOPIC)));
  g_assert_cmpuint (message->class_of.lane, ==, WIRE_LANE_DATA);
  g_assert_cmpmem (message->stamp.bytes, message->stamp.len, arrival->inbound.stamp.bytes, arrival->inbound.stamp.len);
}

/* A kept message stays valid when the read buffer is reused after the input call. */
static void
test_outlives_the_view (Queue *queue, gconstpointer data)
{
  Arrival *arrival = arrival_new (queue, TOPIC, 5000);
  gsize len = arrival->inbound.frame.body.len;
  g_autofree guint8 *bytes = g_memdup2 (arrival->body, len);
  BusMessage *message = bus_message_ref (bus_inbound_keep (&arrival->inbound));

  memset (arrival->body, 0xff, len);
  arrival_free (arrival);
  g_assert_cmpuint (message->refs, ==, 1);
  g_assert_cmpuint (queue->quota.memory, ==, message->held);
  g_assert_cmpmem (message->body.data, message->body.len, bytes, len);
  bus_message_unref (message);
  g_assert_cmpuint (queue->quota.memory, ==, 0);
}

static void
test_cap (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, TOPIC, 100);
  gsize size = bus_message_size (arrival->inbound.frame.body.len);

  queue->quota.cap = size - 1;
  g_assert_null (bus_inbound_keep (&arrival->inbound));
  g_assert_null (arrival->inbound.kept);
  g_assert_cmpuint (queue->quota.memory, ==, 0);
  g_assert_true (bus_inbound_body (&arrival->inbound).data == arrival->body);

  queue->quota.cap = size;
  g_assert_nonnull (bus_inbound_keep (&arrival->inbound));
  g_assert_cmpuint (queue->quota.memory, ==, size);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

/* The cap has room, but the allocation fails: nothing stays held. */
static void
test_no_memory (Queue *queue, gconstpointer data)
{
#ifdef HAS_SANITIZER
  g_test_skip ("a sanitizer ends the program when an allocation is too large");
#else
  static const guint8 byte;
  WireEnvelope envelope;
  BusInbound inbound = { .envelope = &envelope, .quota = &queue->quota };

  wire_envelope_init (&envelope);
  queue->quota.cap = G_MAXUINT64;
  inbound.frame.body = wire_span (&byte, G_MAXSIZE / 4 * 3); /* more than an allocation can have; it is never read */
  g_assert_null (bus_inbound_keep (&inbound));
  g_assert_null (inbound.kept);
  g_assert_cmpuint (queue->quota.memory, ==, 0);
#endif
}

/* If the body has no bytes, topic and payload are empty spans. */
static void
test_empty_body (Queue *queue, gconstpointer data)
{
  WireEnvelope envelope;
  BusInbound inbound = { .envelope = &envelope, .quota = &queue->quota };
  const BusMessage *message;

  wire_envelope_init (&envelope);
  message = bus_inbound_keep (&inbound);
  g_assert_nonnull (message);
  g_assert_null (message->block);
  g_assert_cmpuint (message->body.len, ==, 0);
  g_assert_cmpuint (message->topic.len, ==, 0);
  bus_inbound_clear (&inbound);
}

/* Feeds a frame in two halves, so that the reader collects it in its own block. */
static void
collect_frame (WireFrameReader *reader, const Arrival *arrival, WireFrame *frame)
{
  WireSpan body = arrival->inbound.frame.body;
  g_autofree guint8 *bytes = g_malloc (WIRE_FRAME_HEADER_LEN + body.len);
  WireSpan input;

  wire_frame_put_header (bytes, WIRE_KIND_PUBLISH, 0, (guint32) body.len);
  memcpy (bytes + WIRE_FRAME_HEADER_LEN, body.data, body.len);
  wire_frame_reader_init (reader, 1u << 20);
  input = wire_span (bytes, WIRE_FRAME_HEADER_LEN + body.len / 2);
  g_assert_cmpint (wire_frame_reader_next (reader, &input, frame), ==, WIRE_FRAME_MORE);
  input = wire_span (input.data, body.len - body.len / 2);
  g_assert_cmpint (wire_frame_reader_next (reader, &input, frame), ==, WIRE_FRAME_COMPLETE);
  g_assert_true (frame->in_block);
}

/* While little memory is held, the message takes over the reader's block; above a quarter of the cap the body is copied. */
static void
test_block_taken_or_body_copied (Queue *queue, gconstpointer data)
{
  const gsize limit = queue->quota.cap / 4;

  for (guint above = 0; above < 2; above++)
    {
      g_autoptr (Arrival) arrival = arrival_new (queue, TOPIC, 5000);
      gsize size = bus_message_size (arrival->inbound.frame.body.len);
      WireFrameReader reader;
      WireReadResult result;
      const guint8 *where;
      BusMessage *message;

      collect_frame (&reader, arrival, &arrival->inbound.frame);
      arrival->inbound.reader = &reader;
      where = arrival->inbound.frame.body.data;
      result
          = wire_envelope_read (arrival->inbound.frame.body, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &arrival->envelope);
      g_assert_cmpuint (result.status, ==, WIRE_STATUS_OK);

      g_assert_true (bus_quota_hold (&queue->quota, limit - size + above));
      message = bus_inbound_keep (&arrival->inbound);
      g_assert_nonnull (message);
      if (above == 0)
        g_assert_true (message->body.data == where);
      else
        g_assert_true (message->body.data != where);
      g_assert_true (wire_frame_reader_held (&reader) == (above == 0 ? 0 : reader.capacity));
      wire_frame_reader_clear (&reader);
      g_assert_cmpmem (message->body.data, message->body.len, arrival->body, message->body.len);
      g_assert_cmpmem (message->topic.data, message->topic.len, TOPIC, strlen (TOPIC));
      bus_quota_release (&queue->quota, limit - size + above);
    }
}

static void
test_view_of_a_kept_message (Queue *queue, gconstpointer data)
{
  Arrival *arrival = arrival_new (queue, "tasks.one", 100);
  BusMessage *message = bus_message_ref (bus_inbound_keep (&arrival->inbound));
  BusTicket *ticket = bus_inbound_ticket (&arrival->inbound, QUEUE_NOW_US);
  BusInbound again;
  WireEnvelope envelope;

  arrival_free (arrival);
  bus_inbound_view_kept (&again, message, ticket, &envelope);
  g_assert_true (again.kept == message && again.ticket == ticket);
  g_assert_cmpuint (message->refs, ==, 2);
  g_assert_cmpuint (ticket->refs, ==, 2);
  g_assert_true (bus_inbound_keep (&again) == message);
  g_assert_true (again.envelope == &envelope);
  g_assert_true (wire_span_equal (envelope.topic, WIRE_SPAN_LITERAL ("tasks.one")));
  g_assert_cmpuint (envelope.payload.len, ==, 100);
  g_assert_true (wire_span_equal (bus_inbound_body (&again), message->body));
  g_assert_true (wire_span_equal (again.frame.body, message->body));
  g_assert_cmpuint (again.accept_seq, ==, message->accept_seq);
  g_assert_cmpuint (again.class_of.credit_class, ==, WIRE_CLASS_MUST_KEEP);
  g_assert_cmpuint (again.copy_max, ==, 0);
  g_assert_null (again.publisher);
  g_assert_cmpmem (again.stamp.bytes, again.stamp.len, message->stamp.bytes, message->stamp.len);

  bus_inbound_clear (&again);
  bus_inbound_clear (&again); /* the second call has no effect */
  g_assert_cmpuint (message->refs, ==, 1);
  g_assert_cmpuint (ticket->refs, ==, 1);
  bus_ticket_unref (ticket);
  bus_message_unref (message);
}

/* All receivers share one ticket; there is none if there is no credit to withhold. */
static void
test_ticket (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, "tasks.one", 100);
  g_autoptr (Arrival) ours = arrival_new_from (queue, NULL, "tasks.one", 100);
  g_autoptr (Arrival) free_of_charge = arrival_new (queue, "tasks.one", 100);
  BusTicket *first = bus_inbound_ticket (&arrival->inbound, QUEUE_NOW_US);
  BusTicket *second = bus_inbound_ticket (&arrival->inbound, QUEUE_NOW_US);

  g_assert_nonnull (first);
  g_assert_true (first == second && first == arrival->inbound.ticket);
  g_assert_cmpuint (first->refs, ==, 3);
  g_assert_cmpuint (first->bytes, ==, arrival->inbound.frame.body.len);
  g_assert_cmpuint (first->messages, ==, 1);
  g_assert_cmpuint (bus_inbound_keep (&arrival->inbound)->id, ==, arrival->envelope.id);
  g_assert_cmpuint (bus_ledger_allowance (&queue->publisher, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 1);
  bus_ticket_unref (first);
  bus_ticket_unref (second);

  g_assert_null (bus_inbound_ticket (&ours->inbound, QUEUE_NOW_US));
  free_of_charge->inbound.class_of.credit_class = WIRE_CLASS_NONE;
  g_assert_null (bus_inbound_ticket (&free_of_charge->inbound, QUEUE_NOW_US));
  free_of_charge->inbound.class_of.credit_class = WIRE_CLASS_MUST_KEEP;
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 1);
}

/* The receiver decodes the broker's stamp and the client's bytes as one envelope. */
static void
test_stamp (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, TOPIC, 3);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  WireEnvelope envelope;
  WireReadResult result;

  bus_inbound_stamp (&arrival->inbound, wire_span_str ("procmond-1"), 4711, 123456789);
  g_assert_cmpuint (arrival->inbound.accept_seq, ==, 4711);
  g_byte_array_append (bytes, arrival->inbound.stamp.bytes, arrival->inbound.stamp.len);
  g_byte_array_append (bytes, arrival->body, (guint) arrival->inbound.frame.body.len);
  result = wire_envelope_read (wire_span (bytes->data, bytes->len), WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &envelope);
  g_assert_cmpuint (result.status, ==, WIRE_STATUS_OK);
  g_assert_true (wire_span_equal (envelope.sender, WIRE_SPAN_LITERAL ("procmond-1")));
  g_assert_true (wire_span_equal (envelope.topic, WIRE_SPAN_LITERAL (TOPIC)));
  g_assert_cmpuint (envelope.accept_seq, ==, 4711);
  g_assert_cmpuint (envelope.accept_time_us, ==, 123456789);
}

/* The charge of a message includes the overhead of malloc, and a share for fragmentation. */
static void
test_size (void)
{
  g_assert_cmpuint (bus_message_size (0), >, sizeof (BusMessage));
  g_assert_cmpuint (bus_message_size (1600) - bus_message_size (0), ==, 1700);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/message/view-is-not-charged", test_view_is_not_charged);
  QUEUE_ADD ("/core/message/keep", test_keep);
  QUEUE_ADD ("/core/message/outlives-the-view", test_outlives_the_view);
  QUEUE_ADD ("/core/message/R04-cap", test_cap);
  QUEUE_ADD ("/core/message/R10-no-memory", test_no_memory);
  QUEUE_ADD ("/core/message/empty-body", test_empty_body);
  QUEUE_ADD ("/core/message/block-taken-or-body-copied", test_block_taken_or_body_copied);
  QUEUE_ADD ("/core/message/view-of-a-kept-message", test_view_of_a_kept_message);
  QUEUE_ADD ("/core/message/B04-ticket", test_ticket);
  QUEUE_ADD ("/core/message/stamp", test_stamp);
  g_test_add_func ("/core/message/size", test_size);
  return g_test_run ();
}
