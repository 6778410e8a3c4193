/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"
#include "wire-varint.h"

/*
 * The table of the Envelope's fields: number, type, member of WireEnvelope, and the senders that may set the field. Only the
 * reader and the writer of the Envelope include it.
 *
 * Invariant: the rows are in the order of the field numbers.
 */

typedef enum
{
  TYPE_NONE, /* reserved or unknown */
  TYPE_U8,   /* kept in 32 bits */
  TYPE_U32,
  TYPE_U64,
  TYPE_BOOL,
  TYPE_STRING,       /* this type and those below are length-delimited */
  TYPE_SHORT_STRING, /* its length is bounded */
  TYPE_TAGS,
  TYPE_BYTES,
  TYPE_SHORT_BYTES,
  TYPE_PACKED_U32,
  TYPE_PACKED_U64,
} FieldType;

#define FIELD_LAST    95u
#define CLIENT_LAST   31u /* fields above it depend on the kind of the frame */
#define BROKER_LAST   45u /* the last number in use */
#define CONTROL_FIRST 64u
#define CONTROL_LAST  78u

#define PAYLOAD_FIELD 15u
#define TAG_FIELD     20u

/* The senders that may set a field: one bit for each kind of a client's frame, one for every kind, known or not, and one for
 * the broker. */
#define KIND(kind) (1u << (kind))
#define ALL_KINDS  (1u << 16)
#define BROKER     (1u << 17)
#define NOBODY     BROKER
#define ANY        (BROKER | ALL_KINDS)
#define CREDIT     (BROKER | KIND (WIRE_KIND_CREDIT))
#define WINDOW     (CREDIT | KIND (WIRE_KIND_REQUEST))
#define ANSWER     (BROKER | KIND (WIRE_KIND_REPLY) | KIND (WIRE_KIND_CANCEL))

