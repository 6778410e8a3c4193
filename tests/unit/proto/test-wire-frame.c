/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-frame.h"

/* Frames from bytes that are split anywhere, and bytes that are not frames. */

typedef struct
{
  guint8 kind;
  guint8 flags;
  gsize len;
} Spec;

static const Spec specs[] = { { 3, 1, 5 }, { 1, 0, 1 }, { 200, 255, 300 }, { 15, 4, 70000 }, { 4, 0, 2 } };

static guint8
byte_at (gsize frame, gsize i)
{
  return (guint8) (frame * 31 + i * 7 + (i >> 8));
}

static GByteArray *
stream (void)
{
  GByteArray *bytes = g_byte_array_new ();

  for (gsize f = 0; f < G_N_ELEMENTS (specs); f++)
    {
      guint8 header[WIRE_FRAME_HEADER_LEN];

      wire_frame_put_header (header, specs[f].kind, specs[f].flags, (guint32) specs[f].len);
      g_byte_array_append (bytes, header, sizeof header);
      for (gsize i = 0; i < specs[f].len; i++)
        {
          guint8 byte = byte_at (f, i);

          g_byte_array_append (bytes, &byte, 1);
        }
    }
  return bytes;
}

static void
check_frame (const WireFrame *frame, gsize f)
{
  g_assert_cmpuint (f, <, G_N_ELEMENTS (specs));
  g_assert_cmpuint (frame->kind, ==, specs[f].kind);
  g_assert_cmpuint (frame->flags, ==, specs[f].flags);
  g_assert_cmpuint (frame->body.len, ==, specs[f].len);
  for (gsize i = 0; i < frame->body.len; i++)
    if (frame->body.data[i] != byte_at (f, i))
      g_assert_cmpuint (frame->body.data[i], ==, byte_at (f, i));
}

static gsize
take (WireFrameReader *reader, WireSpan input, gsize next)
{
  WireFrameResult result;
  WireFrame frame;

  while ((result = wire_frame_reader_next (reader, &input, &frame)) == WIRE_FRAME_COMPLETE)
    check_frame (&frame, next++);
  g_assert_cmpint (result, ==, WIRE_FRAME_MORE);
  g_assert_cmpuint (input.len, ==, 0);
  return next;
}

static void
test_split_in_two (void)
{
  g_autoptr (GByteArray) bytes = stream ();
  gsize step = 1;

  for (gsize at = 0; at <= bytes->len; at += step)
    {
      WireFrameReader reader;
      gsize next;

      wire_frame_reader_init (&reader, 1 << 20);
      next = take (&reader, wire_span (bytes->data, at), 0);
      next = take (&reader, wire_span (bytes->data + at, bytes->len - at), next);
      g_assert_cmpuint (next, ==, G_N_ELEMENTS (specs));
      wire_frame_reader_clear (&reader);
      /* Every offset of the small frames, some offsets in the body of the large frame, and every offset after it. */
      step = at > 400 && at + 200 < bytes->len && at % 64 == 0 ? 997 : 1;
    }
}

static void
test_byte_by_byte (void)
{
  g_autoptr (GByteArray) bytes = stream ();
  WireFrameReader reader;
  gsize next = 0;

  wire_frame_reader_init (&reader, 1 << 20);
  for (gsize at = 0; at < bytes->len; at++)
    {
      next = take (&reader, wire_span (bytes->data + at, 1), next);
      /* The memory grows with received bytes, never with an announced length. */
      g_assert_cmpuint (wire_frame_reader_held (&reader), <=, 4 * reader.have + 1024);
    }
  g_assert_cmpuint (next, ==, G_N_ELEMENTS (specs));
  wire_frame_reader_clear (&reader);
}

static void
expect_bad (const guint8 *header, gsize max_body, WireStatus want, gsize offset)
{
  for (gsize split = 0; split <= WIRE_FRAME_HEADER_LEN; split++)
    {
      WireFrameReader reader;
      WireFrame frame;
      WireSpan first = wire_span (header, split);
      WireSpan second = wire_span (header + split, WIRE_FRAME_HEADER_LEN - split);
      WireSpan more = wire_span ("xxxxxxxxxxxxxxxx", 16);

      wire_frame_reader_init (&reader, max_body);
      if (split < WIRE_FRAME_HEADER_LEN)
        g_assert_cmpint (wire_frame_reader_next (&reader, &first, &frame), ==, WIRE_FRAME_MORE);
      else
        second = first;
      g_assert_cmpint (wire_frame_reader_next (&reader, &second, &frame), ==, WIRE_FRAME_BAD);
      g_assert_cmpint (reader.status, ==, want);
      g_assert_cmpuint (reader.offset, ==, offset);
      g_assert_cmpuint (reader.kind, ==, header[4]);
      g_assert_cmpuint (wire_frame_reader_held (&reader), ==, 0);
      /* The error is permanent. */
      g_assert_cmpint (wire_frame_reader_next (&reader, &more, &frame), ==, WIRE_FRAME_BAD);
      g_assert_cmpuint (more.len, ==, 16);
      wire_frame_reader_clear (&reader);
    }
}

