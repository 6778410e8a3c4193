/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope-fixture.h"

#include "wire-frame.h"

/* The bounds of fields, of tags, and of all fields together. */

static void
test_sizes (void)
{
  g_autofree char *large = g_strnfill (9000, 'x');
  g_autofree guint8 *payload = g_malloc0 (1 << 20);
  g_autoptr (GByteArray) too_large = NULL;
  g_autoptr (GByteArray) fits = NULL;
  WireEnvelope e, got;
  WireReadResult result;

  wire_envelope_init (&e);
  e.id = 5;
  e.method = wire_span_str (large);
  too_large = envelope_write (&e);
  result = envelope_read (too_large->data, too_large->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got);
  g_assert_cmpint (result.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (result.limit, ==, WIRE_HEADER_FIELDS_MAX);
  g_assert_cmpuint (result.value, >, 9000);
  g_assert_cmpuint (got.id, ==, 5); /* so that the frame can be answered */

  e.method = wire_span (large, 8000);
  e.payload = wire_span (payload, 1 << 20);
  fits = envelope_write (&e);
  g_assert_cmpint (envelope_read (fits->data, fits->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got).status, ==,
                   WIRE_STATUS_OK);
}

/* Fields that connect messages: at the bound, above it, and the same from a broker, where they are not checked. */
static void
test_bounds (void)
{
  static const struct
  {
    gsize offset; /* of the field in WireEnvelope */
    guint32 number;
    guint most;
    gboolean is_exact;
  } rows[] = {
    { G_STRUCT_OFFSET (WireEnvelope, correlation_id), 11, 256, FALSE },
    { G_STRUCT_OFFSET (WireEnvelope, parent_id), 13, 256, FALSE },
    { G_STRUCT_OFFSET (WireEnvelope, root_id), 14, 256, FALSE },
    { G_STRUCT_OFFSET (WireEnvelope, trace_id), 16, 16, TRUE },
    { G_STRUCT_OFFSET (WireEnvelope, span_id), 17, 8, TRUE },
    { G_STRUCT_OFFSET (WireEnvelope, stage), 19, 128, FALSE },
  };
  g_autofree char *text = g_strnfill (300, 'x');

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint len = rows[i].most - 1; len <= rows[i].most + 1; len++)
      {
        gboolean fits = rows[i].is_exact ? len == rows[i].most : len <= rows[i].most;
        g_autoptr (GByteArray) bytes = NULL;
        WireEnvelope e, got;
        WireReadResult result;

        wire_envelope_init (&e);
        e.id = 3;
        G_STRUCT_MEMBER (WireSpan, &e, rows[i].offset) = wire_span (text, len);
        bytes = envelope_write (&e);
        result = envelope_read (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got);
        g_assert_cmpint (result.status, ==, fits ? WIRE_STATUS_OK : WIRE_STATUS_LIMIT);
        g_assert_cmpuint (got.id, ==, 3);
        g_assert_cmpint (envelope_read (bytes->data, bytes->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got).status, ==,
                         WIRE_STATUS_OK);
        if (fits)
          continue;
        g_assert_cmpuint (result.field, ==, rows[i].number);
        g_assert_cmpuint (result.limit, ==, rows[i].most);
        g_assert_cmpuint (result.value, ==, len);
        g_assert_nonnull (result.problem);
      }
}

/* The key of a tag is the text before the first "="; without a "=", the whole tag is the key. */
static void
test_bounds_of_tags (void)
{
  static const struct
  {
    gssize mark; /* where "=" is; -1: nowhere */
    gsize len;
    guint64 limit; /* 0: it fits */
    guint64 value;
  } rows[] = {
    { 128, 128 + 1 + 1024, 0, 0 }, { 129, 200, 128, 129 }, { 128, 128 + 1 + 1025, 1024, 1025 }, { -1, 128, 0, 0 },
    { -1, 129, 128, 129 },         { 0, 1 + 1024, 0, 0 },  { 0, 1 + 1025, 1024, 1025 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strnfill (rows[i].len, 'x');
      g_autoptr (GByteArray) bytes = NULL;
      WireEnvelope e, got;
      WireReadResult result;

      if (rows[i].mark >= 0)
        text[rows[i].mark] = text[rows[i].len - 1] = '='; /* a second one belongs to the value */
      wire_envelope_init (&e);
      e.n_tags = 1;
      e.tags[0] = wire_span (text, rows[i].len);
      bytes = envelope_write (&e);
      result = envelope_read (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got);
      g_assert_cmpint (result.status, ==, rows[i].limit == 0 ? WIRE_STATUS_OK : WIRE_STATUS_LIMIT);
      g_assert_cmpuint (result.limit, ==, rows[i].limit);
      g_assert_cmpuint (result.value, ==, rows[i].value);
    }
}

/* Exactly the limit and one above it, with and without a payload, whose key and length don't count. */
static void
test_header_limit (void)
{
  g_autofree char *text = g_strnfill (WIRE_HEADER_FIELDS_MAX, 'x');

  for (guint payload = 0; payload <= 1; payload++)
    for (gsize above = 0; above <= 1; above++)
      {
        g_autoptr (GByteArray) bytes = NULL;
        WireEnvelope e, got;
        WireReadResult result;

        wire_envelope_init (&e);
        e.method = wire_span (text, WIRE_HEADER_FIELDS_MAX - 3 + above); /* a key of one byte, a length of two */
        e.payload = wire_span (text, payload * 5000);
        bytes = envelope_write (&e);
        result = envelope_read (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got);
        g_assert_cmpint (result.status, ==, above ? WIRE_STATUS_LIMIT : WIRE_STATUS_OK);
        g_assert_cmpuint (result.value, ==, above ? WIRE_HEADER_FIELDS_MAX + 1 : 0);
        g_assert_cmpint (envelope_read (bytes->data, bytes->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got).status, ==,
                         WIRE_STATUS_OK);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/envelope/sizes", test_sizes);
  g_test_add_func ("/wire/envelope/header-limit", test_header_limit);
  g_test_add_func ("/wire/envelope/M24-bounds", test_bounds);
  g_test_add_func ("/wire/envelope/M24-bounds-of-tags", test_bounds_of_tags);
  return g_test_run ();
}
