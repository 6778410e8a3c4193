/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-varint.h"

/*
 * Peeking at frames before they are read: finds the next frame of an input, and the subscription of a delivery.
 *
 * The results are hints for loading memory into the cache early, and must not be used for anything else: the reader detects
 * invalid frames later. The subscription is found only if the fields have the order in which the broker writes them.
 *
 * Invariant: no byte outside of the input is read.
 */

enum
{
  WIRE_PEEK_KEY_SENDER = 32 << 3 | WIRE_TYPE_LENGTH,
  WIRE_PEEK_KEY_SUBSCRIPTIONS = 35 << 3 | WIRE_TYPE_LENGTH,
};

/* Reads a key and the number behind it: the value of the field, or its length. Returns the end; NULL: it is cut off. */
static inline const guint8 *
wire_peek_field (const guint8 *at, const guint8 *end, guint64 *key, guint64 *value)
{
  at = wire_varint_read (at, end, key);
  return at != NULL ? wire_varint_read (at, end, value) : NULL;
}

/* Returns the first subscription of a DELIVER. It follows the sender and a few numbers. 0: not found */
static inline guint64
wire_peek_subscription (WireSpan body)
{
  const guint8 *end = wire_span_end (body);
  guint64 key, value;
  const guint8 *at = wire_peek_field (body.data, end, &key, &value);

  if (at == NULL || key != WIRE_PEEK_KEY_SENDER || value > (guint64) (end - at))
    return 0;
  at += value;
  while ((at = wire_peek_field (at, end, &key, &value)) != NULL && key < WIRE_PEEK_KEY_SUBSCRIPTIONS)
    continue;
  if (at == NULL || key != WIRE_PEEK_KEY_SUBSCRIPTIONS || wire_varint_read (at, end, &value) == NULL)
    return 0;
  return value;
}

/* Finds kind and body of the first frame of @input, and moves @input past it. FALSE: the first frame is not complete. */
static inline gboolean
wire_peek_next (WireSpan *input, guint8 *kind, WireSpan *body)
{
  guint32 len;

  if (input->len < WIRE_FRAME_HEADER_LEN)
    return FALSE;
  memcpy (&len, input->data, sizeof len);
  len = GUINT32_FROM_LE (len);
  if (len > input->len - WIRE_FRAME_HEADER_LEN)
    return FALSE;
  *kind = input->data[4];
  *body = wire_span (input->data + WIRE_FRAME_HEADER_LEN, len);
  *input = wire_span (wire_span_end (*body), input->len - WIRE_FRAME_HEADER_LEN - len);
  return TRUE;
}
