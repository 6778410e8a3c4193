/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-varint.h"

/*
 * The broker's stamp: fields that the broker adds in front of the unchanged bytes of a client.
 *
 * Fields that are the same for every receiver (sender, order, time) are encoded once for each message; fields that
 * differ (subscriptions, route, deadline, answered id) once for each receiver. They are ordinary fields of the
 * Envelope, and wire_envelope_read() reads them; this module only writes them, faster than the general writer.
 *
 * Invariant: wire_envelope_read() accepts every stamp that this module writes, and reads the same values.
 */

#define WIRE_STAMP_COMMON_MAX               108u /* a sender is one segment, at most 64 bytes */
#define WIRE_STAMP_SUBSCRIPTIONS            35u  /* number of the field */
#define WIRE_STAMP_RETAINED                 44u  /* number of the field */
#define WIRE_STAMP_HOPS                     3u   /* accept, queue, write */
#define WIRE_STAMP_OWN_MAX(n_subscriptions) (132u + 5u * (n_subscriptions))

/* Writes fields 32-34 to @out, which has WIRE_STAMP_COMMON_MAX bytes; returns the number of bytes written. */
gsize wire_stamp_common (guint8 *out, WireSpan sender, guint64 accept_seq, guint64 accept_time_us);

/* Write the same in two parts, for messages that differ only in the accept sequence. The first part ends with the key of the
 * sequence, and the second part is the time; the caller writes the sequence between them, as a varint. Both return the number
 * of bytes written. */
gsize wire_stamp_before_sequence (guint8 *out, WireSpan sender);
gsize wire_stamp_behind_sequence (guint8 *out, guint64 accept_time_us);

/* Appends field 45 to the common fields, which have @len bytes; returns the number of all bytes. */
gsize wire_stamp_incarnation (guint8 *out, gsize len, guint64 incarnation);

/* Fields 35-44 and 76; a zero or empty field is not written. */
typedef struct
{
  const guint32 *subscriptions;
  gsize n_subscriptions;
  guint64 route_id;
  guint64 remaining_us;
  guint64 answers;
  guint32 matched; /* 0: matched, queued and refused are not written */
  guint32 queued;
  guint32 refused;
  guint64 hops[WIRE_STAMP_HOPS]; /* if the first one is 0, none is written */
  guint32 attempt;
  guint32 merged; /* field 76 */
  gboolean retained;
} WireStampOwn;

/* Writes field 35 with one subscription, and nothing else; returns the end. */
static inline guint8 *
wire_stamp_subscription (guint8 *out, guint32 subscription)
{
  guint8 *end;

  out[0] = (guint8) ((WIRE_STAMP_SUBSCRIPTIONS << 3 | 2u) | 0x80u);
  out[1] = WIRE_STAMP_SUBSCRIPTIONS >> 4;
  end = wire_varint_put (out + 3, subscription);
  out[2] = (guint8) (end - out - 3);
  return end;
}

/* Writes field 44, the mark of a retained value; returns the end. */
static inline guint8 *
wire_stamp_retained (guint8 *out)
{
  out[0] = (guint8) ((WIRE_STAMP_RETAINED << 3) | 0x80u);
  out[1] = WIRE_STAMP_RETAINED >> 4;
  out[2] = 1;
  return out + 3;
}

/* Writes to @out, which has WIRE_STAMP_OWN_MAX bytes; returns the number of bytes written. */
gsize wire_stamp_own (guint8 *out, const WireStampOwn *own);
