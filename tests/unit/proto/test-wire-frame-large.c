/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-frame.h"

#include "wire-block.h"

/* Large frames: the reader makes a block for a frame, also for one that it only expects, and hands the block over. */

/* A large frame that has mostly arrived gets a kept block, but only one of its length, because its peer is charged for it. */
static void
test_split_reuses (void)
{
  const gsize len = WIRE_FRAME_HEADER_LEN + 65536;
  g_autofree guint8 *bytes = g_malloc0 (len);
  WireSpan input = wire_span (bytes, 60000);
  WireFrameReader reader;
  WireFrame frame;
  guint8 *kept, *longer, *block;
  gsize size;

  wire_block_drop_kept ();
  kept = wire_block_new (len, len, &size);
  longer = wire_block_new (len, G_MAXSIZE, &size);
  wire_block_free (kept, len);
  wire_block_free (longer, size);
  wire_frame_put_header (bytes, WIRE_KIND_PUBLISH, 0, (guint32) (len - WIRE_FRAME_HEADER_LEN));
  wire_frame_reader_init (&reader, 1u << 20);
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_MORE);
  g_assert_cmpuint (wire_frame_reader_held (&reader), ==, len);
  input = wire_span (bytes + 60000, len - 60000);
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_COMPLETE);
  block = wire_frame_reader_steal (&reader, &size);
  g_assert_true (block == kept || !WIRE_BLOCK_KEEPS);
  wire_block_free (block, size);
  wire_frame_reader_clear (&reader);
}

/* A stream of frames, and how far it was read and compared. */
typedef struct
{
  GByteArray *bytes;
  gsize read;     /* given to the reader */
  gsize compared; /* the bytes in front of it were returned as frames */
  WireFrameReader reader;
  guint in_block;
  guint whole;
} Flow;

static void
flow_init (Flow *flow)
{
  *flow = (Flow){ .bytes = g_byte_array_new () };
  wire_frame_reader_init (&flow->reader, 1 << 20);
}

static void
flow_clear (Flow *flow)
{
  wire_frame_reader_clear (&flow->reader);
  g_byte_array_unref (flow->bytes);
}

static void
flow_add (Flow *flow, gsize body)
{
  guint8 header[WIRE_FRAME_HEADER_LEN];
  guint start = flow->bytes->len;

  wire_frame_put_header (header, 3, 0, (guint32) body);
  g_byte_array_append (flow->bytes, header, sizeof header);
  g_byte_array_set_size (flow->bytes, start + WIRE_FRAME_HEADER_LEN + (guint) body);
  for (gsize i = 0; i < body; i++)
    flow->bytes->data[start + WIRE_FRAME_HEADER_LEN + i] = (guint8) (start * 31 + i * 7 + (i >> 8));
}

static void
flow_compare (Flow *flow, const WireFrame *frame, gboolean steals)
{
  const guint8 *expected = flow->bytes->data + flow->compared;

  g_assert_cmpmem (frame->body.data, frame->body.len, expected + WIRE_FRAME_HEADER_LEN,
                   (gsize) (expected[0] | expected[1] << 8 | expected[2] << 16));
  flow->compared += WIRE_FRAME_HEADER_LEN + frame->body.len;
  flow->whole++;
  if (!frame->in_block)
    return;
  flow->in_block++;
  if (steals)
    {
      gsize size;
      guint8 *block = wire_frame_reader_steal (&flow->reader, &size);

      g_assert_true (frame->body.data >= block && frame->body.data + frame->body.len <= block + size);
      g_assert_cmpuint (size, <=, MAX (4 * (WIRE_FRAME_HEADER_LEN + frame->body.len), 1024));
      wire_block_free (block, size);
    }
}

