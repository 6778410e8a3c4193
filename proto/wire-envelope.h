/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-publish.h"
#include "wire-span.h"
#include "wire-status.h"

/*
 * Reader and writer of the flat Envelope message. Both use one list of the fields (in wire-envelope-private.h), and neither
 * allocates nor recurses.
 *
 * The reader copies nothing: spans in the result point into its input. It is stricter than protobuf: a singular field
 * occurs at most once, varints are canonical, each field has its own wire type, strings are UTF-8 without NUL, and no bytes
 * follow the last field. The writer writes all fields except the bytes of the payload, so the payload is never copied;
 * it is the last field, and the caller sends its bytes after the others. Zero and empty fields are not written.
 *
 * Invariant: protobuf accepts every body that this reader accepts, and reads the same values. The reverse does not hold.
 */

#define WIRE_TAGS_MAX 64u /* tags in one envelope */
/* Bits of the field `delivery`. */
#define WIRE_DELIVERY_AT_LEAST_ONCE    1u
#define WIRE_DELIVERY_HOLD             2u
#define WIRE_DELIVERY_RETAIN_CONNECTED 4u

#define WIRE_SUBSCRIPTIONS_MAX 1024u /* ids of matching subscriptions in one delivery */

/* Limits, in bytes, of those fields of a client that relate messages to each other. */
#define WIRE_ID_MAX        256u /* correlation_id, parent_id, root_id */
#define WIRE_STAGE_MAX     128u
#define WIRE_TAG_KEY_MAX   128u  /* of a tag: the part before the first "=" */
#define WIRE_TAG_VALUE_MAX 1024u /* of a tag: the part after it */
#define WIRE_TRACE_ID_LEN  16u
#define WIRE_SPAN_ID_LEN   8u

/* The members form groups that are cleared together. The first group has the members that nearly every message uses. */
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

/* Sets every field to absent. Fast, because it does not clear the tags. */
void wire_envelope_init (WireEnvelope *envelope);

typedef enum
{
  WIRE_FROM_CLIENT, /* only fields that the kind allows; an unknown field: UNSUPPORTED, a field of the broker: BAD_MESSAGE */
  WIRE_FROM_BROKER, /* all known fields; unknown fields are skipped */
} WireDirection;

typedef struct
{
  WireStatus status; /* OK; UNSUPPORTED: well-formed, but with an unknown field, and LIMIT: a size limit of the fields
                        is exceeded: the connection stays open; BAD_MESSAGE: close the connection */
  gsize offset;      /* of the offending field */
  guint32 field;     /* number of that field; 0: none */
  guint64 limit;     /* LIMIT: the limit, and the value that exceeds it */
  guint64 value;
  const char *problem; /* short English text, static, without bytes of the peer: "field twice" */
} WireReadResult;

/* Reads a body. The fields of a client, without the payload, have at most WIRE_HEADER_FIELDS_MAX bytes; the caller
 * checks the limit of the payload. When the status is UNSUPPORTED or LIMIT, @envelope still contains the fields that
 * were understood, so that the caller can answer the id. */
WireReadResult wire_envelope_read (WireSpan body, guint8 kind, WireDirection from, WireEnvelope *envelope);

/* Does the same faster, for one body after another: it clears only the fields that the previous body has set. @envelope was
 * initialised by wire_envelope_init() or wire_envelope_read(), and since then only this function has changed it. */
WireReadResult wire_envelope_read_next (WireSpan body, guint8 kind, WireDirection from, WireEnvelope *envelope);

/* Sets the fields to those of a plain publish, as wire_envelope_read_next() does for its body. */
void wire_envelope_set_publish (WireEnvelope *envelope, const WirePublish *publish);

/* TRUE: the body has only fields of the first group. */
gboolean wire_envelope_is_plain (const WireEnvelope *envelope);

/* TRUE: the body has no other fields than id, topic, type_name, content_type, priority and payload. None of these except the
 * topic affects who receives the message. */
#define WIRE_ENVELOPE_PLAIN_PUBLISH (1u << 1 | 1u << 2 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 15)
static inline gboolean
wire_envelope_is_plain_publish (const WireEnvelope *envelope)
{
  return (envelope->present & ~(guint64) WIRE_ENVELOPE_PLAIN_PUBLISH) == 0;
}

/* Returns the number of bytes that wire_envelope_write() writes: all fields, but only key and length of the payload. */
gsize wire_envelope_size (const WireEnvelope *envelope);

/* Writes to @out, which has at least wire_envelope_size() bytes. The payload's bytes follow at the returned end. */
guint8 *wire_envelope_write (const WireEnvelope *envelope, guint8 *out);

#define WIRE_ENVELOPE_SLACK 32u

/* Does the same in one pass, for a caller that does not know the size. @out has @room bytes. NULL: the fields may need more, and
 * the contents of @out are undefined. WIRE_HEADER_FIELDS_MAX + WIRE_ENVELOPE_SLACK bytes are enough for all fields that a
 * client may send. */
guint8 *wire_envelope_put (const WireEnvelope *envelope, guint8 *out, gsize room);

/* Removes the first number from @packed: while (wire_envelope_next_u32 (&span, &id)) visits all. FALSE: the end, or a
 * malformed number, which a span that the reader accepted does not contain. */
gboolean wire_envelope_next_u32 (WireSpan *packed, guint32 *value);
/* Does the same for 64-bit numbers, such as those of hops_before and hops. */
gboolean wire_envelope_next_u64 (WireSpan *packed, guint64 *value);
/* Writes @n values as packed varints to @out, at most 5 bytes for each; returns the number of bytes written. */
gsize wire_envelope_pack_u32 (const guint32 *values, gsize n, guint8 *out);
/* Does the same for 64-bit numbers, at most 10 bytes for each. */
gsize wire_envelope_pack_u64 (const guint64 *values, gsize n, guint8 *out);
