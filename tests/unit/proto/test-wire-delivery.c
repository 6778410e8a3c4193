/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-delivery.h"
#include "wire-envelope.h"
#include "wire-frame.h"

/* Usual deliveries, and whole frames: the short reader gives the same results as the general one. */

#define BODY_MAX 1024u

/* The parts of a body. The stamp of the broker precedes the bytes of the publisher. */
typedef struct
{
  const char *sender;
  guint64 accept_seq;
  guint64 accept_time_us;
  guint8 packed[6]; /* subscriptions, and their length */
  gsize packed_len;
  guint64 id;
  const char *topic;
  const char *type_name;
  gsize payload_len;
  guint32 priority;
  guint64 route_id;
  gboolean usual;
  gboolean retained;
  guint32 delivery;
} DeliveryRow;

static const DeliveryRow delivery_rows[] = {
  { "p", 1, 0, { 1 }, 1, 0, "events.a", NULL, 5, 0, 0, TRUE, FALSE, 0 },
  { "procmond-4711",
    G_MAXUINT32,
    G_GUINT64_CONSTANT (1795736000000000),
    { 127 },
    1,
    1,
    "events.a",
    "T",
    300,
    0,
    0,
    TRUE,
    FALSE,
    0 },
  { "p", G_MAXUINT64, G_MAXUINT64, { 1 }, 1, G_MAXUINT64, "e", NULL, 0, 0, 0, TRUE, FALSE, 0 },
  { "p", 0, 0, { 1 }, 1, 3, "e", "daemoneye.ProcessEvent", 0, 0, 0, TRUE, FALSE, 0 },
  { "p", 1, 0, { 0x80, 1 }, 2, 3, "e", NULL, 1, 0, 0, TRUE, FALSE, 0 },
  { "p", 1, 0, { 0xa0, 0x8d, 6 }, 3, 3, "e", NULL, 9, 0, 0, TRUE, FALSE, 0 },
  { "p", 1, 0, { 0xff, 0xff, 0xff, 0xff, 15 }, 5, 3, "e", NULL, 1, 0, 0, TRUE, FALSE, 0 },  /* the largest number */
  { "p", 1, 0, { 0x80, 0x80, 0x80, 0x80, 16 }, 5, 3, "e", NULL, 1, 0, 0, FALSE, FALSE, 0 }, /* a larger one */
  { "p", 1, 0, { 1, 2 }, 2, 3, "e", NULL, 1, 0, 0, FALSE, FALSE, 0 },                       /* two subscriptions */
  { "p", 1, 0, { 0x80, 1, 2 }, 3, 3, "e", NULL, 1, 0, 0, FALSE, FALSE, 0 },
  { "p", 1, 0, { 1 }, 1, 3, "e", NULL, 1, 7, 0, FALSE, FALSE, 0 }, /* a priority */
  { "p", 1, 0, { 1 }, 1, 3, "e", NULL, 1, 0, 9, FALSE, FALSE, 0 }, /* a request */
  { "p", 1, 2, { 1 }, 1, 3, "e", NULL, 5, 0, 0, TRUE, TRUE, WIRE_DELIVERY_RETAIN_CONNECTED },
  { "p", 1, 2, { 1 }, 1, 3, "e", "T", 0, 0, 0, TRUE, TRUE, 127 },
  { "p", 1, 2, { 1 }, 1, 3, "e", "T", 300, 0, 0, TRUE, TRUE, 0 },
  { "p", 1, 2, { 1 }, 1, 3, "e", NULL, 1, 0, 0, FALSE, TRUE, 128 },
  { "p", 1, 2, { 1 }, 1, 3, "e", NULL, 1, 7, 0, FALSE, TRUE, 4 },
  { "p", 1, 2, { 1 }, 1, 3, "e", NULL, 1, 0, 0, FALSE, FALSE, 4 }, /* not retained */
  { "p", 1, 2, { 1 }, 1, 3, "", NULL, 1, 0, 0, FALSE, TRUE, 4 },
  { "", 1, 0, { 1 }, 1, 3, "e", NULL, 1, 0, 0, FALSE, FALSE, 0 },         /* no sender */
  { "p", 1, 0, { 1 }, 1, 3, "", NULL, 1, 0, 0, FALSE, FALSE, 0 },         /* no topic */
  { "p", 1, 0, { 1 }, 1, 3, "\xc3\xa4", NULL, 1, 0, 0, FALSE, FALSE, 0 }, /* not ASCII */
};

