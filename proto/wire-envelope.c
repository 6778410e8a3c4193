/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-envelope.h"

#include "wire-varint.h"

#define FIELD_LAST 95u
#define PAYLOAD_FIELD 15u

typedef enum
{
  TYPE_NONE, /* reserved or unknown */
  TYPE_U32,
  TYPE_U64,
  TYPE_BOOL,
  TYPE_STRING,
  TYPE_BYTES,
  TYPE_TAGS,
  TYPE_PACKED,
} FieldType;

typedef struct
{
  guint8 type;
  guint16 offset;
} FieldSpec;

#define FIELD(number, field_type, member) [number] = { field_type, G_STRUCT_OFFSET (WireEnvelope, member) }

static const FieldSpec fields[FIELD_LAST + 1] = {
  FIELD (1, TYPE_U64, id),
  FIELD (2, TYPE_STRING, topic),
  FIELD (3, TYPE_STRING, target),
  FIELD (4, TYPE_U64, route),
  FIELD (5, TYPE_STRING, method),
  FIELD (6, TYPE_STRING, type_name),
  FIELD (7, TYPE_STRING, content_type),
  FIELD (8, TYPE_U32, priority),
  FIELD (9, TYPE_U64, ttl_us),
  FIELD (10, TYPE_U64, deadline_us),
  FIELD (11, TYPE_STRING, correlation_id),
  FIELD (12, TYPE_U64, message_id),
  FIELD (13, TYPE_STRING, parent_id),
  FIELD (14, TYPE_STRING, root_id),
  FIELD (15, TYPE_BYTES, payload),
  FIELD (16, TYPE_BYTES, trace_id),
  FIELD (17, TYPE_BYTES, span_id),
  FIELD (18, TYPE_U64, sequence_number),
  FIELD (19, TYPE_STRING, stage),
  FIELD (20, TYPE_TAGS, n_tags),
  FIELD (21, TYPE_U32, expect),
  FIELD (22, TYPE_U64, stall_us),
  FIELD (23, TYPE_BOOL, want_hops),
  FIELD (32, TYPE_STRING, sender),
  FIELD (33, TYPE_U64, accept_seq),
  FIELD (34, TYPE_U64, accept_time_us),
  FIELD (35, TYPE_PACKED, subscriptions),
  FIELD (36, TYPE_U64, route_id),
  FIELD (37, TYPE_U64, remaining_us),
  FIELD (38, TYPE_U64, answers),
  FIELD (39, TYPE_U32, matched),
  FIELD (40, TYPE_U32, queued),
  FIELD (41, TYPE_U32, refused),
  FIELD (42, TYPE_PACKED, hops),
  FIELD (64, TYPE_U32, status),
  FIELD (65, TYPE_STRING, detail),
  FIELD (66, TYPE_U64, offset),
  FIELD (67, TYPE_U64, limit),
  FIELD (68, TYPE_U64, value),
  FIELD (69, TYPE_STRING, setting),
  FIELD (70, TYPE_U32, credit_class),
  FIELD (71, TYPE_U64, credit_messages),
  FIELD (72, TYPE_U64, credit_bytes),
  FIELD (73, TYPE_U32, subscription),
  FIELD (74, TYPE_U64, gap_from),
  FIELD (75, TYPE_U64, gap_to),
  FIELD (76, TYPE_U64, gap_count),
  FIELD (77, TYPE_U32, gap_reason),
  FIELD (78, TYPE_STRING, error_name),
};

/* Order of writing: the payload's tag and length come last. */
static const guint8 write_order[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22, 23, 32, 33, 34,
                                      35, 36, 37, 38, 39, 40, 41, 42, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 15 };

/* The member at an offset of a const envelope; G_STRUCT_MEMBER would cast the const away. */
#define MEMBER(type, envelope, offset) (*(const type *) (const void *) ((const guint8 *) (envelope) + (offset)))

void
wire_envelope_init (WireEnvelope *envelope)
{
  memset (envelope, 0, G_STRUCT_OFFSET (WireEnvelope, tags));
}

static gboolean
is_text (WireSpan span)
{
  guint8 seen = 0;

  for (gsize i = 0; i < span.len; i++)
    {
      if (span.data[i] == 0)
        return FALSE;
      seen |= span.data[i];
    }
  return seen < 0x80 || g_utf8_validate_len ((const char *) span.data, span.len, NULL);
}