/* FIELD (number, type, member, who) */
#define ENVELOPE_FIELDS(FIELD)                                                                                         \
  FIELD (1, TYPE_U64, id, ANY)                                                                                         \
  FIELD (2, TYPE_STRING, topic, ANY)                                                                                   \
  FIELD (3, TYPE_STRING, target, ANY)                                                                                  \
  FIELD (4, TYPE_U64, route, ANY)                                                                                      \
  FIELD (5, TYPE_STRING, method, ANY)                                                                                  \
  FIELD (6, TYPE_STRING, type_name, ANY)                                                                               \
  FIELD (7, TYPE_STRING, content_type, ANY)                                                                            \
  FIELD (8, TYPE_U8, priority, ANY)                                                                                    \
  FIELD (9, TYPE_U64, ttl_us, ANY)                                                                                     \
  FIELD (10, TYPE_U64, deadline_us, ANY)                                                                               \
  FIELD (11, TYPE_SHORT_STRING, correlation_id, ANY)                                                                   \
  FIELD (12, TYPE_U64, message_id, ANY)                                                                                \
  FIELD (13, TYPE_SHORT_STRING, parent_id, ANY)                                                                        \
  FIELD (14, TYPE_SHORT_STRING, root_id, ANY)                                                                          \
  FIELD (15, TYPE_BYTES, payload, ANY)                                                                                 \
  FIELD (16, TYPE_SHORT_BYTES, trace_id, ANY)                                                                          \
  FIELD (17, TYPE_SHORT_BYTES, span_id, ANY)                                                                           \
  FIELD (18, TYPE_U64, sequence_number, ANY)                                                                           \
  FIELD (19, TYPE_SHORT_STRING, stage, ANY)                                                                            \
  FIELD (20, TYPE_TAGS, n_tags, ANY)                                                                                   \
  FIELD (21, TYPE_U32, expect, ANY)                                                                                    \
  FIELD (22, TYPE_U64, stall_us, ANY)                                                                                  \
  FIELD (23, TYPE_BOOL, want_hops, ANY)                                                                                \
  FIELD (24, TYPE_U32, delivery, ANY)                                                                                  \
  FIELD (25, TYPE_U32, depth, ANY)                                                                                     \
  FIELD (26, TYPE_U8, trace_flags, ANY)                                                                                \
  FIELD (27, TYPE_PACKED_U64, hops_before, ANY)                                                                        \
  FIELD (32, TYPE_STRING, sender, NOBODY)                                                                              \
  FIELD (33, TYPE_U64, accept_seq, NOBODY)                                                                             \
  FIELD (34, TYPE_U64, accept_time_us, NOBODY)                                                                         \
  FIELD (35, TYPE_PACKED_U32, subscriptions, NOBODY)                                                                   \
  FIELD (36, TYPE_U64, route_id, NOBODY)                                                                               \
  FIELD (37, TYPE_U64, remaining_us, NOBODY)                                                                           \
  FIELD (38, TYPE_U64, answers, NOBODY)                                                                                \
  FIELD (39, TYPE_U32, matched, NOBODY)                                                                                \
  FIELD (40, TYPE_U32, queued, NOBODY)                                                                                 \
  FIELD (41, TYPE_U32, refused, NOBODY)                                                                                \
  FIELD (42, TYPE_PACKED_U64, hops, NOBODY)                                                                            \
  FIELD (43, TYPE_U32, attempt, NOBODY)                                                                                \
  FIELD (44, TYPE_BOOL, retained, NOBODY)                                                                              \
  FIELD (45, TYPE_U64, incarnation, NOBODY)                                                                            \
  FIELD (64, TYPE_U32, status, ANSWER)                                                                                 \
  FIELD (65, TYPE_STRING, detail, ANSWER)                                                                              \
  FIELD (66, TYPE_U64, offset, NOBODY)                                                                                 \
  FIELD (67, TYPE_U64, limit, NOBODY)                                                                                  \
  FIELD (68, TYPE_U64, value, NOBODY)                                                                                  \
  FIELD (69, TYPE_STRING, setting, NOBODY)                                                                             \
  FIELD (70, TYPE_U32, credit_class, NOBODY)                                                                           \
  FIELD (71, TYPE_U64, credit_messages, WINDOW)                                                                        \
  FIELD (72, TYPE_U64, credit_bytes, WINDOW)                                                                           \
  FIELD (73, TYPE_U32, subscription, CREDIT)                                                                           \
  FIELD (74, TYPE_U64, gap_from, NOBODY)                                                                               \
  FIELD (75, TYPE_U64, gap_to, NOBODY)                                                                                 \
  FIELD (76, TYPE_U64, gap_count, NOBODY)                                                                              \
  FIELD (77, TYPE_U32, gap_reason, NOBODY)                                                                             \
  FIELD (78, TYPE_STRING, error_name, ANSWER)

/* The key on the wire. It has one byte if it is below 128, otherwise two. */
#define FIELD_KEY(number, type) ((number) << 3 | ((type) >= TYPE_STRING ? WIRE_TYPE_LENGTH : WIRE_TYPE_VARINT))

/* The bit of a field in WireEnvelope.present. The numbers between BROKER_LAST and CONTROL_FIRST have none. */
#define FIELD_BIT(number)  ((number) < CONTROL_FIRST ? (number) : (number) -CONTROL_FIRST + BROKER_LAST + 1)
#define FIELD_MASK(number) ((guint64) 1 << FIELD_BIT (number))

/* The member at an offset of a const envelope. G_STRUCT_MEMBER would remove the const. */
#define MEMBER(type, envelope, offset) (*(const type *) (const void *) ((const guint8 *) (envelope) + (offset)))

/* Offsets of the groups of members that are cleared and tested together. */
#define GROUP_CLIENT  G_STRUCT_OFFSET (WireEnvelope, target)
#define GROUP_BROKER  G_STRUCT_OFFSET (WireEnvelope, hops)
#define GROUP_CONTROL G_STRUCT_OFFSET (WireEnvelope, offset)
#define GROUPS_END    G_STRUCT_OFFSET (WireEnvelope, tags)

/* There is no padding between the members, because groups are compared with zero. */
#define FIELD_SIZE(number, type, member, who) +sizeof ((WireEnvelope *) NULL)->member
G_STATIC_ASSERT (GROUPS_END == sizeof (guint64) ENVELOPE_FIELDS (FIELD_SIZE));