static void
test_empty (void)
{
  expect_bad ((const guint8[]){ 0, 0, 0, 0, 3, 0, 0, 0 }, 100, WIRE_STATUS_FRAME_EMPTY, 0);
}

static void
test_huge_length (void)
{
  expect_bad ((const guint8[]){ 0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0 }, 100, WIRE_STATUS_FRAME_TOO_LARGE, 0);
  expect_bad ((const guint8[]){ 101, 0, 0, 0, 3, 0, 0, 0 }, 100, WIRE_STATUS_FRAME_TOO_LARGE, 0);
}

static void
test_reserved (void)
{
  expect_bad ((const guint8[]){ 1, 0, 0, 0, 3, 0, 1, 0 }, 100, WIRE_STATUS_BAD_FRAME, 6);
  expect_bad ((const guint8[]){ 1, 0, 0, 0, 3, 0, 0, 0x80 }, 100, WIRE_STATUS_BAD_FRAME, 7);
}

static void
test_exactly_the_limit (void)
{
  for (gsize len = 99; len <= 100; len++)
    {
      guint8 frame[WIRE_FRAME_HEADER_LEN + 100] = { 0 };
      WireSpan input = wire_span (frame, WIRE_FRAME_HEADER_LEN + len);
      WireFrameReader reader;
      WireFrame got;

      wire_frame_put_header (frame, 3, 0, (guint32) len);
      wire_frame_reader_init (&reader, 100);
      g_assert_cmpint (wire_frame_reader_next (&reader, &input, &got), ==, WIRE_FRAME_COMPLETE);
      g_assert_cmpuint (got.body.len, ==, len);
      g_assert_false (got.in_block); /* it arrived in one piece, so it is not copied */
      g_assert_cmpuint (wire_frame_reader_held (&reader), ==, 0);
      wire_frame_reader_clear (&reader);
    }
}

static void
test_many_tiny (void)
{
  const guint n = 1000000;
  g_autofree guint8 *bytes = g_malloc (n * 9);
  WireSpan input = wire_span (bytes, (gsize) n * 9);
  WireFrameReader reader;
  WireFrame frame;
  guint seen = 0;

  for (guint i = 0; i < n; i++)
    {
      wire_frame_put_header (bytes + (gsize) i * 9, 3, 0, 1);
      bytes[(gsize) i * 9 + 8] = (guint8) i;
    }
  wire_frame_reader_init (&reader, 10);
  while (wire_frame_reader_next (&reader, &input, &frame) == WIRE_FRAME_COMPLETE)
    seen += frame.body.data[0] == (guint8) seen;
  g_assert_cmpuint (seen, ==, n);
  g_assert_cmpuint (wire_frame_reader_held (&reader), ==, 0);
  wire_frame_reader_clear (&reader);
}

/* A large frame is read directly into its block, and the block is stolen. */
static void
test_place_and_steal (void)
{
  const gsize len = 300000;
  guint8 header[WIRE_FRAME_HEADER_LEN];
  WireSpan input = wire_span (header, sizeof header);
  WireFrameReader reader;
  WireFrame frame;
  gsize filled = 0, capacity;
  WireSpan empty = wire_span (NULL, 0);
  guint8 *block;

  wire_frame_put_header (header, 3, 0, (guint32) len);
  wire_frame_reader_init (&reader, 1 << 20);
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_MORE);
  g_assert_true (wire_frame_reader_is_partial (&reader));
  while (filled < len)
    {
      guint8 *where;
      gsize room = wire_frame_reader_place (&reader, &where);
      gsize n = MIN (MIN (room, 5000), len - filled);

      g_assert_cmpuint (wire_frame_reader_held (&reader), <=, 4 * (filled + 8) + 65536);
      if (room == 0)
        {
          guint8 byte = byte_at (1, filled);
          WireSpan one = wire_span (&byte, 1);

          g_assert_cmpuint (len - filled, <, 8192);
          if (wire_frame_reader_next (&reader, &one, &frame) == WIRE_FRAME_COMPLETE)
            break;
          filled++;
          continue;
        }
      for (gsize i = 0; i < n; i++)
        where[i] = byte_at (1, filled + i);
      filled += n;
      wire_frame_reader_placed (&reader, n);
      g_assert_cmpint (wire_frame_reader_next (&reader, &empty, &frame), ==,
                       filled == len ? WIRE_FRAME_COMPLETE : WIRE_FRAME_MORE);
    }
  g_assert_true (frame.in_block);
  g_assert_false (wire_frame_reader_is_partial (&reader));
  g_assert_cmpuint (frame.body.len, ==, len);
  block = wire_frame_reader_steal (&reader, &capacity);
  g_assert_true (block + WIRE_FRAME_HEADER_LEN == frame.body.data);
  g_assert_cmpuint (capacity, ==, len + WIRE_FRAME_HEADER_LEN);
  for (gsize i = 0; i < len; i++)
    if (frame.body.data[i] != byte_at (1, i))
      g_assert_cmpuint (frame.body.data[i], ==, byte_at (1, i));
  g_assert_cmpuint (wire_frame_reader_held (&reader), ==, 0);
  g_free (block);
  wire_frame_reader_clear (&reader);
}