static const char *
check_packed (WireSpan span)
{
  const guint8 *at = span.data;
  const guint8 *end = at + span.len;
  guint64 value;

  while (at < end)
    if ((at = wire_varint_read (at, end, &value)) == NULL)
      return "malformed packed numbers";
  return NULL;
}

static gboolean
client_may_send (guint32 field, guint8 kind)
{
  if (field < 32)
    return TRUE;
  if (field < 64)
    return FALSE;
  switch (kind)
    {
    case WIRE_KIND_CREDIT:
      return field >= 71 && field <= 73;
    case WIRE_KIND_REPLY:
    case WIRE_KIND_CANCEL:
      return field == 64 || field == 65 || field == 78;
    default:
      return FALSE;
    }
}

static const char *
store_number (WireEnvelope *envelope, const FieldSpec *spec, guint64 value)
{
  if (spec->type == TYPE_U64)
    G_STRUCT_MEMBER (guint64, envelope, spec->offset) = value;
  else if (value > (spec->type == TYPE_BOOL ? 1 : G_MAXUINT32))
    return "number out of range";
  else
    G_STRUCT_MEMBER (guint32, envelope, spec->offset) = (guint32) value;
  return NULL;
}

static const char *
store_bytes (WireEnvelope *envelope, const FieldSpec *spec, WireSpan span, gboolean *too_many)
{
  if ((spec->type == TYPE_STRING || spec->type == TYPE_TAGS) && !is_text (span))
    return "text is not UTF-8 without NUL";
  if (spec->type == TYPE_PACKED)
    {
      const char *problem = check_packed (span);

      if (problem != NULL)
        return problem;
    }
  if (spec->type != TYPE_TAGS)
    G_STRUCT_MEMBER (WireSpan, envelope, spec->offset) = span;
  else if (envelope->n_tags < WIRE_TAGS_MAX)
    envelope->tags[envelope->n_tags++] = span;
  else
    *too_many = TRUE;
  return NULL;
}

WireReadResult
wire_envelope_read (WireSpan body, guint8 kind, WireDirection from, WireEnvelope *envelope)
{
  const guint8 *at = body.data;
  const guint8 *end = at + body.len;
  guint64 seen[2] = { 0, 0 };
  WireReadResult result = { .status = WIRE_STATUS_OK };
  gboolean too_many = FALSE;

  wire_envelope_init (envelope);
  while (at < end)
    {
      gsize offset = (gsize) (at - body.data);
      guint64 key, value;
      guint32 number, wire_type;
      const FieldSpec *spec;
      const char *problem = NULL;

      at = wire_varint_read (at, end, &key);
      if (at == NULL || key > G_MAXUINT32 || key >> 3 == 0)
        return (WireReadResult) { WIRE_STATUS_BAD_MESSAGE, offset, 0, 0, 0, "malformed field key" };
      number = (guint32) (key >> 3);
      wire_type = (guint32) (key & 7);
      spec = number <= FIELD_LAST ? &fields[number] : &fields[0];
      if (from == WIRE_FROM_CLIENT && number >= 32 && number <= FIELD_LAST && !client_may_send (number, kind))
        return (WireReadResult) { WIRE_STATUS_BAD_MESSAGE, offset, number, 0, 0, "this field is not a client's to set" };
      if (spec->type == TYPE_NONE)
        {
          if (from == WIRE_FROM_CLIENT && result.status == WIRE_STATUS_OK)
            result = (WireReadResult) { WIRE_STATUS_UNSUPPORTED, offset, number, 0, 0, "unknown field" };
        }
      else if (spec->type != TYPE_TAGS)
        {
          if (seen[number / 64] & (guint64) 1 << number % 64)
            return (WireReadResult) { WIRE_STATUS_BAD_MESSAGE, offset, number, 0, 0, "field twice" };
          seen[number / 64] |= (guint64) 1 << number % 64;
        }
      switch (wire_type)
        {
        case 0:
          at = wire_varint_read (at, end, &value);
          if (at == NULL)
            problem = "malformed number";
          else if (spec->type >= TYPE_STRING)
            problem = "wrong wire type";
          else if (spec->type != TYPE_NONE)
            problem = store_number (envelope, spec, value);
          break;
        case 2:
          at = wire_varint_read (at, end, &value);
          if (at == NULL || value > (guint64) (end - at))
            problem = "length past the end";
          else
            {
              if (spec->type != TYPE_NONE && spec->type < TYPE_STRING)
                problem = "wrong wire type";
              else if (spec->type != TYPE_NONE)
                problem = store_bytes (envelope, spec, wire_span (at, (gsize) value), &too_many);
              at += value;
            }
          break;
        case 1:
        case 5:
          {
            gsize n = wire_type == 1 ? 8 : 4;

            if (spec->type != TYPE_NONE)
              problem = "wrong wire type";
            else if ((gsize) (end - at) < n)
              problem = "length past the end";
            else
              at += n;
            break;
          }
        default:
          problem = "unknown wire type";
          break;
        }
      if (problem != NULL)
        return (WireReadResult) { WIRE_STATUS_BAD_MESSAGE, offset, number, 0, 0, problem };
    }
  if (result.status == WIRE_STATUS_OK && too_many)
    result = (WireReadResult) { WIRE_STATUS_LIMIT, 0, 20, WIRE_TAGS_MAX, WIRE_TAGS_MAX + 1, "too many tags" };
  if (from == WIRE_FROM_CLIENT && result.status == WIRE_STATUS_OK && body.len - envelope->payload.len > WIRE_HEADER_FIELDS_MAX + 16)
    result = (WireReadResult) { WIRE_STATUS_LIMIT, 0, 0, WIRE_HEADER_FIELDS_MAX, body.len - envelope->payload.len,
                                "the fields beside the payload are too large" };
  return result;
}

