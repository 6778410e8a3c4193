/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-publish.h"

#include "wire-envelope.h"

/* The short writer and reader of plain publishes give exactly the same results as the general ones. */

/* @more: with a type name. */
static gsize
publish_write_envelope (guint8 *out, guint64 id, WireSpan topic, gboolean more, gsize payload_len)
{
  static const guint8 payload[1 << 20];
  WireEnvelope envelope;
  gsize len;

  wire_envelope_init (&envelope);
  envelope.id = id;
  envelope.topic = topic;
  if (more)
    envelope.type_name = WIRE_SPAN_LITERAL ("T");
  envelope.payload = wire_span (payload, payload_len);
  len = wire_envelope_size (&envelope);
  wire_frame_put_header (out, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_ACK, (guint32) (len + payload_len));
  wire_envelope_write (&envelope, out + WIRE_FRAME_HEADER_LEN);
  return WIRE_FRAME_HEADER_LEN + len;
}

static void
publish_compare (guint64 id, WireSpan topic, gboolean more, gsize payload_len)
{
  static const guint8 type_name[] = { 6 << 3 | WIRE_TYPE_LENGTH, 1, 'T' };
  const WireSpan fields = wire_span (type_name, more ? sizeof type_name : 0);
  guint8 plain[WIRE_PUBLISH_HEAD_MAX + sizeof type_name];
  guint8 general[2 * WIRE_PUBLISH_HEAD_MAX];
  gsize len = publish_write_envelope (general, id, topic, more, payload_len);
  WirePublishTopic field = { 0 };
  const guint8 *end;

  wire_publish_set_topic (&field, topic);
  g_assert_cmpuint (len, <=, WIRE_PUBLISH_HEAD_MAX + fields.len);
  end = wire_publish_put_head (plain, WIRE_FLAG_WANT_ACK, id, &field, fields, (guint32) payload_len);
  g_assert_cmpmem (plain, (gsize) (end - plain), general, len);
}

static void
test_same_bytes (void)
{
  static const guint64 ids[] = { 1, 127, 128, 16383, 16384, G_GUINT64_CONSTANT (1) << 32, G_MAXUINT64 };
  static const gsize topics[] = { 1, 2, 18, 127, 128, WIRE_PUBLISH_TOPIC_MAX };
  static const gsize payloads[] = { 0, 1, 127, 128, 8192, 16383, 16384, 1 << 20 };
  guint8 text[WIRE_PUBLISH_TOPIC_MAX];

  memset (text, 'a', sizeof text);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    for (guint t = 0; t < G_N_ELEMENTS (topics); t++)
      for (guint p = 0; p < G_N_ELEMENTS (payloads); p++)
        for (guint more = 0; more < 2; more++)
          publish_compare (ids[i], wire_span (text, topics[t]), more == 1, payloads[p]);
}

/* Neither a shorter nor a longer topic is confused with the cached one. */
static void
test_topic_is (void)
{
  static const char *const topics[]
      = { "events.process.new", "events.process.ne", "events.process.new2", "events.process.old", "events.a", "" };
  WirePublishTopic field = { 0 };

  for (guint i = 0; *topics[i] != '\0'; i++)
    {
      wire_publish_set_topic (&field, wire_span_str (topics[i]));
      for (guint k = 0; k < G_N_ELEMENTS (topics); k++)
        {
          g_autofree char *other = g_strdup (topics[k]);

          g_assert_cmpint (wire_publish_topic_is (&field, other), ==, i == k);
        }
    }
}

/* --- reading --- */

#define CHANGED_MAX 60u /* bytes of a body that are changed */

typedef struct
{
  guint64 id;
  const char *topic;
  const char *type_name;
  gsize payload_len;
  guint32 priority;
  gboolean usual;
} PublishRow;

static const PublishRow rows[] = {
  { 1, "events.a", NULL, 5, 0, TRUE },
  { G_MAXUINT64, "events.process.lifecycle", "daemoneye.ProcessEvent", 300, 0, TRUE },
  { 300, "e", NULL, 0, 0, TRUE },
  { 0, "e", NULL, 1, 0, TRUE },         /* accepted here; the caller refuses it */
  { 1, "events.a", NULL, 5, 7, FALSE }, /* a priority */
  { 1, "", NULL, 5, 0, FALSE },         /* no topic */
  { 1, "\xc3\xa4", NULL, 5, 0, FALSE }, /* not ASCII */
  { 1, "events.a", "\xc3\xa4", 5, 0, FALSE },
  { 1, "events.a", NULL, 9000, 0, FALSE }, /* too large */
};