/* Reads like a link: at most @n bytes, into the place that is offered or into a buffer. */
static void
flow_step (Flow *flow, gsize n, gboolean steals)
{
  guint8 *where;
  gsize room = wire_frame_reader_place (&flow->reader, &where);
  g_autofree guint8 *buffer = NULL;
  WireSpan input = wire_span (NULL, 0);
  WireFrame frame;

  n = MIN (n, flow->bytes->len - flow->read);
  n = room > 0 ? MIN (n, room) : n;
  if (room > 0)
    {
      memcpy (where, flow->bytes->data + flow->read, n);
      wire_frame_reader_placed (&flow->reader, n);
    }
  else
    {
      buffer = g_memdup2 (flow->bytes->data + flow->read, n);
      input = wire_span (buffer, n);
    }
  flow->read += n;
  while (wire_frame_reader_next (&flow->reader, &input, &frame) == WIRE_FRAME_COMPLETE)
    flow_compare (flow, &frame, steals);
  g_assert_cmpint (flow->reader.status, ==, WIRE_STATUS_OK);
  g_assert_cmpuint (wire_frame_reader_held (&flow->reader), <=, MAX (4 * (flow->read - flow->compared), 1024));
}

/* After a large frame a block is ready for the next one, also if up to 7 small frames, such as credit, are in front of it. */
static void
test_expected (void)
{
  Flow flow;

  flow_init (&flow);
  for (guint i = 0; i < 5; i++)
    {
      flow_add (&flow, 100000);
      flow_step (&flow, G_MAXSIZE, TRUE);
      g_assert_cmpuint (flow.in_block, ==, i); /* no block is ready for the first frame */
    }
  for (guint i = 0; i < 5; i++)
    {
      flow_add (&flow, 20);
      flow_add (&flow, 100000);
      flow_step (&flow, G_MAXSIZE, TRUE);
      flow_step (&flow, G_MAXSIZE, TRUE);
      g_assert_cmpuint (flow.in_block, ==, 5 + i);
    }
  for (guint i = 0; i < 7; i++)
    {
      flow_add (&flow, 20);
      flow_step (&flow, G_MAXSIZE, TRUE);
    }
  flow_add (&flow, 100000);
  flow_step (&flow, G_MAXSIZE, TRUE);
  g_assert_cmpuint (flow.in_block, ==, 10);
  for (guint i = 0; i < 8; i++)
    {
      flow_add (&flow, 20);
      flow_step (&flow, G_MAXSIZE, TRUE);
    }
  flow_add (&flow, 100000);
  flow_step (&flow, G_MAXSIZE, TRUE);
  g_assert_cmpuint (flow.in_block, ==, 10); /* a large frame was no longer expected */
  g_assert_cmpuint (flow.compared, ==, flow.bytes->len);
  flow_clear (&flow);
}

/* A block that is much larger than the frame in it is not taken over, because its new owner is charged for the frame. */
static void
test_expected_smaller (void)
{
  Flow flow;

  flow_init (&flow);
  for (guint i = 0; i < 5; i++)
    {
      guint in_block;

      flow_add (&flow, 1000000);
      while (flow.read < flow.bytes->len)
        flow_step (&flow, G_MAXSIZE, TRUE);
      in_block = flow.in_block;
      flow_add (&flow, 33000);
      flow_step (&flow, G_MAXSIZE, TRUE);
      g_assert_cmpuint (flow.in_block, ==, in_block);
    }
  g_assert_cmpuint (flow.whole, ==, 10);
  g_assert_cmpuint (flow.compared, ==, flow.bytes->len);
  flow_clear (&flow);
}

/* Any frames, read in any pieces. */
static void
test_expected_random (void)
{
  static const gsize sizes[] = { 1, 20, 300, 4000, 33000, 33000, 65536, 65536, 70000, 300000 };

  for (guint round = 0; round < 200; round++)
    {
      gboolean steals = g_test_rand_bit ();
      Flow flow;

      flow_init (&flow);
      for (gint i = g_test_rand_int_range (1, 20); i > 0; i--)
        flow_add (&flow, sizes[g_test_rand_int_range (0, G_N_ELEMENTS (sizes))]);
      while (flow.read < flow.bytes->len)
        flow_step (&flow,
                   (gsize) (g_test_rand_bit () ? g_test_rand_int_range (1, 40) : g_test_rand_int_range (1, 200000)),
                   steals);
      g_assert_cmpuint (flow.compared, ==, flow.bytes->len);
      flow_clear (&flow);
    }
}

