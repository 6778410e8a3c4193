/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope-fixture.h"

#include "wire-stamp.h"

/* The flat reader and writer: written envelopes are read back, and each fault has its status. */

static void
test_read_back (void)
{
  WireEnvelope sent, got;
  g_autoptr (GByteArray) client = NULL;
  g_autoptr (GByteArray) broker = NULL;

  envelope_fill_client (&sent);
  client = envelope_write (&sent);
  g_assert_cmpint (envelope_read (client->data, client->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &got).status, ==,
                   WIRE_STATUS_OK);
  envelope_assert_equal (&sent, &got);
  g_assert_cmpuint (got.id, ==, 1);
  g_assert_cmpuint (got.n_tags, ==, 2);
  g_assert_true (wire_span_equal (got.tags[1], sent.tags[1]));
  g_assert_true (wire_span_equal (got.payload, sent.payload));

  envelope_fill_broker (&sent);
  broker = envelope_write (&sent);
  g_assert_cmpint (envelope_read (broker->data, broker->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got).status, ==,
                   WIRE_STATUS_OK);
  envelope_assert_equal (&sent, &got);
  g_assert_cmpuint (got.gap_reason, ==, 77);
}

static void
test_absent (void)
{
  WireEnvelope e;

  wire_envelope_init (&e);
  g_assert_cmpuint (wire_envelope_size (&e), ==, 0);
  g_assert_cmpint (envelope_read ("", 0, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status, ==, WIRE_STATUS_OK);
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
      WireReadResult result = envelope_read (cases[i].bytes, cases[i].len, cases[i].kind, WIRE_FROM_CLIENT, &e);

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

  g_assert_cmpint (envelope_read (bytes, sizeof bytes - 1, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &e).status, ==,
                   WIRE_STATUS_OK);
  g_assert_cmpuint (e.id, ==, 9);
}

static WireStatus
read_subscriptions (const guint32 *ids, gsize n, WireEnvelope *got)
{
  static guint8 packed[5 * (WIRE_SUBSCRIPTIONS_MAX + 1)];
  static GByteArray *bytes = NULL; /* the memory to which @got points */
  WireEnvelope e;

  g_clear_pointer (&bytes, g_byte_array_unref);
  wire_envelope_init (&e);
  e.subscriptions = wire_span (packed, wire_envelope_pack_u32 (ids, n, packed));
  bytes = envelope_write (&e);
  return envelope_read (bytes->data, bytes->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, got).status;
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

  /* 2^32 is not a valid id, but it is a valid number in a hop. */
  g_assert_cmpint (
      envelope_read ("\x9a\x02\x05\x80\x80\x80\x80\x10", 8, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &e).status, ==,
      WIRE_STATUS_BAD_MESSAGE);
  g_assert_cmpint (
      envelope_read ("\xd2\x02\x05\x80\x80\x80\x80\x10", 8, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &e).status, ==,
      WIRE_STATUS_OK);
  /* An empty list. */
  g_assert_cmpint (read_subscriptions (ids, 0, &e), ==, WIRE_STATUS_OK);
  g_assert_false (wire_envelope_next_u32 (&e.subscriptions, &id));
}

/* If two faults are not protocol errors, the first one is reported. */
static void
test_first_fault (void)
{
  static const char bytes[] = "\x08\x07\xc0\x0c\x01\x40\x80\x02";
  WireEnvelope e;
  WireReadResult result = envelope_read (bytes, sizeof bytes - 1, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e);

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
  alone = envelope_write (&e);
  g_assert_cmpmem (alone->data, alone->len,
                   "\xa2\x01\x03"
                   "a=b\xa2\x01\x00",
                   9);

  for (guint i = 0; i < WIRE_TAGS_MAX; i++)
    g_byte_array_append (bytes,
                         (const guint8 *) "\xa2\x01\x03"
                                          "a=b",
                         6);
  g_assert_cmpint (envelope_read (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status, ==,
                   WIRE_STATUS_OK);
  g_assert_cmpuint (e.n_tags, ==, WIRE_TAGS_MAX);
  g_byte_array_append (bytes,
                       (const guint8 *) "\xa2\x01\x03"
                                        "a=b",
                       6);
  g_assert_cmpint (envelope_read (bytes->data, bytes->len, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status, ==,
                   WIRE_STATUS_LIMIT);
  g_assert_cmpuint (e.n_tags, ==, WIRE_TAGS_MAX);
}

static WireStatus
read_id (const guint8 *number, gsize n, gsize behind, guint64 *id)
{
  guint8 bytes[32] = { 0x08 };
  WireEnvelope e;
  WireReadResult result;

  memcpy (bytes + 1, number, n);
  if (behind > 0)
    {
      bytes[n + 1] = 0x7a;
      bytes[n + 2] = (guint8) (behind - 2);
    }
  result = envelope_read (bytes, 1 + n + behind, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e);
  *id = e.id;
  return result.status;
}

/* Numbers of every length, the last one in the body or not: exact, cut, and one byte longer than they need. */
static void
test_numbers (void)
{
  for (guint bits = 0; bits <= 64; bits++)
    for (gsize behind = 0; behind <= 12; behind += 12)
      {
        guint64 value = bits == 0 ? 0 : G_MAXUINT64 >> (64 - bits);
        guint64 id;
        guint8 number[12];
        gsize n = wire_envelope_pack_u64 (&value, 1, number);

        g_assert_cmpint (read_id (number, n, behind, &id), ==, WIRE_STATUS_OK);
        g_assert_cmpuint (id, ==, value);
        if (n > 1)
          g_assert_cmpint (read_id (number, n - 1, 0, &id), ==, WIRE_STATUS_BAD_MESSAGE);
        number[n - 1] |= 0x80;
        number[n] = 0;
        g_assert_cmpint (read_id (number, n + 1, behind, &id), ==, WIRE_STATUS_BAD_MESSAGE);
      }
}

/* Text of every length, with one wrong byte at every place, and with or without bytes after it. */
static void
test_texts (void)
{
  for (gsize len = 1; len <= 40; len++)
    for (gsize wrong = 0; wrong <= len; wrong++)
      for (gsize behind = 0; behind <= 10; behind += 10)
        {
          guint8 bytes[64] = { 0x12, (guint8) len };
          WireEnvelope e;
          WireStatus want = wrong < len ? WIRE_STATUS_BAD_MESSAGE : WIRE_STATUS_OK;

          memset (bytes + 2, 'a', len);
          bytes[2 + len] = 0x7a;
          bytes[3 + len] = 8;
          for (guint8 byte = 0; wrong < len && byte < 2; byte++)
            {
              bytes[2 + wrong] = byte == 0 ? 0 : 0x80;
              g_assert_cmpint (envelope_read (bytes, 2 + len + behind, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status,
                               ==, want);
            }
          if (wrong == len)
            g_assert_cmpint (envelope_read (bytes, 2 + len + behind, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &e).status,
                             ==, want);
        }
}

/* A body never contains fields of the previous one. */
static void
test_read_next (void)
{
  WireEnvelope client, broker, small, nothing, got;
  g_autoptr (GPtrArray) bodies = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);

  envelope_fill_client (&client);
  wire_envelope_init (&broker);
  envelope_fill_broker (&broker);
  wire_envelope_init (&small);
  small.topic = wire_span_str ("events.a");
  wire_envelope_init (&nothing);
  g_ptr_array_add (bodies, envelope_write (&client));
  g_ptr_array_add (bodies, envelope_write (&broker));
  g_ptr_array_add (bodies, envelope_write (&small));
  g_ptr_array_add (bodies, envelope_write (&nothing));
  wire_envelope_init (&got);
  for (guint i = 0; i < bodies->len; i++)
    for (guint j = 0; j < bodies->len; j++)
      {
        const GByteArray *first = bodies->pdata[i], *second = bodies->pdata[j];
        WireEnvelope alone;

        wire_envelope_read_next (wire_span (first->data, first->len), WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got);
        wire_envelope_read_next (wire_span (second->data, second->len), WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &got);
        envelope_read (second->data, second->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &alone);
        g_assert_cmpmem (&got, G_STRUCT_OFFSET (WireEnvelope, tags), &alone, G_STRUCT_OFFSET (WireEnvelope, tags));
      }
}

/* Returns a body as the broker and the library write it: the stamp is first. */
static GByteArray *
usual_body (void)
{
  guint8 stamp[WIRE_STAMP_COMMON_MAX];
  guint8 own[WIRE_STAMP_OWN_MAX (1)];
  const guint32 id = 2;
  const WireStampOwn subscriptions = { .subscriptions = &id, .n_subscriptions = 1 };
  g_autoptr (GByteArray) client = NULL;
  GByteArray *bytes = g_byte_array_new ();
  WireEnvelope e;

  wire_envelope_init (&e);
  e.id = 70000;
  e.topic = wire_span_str ("events.process.new");
  e.type_name = wire_span_str ("a.b.C");
  e.payload = wire_span_str ("payload");
  client = envelope_write (&e);
  g_byte_array_append (
      bytes, stamp,
      (guint) wire_stamp_common (stamp, wire_span_str ("agent-1"), 300, G_GUINT64_CONSTANT (1790000000000000)));
  g_byte_array_append (bytes, own, (guint) wire_stamp_own (own, &subscriptions));
  g_byte_array_append (bytes, client->data, client->len);
  return bytes;
}

/* The functions for parts of the stamp write the same bytes as the function for all of it. */
static void
test_stamp_in_parts (void)
{
  static const char *const senders[]
      = { "", "agent-1", "a-long-name-of-a-collector-with-many-letters-in-it-1234567890123" };
  static const guint64 numbers[] = { 1, 127, 128, 70000, G_MAXUINT64 };

  for (guint i = 0; i < G_N_ELEMENTS (senders); i++)
    for (guint j = 0; j < G_N_ELEMENTS (numbers); j++)
      {
        guint8 whole[WIRE_STAMP_COMMON_MAX], parts[WIRE_STAMP_COMMON_MAX];
        guint8 *at = parts;
        gsize len = wire_stamp_common (whole, wire_span_str (senders[i]), numbers[j], numbers[j]);

        at += wire_stamp_before_sequence (at, wire_span_str (senders[i]));
        at = wire_varint_put (at, numbers[j]);
        at += wire_stamp_behind_sequence (at, numbers[j]);
        g_assert_cmpmem (parts, at - parts, whole, len);
      }
}

/* Asserts that the result is the same after an unknown field, where the reader uses its general path. */
static void
assert_same_behind_unknown (const guint8 *body, gsize len)
{
  static const guint8 unknown[] = { 0xc0, 0x0c, 0x01 };
  g_autofree guint8 *alone = g_malloc (len + 1); /* so that a sanitizer finds a read beyond the end */
  g_autofree guint8 *behind = g_malloc (sizeof unknown + len);
  WireEnvelope e, other;
  WireReadResult got, want;

  memcpy (behind, unknown, sizeof unknown);
  memcpy (behind + sizeof unknown, body, len);
  memcpy (alone + 1, body, len);
  got = envelope_read (alone + 1, len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &e);
  want = envelope_read (behind, sizeof unknown + len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &other);
  g_assert_cmpint (got.status, ==, want.status);
  g_assert_cmpuint (got.field, ==, want.field);
  g_assert_cmpuint (got.offset, ==, want.status == WIRE_STATUS_OK ? 0 : want.offset - sizeof unknown);
  g_assert_cmpstr (got.problem, ==, want.problem);
  envelope_assert_equal (&e, &other);
}

/* The fields of most bodies: each part of the body, and each bit inverted. */
static void
test_usual_fields (void)
{
  g_autoptr (GByteArray) body = usual_body ();
  WireEnvelope e;
  guint32 id;

  g_assert_cmpint (envelope_read (body->data, body->len, WIRE_KIND_DELIVER, WIRE_FROM_BROKER, &e).status, ==,
                   WIRE_STATUS_OK);
  g_assert_true (wire_span_equal (e.sender, wire_span_str ("agent-1")));
  g_assert_cmpuint (e.accept_seq, ==, 300);
  g_assert_cmpuint (e.accept_time_us, ==, G_GUINT64_CONSTANT (1790000000000000));
  g_assert_true (wire_envelope_next_u32 (&e.subscriptions, &id) && id == 2);
  g_assert_cmpuint (e.id, ==, 70000);
  g_assert_true (wire_span_equal (e.topic, wire_span_str ("events.process.new")));
  g_assert_true (wire_span_equal (e.type_name, wire_span_str ("a.b.C")));
  g_assert_true (wire_span_equal (e.payload, wire_span_str ("payload")));
  g_assert_true (wire_envelope_is_plain (&e));

  for (guint from = 0; from <= body->len; from++)
    for (guint to = from; to <= body->len; to++)
      assert_same_behind_unknown (body->data + from, to - from);
  for (guint bit = 0; bit < body->len * 8; bit++)
    {
      body->data[bit / 8] ^= (guint8) (1u << bit % 8);
      assert_same_behind_unknown (body->data, body->len);
      body->data[bit / 8] ^= (guint8) (1u << bit % 8);
    }
}

/* wire_envelope_put() never writes more than the room, and returns NULL only when it is too small. */
static void
test_put (void)
{
  WireEnvelope e;
  g_autoptr (GByteArray) want = NULL;
  gsize size;

  envelope_fill_client (&e);
  envelope_fill_broker (&e);
  want = envelope_write (&e);
  size = want->len - e.payload.len;
  for (gsize room = 0; room <= size + WIRE_ENVELOPE_SLACK; room++)
    {
      g_autofree guint8 *out = g_malloc (room + 1);
      guint8 *end;

      out[room] = 0xa5;
      end = wire_envelope_put (&e, out, room);
      g_assert_cmpuint (out[room], ==, 0xa5);
      g_assert_true (end != NULL || room < size + WIRE_ENVELOPE_SLACK);
      if (end != NULL)
        g_assert_cmpmem (out, (gsize) (end - out), want->data, size);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire-envelope/stamp-in-parts", test_stamp_in_parts);
  g_test_add_func ("/wire/envelope/M24-read-back", test_read_back);
  g_test_add_func ("/wire/envelope/absent", test_absent);
  g_test_add_func ("/wire/envelope/P01-P02-P04-P05-P06-P08-P09-F10-cases", test_cases);
  g_test_add_func ("/wire/envelope/M27-newer-broker", test_broker_fields_unknown_to_us_are_skipped);
  g_test_add_func ("/wire/envelope/subscriptions", test_subscriptions);
  g_test_add_func ("/wire/envelope/first-fault", test_first_fault);
  g_test_add_func ("/wire/envelope/tags", test_tags);
  g_test_add_func ("/wire/envelope/numbers", test_numbers);
  g_test_add_func ("/wire/envelope/texts", test_texts);
  g_test_add_func ("/wire/envelope/read-next", test_read_next);
  g_test_add_func ("/wire/envelope/usual-fields", test_usual_fields);
  g_test_add_func ("/wire/envelope/put", test_put);
  return g_test_run ();
}
