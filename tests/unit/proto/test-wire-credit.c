/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-credit.h"

#include "wire-envelope.h"

/* The CREDIT of a client is byte for byte that of the general writer. */

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/credit/same-bytes", test_same_bytes);
  return g_test_run ();
}