/* A bad header that is read into the block is found as well. */
static void
test_expected_bad (void)
{
  for (guint before = 0; before < 2; before++)
    {
      Flow flow;
      WireFrame frame;
      WireSpan empty = wire_span (NULL, 0);
      guint8 *where, bad[30] = { 0xff, 0xff, 0xff, 0x7f, 3, 0, 0, 0 };

      flow_init (&flow);
      flow_add (&flow, 100000);
      flow_step (&flow, G_MAXSIZE, FALSE);
      g_assert_cmpuint (wire_frame_reader_place (&flow.reader, &where), ==, 100000 + WIRE_FRAME_HEADER_LEN);
      if (before > 0)
        wire_frame_put_header (where, 3, 0, 2);
      memcpy (where + before * (WIRE_FRAME_HEADER_LEN + 2), bad, sizeof bad);
      wire_frame_reader_placed (&flow.reader, before * (WIRE_FRAME_HEADER_LEN + 2) + sizeof bad);
      for (guint i = 0; i < before; i++)
        g_assert_cmpint (wire_frame_reader_next (&flow.reader, &empty, &frame), ==, WIRE_FRAME_COMPLETE);
      g_assert_cmpint (wire_frame_reader_next (&flow.reader, &empty, &frame), ==, WIRE_FRAME_BAD);
      g_assert_cmpint (flow.reader.status, ==, WIRE_STATUS_FRAME_TOO_LARGE);
      g_assert_cmpuint (wire_frame_reader_held (&flow.reader), ==, 0);
      g_assert_cmpuint (wire_frame_reader_place (&flow.reader, &where), ==, 0);
      flow_clear (&flow);
    }
}

/* The block of a large frame of which little has arrived is kept, or shrinks if it cannot be lent. In both cases its owner is
 * charged only in proportion to the received bytes, and no block stays lent. */
static void
test_borrowed (gconstpointer data)
{
  const gboolean is_lent = GPOINTER_TO_INT (data) != 0;
  gboolean has_begun = FALSE;
  Flow flow;

  flow_init (&flow);
  for (guint i = 0; i < 4; i++)
    flow_add (&flow, 300000 - WIRE_FRAME_HEADER_LEN);
  g_assert_true (!is_lent || wire_block_lend (WIRE_BLOCK_LENT_BYTES));
  while (flow.read < flow.bytes->len)
    {
      flow_step (&flow, 50000, FALSE);
      g_assert_true (!is_lent || flow.reader.borrowed == 0);
      if (flow.compared > 0 && flow.reader.have == 50000)
        {
          g_assert_true ((flow.reader.capacity > 4 * flow.reader.have) == !is_lent);
          has_begun = TRUE;
        }
    }
  g_assert_true (has_begun);
  g_assert_cmpuint (flow.whole, ==, 4);
  flow_clear (&flow);
  wire_block_return (is_lent ? WIRE_BLOCK_LENT_BYTES : 0);
  g_assert_true (wire_block_lend (WIRE_BLOCK_LENT_BYTES));
  wire_block_return (WIRE_BLOCK_LENT_BYTES);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/frame/split-reuses", test_split_reuses);
  g_test_add_func ("/wire/frame/expected", test_expected);
  g_test_add_func ("/wire/frame/expected-random", test_expected_random);
  g_test_add_func ("/wire/frame/expected-smaller", test_expected_smaller);
  g_test_add_func ("/wire/frame/expected-bad", test_expected_bad);
  g_test_add_data_func ("/wire/frame/borrowed", GINT_TO_POINTER (FALSE), test_borrowed);
  g_test_add_data_func ("/wire/frame/borrowed-nothing", GINT_TO_POINTER (TRUE), test_borrowed);
  return g_test_run ();
}
