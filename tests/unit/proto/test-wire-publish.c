/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-publish.h"

#include "wire-envelope.h"

/* Heads of plain publishes are byte for byte those of the general writer. */

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

/* Neither a shorter topic nor a longer one is taken for the one that is remembered. */
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/publish/same-bytes", test_same_bytes);
  g_test_add_func ("/wire/publish/topic-is", test_topic_is);
  return g_test_run ();
}
