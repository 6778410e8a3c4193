/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-text.h"
#include "wire-varint.h"

/*
 * A fast reader for the usual delivery: the body of a DELIVER frame to one subscription, with the stamp of the broker, topic and
 * payload, and perhaps an id and a type name. A retained value also has the mark of the broker and the field `delivery` of its
 * publisher, which the receiver does not use.
 *
 * Nearly all messages that a client receives have this form. The reader rejects every other body, and then the caller uses
 * wire_envelope_read(): other fields or another order, text that is not ASCII, several subscriptions, malformed bodies.
 *
 * Invariant: wire_envelope_read() accepts every body that this reader accepts, and finds the same values.
 */

enum
{
  WIRE_DELIVERY_KEY_SENDER = 32 << 3 | WIRE_TYPE_LENGTH,
  WIRE_DELIVERY_KEY_SEQUENCE = 33 << 3 | WIRE_TYPE_VARINT,
  WIRE_DELIVERY_KEY_TIME = 34 << 3 | WIRE_TYPE_VARINT,
  WIRE_DELIVERY_KEY_SUBSCRIPTIONS = 35 << 3 | WIRE_TYPE_LENGTH,
  WIRE_DELIVERY_KEY_RETAINED = 44 << 3 | WIRE_TYPE_VARINT,
  WIRE_DELIVERY_KEY_ID = 1 << 3 | WIRE_TYPE_VARINT,
  WIRE_DELIVERY_KEY_TOPIC = 2 << 3 | WIRE_TYPE_LENGTH,
  WIRE_DELIVERY_KEY_TYPE_NAME = 6 << 3 | WIRE_TYPE_LENGTH,
  WIRE_DELIVERY_KEY_DELIVERY = 24 << 3 | WIRE_TYPE_VARINT,
  WIRE_DELIVERY_KEY_PAYLOAD = 15 << 3 | WIRE_TYPE_LENGTH,
};

/* Points into the body. */
typedef struct
{
  guint64 accept_seq;
  guint64 accept_time_us;
  guint32 subscription;
  gboolean is_retained;
  WireSpan sender;
  WireSpan topic;
  WireSpan type_name; /* empty: there is none */
  WireSpan payload;
} WireDelivery;

/* Each of these functions returns the end of the field; NULL: no such field starts at @at. Keys above 127 have two bytes. */

G_ALWAYS_INLINE static inline const guint8 *
wire_delivery_take_key (const guint8 *at, const guint8 *end, guint key)
{
  guint16 two;

  if (key < 0x80)
    return at < end && *at == key ? at + 1 : NULL;
  if (end - at < 2)
    return NULL;
  memcpy (&two, at, sizeof two);
  return GUINT16_FROM_LE (two) == (0x80 | (key & 0x7f) | key >> 7 << 8) ? at + 2 : NULL;
}

/* Returns @at if the field is absent: a zero is not written. NULL: malformed. */
G_ALWAYS_INLINE static inline const guint8 *
wire_delivery_take_number (const guint8 *at, const guint8 *end, guint key, guint64 *value)
{
  const guint8 *number = wire_delivery_take_key (at, end, key);

  *value = 0;
  if (number == NULL)
    return at;
  return end - number >= 8 && *number >= 0x80 ? wire_varint_read_word (number, end, value)
                                              : wire_varint_read (number, end, value);
}

/* Takes text whose length has one byte. */
static inline const guint8 *
wire_delivery_take_text (const guint8 *at, const guint8 *end, guint key, WireSpan *text)
{
  at = wire_delivery_take_key (at, end, key);
  if (at == NULL || at == end || *at >= 0x80 || *at > end - at - 1)
    return NULL;
  *text = wire_span (at + 1, *at);
  return wire_text_is_ascii (*text, end) ? text->data + text->len : NULL;
}

/* Takes a list of one number. */
static inline const guint8 *
wire_delivery_take_subscription (const guint8 *at, const guint8 *end, guint32 *subscription)
{
  const guint8 *list = wire_delivery_take_key (at, end, WIRE_DELIVERY_KEY_SUBSCRIPTIONS);
  guint64 number;

  if (list == NULL || list == end)
    return NULL;
  at = wire_varint_read (list + 1, end, &number);
  if (at == NULL || at - list - 1 != list[0] || number > G_MAXUINT32)
    return NULL;
  *subscription = (guint32) number;
  return at;
}

