/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-varint.h"

/*
 * The CREDIT frame of a client: grants credit for one of its subscriptions. This is a fast writer for it.
 *
 * Under the policy Block a client that gets messages for many subscriptions returns credit for nearly every message. So this
 * frame is written directly, not by the general writer with its table of fields.
 *
 * Invariant: the bytes are those that wire_envelope_write() writes for these fields.
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
