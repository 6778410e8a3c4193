/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-envelope.h"

#include "envelope.pb-c.h"
#include "test-vectors.h"
#include "wire-guard.h"
#include "wire-varint.h"

/* The flat reader and writer, against themselves, against stock protobuf, and against bytes that are none. */

typedef Daemoneye__Eventbus__V1__Envelope Stock;

/* Every client field set. */
static void
fill_client (WireEnvelope *e)
{
  static guint8 packed[24];
  const guint64 stations[] = { 26, G_MAXUINT64 };

  wire_envelope_init (e);
  e->id = 1;
  e->topic = wire_span_str ("events.process.lifecycle");
  e->target = wire_span_str ("procmond-1");
  e->route = G_MAXUINT64;
  e->method = wire_span_str ("Ping");
  e->type_name = wire_span_str ("a.b.C");
  e->content_type = wire_span_str ("text/plain");
  e->priority = 255;
  e->ttl_us = 128;
  e->deadline_us = 16384;
  e->correlation_id = wire_span_str ("corr-\xc3\xa4");
  e->message_id = 12;
  e->parent_id = wire_span_str ("parent");
  e->root_id = wire_span_str ("root");
  e->trace_id = wire_span_str ("0123456789abcdef");
  e->span_id = wire_span_str ("01234567");
  e->sequence_number = 18;
  e->stage = wire_span_str ("stage");
  e->n_tags = 2;
  e->tags[0] = wire_span_str ("a=1");
  e->tags[1] = wire_span_str ("b=2");
  e->expect = G_MAXUINT32;
  e->stall_us = 22;
  e->want_hops = 1;
  e->delivery = WIRE_DELIVERY_AT_LEAST_ONCE | WIRE_DELIVERY_RETAIN_CONNECTED;
  e->depth = 25;
  e->trace_flags = 26;
  e->hops_before = wire_span (packed, wire_envelope_pack_u64 (stations, 2, packed));
  e->payload = wire_span ("pay\0load", 8);
}

static void
fill_broker (WireEnvelope *e)
{
  static guint8 packed[16];
  const guint32 ids[] = { 3, 300 };

  e->sender = wire_span_str ("bus");
  e->accept_seq = 33;
  e->accept_time_us = 34;
  e->subscriptions = wire_span (packed, wire_envelope_pack_u32 (ids, 2, packed));
  e->route_id = 36;
  e->remaining_us = 37;
  e->answers = 38;
  e->matched = 39;
  e->queued = 40;
  e->refused = 41;
  e->attempt = 43;
  e->retained = 1;
  e->hops = e->subscriptions;
  e->status = 64;
  e->detail = wire_span_str ("detail");
  e->offset = 66;
  e->limit = 67;
  e->value = 68;
  e->setting = wire_span_str ("max_payload");
  e->credit_class = 3;
  e->credit_messages = 71;
  e->credit_bytes = 72;
  e->subscription = 73;
  e->gap_from = 74;
  e->gap_to = 75;
  e->gap_count = 76;
  e->gap_reason = 77;
  e->error_name = wire_span_str ("Error");
}

static GByteArray *
write_body (const WireEnvelope *e)
{
  gsize size = wire_envelope_size (e);
  GByteArray *bytes = g_byte_array_new ();
  guint8 *end;

  g_byte_array_set_size (bytes, (guint) (size + e->payload.len));
  end = wire_envelope_write (e, bytes->data);
  g_assert_cmpuint ((gsize) (end - bytes->data), ==, size);
  if (e->payload.len > 0)
    memcpy (end, e->payload.data, e->payload.len);
  return bytes;
}

static void
assert_equal (const WireEnvelope *a, const WireEnvelope *b)
{
  g_autoptr (GByteArray) first = write_body (a);
  g_autoptr (GByteArray) second = write_body (b);

  g_assert_cmpmem (first->data, first->len, second->data, second->len);
}

