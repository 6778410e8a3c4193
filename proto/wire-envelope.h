/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-span.h"
#include "wire-status.h"

/*
 * The flat Envelope, read and written by one table (wire-envelope.c), without allocation or recursion.
 *
 * Reading gives spans into the bytes handed in: nothing is copied. It is stricter than protobuf: no singular field
 * twice, canonical varints, the field's own wire type, strings of UTF-8 without NUL, nothing after the last field.
 * Writing puts every field but the payload's bytes, so that the payload is never copied or touched; the payload, when
 * there is one, is the last field written. Zero and empty fields are absent.
 *
 * Invariant: what the reader accepts, stock protobuf reads with equal values (not the other way round).
 */

#define WIRE_TAGS_MAX          64u   /* tags in one envelope */
#define WIRE_SUBSCRIPTIONS_MAX 1024u /* matched ids told in one delivery */

typedef struct
{
  guint64 id;
  WireSpan topic;
  WireSpan target;
  guint64 route;
  WireSpan method;
  WireSpan type_name;
  WireSpan content_type;
  guint32 priority;
  guint64 ttl_us;
  guint64 deadline_us;
  WireSpan correlation_id;
  guint64 message_id;
  WireSpan parent_id;
  WireSpan root_id;
  WireSpan payload;
  WireSpan trace_id;
  WireSpan span_id;
  guint64 sequence_number;
  WireSpan stage;
  guint32 expect;
  guint64 stall_us;
  guint32 want_hops; /* 0 or 1 */

  WireSpan sender;
  guint64 accept_seq;
  guint64 accept_time_us;
  WireSpan subscriptions; /* packed varints; wire_envelope_next_u32() walks them */
  guint64 route_id;
  guint64 remaining_us;
  guint64 answers;
  guint32 matched;
  guint32 queued;
  guint32 refused;
  WireSpan hops; /* packed varints */

  guint32 status;
  WireSpan detail;
  guint64 offset;
  guint64 limit;
  guint64 value;
  WireSpan setting;
  guint32 credit_class;
  guint64 credit_messages;
  guint64 credit_bytes;
  guint32 subscription;
  guint64 gap_from;
  guint64 gap_to;
  guint64 gap_count;
  guint32 gap_reason;
  WireSpan error_name;

  /* Tags last: the reader clears what stands before them, and of the tags only those counted are valid. */
  guint n_tags;
  WireSpan tags[WIRE_TAGS_MAX];
} WireEnvelope;

/* Sets every field to absent. Cheap: tags are not touched. */
void wire_envelope_init (WireEnvelope *envelope);

typedef enum
{
  WIRE_FROM_CLIENT, /* field rules by kind as in doc/protocol; an unknown field is UNSUPPORTED, a broker's BAD_MESSAGE */
  WIRE_FROM_BROKER, /* everything we know; unknown fields are skipped */
} WireDirection;

typedef struct
{
  WireStatus status; /* OK; UNSUPPORTED: well-formed but has a field we don't know: the connection goes on;
                        LIMIT: a size limit of the fields, connection goes on; BAD_MESSAGE: close */
  gsize offset;      /* of the field at fault */
  guint32 field;     /* its number, 0 when there is none */
  guint64 limit;     /* LIMIT: the limit and what broke it */
  guint64 value;
  const char *problem; /* short English, static: "field twice", never bytes of the peer */
} WireReadResult;

/* Reads a body. From a client, all fields but the payload together are at most WIRE_HEADER_FIELDS_MAX; the payload's
 * limit is the caller's to check. Also when the status is UNSUPPORTED or LIMIT @envelope holds the fields that were understood (so that the
 * id can be answered). */
WireReadResult wire_envelope_read (WireSpan body, guint8 kind, WireDirection from, WireEnvelope *envelope);

/* Bytes of all fields but the payload's own bytes (its tag and length are counted). */
gsize wire_envelope_size (const WireEnvelope *envelope);

/* Writes them to @out, which has at least that many bytes; returns the end. The payload's bytes are to follow there. */
guint8 *wire_envelope_write (const WireEnvelope *envelope, guint8 *out);

/* Packed varints. Walk: while (wire_envelope_next_u32 (&span, &id)). A span that the reader accepted never fails. */
gboolean wire_envelope_next_u32 (WireSpan *packed, guint32 *value);
/* Writes @n values packed to @out (5 bytes each at the most); returns the bytes written. */
gsize wire_envelope_pack_u32 (const guint32 *values, gsize n, guint8 *out);
