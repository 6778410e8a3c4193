/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-credit.h"

#include "wire-envelope.h"

/* The short writer and reader of a client's CREDIT give exactly the same results as the general ones. */

static void
credit_compare (guint32 subscription, guint64 messages, guint64 bytes)
{
  guint8 plain[WIRE_CREDIT_FRAME_MAX];
  guint8 general[2 * WIRE_CREDIT_FRAME_MAX];
  WireEnvelope envelope;
  gsize len;

  wire_envelope_init (&envelope);
  envelope.subscription = subscription;
  envelope.credit_messages = messages;
  envelope.credit_bytes = bytes;
  len = wire_envelope_size (&envelope);
  g_assert_cmpuint (WIRE_FRAME_HEADER_LEN + len, <=, sizeof plain);
  wire_frame_put_header (general, WIRE_KIND_CREDIT, 0, (guint32) len);
  wire_envelope_write (&envelope, general + WIRE_FRAME_HEADER_LEN);
  g_assert_cmpmem (plain, (gsize) (wire_credit_put (plain, subscription, messages, bytes) - plain), general,
                   WIRE_FRAME_HEADER_LEN + len);
}

static void
test_same_bytes (void)
{
  static const guint32 ids[] = { 1, 127, 128, 16384, G_MAXUINT32 };
  static const guint64 totals[] = { 0, 1, 127, 128, 16384, G_GUINT64_CONSTANT (1) << 32, G_MAXUINT64 };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    for (guint m = 0; m < G_N_ELEMENTS (totals); m++)
      for (guint b = 0; b < G_N_ELEMENTS (totals); b++)
        credit_compare (ids[i], totals[m], totals[b]);
}

/* Reads a body in a block of exactly its size, so that a sanitizer finds a read beyond its end. Returns whether it is a usual
 * CREDIT; then the general reader must accept it with the same values. */
static gboolean
credit_read (const guint8 *bytes, gsize len)
{
  g_autofree guint8 *copy = g_memdup2 (bytes, len);
  WireSpan body = wire_span (copy, len);
  WireEnvelope envelope;
  WireCredit credit;

  if (!wire_credit_read (body, &credit))
    return FALSE;
  g_assert_cmpint (wire_envelope_read (body, WIRE_KIND_CREDIT, WIRE_FROM_CLIENT, &envelope).status, ==, WIRE_STATUS_OK);
  g_assert_cmpuint (credit.subscription, ==, envelope.subscription);
  g_assert_cmpuint (credit.messages, ==, envelope.credit_messages);
  g_assert_cmpuint (credit.bytes, ==, envelope.credit_bytes);
  g_assert_cmpuint (envelope.id, ==, 0);
  g_assert_cmpuint (envelope.credit_class, ==, 0);
  return TRUE;
}

static gsize
credit_body (guint8 *frame, guint32 subscription, guint64 messages, guint64 bytes)
{
  return (gsize) (wire_credit_put (frame, subscription, messages, bytes) - frame) - WIRE_FRAME_HEADER_LEN;
}

static void
test_read (void)
{
  guint8 frame[WIRE_CREDIT_FRAME_MAX];
  const guint8 *body = frame + WIRE_FRAME_HEADER_LEN;

  g_assert_true (credit_read (body, credit_body (frame, 1, 1, 1)));
  g_assert_true (credit_read (body, credit_body (frame, G_MAXUINT32, G_MAXUINT64, 300)));
  g_assert_false (credit_read (body, credit_body (frame, 0, 1, 1)));
  g_assert_false (credit_read (body, credit_body (frame, 1, 0, 1)));
  g_assert_false (credit_read (body, credit_body (frame, 1, 1, 0)));
}

/* Each byte with each value, each prefix of a body, and bodies in which a part is repeated or missing. */
static void
test_read_changed (void)
{
  guint8 frame[WIRE_CREDIT_FRAME_MAX];
  const gsize len = credit_body (frame, 70000, 1000, 1u << 20);
  guint8 *body = frame + WIRE_FRAME_HEADER_LEN;

  for (gsize at = 0; at < len; at++)
    {
      const guint8 byte = body[at];

      g_assert_false (credit_read (body, at));
      for (guint value = 0; value <= G_MAXUINT8; value++)
        {
          body[at] = (guint8) value;
          credit_read (body, len);
        }
      body[at] = byte;
      for (gsize to = at + 1; to <= len; to++)
        {
          g_autoptr (GByteArray) twice = g_byte_array_new ();
          g_autoptr (GByteArray) without = g_byte_array_new ();

          g_byte_array_append (twice, body, (guint) to);
          g_byte_array_append (twice, body + at, (guint) (len - at));
          g_byte_array_append (without, body, (guint) at);
          g_byte_array_append (without, body + to, (guint) (len - to));
          credit_read (twice->data, twice->len);
          credit_read (without->data, without->len);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/credit/same-bytes", test_same_bytes);
  g_test_add_func ("/wire/credit/read", test_read);
  g_test_add_func ("/wire/credit/read-changed", test_read_changed);
  return g_test_run ();
}