static WireReadResult
read_as (const void *bytes, gsize len, guint8 kind, WireDirection from, WireEnvelope *e)
{
  return wire_envelope_read (wire_span (bytes, len), kind, from, e);
}

static void
test_read_back (void)
{
  WireEnvelope sent, got;
  g_autoptr (GByteArray) client = NULL;
  g_autoptr (GByteArray) broker = NULL;

  fill_client (&sent);
  client = write_body (&sent);
  g_assert_cmpint (read_as (client->data, client->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got).status, ==,
                   WIRE_STATUS_OK);
  assert_equal (&sent, &got);
  g_assert_cmpuint (got.id, ==, 1);
  g_assert_cmpuint (got.n_tags, ==, 2);
  g_assert_true (wire_span_equal (got.tags[1], sent.tags[1]));
  g_assert_true (wire_span_equal (got.payload, sent.payload));

  fill_broker (&sent);
  broker = write_body (&sent);
  g_assert_cmpint (read_as (broker->data, broker->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got).status, ==,
                   WIRE_STATUS_OK);
  assert_equal (&sent, &got);
  g_assert_cmpuint (got.gap_reason, ==, 77);
}

static void
test_absent (void)
{
  WireEnvelope e;

  wire_envelope_init (&e);
  g_assert_cmpuint (wire_envelope_size (&e), ==, 0);
  g_assert_cmpint (read_as ("", 0, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status, ==, WIRE_STATUS_OK);
  g_assert_cmpuint (e.id, ==, 0);
}

typedef struct
{
  const char *name;
  const char *bytes;
  gsize len;
  WireStatus want;
  guint8 kind;
} Case;

#define CASE(name, text, want)                                                                                         \
  {                                                                                                                    \
    name, text, sizeof text - 1, want, WIRE_KIND_PUBLISH                                                               \
  }
#define CASE_OF(kind, name, text, want)                                                                                \
  {                                                                                                                    \
    name, text, sizeof text - 1, want, kind                                                                            \
  }

static const Case cases[] = {
  CASE ("wrong wire type: number as text", "\x0a\x01x", WIRE_STATUS_BAD_MESSAGE),
  CASE ("wrong wire type: text as number", "\x10\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("wrong wire type: fixed32", "\x0d\x01\x00\x00\x00", WIRE_STATUS_BAD_MESSAGE),
  CASE ("group start", "\x0b", WIRE_STATUS_BAD_MESSAGE),
  CASE ("group end", "\x0c", WIRE_STATUS_BAD_MESSAGE),
  CASE ("wire type 6", "\x0e\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("wire type 7", "\x0f\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("field 0", "\x00\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("field twice", "\x08\x01\x08\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("text twice",
        "\x12\x01"
        "a"
        "\x12\x01"
        "a",
        WIRE_STATUS_BAD_MESSAGE),
  CASE ("overlong number", "\x08\x81\x00", WIRE_STATUS_BAD_MESSAGE),
  CASE ("65 bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", WIRE_STATUS_BAD_MESSAGE),
  CASE ("11 bytes", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("64 bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", WIRE_STATUS_OK),
  CASE ("u32 too large", "\x40\x80\x80\x80\x80\x10", WIRE_STATUS_BAD_MESSAGE),
  CASE ("priority 255", "\x40\xff\x01", WIRE_STATUS_OK),
  CASE ("priority 256", "\x40\x80\x02", WIRE_STATUS_UNSUPPORTED),
  CASE ("bool 2", "\xb8\x01\x02", WIRE_STATUS_BAD_MESSAGE),
  CASE ("key of five bytes", "\xf8\xff\xff\xff\x7f\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("overlong key", "\x88\x00\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("length past the end",
        "\x12\x05"
        "abcd",
        WIRE_STATUS_BAD_MESSAGE),
  CASE ("huge length", "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("length above 2^31", "\x7a\xff\xff\xff\xff\x0f", WIRE_STATUS_BAD_MESSAGE),
  CASE ("cut number", "\x08\x80", WIRE_STATUS_BAD_MESSAGE),
  CASE ("cut key", "\x80", WIRE_STATUS_BAD_MESSAGE),
  CASE ("no value", "\x08", WIRE_STATUS_BAD_MESSAGE),
  CASE ("bad UTF-8", "\x12\x02\xff\xfe", WIRE_STATUS_BAD_MESSAGE),
  CASE ("overlong UTF-8", "\x12\x02\xc0\x80", WIRE_STATUS_BAD_MESSAGE),
  CASE ("surrogate", "\x12\x03\xed\xa0\x80", WIRE_STATUS_BAD_MESSAGE),
  CASE ("lone continuation byte", "\x12\x01\x80", WIRE_STATUS_BAD_MESSAGE),
  CASE ("lone continuation byte after eight",
        "\x12\x09"
        "abcdefgh\x80",
        WIRE_STATUS_BAD_MESSAGE),
  CASE ("lone continuation byte among eight",
        "\x12\x08"
        "abc\x80"
        "efgh",
        WIRE_STATUS_BAD_MESSAGE),
  CASE ("NUL among eight",
        "\x12\x08"
        "abc\0efgh",
        WIRE_STATUS_BAD_MESSAGE),
  CASE ("byte 1 after byte 0x7f is text",
        "\x12\x09"
        "\x01\x7f\x01\x7f\x01\x7f\x01\x7f\x01",
        WIRE_STATUS_OK),
  CASE ("NUL in text",
        "\x12\x03"
        "a\0b",
        WIRE_STATUS_BAD_MESSAGE),
  CASE ("NUL in a tag", "\xa2\x01\x01\x00", WIRE_STATUS_BAD_MESSAGE),
  CASE ("trailing bytes", "\x08\x01\x00", WIRE_STATUS_BAD_MESSAGE),
  CASE ("a broker's field",
        "\x82\x02\x01"
        "x",
        WIRE_STATUS_BAD_MESSAGE),
  CASE ("a broker's reserved field", "\xe8\x02\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE ("a control field", "\x80\x04\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE_OF (WIRE_KIND_REPLY, "status in a reply", "\x80\x04\x32", WIRE_STATUS_OK),
  CASE_OF (WIRE_KIND_REPLY,
           "detail and error name in a reply",
           "\x8a\x04\x01"
           "d\xf2\x04\x01"
           "e",
           WIRE_STATUS_OK),
  CASE_OF (WIRE_KIND_REPLY, "credit in a reply", "\xb8\x04\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE_OF (WIRE_KIND_CREDIT, "credit", "\xb8\x04\x01\xc0\x04\x01\xc8\x04\x01", WIRE_STATUS_OK),
  CASE_OF (WIRE_KIND_REQUEST, "window of answers", "\xb8\x04\x01\xc0\x04\x01", WIRE_STATUS_OK),
  CASE ("window of answers in a publish", "\xb8\x04\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE_OF (WIRE_KIND_CREDIT, "credit class", "\xb0\x04\x01", WIRE_STATUS_BAD_MESSAGE),
  CASE_OF (WIRE_KIND_CANCEL, "status in a cancel", "\x80\x04\x32", WIRE_STATUS_OK),
  CASE ("unknown field, number", "\xc0\x0c\x01", WIRE_STATUS_UNSUPPORTED),
  CASE ("unknown field, text", "\xc2\x0c\x01x", WIRE_STATUS_UNSUPPORTED),
  CASE ("unknown field, fixed64",
        "\xc1\x0c"
        "12345678",
        WIRE_STATUS_UNSUPPORTED),
  CASE ("unknown field, cut",
        "\xc1\x0c"
        "1234567",
        WIRE_STATUS_BAD_MESSAGE),
  CASE ("unknown field, group", "\xc3\x0c", WIRE_STATUS_BAD_MESSAGE),
  CASE ("empty list of numbers", "\xda\x01\x00", WIRE_STATUS_BAD_MESSAGE),
  CASE ("reserved client field", "\xe0\x01\x01", WIRE_STATUS_UNSUPPORTED),
  CASE ("malformed after unknown", "\xc0\x0c\x01\x0b", WIRE_STATUS_BAD_MESSAGE),
};

static void
test_cases (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      WireEnvelope e;
      WireReadResult result = read_as (cases[i].bytes, cases[i].len, cases[i].kind, WIRE_FROM_CLIENT, &e);

      g_test_message ("%s", cases[i].name);
      g_assert_cmpstr (wire_status_name (result.status), ==, wire_status_name (cases[i].want));
      g_assert_cmpuint (result.offset, <=, cases[i].len);
      if (cases[i].want != WIRE_STATUS_OK)
        g_assert_nonnull (result.problem);
    }
}

static void
test_broker_fields_unknown_to_us_are_skipped (void)
{
  static const char bytes[] = "\xc0\x0c\x01\xc0\x02\x05\x08\x09";
  WireEnvelope e;

  g_assert_cmpint (read_as (bytes, sizeof bytes - 1, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &e).status, ==,
                   WIRE_STATUS_OK);
  g_assert_cmpuint (e.id, ==, 9);
}

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
  too_large = write_body (&e);
  result = read_as (too_large->data, too_large->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got);
  g_assert_cmpint (result.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (result.limit, ==, WIRE_HEADER_FIELDS_MAX);
  g_assert_cmpuint (result.value, >, 9000);
  g_assert_cmpuint (got.id, ==, 5); /* so that it can be answered */

  e.method = wire_span (large, 8000);
  e.payload = wire_span (payload, 1 << 20);
  fits = write_body (&e);
  g_assert_cmpint (read_as (fits->data, fits->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got).status, ==,
                   WIRE_STATUS_OK);
}

/* Fields that tie messages together: at the bound, above it, and the same from a broker, which is not checked. */
static void
test_bounds (void)
{
  static const struct
  {
    gsize offset; /* of the span */
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
        bytes = write_body (&e);
        result = read_as (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got);
        g_assert_cmpint (result.status, ==, fits ? WIRE_STATUS_OK : WIRE_STATUS_LIMIT);
        g_assert_cmpuint (got.id, ==, 3);
        g_assert_cmpint (read_as (bytes->data, bytes->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got).status, ==,
                         WIRE_STATUS_OK);
        if (fits)
          continue;
        g_assert_cmpuint (result.field, ==, rows[i].number);
        g_assert_cmpuint (result.limit, ==, rows[i].most);
        g_assert_cmpuint (result.value, ==, len);
        g_assert_nonnull (result.problem);
      }
}

/* The key of a tag is what is in front of the first "="; without one all of it is the key. */
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
      bytes = write_body (&e);
      result = read_as (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got);
      g_assert_cmpint (result.status, ==, rows[i].limit == 0 ? WIRE_STATUS_OK : WIRE_STATUS_LIMIT);
      g_assert_cmpuint (result.limit, ==, rows[i].limit);
      g_assert_cmpuint (result.value, ==, rows[i].value);
    }
}

/* Exactly the limit, and one above, with and without a payload: its key and length don't count. */
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
        bytes = write_body (&e);
        result = read_as (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got);
        g_assert_cmpint (result.status, ==, above ? WIRE_STATUS_LIMIT : WIRE_STATUS_OK);
        g_assert_cmpuint (result.value, ==, above ? WIRE_HEADER_FIELDS_MAX + 1 : 0);
        g_assert_cmpint (read_as (bytes->data, bytes->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got).status, ==,
                         WIRE_STATUS_OK);
      }
}

static WireStatus
read_subscriptions (const guint32 *ids, gsize n, WireEnvelope *got)
{
  static guint8 packed[5 * (WIRE_SUBSCRIPTIONS_MAX + 1)];
  static GByteArray *bytes = NULL; /* what @got points into */
  WireEnvelope e;

  g_clear_pointer (&bytes, g_byte_array_unref);
  wire_envelope_init (&e);
  e.subscriptions = wire_span (packed, wire_envelope_pack_u32 (ids, n, packed));
  bytes = write_body (&e);
  return read_as (bytes->data, bytes->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, got).status;
}

static void
test_subscriptions (void)
{
  guint32 ids[WIRE_SUBSCRIPTIONS_MAX + 1];
  guint32 id = 0;
  WireEnvelope e;

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    ids[i] = G_MAXUINT32 - i;
  g_assert_cmpint (read_subscriptions (ids, WIRE_SUBSCRIPTIONS_MAX + 1, &e), ==, WIRE_STATUS_LIMIT);
  g_assert_cmpint (read_subscriptions (ids, WIRE_SUBSCRIPTIONS_MAX, &e), ==, WIRE_STATUS_OK);
  for (guint i = 0; i < WIRE_SUBSCRIPTIONS_MAX; i++)
    {
      g_assert_true (wire_envelope_next_u32 (&e.subscriptions, &id));
      g_assert_cmpuint (id, ==, ids[i]);
    }
  g_assert_false (wire_envelope_next_u32 (&e.subscriptions, &id));

  /* 2^32 is no id; as a hop it is a number like any other. */
  g_assert_cmpint (read_as ("\x9a\x02\x05\x80\x80\x80\x80\x10", 8, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &e).status, ==,
                   WIRE_STATUS_BAD_MESSAGE);
  g_assert_cmpint (read_as ("\xd2\x02\x05\x80\x80\x80\x80\x10", 8, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &e).status, ==,
                   WIRE_STATUS_OK);
  /* None at all. */
  g_assert_cmpint (read_subscriptions (ids, 0, &e), ==, WIRE_STATUS_OK);
  g_assert_false (wire_envelope_next_u32 (&e.subscriptions, &id));
}

/* Two that can be lived with: the first one is told. */
static void
test_first_fault (void)
{
  static const char bytes[] = "\x08\x07\xc0\x0c\x01\x40\x80\x02";
  WireEnvelope e;
  WireReadResult result = read_as (bytes, sizeof bytes - 1, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e);

  g_assert_cmpint (result.status, ==, WIRE_STATUS_UNSUPPORTED);
  g_assert_cmpuint (result.field, ==, 200);
  g_assert_cmpuint (result.offset, ==, 2);
  g_assert_cmpuint (e.id, ==, 7);
}

static void
test_tags (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GByteArray) alone = NULL;
  WireEnvelope e;

  wire_envelope_init (&e);
  e.n_tags = 2;
  e.tags[0] = wire_span_str ("a=b");
  e.tags[1] = wire_span (NULL, 0);
  alone = write_body (&e);
  g_assert_cmpmem (alone->data, alone->len,
                   "\xa2\x01\x03"
                   "a=b\xa2\x01\x00",
                   9);

  for (guint i = 0; i < WIRE_TAGS_MAX; i++)
    g_byte_array_append (bytes,
                         (const guint8 *) "\xa2\x01\x03"
                                          "a=b",
                         6);
  g_assert_cmpint (read_as (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status, ==,
                   WIRE_STATUS_OK);
  g_assert_cmpuint (e.n_tags, ==, WIRE_TAGS_MAX);
  g_byte_array_append (bytes,
                       (const guint8 *) "\xa2\x01\x03"
                                        "a=b",
                       6);
  g_assert_cmpint (read_as (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status, ==,
                   WIRE_STATUS_LIMIT);
  g_assert_cmpuint (e.n_tags, ==, WIRE_TAGS_MAX);
}

/* Stock protobuf reads what we accept, with equal values. */
static void
assert_stock_agrees (const guint8 *bytes, gsize len, const WireEnvelope *e)
{
  /* Each number of a packed list counts as a field, and has one byte at least. */
  g_autoptr (WireGuard) guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__envelope__descriptor,
                                                           wire_span (bytes, len), (guint) len, NULL);
  const Stock *stock;

  g_assert_nonnull (guard);
  stock = wire_guard_message (guard);
  g_assert_cmpuint (stock->id, ==, e->id);
  g_assert_cmpmem (stock->topic, strlen (stock->topic), e->topic.data, e->topic.len);
  g_assert_cmpuint (stock->route, ==, e->route);
  g_assert_cmpuint (stock->priority, ==, e->priority);
  g_assert_cmpmem (stock->payload.data, stock->payload.len, e->payload.data, e->payload.len);
  g_assert_cmpuint (stock->n_tag, ==, e->n_tags);
  g_assert_cmpuint (stock->expect, ==, e->expect);
  g_assert_cmpuint (stock->deadline_us, ==, e->deadline_us);
  g_assert_cmpmem (stock->correlation_id, strlen (stock->correlation_id), e->correlation_id.data,
                   e->correlation_id.len);
}

/* Every truncation and every single bit flip of a full envelope. */
static void
test_mutations (void)
{
  g_autoptr (GByteArray) seed = NULL;
  WireEnvelope e;
  guint accepted = 0;

  fill_client (&e);
  seed = write_body (&e);
  for (guint len = 0; len < seed->len; len++)
    if (read_as (seed->data, len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status == WIRE_STATUS_OK)
      assert_stock_agrees (seed->data, len, &e);
  for (guint bit = 0; bit < seed->len * 8; bit++)
    {
      seed->data[bit / 8] ^= (guint8) (1u << bit % 8);
      if (read_as (seed->data, seed->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status == WIRE_STATUS_OK)
        {
          assert_stock_agrees (seed->data, seed->len, &e);
          accepted++;
        }
      seed->data[bit / 8] ^= (guint8) (1u << bit % 8);
    }
  g_assert_cmpuint (accepted, >, 100); /* flips inside values */
}

static void
test_random_bytes (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  guint accepted = 0;

  for (guint round = 0; round < 200000; round++)
    {
      guint8 bytes[12];
      gsize len = (gsize) g_rand_int_range (rand, 0, (gint) sizeof bytes + 1);
      WireEnvelope e;

      for (gsize i = 0; i < len; i++)
        bytes[i] = g_rand_int (rand) % 2 ? (guint8) g_rand_int_range (rand, 0, 32) : (guint8) g_rand_int (rand);
      if (read_as (bytes, len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status == WIRE_STATUS_OK)
        {
          assert_stock_agrees (bytes, len, &e);
          accepted++;
        }
    }
  g_assert_cmpuint (accepted, >, 1000);
}

/* --- protoc --- */

static void
test_protoc (void)
{
  const TestVector *theirs = test_vector_find ("client");
  g_autoptr (GByteArray) ours = NULL;
  WireEnvelope want, got;

  /* What it writes, we read. */
  fill_client (&want);
  g_assert_cmpint (read_as (theirs->bytes, theirs->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got).status, ==,
                   WIRE_STATUS_OK);
  assert_equal (&want, &got);

  /* What we write are the bytes that it would write, so it reads them as we mean them. */
  theirs = test_vector_find ("broker");
  fill_broker (&want);
  ours = write_body (&want);
  g_assert_cmpmem (ours->data, ours->len, theirs->bytes, theirs->len);
  g_assert_cmpint (read_as (theirs->bytes, theirs->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got).status, ==,
                   WIRE_STATUS_OK);
  assert_equal (&want, &got);
}

/* --- golden transcript --- */

static GByteArray *
from_hex (const char *hex)
{
  GByteArray *bytes = g_byte_array_new ();

  for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
    {
      guint8 byte = (guint8) (g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]));

      g_byte_array_append (bytes, &byte, 1);
    }
  return bytes;
}

/* Client bytes: read, and written again exactly. Broker bytes: read. */
static void
replay_line (const char *line)
{
  g_auto (GStrv) words_of_line = g_strsplit (line, " ", 3);
  g_autoptr (GByteArray) bytes = from_hex (words_of_line[2]);
  gboolean client = g_str_equal (words_of_line[0], "C");
  WireSpan input = wire_span (bytes->data, bytes->len);
  WireFrameReader reader;
  WireFrame frame;
  WireEnvelope e;

  g_test_message ("%s %s", words_of_line[0], words_of_line[1]);
  wire_frame_reader_init (&reader, 1 << 20);
  g_assert_cmpint (wire_frame_reader_next (&reader, &input, &frame), ==, WIRE_FRAME_COMPLETE);
  g_assert_cmpuint (input.len, ==, 0);
  g_assert_cmpstr (wire_kind_name (frame.kind), ==, words_of_line[1]);
  if (frame.kind == WIRE_KIND_HELLO || frame.kind == WIRE_KIND_WELCOME || frame.kind == WIRE_KIND_GOODBYE)
    {
      static const ProtobufCMessageDescriptor *const types[] = {
        [WIRE_KIND_HELLO] = &daemoneye__eventbus__v1__hello__descriptor,
        [WIRE_KIND_WELCOME] = &daemoneye__eventbus__v1__welcome__descriptor,
        [WIRE_KIND_GOODBYE] = &daemoneye__eventbus__v1__goodbye__descriptor,
      };
      g_autoptr (WireGuard) guard = wire_guard_unpack (types[frame.kind], frame.body, 0, NULL);

      g_assert_nonnull (guard);
    }
  else
    {
      WireReadResult result
          = wire_envelope_read (frame.body, frame.kind, client ? WIRE_FROM_CLIENT : WIRE_FROM_BROKER, &e);

      g_assert_cmpint (result.status, ==, WIRE_STATUS_OK);
      if (client)
        {
          g_autoptr (GByteArray) again = write_body (&e);

          g_assert_cmpmem (again->data, again->len, frame.body.data, frame.body.len);
        }
    }
  wire_frame_reader_clear (&reader);
}

static void
test_golden (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("TEST_DATA"), "golden-v1-session.txt", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (**line != '#' && **line != '\0')
      {
        replay_line (*line);
        n++;
      }
  g_assert_cmpuint (n, >, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/envelope/M24-read-back", test_read_back);
  g_test_add_func ("/wire/envelope/absent", test_absent);
  g_test_add_func ("/wire/envelope/P01-P02-P04-P05-P06-P08-P09-F10-cases", test_cases);
  g_test_add_func ("/wire/envelope/M27-newer-broker", test_broker_fields_unknown_to_us_are_skipped);
  g_test_add_func ("/wire/envelope/sizes", test_sizes);
  g_test_add_func ("/wire/envelope/header-limit", test_header_limit);
  g_test_add_func ("/wire/envelope/subscriptions", test_subscriptions);
  g_test_add_func ("/wire/envelope/first-fault", test_first_fault);
  g_test_add_func ("/wire/envelope/tags", test_tags);
  g_test_add_func ("/wire/envelope/M24-bounds", test_bounds);
  g_test_add_func ("/wire/envelope/M24-bounds-of-tags", test_bounds_of_tags);
  g_test_add_func ("/wire/envelope/F12-mutations", test_mutations);
  g_test_add_func ("/wire/envelope/P10-random-against-stock", test_random_bytes);
  g_test_add_func ("/wire/envelope/P10-protoc", test_protoc);
  g_test_add_func ("/wire/envelope/M27-golden-v1", test_golden);
  return g_test_run ();
}
