/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-varint.h"

/*
 * The CREDIT frame of a client: grants credit for one of its subscriptions. This is a fast writer and reader for it.
 *
 * Under the policy Block a client that gets messages for many subscriptions returns credit for nearly every message. So this
 * frame is written and read directly, not with the general table of fields.
 *
 * Invariant: the bytes are those that wire_envelope_write() writes for these fields. wire_envelope_read() accepts every body that
 * this reader accepts, and finds the same values.
 */

enum
{
  WIRE_CREDIT_KEY_MESSAGES = 71 << 3 | WIRE_TYPE_VARINT,
  WIRE_CREDIT_KEY_BYTES = 72 << 3 | WIRE_TYPE_VARINT,
  WIRE_CREDIT_KEY_SUBSCRIPTION = 73 << 3 | WIRE_TYPE_VARINT,
};

#define WIRE_CREDIT_FRAME_MAX (WIRE_FRAME_HEADER_LEN + 2 * (2 + 10) + 2 + 5)

static inline guint8 *
wire_credit_put_field (guint8 *at, guint key, guint64 value)
{
  if (value == 0)
    return at;
  return wire_varint_put (wire_varint_put (at, key), value);
}

/* Writes a frame with the cumulative totals of granted messages and bytes to @out, which has WIRE_CREDIT_FRAME_MAX bytes.
 * Returns the end. */
static inline guint8 *
wire_credit_put (guint8 *out, guint32 subscription, guint64 messages, guint64 bytes)
{
  guint8 *body = out + WIRE_FRAME_HEADER_LEN;
  guint8 *at = wire_credit_put_field (body, WIRE_CREDIT_KEY_MESSAGES, messages);

  at = wire_credit_put_field (at, WIRE_CREDIT_KEY_BYTES, bytes);
  at = wire_credit_put_field (at, WIRE_CREDIT_KEY_SUBSCRIPTION, subscription);
  wire_frame_put_header (out, WIRE_KIND_CREDIT, 0, (guint32) (at - body));
  return at;
}

typedef struct
{
  guint64 messages;
  guint64 bytes;
  guint32 subscription;
} WireCredit;

static inline const guint8 *
wire_credit_take_field (const guint8 *at, const guint8 *end, guint key, guint64 *value)
{
  if (at == NULL || end - at < 3 || at[0] != (0x80 | (key & 0x7f)) || at[1] != key >> 7)
    return NULL;
  return wire_varint_read (at + 2, end, value);
}

/* FALSE: the body has other fields, or one of these is zero or missing, and @credit is undefined. */
static inline gboolean
wire_credit_read (WireSpan body, WireCredit *credit)
{
  const guint8 *end = wire_span_end (body);
  const guint8 *at = wire_credit_take_field (body.data, end, WIRE_CREDIT_KEY_MESSAGES, &credit->messages);
  guint64 subscription;

  at = wire_credit_take_field (at, end, WIRE_CREDIT_KEY_BYTES, &credit->bytes);
  at = wire_credit_take_field (at, end, WIRE_CREDIT_KEY_SUBSCRIPTION, &subscription);
  if (at == NULL || at != end || credit->messages == 0 || credit->bytes == 0 || subscription - 1 >= G_MAXUINT32)
    return FALSE;
  credit->subscription = (guint32) subscription;
  return TRUE;
}
