/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-delivery.h"
#include "wire-frame.h"

/*
 * Peeking at frames before they are read: finds the next frame of an input, and the subscription of a delivery.
 *
 * The results are hints for loading memory into the cache early, and must not be used for anything else: the reader detects
 * invalid frames later. The subscription is found only if the fields have the order in which the broker writes them.
 *
 * Invariant: no byte outside of the input is read.
 */

/* The place behind a number. NULL: it is cut off. */
static inline const guint8 *
wire_peek_skip_number (const guint8 *at, const guint8 *end)
{
  guint64 word, last, number;

  if (end - at < 8)
    return wire_varint_read (at, end, &number);
  memcpy (&word, at, sizeof word);
  last = ~GUINT64_FROM_LE (word)
         & G_GUINT64_CONSTANT (0x8080808080808080); /* top bits of the bytes that can be the last */
  return last != 0 ? at + __builtin_ctzll (last) / 8 + 1 : wire_varint_read_bytes (at, end, &number);
}

/* The place behind a field with a number, or @at if the field is absent. NULL: the number is cut off, or @at is NULL. */
static inline const guint8 *
wire_peek_skip_field (const guint8 *at, const guint8 *end, guint key)
{
  const guint8 *number = at != NULL ? wire_delivery_take_key (at, end, key) : NULL;

  return number != NULL ? wire_peek_skip_number (number, end) : at;
}

/* Returns the first subscription of a DELIVER, whose first fields are those of wire-delivery. 0: not found */
static inline guint64
wire_peek_subscription (WireSpan body)
{
  const guint8 *end = wire_span_end (body);
  const guint8 *at = wire_delivery_take_key (body.data, end, WIRE_DELIVERY_KEY_SENDER);
  guint64 subscription;

  if (at == NULL || at == end || *at >= 0x80 || *at > end - at - 1)
    return 0;
  at = wire_peek_skip_field (at + 1 + *at, end, WIRE_DELIVERY_KEY_SEQUENCE);
  at = wire_peek_skip_field (at, end, WIRE_DELIVERY_KEY_TIME);
  at = at != NULL ? wire_delivery_take_key (at, end, WIRE_DELIVERY_KEY_SUBSCRIPTIONS) : NULL;
  if (at == NULL || at == end || wire_varint_read (at + 1, end, &subscription) == NULL)
    return 0;
  return subscription;
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