static guint64
number_of (const WireEnvelope *envelope, const FieldSpec *spec)
{
  return spec->type == TYPE_U64 ? MEMBER (guint64, envelope, spec->offset)
                                : MEMBER (guint32, envelope, spec->offset);
}

gsize
wire_envelope_size (const WireEnvelope *envelope)
{
  gsize size = 0;

  for (guint i = 0; i < G_N_ELEMENTS (write_order); i++)
    {
      guint number = write_order[i];
      const FieldSpec *spec = &fields[number];
      gsize key = wire_varint_size (number << 3);

      if (spec->type == TYPE_TAGS)
        for (guint t = 0; t < envelope->n_tags; t++)
          size += key + wire_varint_size (envelope->tags[t].len) + envelope->tags[t].len;
      else if (spec->type >= TYPE_STRING)
        {
          gsize len = MEMBER (WireSpan, envelope, spec->offset).len;

          if (len > 0)
            size += key + wire_varint_size (len) + (number == PAYLOAD_FIELD ? 0 : len);
        }
      else if (number_of (envelope, spec) != 0)
        size += key + wire_varint_size (number_of (envelope, spec));
    }
  return size;
}

static guint8 *
put_span (guint8 *out, guint number, WireSpan span)
{
  out = wire_varint_put (wire_varint_put (out, number << 3 | 2), span.len);
  if (number == PAYLOAD_FIELD)
    return out;
  memcpy (out, span.data, span.len);
  return out + span.len;
}

guint8 *
wire_envelope_write (const WireEnvelope *envelope, guint8 *out)
{
  for (guint i = 0; i < G_N_ELEMENTS (write_order); i++)
    {
      guint number = write_order[i];
      const FieldSpec *spec = &fields[number];

      if (spec->type == TYPE_TAGS)
        for (guint t = 0; t < envelope->n_tags; t++)
          out = put_span (out, number, envelope->tags[t]);
      else if (spec->type >= TYPE_STRING)
        {
          WireSpan span = MEMBER (WireSpan, envelope, spec->offset);

          if (span.len > 0)
            out = put_span (out, number, span);
        }
      else if (number_of (envelope, spec) != 0)
        out = wire_varint_put (wire_varint_put (out, number << 3), number_of (envelope, spec));
    }
  return out;
}

gboolean
wire_envelope_next_u32 (WireSpan *packed, guint32 *value)
{
  const guint8 *end = packed->data + packed->len;
  const guint8 *at;
  guint64 wide;

  if (packed->len == 0)
    return FALSE;
  at = wire_varint_read (packed->data, end, &wide);
  if (at == NULL)
    return FALSE;
  *packed = wire_span (at, (gsize) (end - at));
  *value = (guint32) wide;
  return TRUE;
}

gsize
wire_envelope_pack_u32 (const guint32 *values, gsize n, guint8 *out)
{
  guint8 *at = out;

  for (gsize i = 0; i < n; i++)
    at = wire_varint_put (at, values[i]);
  return (gsize) (at - out);
}
