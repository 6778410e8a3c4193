/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-span.h"
#include "wire-varint.h"

/*
 * The head of a plain publish: a PUBLISH frame with id, topic, fields that are encoded already, and payload.
 *
 * Most messages are of this form, and most follow one of the same topic. So the field of the topic is encoded once for many
 * messages, as are those of options, and the rest is written without the table of the fields.
 *
 * Invariant: the bytes are those that wire_envelope_write() writes for these fields.
 */

#define WIRE_PUBLISH_TOPIC_MAX 256u /* longer topics are for the general writer */

enum
{
  WIRE_PUBLISH_KEY_ID = 1 << 3 | WIRE_TYPE_VARINT,
  WIRE_PUBLISH_KEY_TOPIC = 2 << 3 | WIRE_TYPE_LENGTH,
  WIRE_PUBLISH_KEY_PAYLOAD = 15 << 3 | WIRE_TYPE_LENGTH,
};

/* The encoded field of a topic; all zero: none. */
typedef struct
{
  guint16 len;
  guint16 text; /* offset of the topic in @bytes */
  guint8 bytes[1 + 2 + WIRE_PUBLISH_TOPIC_MAX];
} WirePublishTopic;

/* Of everything in front of the payload but the fields of options: key and value of the id, the topic, key and length of the
 * payload. */
#define WIRE_PUBLISH_HEAD_MAX (WIRE_FRAME_HEADER_LEN + 1 + 10 + sizeof ((WirePublishTopic *) NULL)->bytes + 1 + 5)

static inline gboolean
wire_publish_topic_is (const WirePublishTopic *field, const char *topic)
{
  gsize len = (gsize) field->len - field->text;

  return strncmp ((const char *) field->bytes + field->text, topic, len) == 0 && topic[len] == '\0';
}

/* @topic: 1 to WIRE_PUBLISH_TOPIC_MAX bytes. */
static inline void
wire_publish_set_topic (WirePublishTopic *field, WireSpan topic)
{
  guint8 *end;

  g_assert (topic.len > 0 && topic.len <= WIRE_PUBLISH_TOPIC_MAX);
  field->bytes[0] = WIRE_PUBLISH_KEY_TOPIC;
  end = wire_varint_put (field->bytes + 1, topic.len);
  memcpy (end, topic.data, topic.len);
  field->text = (guint16) (end - field->bytes);
  field->len = (guint16) (field->text + topic.len);
}

/* Writes to @out, which has WIRE_PUBLISH_HEAD_MAX bytes and those of @more. @id: not 0. @more: fields between topic and payload.
 * Returns the end, where @payload_len bytes have to follow. */
static inline guint8 *
wire_publish_put_head (guint8 *out,
                       guint8 flags,
                       guint64 id,
                       const WirePublishTopic *topic,
                       WireSpan more,
                       guint32 payload_len)
{
  guint8 *body = out + WIRE_FRAME_HEADER_LEN;
  guint8 *at = body;

  *at++ = WIRE_PUBLISH_KEY_ID;
  at = wire_varint_put (at, id);
  memcpy (at, topic->bytes, topic->len);
  at += topic->len;
  if (more.len > 0)
    {
      memcpy (at, more.data, more.len);
      at += more.len;
    }
  if (payload_len > 0)
    {
      *at++ = WIRE_PUBLISH_KEY_PAYLOAD;
      at = wire_varint_put (at, payload_len);
    }
  wire_frame_put_header (out, WIRE_KIND_PUBLISH, flags, (guint32) (at - body) + payload_len);
  return at;
}
