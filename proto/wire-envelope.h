/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-span.h"
#include "wire-status.h"

/*
 * Reader and writer of the flat Envelope message. Both use one list of the fields (in wire-envelope-private.h), and neither
 * allocates nor recurses.
 *
 * The reader copies nothing: spans in the result point into its input. It is stricter than protobuf: a singular field
 * occurs once, varints are canonical, each field has its own wire type, strings are UTF-8 without NUL, and nothing
 * follows the last field. The writer writes all fields except the bytes of the payload, so the payload is never copied;
 * it is the last field, and the caller sends its bytes after the others. Zero and empty fields are not written.
 *
 * Invariant: protobuf reads everything that this reader accepts, with the same values. The reverse does not hold.
 */

#define WIRE_TAGS_MAX 64u /* tags in one envelope */
/* Bits of the field `delivery`. */
#define WIRE_DELIVERY_AT_LEAST_ONCE    1u
#define WIRE_DELIVERY_HOLD             2u
#define WIRE_DELIVERY_RETAIN_CONNECTED 4u

#define WIRE_SUBSCRIPTIONS_MAX 1024u /* ids of matching subscriptions in one delivery */

/* Bounds of the fields of a client that tie messages together, in bytes. */
#define WIRE_ID_MAX        256u /* correlation_id, parent_id, root_id */
#define WIRE_STAGE_MAX     128u
#define WIRE_TAG_KEY_MAX   128u  /* of a tag, in front of the first "=" */
#define WIRE_TAG_VALUE_MAX 1024u /* behind it */
#define WIRE_TRACE_ID_LEN  16u
#define WIRE_SPAN_ID_LEN   8u

/* The members are in groups that are cleared together: the first contains what nearly every message has. */
typedef struct
{
  guint64 present; /* private: fields that wire_envelope_read_next() has set */
  guint64 id;
  WireSpan topic;
  WireSpan type_name;
  WireSpan payload;
  WireSpan sender;
  guint64 accept_seq;
  guint64 accept_time_us;
  WireSpan subscriptions; /* packed varints; wire_envelope_next_u32() walks them */
  guint32 priority;
  guint32 retained; /* 0 or 1 */

  /* Further fields of a client. */
  WireSpan target;
  WireSpan method;
  WireSpan content_type;
  WireSpan correlation_id;
  WireSpan parent_id;
  WireSpan root_id;
  WireSpan trace_id;
  WireSpan span_id;
  WireSpan stage;
  WireSpan hops_before; /* packed varints */
  guint64 route;
  guint64 ttl_us;
  guint64 deadline_us;
  guint64 message_id;
  guint64 sequence_number;
  guint64 stall_us;
  guint32 expect;
  guint32 want_hops; /* 0 or 1 */
  guint32 delivery;  /* bits: WIRE_DELIVERY_* */
  guint32 depth;
  guint32 trace_flags;
  guint n_tags; /* the first n_tags tags are valid */

  /* Further fields of the broker. */
  WireSpan hops; /* packed varints */
  guint64 route_id;
  guint64 remaining_us;
  guint64 answers;
  guint64 incarnation;
  guint32 matched;
  guint32 queued;
  guint32 refused;
  guint32 attempt;

  /* Answers, errors, credit and gaps. */
  guint64 offset;
  guint64 limit;
  guint64 value;
  guint64 credit_messages;
  guint64 credit_bytes;
  guint64 gap_from;
  guint64 gap_to;
  guint64 gap_count;
  WireSpan detail;
  WireSpan setting;
  WireSpan error_name;
  guint32 status;
  guint32 credit_class;
  guint32 subscription;
  guint32 gap_reason;

  /* The tags are last, because only the members before them are cleared. */
  WireSpan tags[WIRE_TAGS_MAX];
} WireEnvelope;

/* Sets every field to absent. Cheap: tags are not touched. */
void wire_envelope_init (WireEnvelope *envelope);

typedef enum
{
  WIRE_FROM_CLIENT, /* fields that doc/protocol allows for the kind; unknown: UNSUPPORTED, of the broker: BAD_MESSAGE */
  WIRE_FROM_BROKER, /* all known fields; unknown fields are skipped */
} WireDirection;

typedef struct
{
  WireStatus status; /* OK; UNSUPPORTED: well-formed, but with an unknown field, and LIMIT: a size limit of the fields
                        is exceeded: the connection stays open; BAD_MESSAGE: close the connection */
  gsize offset;      /* of the offending field */
  guint32 field;     /* its number, 0 when there is none */
  guint64 limit;     /* LIMIT: the limit, and the value that exceeds it */
  guint64 value;
  const char *problem; /* short English text, static, without bytes of the peer: "field twice" */
} WireReadResult;

/* Reads a body. The fields of a client, without the payload, have at most WIRE_HEADER_FIELDS_MAX bytes; the caller
 * checks the limit of the payload. When the status is UNSUPPORTED or LIMIT, @envelope still contains the fields that
 * were understood, so that the caller can answer the id. */
WireReadResult wire_envelope_read (WireSpan body, guint8 kind, WireDirection from, WireEnvelope *envelope);

/* The same for one of many bodies, and faster: it clears only what the body before it has set. @envelope was initialised, and
 * then it was changed by this function only; a struct that was read by wire_envelope_read() is such a one, too. */
WireReadResult wire_envelope_read_next (WireSpan body, guint8 kind, WireDirection from, WireEnvelope *envelope);

/* TRUE if the body that was read has only fields of the first group. */
gboolean wire_envelope_is_plain (const WireEnvelope *envelope);

/* TRUE: in a body that was read, no fields are present but id, topic, type_name, content_type, priority and payload, which
 * describe a message and do not change its receivers. */
#define WIRE_ENVELOPE_PLAIN_PUBLISH (1u << 1 | 1u << 2 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 15)
static inline gboolean
wire_envelope_is_plain_publish (const WireEnvelope *envelope)
{
  return (envelope->present & ~(guint64) WIRE_ENVELOPE_PLAIN_PUBLISH) == 0;
}

/* Number of bytes that wire_envelope_write() writes: all fields, of the payload only tag and length. */
gsize wire_envelope_size (const WireEnvelope *envelope);

/* Writes to @out, which has at least wire_envelope_size() bytes. The payload's bytes follow at the returned end. */
guint8 *wire_envelope_write (const WireEnvelope *envelope, guint8 *out);

#define WIRE_ENVELOPE_SLACK 32u

/* The same in one pass, for a caller that does not know the size. @out has @room bytes; NULL: the fields may need more, then
 * what is there has no meaning. WIRE_HEADER_FIELDS_MAX + WIRE_ENVELOPE_SLACK is enough for everything that a client may
 * send. */
guint8 *wire_envelope_put (const WireEnvelope *envelope, guint8 *out, gsize room);

/* Takes the first number of packed varints; FALSE at their end, or when they are malformed, which they are not in a
 * span that the reader accepted: while (wire_envelope_next_u32 (&span, &id)) visits all. */
gboolean wire_envelope_next_u32 (WireSpan *packed, guint32 *value);
/* The same for numbers of 64 bits, of hops_before and hops. */
gboolean wire_envelope_next_u64 (WireSpan *packed, guint64 *value);
/* Writes @n values as packed varints to @out, at most 5 bytes for each; returns the number of bytes written. */
gsize wire_envelope_pack_u32 (const guint32 *values, gsize n, guint8 *out);
/* The same for numbers of 64 bits, at most 10 bytes for each. */
gsize wire_envelope_pack_u64 (const guint64 *values, gsize n, guint8 *out);
