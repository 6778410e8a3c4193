/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-varint.h"

/*
 * Peeks into frames that are not read yet, for the topic or the subscription that they name.
 *
 * It serves to load memory early, and for nothing else: it checks only the bounds of the input, and a wrong frame is
 * found when it is read. It knows the field order of the library; of another order it sees nothing.
 */

typedef struct
{
  WireSpan topic;       /* of a PUBLISH; empty: not seen */
  guint64 subscription; /* of a CREDIT; 0: not seen */
} WirePeek;

enum
{
  WIRE_PEEK_KEY_ID = 1 << 3 | WIRE_TYPE_VARINT,
  WIRE_PEEK_KEY_TOPIC = 2 << 3 | WIRE_TYPE_LENGTH,
  WIRE_PEEK_KEY_SUBSCRIPTION = 73 << 3 | WIRE_TYPE_VARINT,
};

/* Reads a key and a number: a field, or the key and the length of one. Returns the end. NULL: they are not there. */
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
wire_peek_credit (const guint8 *at, const guint8 *end, WirePeek *peek)
{
  guint64 key, value;

  while ((at = wire_peek_field (at, end, &key, &value)) != NULL)
    if (key == WIRE_PEEK_KEY_SUBSCRIPTION)
      peek->subscription = value;
}

/* Moves @input behind its first frame. FALSE: it has no whole one. */
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
    wire_peek_credit (body, body + len, peek);
  *input = wire_span (body + len, input->len - WIRE_FRAME_HEADER_LEN - len);
  return TRUE;
}