static GByteArray *
publish_body (const PublishRow *row)
{
  static const guint8 zeros[9000];
  GByteArray *body = g_byte_array_new ();
  guint8 bytes[512];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.id = row->id;
  envelope.topic = wire_span_str (row->topic);
  envelope.type_name = wire_span_str (row->type_name);
  envelope.priority = row->priority;
  envelope.payload = wire_span (zeros, row->payload_len);
  g_byte_array_append (body, bytes, (guint) (wire_envelope_write (&envelope, bytes) - bytes));
  g_byte_array_append (body, zeros, (guint) row->payload_len);
  return body;
}

static gboolean
publish_same_span (WireSpan a, WireSpan b)
{
  return a.len == b.len && (a.len == 0 || a.data == b.data);
}

/* Reads a body in a block of exactly its size, so that a sanitizer finds a read beyond its end. Returns whether it is a plain
 * publish; then the general reader must accept it with the same values. */
static gboolean
publish_read (const guint8 *bytes, gsize len)
{
  g_autofree guint8 *copy = g_memdup2 (bytes, len);
  WireSpan body = wire_span (copy, len);
  WireEnvelope envelope;
  WirePublish publish;

  if (!wire_publish_read (body, &publish))
    return FALSE;
  g_assert_cmpint (wire_envelope_read (body, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &envelope).status, ==,
                   WIRE_STATUS_OK);
  g_assert_true (wire_envelope_is_plain_publish (&envelope));
  g_assert_cmpuint (publish.id, ==, envelope.id);
  g_assert_true (publish_same_span (publish.topic, envelope.topic));
  g_assert_true (publish_same_span (publish.type_name, envelope.type_name));
  g_assert_true (publish_same_span (publish.payload, envelope.payload));
  g_assert_true (envelope.content_type.len == 0 && envelope.priority == 0);
  return TRUE;
}

static void
test_read (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GByteArray) body = publish_body (&rows[i]);

      g_assert_cmpint (publish_read (body->data, body->len), ==, rows[i].usual);
    }
}

/* Each byte with each value, each prefix of a body, and bodies in which a part is repeated or missing. */
static void
test_read_changed (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GByteArray) body = publish_body (&rows[i]);
      const guint n = MIN (body->len, CHANGED_MAX);

      for (guint at = 0; at < n; at++)
        {
          const guint8 byte = body->data[at];

          publish_read (body->data, at);
          for (guint value = 0; value <= G_MAXUINT8; value++)
            {
              body->data[at] = (guint8) value;
              publish_read (body->data, body->len);
            }
          body->data[at] = byte;
          for (guint to = at + 1; to <= n; to++)
            {
              g_autoptr (GByteArray) twice = g_byte_array_new ();
              g_autoptr (GByteArray) without = g_byte_array_new ();

              g_byte_array_append (twice, body->data, to);
              g_byte_array_append (twice, body->data + at, body->len - at);
              g_byte_array_append (without, body->data, at);
              g_byte_array_append (without, body->data + to, body->len - to);
              publish_read (twice->data, twice->len);
              publish_read (without->data, without->len);
            }
        }
    }
}

/* An envelope from a plain publish is the same as from the general reader, and keeps no fields for the next body. */
static void
test_set (void)
{
  g_autoptr (GByteArray) body = publish_body (&rows[1]);
  g_autoptr (GByteArray) other = publish_body (&rows[4]);
  WireSpan first = wire_span (other->data, other->len);
  WireEnvelope set, read;
  WirePublish publish;

  wire_envelope_init (&set);
  wire_envelope_init (&read);
  g_assert_true (wire_publish_read (wire_span (body->data, body->len), &publish));
  for (guint round = 0; round < 2; round++)
    {
      wire_envelope_read_next (first, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &set);
      wire_envelope_read_next (first, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &read);
      g_assert_cmpmem (&set, G_STRUCT_OFFSET (WireEnvelope, tags), &read, G_STRUCT_OFFSET (WireEnvelope, tags));
      wire_envelope_set_publish (&set, &publish);
      wire_envelope_read_next (wire_span (body->data, body->len), WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &read);
      g_assert_cmpmem (&set, G_STRUCT_OFFSET (WireEnvelope, tags), &read, G_STRUCT_OFFSET (WireEnvelope, tags));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/publish/same-bytes", test_same_bytes);
  g_test_add_func ("/wire/publish/topic-is", test_topic_is);
  g_test_add_func ("/wire/publish/read", test_read);
  g_test_add_func ("/wire/publish/read-changed", test_read_changed);
  g_test_add_func ("/wire/publish/set", test_set);
  return g_test_run ();
}
