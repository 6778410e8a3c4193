/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-credit.h"
#include "wire-frame.h"
#include "wire-varint.h"

/*
 * Finds the topic or the subscription of frames that have not been read yet.
 *
 * The result is a hint, for loading memory into the cache early, and must not be used for anything else. Only the bounds of the
 * input are checked; the reader detects invalid frames later. Only the field order of the client library is recognised, and of the
 * stamp of the broker; frames with another order give no result.
 */

typedef struct
{
  WireSpan topic;       /* of a PUBLISH; empty: not found */
  guint64 subscription; /* of a CREDIT, or the first one of a DELIVER; 0: not found */
} WirePeek;

enum
{
  WIRE_PEEK_KEY_ID = 1 << 3 | WIRE_TYPE_VARINT,
  WIRE_PEEK_KEY_TOPIC = 2 << 3 | WIRE_TYPE_LENGTH,
  WIRE_PEEK_KEY_SENDER = 32 << 3 | WIRE_TYPE_LENGTH,
  WIRE_PEEK_KEY_SUBSCRIPTIONS = 35 << 3 | WIRE_TYPE_LENGTH,
};

/* Reads a key and a number, i.e. a whole field, or the key and the length of a field. Returns the end; NULL: cut off. */
static inline const guint8 *
wire_peek_field (const guint8 *at, const guint8 *end, guint64 *key, guint64 *value)
{
  at = wire_varint_read (at, end, key);
  return at != NULL ? wire_varint_read (at, end, value) : NULL;
}

static inline void
wire_peek_publish (const guint8 *at, const guint8 *end, WirePeek *peek)
{
  guint64 key, value;

  at = wire_peek_field (at, end, &key, &value);
  if (at != NULL && key == WIRE_PEEK_KEY_ID)
    at = wire_peek_field (at, end, &key, &value);
  if (at != NULL && key == WIRE_PEEK_KEY_TOPIC && value <= (guint64) (end - at))
    peek->topic = wire_span (at, (gsize) value);
}

static inline void
wire_peek_credit (WireSpan body, WirePeek *peek)
{
  WireCredit credit;

  if (wire_credit_read (body, &credit))
    peek->subscription = credit.subscription;
}

/* The subscriptions follow the sender and a few numbers. */
static inline void
wire_peek_deliver (const guint8 *at, const guint8 *end, WirePeek *peek)
{
  guint64 key, value;

  at = wire_peek_field (at, end, &key, &value);
  if (at == NULL || key != WIRE_PEEK_KEY_SENDER || value > (guint64) (end - at))
    return;
  at += value;
  while ((at = wire_peek_field (at, end, &key, &value)) != NULL && key < WIRE_PEEK_KEY_SUBSCRIPTIONS)
    continue;
  if (at != NULL && key == WIRE_PEEK_KEY_SUBSCRIPTIONS && wire_varint_read (at, end, &value) != NULL)
    peek->subscription = value;
}

/* Peeks into the first frame of @input and moves @input past it. FALSE: the first frame is not complete. */
static inline gboolean
wire_peek_next (WireSpan *input, WirePeek *peek)
{
  const guint8 *body;
  guint32 len;

  *peek = (WirePeek){ .subscription = 0 };
  if (input->len < WIRE_FRAME_HEADER_LEN)
    return FALSE;
  memcpy (&len, input->data, sizeof len);
  len = GUINT32_FROM_LE (len);
  if (len > input->len - WIRE_FRAME_HEADER_LEN)
    return FALSE;
  body = input->data + WIRE_FRAME_HEADER_LEN;
  if (input->data[4] == WIRE_KIND_PUBLISH)
    wire_peek_publish (body, body + len, peek);
  else if (input->data[4] == WIRE_KIND_CREDIT)
    wire_peek_credit (wire_span (body, len), peek);
  else if (input->data[4] == WIRE_KIND_DELIVER)
    wire_peek_deliver (body, body + len, peek);
  *input = wire_span (body + len, input->len - WIRE_FRAME_HEADER_LEN - len);
  return TRUE;
}