static GByteArray *
delivery_write (const DeliveryRow *row)
{
  static const guint8 zeros[BODY_MAX];
  GByteArray *body = g_byte_array_new ();
  guint8 bytes[BODY_MAX];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.sender = wire_span_str (row->sender);
  envelope.accept_seq = row->accept_seq;
  envelope.accept_time_us = row->accept_time_us;
  envelope.subscriptions = wire_span (row->packed, row->packed_len);
  envelope.route_id = row->route_id;
  envelope.retained = row->retained;
  g_byte_array_append (body, bytes, (guint) (wire_envelope_write (&envelope, bytes) - bytes));
  wire_envelope_init (&envelope);
  envelope.id = row->id;
  envelope.topic = wire_span_str (row->topic);
  envelope.type_name = wire_span_str (row->type_name);
  envelope.priority = row->priority;
  envelope.delivery = row->delivery;
  envelope.payload = wire_span (zeros, row->payload_len);
  g_byte_array_append (body, bytes, (guint) (wire_envelope_write (&envelope, bytes) - bytes));
  g_byte_array_append (body, zeros, (guint) row->payload_len);
  return body;
}

/* Reads a body in a block of exactly its size, so that a sanitizer finds a read beyond its end. Returns whether it is a usual
 * delivery; then the general reader must give the same. */
static gboolean
delivery_compare (const guint8 *bytes, gsize len)
{
  g_autofree guint8 *copy = g_memdup2 (bytes, len);
  WireSpan body = wire_span (copy, len);
  WireDelivery delivery;
  WireEnvelope envelope;
  guint32 id;

  if (!wire_delivery_read (body, &delivery))
    return FALSE;
  g_assert_cmpint (wire_envelope_read (body, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &envelope).status, ==,
                   WIRE_STATUS_OK);
  if (delivery.is_retained)
    envelope.present &= ~(G_GUINT64_CONSTANT (1) << 24); /* the field `delivery`, which the message does not use */
  g_assert_true (wire_envelope_is_plain (&envelope));
  g_assert_true (wire_span_equal (delivery.sender, envelope.sender));
  g_assert_true (wire_span_equal (delivery.topic, envelope.topic));
  g_assert_true (wire_span_equal (delivery.type_name, envelope.type_name));
  g_assert_cmpuint (delivery.payload.len, ==, envelope.payload.len);
  g_assert_true (delivery.payload.len == 0 || delivery.payload.data == envelope.payload.data);
  g_assert_cmpuint (delivery.accept_seq, ==, envelope.accept_seq);
  g_assert_cmpuint (delivery.accept_time_us, ==, envelope.accept_time_us);
  g_assert_cmpuint (envelope.priority, ==, 0);
  g_assert_cmpuint (envelope.retained, ==, delivery.is_retained ? 1 : 0);
  g_assert_true (wire_envelope_next_u32 (&envelope.subscriptions, &id));
  g_assert_cmpuint (envelope.subscriptions.len, ==, 0);
  g_assert_cmpuint (delivery.subscription, ==, id);
  return TRUE;
}

static void
test_rows (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (delivery_rows); i++)
    {
      g_autoptr (GByteArray) body = delivery_write (&delivery_rows[i]);

      g_assert_cmpint (delivery_compare (body->data, body->len), ==, delivery_rows[i].usual);
    }
}

/* Each byte with each value, and each prefix of a body. */
static void
test_changed_bytes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (delivery_rows); i++)
    {
      g_autoptr (GByteArray) body = delivery_write (&delivery_rows[i]);
      guint n = MIN (body->len, 80);

      for (guint at = 0; at < n; at++)
        {
          const guint8 byte = body->data[at];

          for (guint value = 0; value <= G_MAXUINT8; value++)
            {
              body->data[at] = (guint8) value;
              delivery_compare (body->data, body->len);
            }
          body->data[at] = byte;
          delivery_compare (body->data, at);
        }
    }
}

/* Bodies in which a part is repeated or missing. */
static void
test_changed_parts (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (delivery_rows); i++)
    {
      g_autoptr (GByteArray) body = delivery_write (&delivery_rows[i]);
      guint n = MIN (body->len, 80);

      for (guint from = 0; from < n; from++)
        for (guint to = from + 1; to <= n; to++)
          {
            g_autoptr (GByteArray) twice = g_byte_array_new ();
            g_autoptr (GByteArray) without = g_byte_array_new ();

            g_byte_array_append (twice, body->data, to);
            g_byte_array_append (twice, body->data + from, body->len - from);
            g_byte_array_append (without, body->data, from);
            g_byte_array_append (without, body->data + to, body->len - to);
            delivery_compare (twice->data, twice->len);
            delivery_compare (without->data, without->len);
          }
    }
}

/* --- frames --- */

