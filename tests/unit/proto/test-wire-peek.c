/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-peek.h"

#include "wire-credit.h"
#include "wire-envelope.h"
#include "wire-publish.h"

/* Frames of the library are recognised, others are skipped, and a wrong length causes no read beyond the end. */

#define TOPIC "events.process.new"

static gsize
peek_put_publish (guint8 *out, guint64 id)
{
  static const guint8 payload[3] = { 1, 2, 3 };
  WirePublishTopic field = { 0 };
  guint8 *end;

  wire_publish_set_topic (&field, WIRE_SPAN_LITERAL (TOPIC));
  end = wire_publish_put_head (out, 0, id, &field, wire_span (NULL, 0), sizeof payload);
  memcpy (end, payload, sizeof payload);
  return (gsize) (end - out) + sizeof payload;
}

static void
test_frames (void)
{
  guint8 bytes[1024];
  gsize len = peek_put_publish (bytes, 300);
  const gsize first = len;
  WireSpan input;
  WireSpan body = { NULL, 0 };
  guint8 kind = 0;

  len = (gsize) (wire_credit_put (bytes + len, 70000, 500, G_MAXUINT64) - bytes);
  input = wire_span (bytes, len);
  g_assert_true (wire_peek_next (&input, &kind, &body));
  g_assert_cmpint (kind, ==, WIRE_KIND_PUBLISH);
  g_assert_true (body.data == bytes + WIRE_FRAME_HEADER_LEN && wire_span_end (body) == bytes + first);
  g_assert_true (wire_peek_next (&input, &kind, &body));
  g_assert_cmpint (kind, ==, WIRE_KIND_CREDIT);
  g_assert_true (wire_span_end (body) == bytes + len);
  g_assert_cmpuint (input.len, ==, 0);
  g_assert_false (wire_peek_next (&input, &kind, &body));
}

/* A delivery to @packed subscriptions, with the stamp of the broker. */
static gsize
peek_put_deliver (guint8 *out, WireSpan packed)
{
  guint8 *body = out + WIRE_FRAME_HEADER_LEN;
  WireEnvelope envelope;
  guint8 *end;

  wire_envelope_init (&envelope);
  envelope.sender = WIRE_SPAN_LITERAL ("procmond-4711");
  envelope.accept_seq = G_MAXUINT32;
  envelope.accept_time_us = G_GUINT64_CONSTANT (1795736000000000);
  envelope.subscriptions = packed;
  end = wire_envelope_write (&envelope, body);
  wire_frame_put_header (out, WIRE_KIND_DELIVER, 0, (guint32) (end - body));
  return (gsize) (end - out);
}

static guint64
peek_subscription_of (WireSpan packed)
{
  guint8 bytes[256];
  WireSpan input = wire_span (bytes, peek_put_deliver (bytes, packed));
  WireSpan body = { NULL, 0 };
  guint8 kind = 0;

  g_assert_true (wire_peek_next (&input, &kind, &body));
  g_assert_cmpint (kind, ==, WIRE_KIND_DELIVER);
  return wire_peek_subscription (body);
}

static void
test_deliver (void)
{
  static const guint8 packed[] = { 0xa0, 0x8d, 6, 5 }; /* 100000, 5 */

  g_assert_cmpuint (peek_subscription_of (wire_span (packed, sizeof packed)), ==, 100000);
  g_assert_cmpuint (peek_subscription_of (wire_span (NULL, 0)), ==, 0);
}

/* Peeks at frames in a block of exactly their size, so that a sanitizer finds a read beyond them. */
static void
peek_all_of (const guint8 *bytes, gsize len)
{
  g_autofree guint8 *copy = g_memdup2 (bytes, len);
  WireSpan input = wire_span (copy, len);
  WireSpan body = { NULL, 0 };
  guint8 kind = 0;

  while (wire_peek_next (&input, &kind, &body))
    {
      g_assert_true (body.data >= copy && wire_span_end (body) <= copy + len);
      wire_peek_subscription (body);
    }
  g_assert_cmpuint (input.len, <=, len);
}

static void
test_cut_and_changed (void)
{
  guint8 bytes[256];
  gsize publish_len = peek_put_publish (bytes, 1);
  gsize len = (gsize) (wire_credit_put (bytes + publish_len, 5, 6, 7) - bytes);

  len += peek_put_deliver (bytes + len, wire_span ((const guint8 *) "\x81\x01", 2));
  for (gsize cut = 0; cut <= len; cut++)
    peek_all_of (bytes, cut);
  for (gsize at = 0; at < len; at++)
    for (guint value = 0; value < 256; value++)
      {
        guint8 kept = bytes[at];

        bytes[at] = (guint8) value;
        peek_all_of (bytes, len);
        bytes[at] = kept;
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/peek/frames", test_frames);
  g_test_add_func ("/wire/peek/deliver", test_deliver);
  g_test_add_func ("/wire/peek/M10-cut-and-changed", test_cut_and_changed);
  return g_test_run ();
}
