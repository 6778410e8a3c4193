/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-delivery.h"
#include "wire-frame.h"

/*
 * A fast writer and a fast reader for the plain publish: a PUBLISH frame with id, topic, other fields, and payload. The writer
 * gets the other fields encoded, and the caller adds the bytes of the payload. The reader accepts no other field than the type
 * name.
 *
 * Most messages have this form, and most have the same topic as the message before. So the field of the topic, and those of
 * options, are encoded once for many messages, and the rest is written and read without the general table of fields.
 *
 * Invariant: the bytes are those that wire_envelope_write() writes for these fields. wire_envelope_read() accepts every body that
 * the reader accepts, and finds the same values.
 */

#define WIRE_PUBLISH_TOPIC_MAX 256u /* longer topics need the general writer */

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

/* Largest size of everything before the payload except the fields of options: header, key and value of the id, the topic, key
 * and length of the payload. */
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

/* Writes to @out, which has room for WIRE_PUBLISH_HEAD_MAX bytes and @more. @id: not 0. @more: encoded fields between topic and
 * payload. Returns the end, where the caller adds the @payload_len bytes of the payload. */
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

/* Points into the body. */
typedef struct
{
  guint64 id;
  WireSpan topic;
  WireSpan type_name; /* empty: there is none */
  WireSpan payload;
} WirePublish;

/* FALSE: the body has another form (see wire-delivery), and @publish is undefined. */
static inline gboolean
wire_publish_read (WireSpan body, WirePublish *publish)
{
  return body.len <= WIRE_HEADER_FIELDS_MAX
         && wire_delivery_read_publish (body.data, wire_span_end (body), &publish->id, &publish->topic,
                                        &publish->type_name, &publish->payload);
}