static void
whole_compare (const guint8 *bytes, gsize len, gsize max_body, gboolean expected)
{
  WireFrameReader readers[2];
  WireSpan inputs[2] = { wire_span (bytes, len), wire_span (bytes, len) };
  WireFrame frames[2];
  gboolean whole;

  for (guint i = 0; i < 2; i++)
    wire_frame_reader_init (&readers[i], max_body);
  whole = wire_frame_reader_next_whole (&readers[0], &inputs[0], &frames[0]);
  g_assert_cmpint (whole, ==, expected);
  if (!whole)
    {
      g_assert_cmpuint (inputs[0].len, ==, len);
      return;
    }
  g_assert_cmpint (wire_frame_reader_next (&readers[1], &inputs[1], &frames[1]), ==, WIRE_FRAME_COMPLETE);
  g_assert_cmpint (frames[0].kind, ==, frames[1].kind);
  g_assert_cmpint (frames[0].flags, ==, frames[1].flags);
  g_assert_true (frames[0].body.data == frames[1].body.data);
  g_assert_cmpuint (frames[0].body.len, ==, frames[1].body.len);
  g_assert_cmpint (frames[0].in_block, ==, frames[1].in_block);
  g_assert_true (inputs[0].data == inputs[1].data);
  g_assert_cmpuint (inputs[0].len, ==, inputs[1].len);
  g_assert_cmpint (readers[0].kind, ==, readers[1].kind);
  for (guint i = 0; i < 2; i++)
    wire_frame_reader_clear (&readers[i]);
}

static void
test_whole_frames (void)
{
  static guint8 bytes[WIRE_FRAME_HEADER_LEN + WIRE_FRAME_WHOLE_MAX + 2];

  wire_frame_put_header (bytes, WIRE_KIND_DELIVER, WIRE_FLAG_FINAL, 10);
  whole_compare (bytes, WIRE_FRAME_HEADER_LEN + 10, 10, TRUE);
  whole_compare (bytes, WIRE_FRAME_HEADER_LEN + 11, 10, TRUE);
  whole_compare (bytes, WIRE_FRAME_HEADER_LEN + 9, 10, FALSE); /* not whole */
  whole_compare (bytes, WIRE_FRAME_HEADER_LEN - 1, 10, FALSE);
  whole_compare (bytes, 0, 10, FALSE);
  whole_compare (bytes, WIRE_FRAME_HEADER_LEN + 10, 9, FALSE); /* too large */
  for (guint i = 6; i < 8; i++)
    {
      bytes[i] = 1;
      whole_compare (bytes, WIRE_FRAME_HEADER_LEN + 10, 10, FALSE);
      bytes[i] = 0;
    }
  wire_frame_put_header (bytes, WIRE_KIND_DELIVER, 0, 0);
  whole_compare (bytes, WIRE_FRAME_HEADER_LEN + 10, 10, FALSE); /* empty */
  wire_frame_put_header (bytes, G_MAXUINT8, 0, WIRE_FRAME_WHOLE_MAX);
  whole_compare (bytes, sizeof bytes, sizeof bytes, TRUE);
  wire_frame_put_header (bytes, WIRE_KIND_DELIVER, 0, WIRE_FRAME_WHOLE_MAX + 1);
  whole_compare (bytes, sizeof bytes, sizeof bytes, FALSE);
  wire_frame_put_header (bytes, WIRE_KIND_DELIVER, 0, G_MAXUINT32);
  whole_compare (bytes, sizeof bytes, G_MAXSIZE, FALSE);
}

/* A frame that was split, and one in another block, are left to the general reader. */
static void
test_whole_after_split (void)
{
  guint8 bytes[2 * (WIRE_FRAME_HEADER_LEN + 4)] = { 0 };
  WireFrameReader reader;
  WireFrame frame;
  WireSpan input = wire_span (bytes, 5);

  wire_frame_reader_init (&reader, 100);
  for (guint i = 0; i < 2; i++)
    wire_frame_put_header (bytes + i * (WIRE_FRAME_HEADER_LEN + 4), WIRE_KIND_DELIVER, 0, 4);
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_MORE);
  input = wire_span (bytes + 5, sizeof bytes - 5);
  g_assert_false (wire_frame_reader_next_whole (&reader, &input, &frame));
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_COMPLETE);
  g_assert_true (frame.in_block);
  g_assert_false (wire_frame_reader_next_whole (&reader, &input, &frame)); /* the block is lent */
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_COMPLETE);
  g_assert_false (frame.in_block);
  g_assert_cmpuint (input.len, ==, 0);
  wire_frame_reader_clear (&reader);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/delivery/rows", test_rows);
  g_test_add_func ("/wire/delivery/changed-bytes", test_changed_bytes);
  g_test_add_func ("/wire/delivery/changed-parts", test_changed_parts);
  g_test_add_func ("/wire/frame/whole", test_whole_frames);
  g_test_add_func ("/wire/frame/whole-after-split", test_whole_after_split);
  return g_test_run ();
}