/* TRUE: the body ends at @at, or with a payload. */
static inline gboolean
wire_delivery_take_payload (const guint8 *at, const guint8 *end, WireSpan *payload)
{
  guint64 len = 0;

  *payload = wire_span (NULL, 0);
  if (at == end)
    return TRUE;
  at = wire_delivery_take_key (at, end, WIRE_DELIVERY_KEY_PAYLOAD);
  if (at != NULL)
    at = wire_varint_read (at, end, &len);
  if (at == NULL || len != (guint64) (end - at))
    return FALSE;
  *payload = wire_span (at, (gsize) len);
  return TRUE;
}

/* Takes the fields in front of the payload. NULL: they have another form. */
G_ALWAYS_INLINE static inline const guint8 *
wire_delivery_take_names (const guint8 *at, const guint8 *end, guint64 *id, WireSpan *topic, WireSpan *type_name)
{
  at = wire_delivery_take_number (at, end, WIRE_DELIVERY_KEY_ID, id);
  if (at == NULL)
    return NULL;
  at = wire_delivery_take_text (at, end, WIRE_DELIVERY_KEY_TOPIC, topic);
  if (at == NULL)
    return NULL;
  *type_name = wire_span (NULL, 0);
  if (at < end && *at == WIRE_DELIVERY_KEY_TYPE_NAME)
    at = wire_delivery_take_text (at, end, WIRE_DELIVERY_KEY_TYPE_NAME, type_name);
  return at;
}

/* Reads the bytes of the publisher. FALSE: they have another form. */
G_ALWAYS_INLINE static inline gboolean
wire_delivery_read_publish (const guint8 *at,
                            const guint8 *end,
                            guint64 *id,
                            WireSpan *topic,
                            WireSpan *type_name,
                            WireSpan *payload)
{
  at = wire_delivery_take_names (at, end, id, topic, type_name);
  return at != NULL && wire_delivery_take_payload (at, end, payload);
}

/* Skips a number of one byte. Returns @at if the field is absent, or its number is longer. */
static inline const guint8 *
wire_delivery_skip_byte (const guint8 *at, const guint8 *end, guint key)
{
  const guint8 *number = wire_delivery_take_key (at, end, key);

  return number != NULL && number < end && *number < 0x80 ? number + 1 : at;
}

/* Reads the rest of a retained value, from the mark of the broker. FALSE: it has another form. */
static inline gboolean
wire_delivery_read_retained (const guint8 *at, const guint8 *end, WireDelivery *delivery)
{
  guint64 id;

  if (at == end || *at != 1)
    return FALSE;
  at = wire_delivery_take_names (at + 1, end, &id, &delivery->topic, &delivery->type_name);
  delivery->is_retained = TRUE;
  return at != NULL
         && wire_delivery_take_payload (wire_delivery_skip_byte (at, end, WIRE_DELIVERY_KEY_DELIVERY), end,
                                        &delivery->payload);
}

/* FALSE: the body has another form, and @delivery is undefined. */
static inline gboolean
wire_delivery_read (WireSpan body, WireDelivery *delivery)
{
  const guint8 *at = body.data;
  const guint8 *end = wire_span_end (body);
  const guint8 *mark;
  guint64 id;

  at = wire_delivery_take_text (at, end, WIRE_DELIVERY_KEY_SENDER, &delivery->sender);
  if (at == NULL)
    return FALSE;
  at = wire_delivery_take_number (at, end, WIRE_DELIVERY_KEY_SEQUENCE, &delivery->accept_seq);
  if (at == NULL)
    return FALSE;
  at = wire_delivery_take_number (at, end, WIRE_DELIVERY_KEY_TIME, &delivery->accept_time_us);
  if (at == NULL)
    return FALSE;
  at = wire_delivery_take_subscription (at, end, &delivery->subscription);
  if (at == NULL)
    return FALSE;
  mark = wire_delivery_take_key (at, end, WIRE_DELIVERY_KEY_RETAINED);
  if (G_UNLIKELY (mark != NULL))
    return wire_delivery_read_retained (mark, end, delivery);
  delivery->is_retained = FALSE;
  return wire_delivery_read_publish (at, end, &id, &delivery->topic, &delivery->type_name, &delivery->payload);
}