static void
test_bit_flips (void)
{
  static const guint8 seed[] = { 3, 0, 0, 0, 3, 1, 0, 0, 'a', 'b', 'c' };

  for (guint bit = 0; bit < sizeof seed * 8; bit++)
    {
      guint8 flipped[sizeof seed];
      WireSpan input = wire_span (flipped, sizeof flipped);
      WireFrameReader reader;
      WireFrame frame;
      WireFrameResult result;

      memcpy (flipped, seed, sizeof seed);
      flipped[bit / 8] ^= (guint8) (1u << bit % 8);
      wire_frame_reader_init (&reader, 1000);
      result = wire_frame_reader_next (&reader, &input, &frame);
      if (result == WIRE_FRAME_COMPLETE)
        {
          g_assert_cmpuint (frame.kind, ==, flipped[4]);
          g_assert_cmpuint (frame.body.len, ==, flipped[0]);
        }
      else if (result == WIRE_FRAME_BAD)
        g_assert_true (wire_status_is_known (reader.status) && reader.status != WIRE_STATUS_OK);
      wire_frame_reader_clear (&reader);
    }
}

/* --- an allocation that fails (linked with --wrap) --- */

static gboolean allocations_fail;

gpointer __real_g_try_malloc (gsize n);
gpointer __wrap_g_try_malloc (gsize n);
gpointer __real_g_try_realloc (gpointer old, gsize n);
gpointer __wrap_g_try_realloc (gpointer old, gsize n);

gpointer
__wrap_g_try_malloc (gsize n)
{
  return allocations_fail ? NULL : __real_g_try_malloc (n);
}

gpointer
__wrap_g_try_realloc (gpointer old, gsize n)
{
  return allocations_fail ? NULL : __real_g_try_realloc (old, n);
}

/* An allocation fails at the header, at the first byte of the body, and where the block grows: the frame is refused, and no
 * memory is held. */
static void
test_no_memory (void)
{
  static const gsize splits[] = { 3, WIRE_FRAME_HEADER_LEN, WIRE_FRAME_HEADER_LEN + 2000 };
  guint8 bytes[WIRE_FRAME_HEADER_LEN + 10000] = { 0 };

  wire_frame_put_header (bytes, WIRE_KIND_PUBLISH, 0, 10000);
  for (guint i = 0; i < G_N_ELEMENTS (splits); i++)
    {
      WireSpan head = wire_span (bytes, splits[i]);
      WireSpan tail = wire_span (bytes + splits[i], sizeof bytes - splits[i]);
      WireFrameReader reader;
      WireFrame frame;
      guint8 *where;

      wire_frame_reader_init (&reader, 20000);
      g_assert_cmpint (wire_frame_reader_next (&reader, &head, &frame), ==, WIRE_FRAME_MORE);
      allocations_fail = TRUE;
      if (wire_frame_reader_place (&reader, &where) > 0)
        g_assert_nonnull (where); /* the block has room */
      g_assert_cmpint (wire_frame_reader_next (&reader, &tail, &frame), ==, WIRE_FRAME_BAD);
      allocations_fail = FALSE;
      g_assert_cmpint (reader.status, ==, WIRE_STATUS_NO_MEMORY);
      g_assert_cmpuint (wire_frame_reader_held (&reader), ==, 0);
      wire_frame_reader_clear (&reader);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/frame/F05-split-in-two", test_split_in_two);
  g_test_add_func ("/wire/frame/F05-byte-by-byte", test_byte_by_byte);
  g_test_add_func ("/wire/frame/F01-empty", test_empty);
  g_test_add_func ("/wire/frame/F02-huge-length", test_huge_length);
  g_test_add_func ("/wire/frame/reserved", test_reserved);
  g_test_add_func ("/wire/frame/F03-exactly-the-limit", test_exactly_the_limit);
  g_test_add_func ("/wire/frame/F06-many-tiny", test_many_tiny);
  g_test_add_func ("/wire/frame/place-and-steal", test_place_and_steal);
  g_test_add_func ("/wire/frame/F12-bit-flips", test_bit_flips);
  g_test_add_func ("/wire/frame/P11-no-memory", test_no_memory);
  return g_test_run ();
}
