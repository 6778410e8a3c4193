/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-envelope.h"

#include "wire-varint.h"

#define FIELD_LAST    95u
#define PAYLOAD_FIELD 15u
#define TAG_FIELD     20u
#define CLIENT_LAST   31u /* a client sets fields above it only when its kind allows */

typedef enum
{
  TYPE_NONE, /* reserved or unknown */
  TYPE_U8,   /* kept in 32 bits */
  TYPE_U32,
  TYPE_U64,
  TYPE_BOOL,
  TYPE_STRING, /* from here on length-delimited */
  TYPE_TAGS,
  TYPE_BYTES,
  TYPE_PACKED_U32,
  TYPE_PACKED_U64,
} FieldType;

typedef struct
{
  guint8 type;
  guint16 offset;
  guint32 kinds; /* bits of the kinds of frames in which a client may set it */
} FieldSpec;

#define KIND(kind) (1u << (kind))
#define NOBODY     0u
#define ANY        G_MAXUINT32
#define CREDIT     KIND (WIRE_KIND_CREDIT)
#define WINDOW     (CREDIT | KIND (WIRE_KIND_REQUEST))
#define ANSWER     (KIND (WIRE_KIND_REPLY) | KIND (WIRE_KIND_CANCEL))

#define FIELD(number, field_type, member, who) [number] = { field_type, G_STRUCT_OFFSET (WireEnvelope, member), who }

static const FieldSpec fields[FIELD_LAST + 1] = {
  FIELD (1, TYPE_U64, id, ANY),
  FIELD (2, TYPE_STRING, topic, ANY),
  FIELD (3, TYPE_STRING, target, ANY),
  FIELD (4, TYPE_U64, route, ANY),
  FIELD (5, TYPE_STRING, method, ANY),
  FIELD (6, TYPE_STRING, type_name, ANY),
  FIELD (7, TYPE_STRING, content_type, ANY),
  FIELD (8, TYPE_U8, priority, ANY),
  FIELD (9, TYPE_U64, ttl_us, ANY),
  FIELD (10, TYPE_U64, deadline_us, ANY),
  FIELD (11, TYPE_STRING, correlation_id, ANY),
  FIELD (12, TYPE_U64, message_id, ANY),
  FIELD (13, TYPE_STRING, parent_id, ANY),
  FIELD (14, TYPE_STRING, root_id, ANY),
  FIELD (15, TYPE_BYTES, payload, ANY),
  FIELD (16, TYPE_BYTES, trace_id, ANY),
  FIELD (17, TYPE_BYTES, span_id, ANY),
  FIELD (18, TYPE_U64, sequence_number, ANY),
  FIELD (19, TYPE_STRING, stage, ANY),
  FIELD (20, TYPE_TAGS, n_tags, ANY),
  FIELD (21, TYPE_U32, expect, ANY),
  FIELD (22, TYPE_U64, stall_us, ANY),
  FIELD (23, TYPE_BOOL, want_hops, ANY),
  FIELD (24, TYPE_U32, delivery, ANY),
  FIELD (25, TYPE_U32, depth, ANY),
  FIELD (26, TYPE_U8, trace_flags, ANY),
  FIELD (27, TYPE_PACKED_U64, hops_before, ANY),
  FIELD (32, TYPE_STRING, sender, NOBODY),
  FIELD (33, TYPE_U64, accept_seq, NOBODY),
  FIELD (34, TYPE_U64, accept_time_us, NOBODY),
  FIELD (35, TYPE_PACKED_U32, subscriptions, NOBODY),
  FIELD (36, TYPE_U64, route_id, NOBODY),
  FIELD (37, TYPE_U64, remaining_us, NOBODY),
  FIELD (38, TYPE_U64, answers, NOBODY),
  FIELD (39, TYPE_U32, matched, NOBODY),
  FIELD (40, TYPE_U32, queued, NOBODY),
  FIELD (41, TYPE_U32, refused, NOBODY),
  FIELD (42, TYPE_PACKED_U64, hops, NOBODY),
  FIELD (43, TYPE_U32, attempt, NOBODY),
  FIELD (44, TYPE_BOOL, retained, NOBODY),
  FIELD (45, TYPE_U64, incarnation, NOBODY),
  FIELD (64, TYPE_U32, status, ANSWER),
  FIELD (65, TYPE_STRING, detail, ANSWER),
  FIELD (66, TYPE_U64, offset, NOBODY),
  FIELD (67, TYPE_U64, limit, NOBODY),
  FIELD (68, TYPE_U64, value, NOBODY),
  FIELD (69, TYPE_STRING, setting, NOBODY),
  FIELD (70, TYPE_U32, credit_class, NOBODY),
  FIELD (71, TYPE_U64, credit_messages, WINDOW),
  FIELD (72, TYPE_U64, credit_bytes, WINDOW),
  FIELD (73, TYPE_U32, subscription, CREDIT),
  FIELD (74, TYPE_U64, gap_from, NOBODY),
  FIELD (75, TYPE_U64, gap_to, NOBODY),
  FIELD (76, TYPE_U64, gap_count, NOBODY),
  FIELD (77, TYPE_U32, gap_reason, NOBODY),
  FIELD (78, TYPE_STRING, error_name, ANSWER),
};

/* The member at an offset of a const envelope. G_STRUCT_MEMBER would remove the const. */
#define MEMBER(type, envelope, offset) (*(const type *) (const void *) ((const guint8 *) (envelope) + (offset)))

void
wire_envelope_init (WireEnvelope *envelope)
{
  memset (envelope, 0, G_STRUCT_OFFSET (WireEnvelope, tags));
}

/* --- reading --- */

typedef struct
{
  const guint8 *start;
  const guint8 *end;
  WireDirection from;
  guint32 kind; /* as a bit; 0: unknown kind */
  guint64 seen[2];
  gsize payload_field; /* size of the payload with its key and length */
  gsize n_tags;        /* all tags, also those beyond WIRE_TAGS_MAX */
  WireEnvelope *envelope;
  WireReadResult result;
} EnvelopeReader;

static gboolean
envelope_is_ascii_text (const guint8 *at, gsize len)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  const guint64 tops = G_GUINT64_CONSTANT (0x8080808080808080);
  guint64 word, wrong = 0;

  /* Sets the top bit of each byte that is zero or above 0x7f. A borrow may set the top bit of further bytes, but only
   * above a byte that is zero, so the result is zero exactly when no byte is of those. */
  for (; len >= sizeof word; at += sizeof word, len -= sizeof word)
    {
      memcpy (&word, at, sizeof word);
      wrong |= (word | (word - ones)) & tops;
    }
  for (; len > 0; at++, len--)
    wrong |= (*at | (*at - 1u)) & 0x80;
  return wrong == 0;
}

static gboolean
envelope_is_text (WireSpan span)
{
  /* GLib's function also rejects NUL, overlong forms and surrogates. */
  return envelope_is_ascii_text (span.data, span.len) || g_utf8_validate_len ((const char *) span.data, span.len, NULL);
}

/* Records that the body is malformed; the callers return the NULL. envelope_read_field() sets the offset. */
static const guint8 *
envelope_malformed (EnvelopeReader *reader, const char *problem)
{
  reader->result = (WireReadResult){ .status = WIRE_STATUS_BAD_MESSAGE, .problem = problem };
  return NULL;
}

/* Records that a field is well-formed but not accepted, unless a field before it was, too. Reading continues. */
static void
envelope_note_problem (EnvelopeReader *reader,
                       WireStatus status,
                       const guint8 *field,
                       guint32 number,
                       guint64 limit,
                       guint64 value,
                       const char *problem)
{
  if (reader->result.status == WIRE_STATUS_OK)
    reader->result = (WireReadResult){ .status = status,
                                       .offset = (gsize) (field - reader->start),
                                       .field = number,
                                       .limit = limit,
                                       .value = value,
                                       .problem = problem };
}

static const guint8 *
envelope_take_number (EnvelopeReader *reader,
                      const FieldSpec *spec,
                      guint32 number,
                      const guint8 *field,
                      const guint8 *at)
{
  guint64 value;

  at = wire_varint_read (at, reader->end, &value);
  if (at == NULL)
    return envelope_malformed (reader, "malformed number");
  if (spec->type == TYPE_U64)
    {
      G_STRUCT_MEMBER (guint64, reader->envelope, spec->offset) = value;
      return at;
    }
  if (value > (spec->type == TYPE_BOOL ? 1 : G_MAXUINT32))
    return envelope_malformed (reader, "number out of range");
  if (spec->type == TYPE_U8 && value > G_MAXUINT8 && reader->from == WIRE_FROM_CLIENT)
    envelope_note_problem (reader, WIRE_STATUS_UNSUPPORTED, field, number, G_MAXUINT8, value, "number above 255");
  else
    G_STRUCT_MEMBER (guint32, reader->envelope, spec->offset) = (guint32) value;
  return at;
}

static const guint8 *
envelope_take_length (EnvelopeReader *reader, const guint8 *at, gsize *len)
{
  guint64 value;

  at = wire_varint_read (at, reader->end, &value);
  if (at == NULL || value > (guint64) (reader->end - at))
    return envelope_malformed (reader, "length past the end");
  *len = (gsize) value;
  return at;
}

/* Returns how many numbers there are, or -1 when one is malformed or too large. */
static gssize
envelope_count_packed (WireSpan span, guint64 largest)
{
  const guint8 *at = span.data;
  const guint8 *end = at + span.len;
  gssize n = 0;
  guint64 value;

  for (; at < end; n++)
    {
      at = wire_varint_read (at, end, &value);
      if (at == NULL || value > largest)
        return -1;
    }
  return n;
}

static void
envelope_keep_tag (EnvelopeReader *reader, const guint8 *field, WireSpan span)
{
  WireEnvelope *envelope = reader->envelope;

  reader->n_tags++;
  if (envelope->n_tags < WIRE_TAGS_MAX)
    envelope->tags[envelope->n_tags++] = span;
  else
    envelope_note_problem (reader, WIRE_STATUS_LIMIT, field, TAG_FIELD, WIRE_TAGS_MAX, reader->n_tags, "too many tags");
}

/* A field of a client whose length is bounded. */
typedef struct
{
  guint32 least; /* unless the field is empty, which is the same as absent */
  guint32 most;
  const char *problem;
} FieldBound;

static const FieldBound field_bounds[CLIENT_LAST + 1] = {
  [11] = { 0, WIRE_ID_MAX, "correlation_id has more than 256 bytes" },
  [13] = { 0, WIRE_ID_MAX, "parent_id has more than 256 bytes" },
  [14] = { 0, WIRE_ID_MAX, "root_id has more than 256 bytes" },
  [16] = { WIRE_TRACE_ID_LEN, WIRE_TRACE_ID_LEN, "trace_id has not 16 bytes" },
  [17] = { WIRE_SPAN_ID_LEN, WIRE_SPAN_ID_LEN, "span_id has not 8 bytes" },
  [19] = { 0, WIRE_STAGE_MAX, "stage has more than 128 bytes" },
};

static void
envelope_check_tag (EnvelopeReader *reader, const guint8 *field, WireSpan tag)
{
  const guint8 *mark = tag.len > 0 ? memchr (tag.data, '=', tag.len) : NULL;
  gsize key = mark != NULL ? (gsize) (mark - tag.data) : tag.len;
  gsize value = mark != NULL ? tag.len - key - 1 : 0;

  if (key > WIRE_TAG_KEY_MAX)
    envelope_note_problem (reader, WIRE_STATUS_LIMIT, field, TAG_FIELD, WIRE_TAG_KEY_MAX, key,
                           "the key of a tag has more than 128 bytes");
  else if (value > WIRE_TAG_VALUE_MAX)
    envelope_note_problem (reader, WIRE_STATUS_LIMIT, field, TAG_FIELD, WIRE_TAG_VALUE_MAX, value,
                           "the value of a tag has more than 1024 bytes");
}

/* The broker's own fields, and what it forwards, need no check. */
static void
envelope_check_bound (EnvelopeReader *reader, guint32 number, const guint8 *field, WireSpan span)
{
  const FieldBound *bound = &field_bounds[MIN (number, CLIENT_LAST)];

  if (reader->from != WIRE_FROM_CLIENT)
    return;
  if (number == TAG_FIELD)
    envelope_check_tag (reader, field, span);
  else if (bound->most > 0 && span.len > 0 && (span.len < bound->least || span.len > bound->most))
    envelope_note_problem (reader, WIRE_STATUS_LIMIT, field, number, bound->most, span.len, bound->problem);
}

static const guint8 *
envelope_take_span (EnvelopeReader *reader,
                    const FieldSpec *spec,
                    guint32 number,
                    const guint8 *field,
                    const guint8 *at)
{
  WireSpan span;

  at = envelope_take_length (reader, at, &span.len);
  if (at == NULL)
    return NULL;
  span.data = at;
  at += span.len;
  if (spec->type <= TYPE_TAGS && !envelope_is_text (span))
    return envelope_malformed (reader, "text is not UTF-8 without NUL");
  if (spec->type >= TYPE_PACKED_U32)
    {
      gssize n = envelope_count_packed (span, spec->type == TYPE_PACKED_U32 ? G_MAXUINT32 : G_MAXUINT64);

      if (n <= 0) /* an empty list is not written, and protobuf-c does not read it */
        return envelope_malformed (reader, "malformed packed numbers");
      if (spec->type == TYPE_PACKED_U32 && n > (gssize) WIRE_SUBSCRIPTIONS_MAX)
        envelope_note_problem (reader, WIRE_STATUS_LIMIT, field, number, WIRE_SUBSCRIPTIONS_MAX, (guint64) n,
                               "too many subscriptions");
    }
  envelope_check_bound (reader, number, field, span);
  if (spec->type == TYPE_TAGS)
    envelope_keep_tag (reader, field, span);
  else
    G_STRUCT_MEMBER (WireSpan, reader->envelope, spec->offset) = span;
  if (number == PAYLOAD_FIELD)
    reader->payload_field = (gsize) (at - field);
  return at;
}

/* Skips a field that is not in the table; it must be well-formed. */
static const guint8 *
envelope_skip_field (EnvelopeReader *reader, guint32 wire_type, const guint8 *at)
{
  gsize len;
  guint64 value;

  switch (wire_type)
    {
    case WIRE_TYPE_VARINT:
      at = wire_varint_read (at, reader->end, &value);
      return at != NULL ? at : envelope_malformed (reader, "malformed number");
    case WIRE_TYPE_LENGTH:
      at = envelope_take_length (reader, at, &len);
      return at != NULL ? at + len : NULL;
    case WIRE_TYPE_64:
    case WIRE_TYPE_32:
      len = wire_type == WIRE_TYPE_64 ? 8 : 4;
      return (gsize) (reader->end - at) >= len ? at + len : envelope_malformed (reader, "length past the end");
    default:
      return envelope_malformed (reader, "unknown wire type");
    }
}

static const guint8 *
envelope_take_value (EnvelopeReader *reader, guint32 number, guint32 wire_type, const guint8 *field, const guint8 *at)
{
  const FieldSpec *spec = number <= FIELD_LAST ? &fields[number] : &fields[0];
  guint64 bit = (guint64) 1 << number % 64;

  if (reader->from == WIRE_FROM_CLIENT && number > CLIENT_LAST && number <= FIELD_LAST && !(spec->kinds & reader->kind))
    return envelope_malformed (reader, "a client may not set this field");
  if (spec->type == TYPE_NONE)
    {
      if (reader->from == WIRE_FROM_CLIENT)
        envelope_note_problem (reader, WIRE_STATUS_UNSUPPORTED, field, number, 0, 0, "unknown field");
      return envelope_skip_field (reader, wire_type, at);
    }
  if (wire_type != (spec->type >= TYPE_STRING ? WIRE_TYPE_LENGTH : WIRE_TYPE_VARINT))
    return envelope_malformed (reader, "wrong wire type");
  if ((reader->seen[number / 64] & bit) && spec->type != TYPE_TAGS)
    return envelope_malformed (reader, "field twice");
  reader->seen[number / 64] |= bit;
  return wire_type == WIRE_TYPE_VARINT ? envelope_take_number (reader, spec, number, field, at)
                                       : envelope_take_span (reader, spec, number, field, at);
}

static const guint8 *
envelope_read_field (EnvelopeReader *reader, const guint8 *field)
{
  guint64 key;
  guint32 number = 0;
  const guint8 *at = wire_varint_read (field, reader->end, &key);

  if (at == NULL || key > G_MAXUINT32 || key >> 3 == 0)
    at = envelope_malformed (reader, "malformed field key");
  else
    {
      number = (guint32) (key >> 3);
      at = envelope_take_value (reader, number, (guint32) (key & 7), field, at);
    }
  if (at == NULL)
    {
      reader->result.offset = (gsize) (field - reader->start);
      reader->result.field = number;
    }
  return at;
}

static void
envelope_check_sizes (EnvelopeReader *reader)
{
  gsize others = (gsize) (reader->end - reader->start) - reader->payload_field;

  if (reader->from == WIRE_FROM_CLIENT && others > WIRE_HEADER_FIELDS_MAX)
    envelope_note_problem (reader, WIRE_STATUS_LIMIT, reader->start, 0, WIRE_HEADER_FIELDS_MAX, others,
                           "the fields beside the payload are too large");
  if (reader->result.status == WIRE_STATUS_LIMIT && reader->result.field == TAG_FIELD
      && reader->result.limit == WIRE_TAGS_MAX)
    reader->result.value = reader->n_tags;
}

WireReadResult
wire_envelope_read (WireSpan body, guint8 kind, WireDirection from, WireEnvelope *envelope)
{
  EnvelopeReader reader = { .start = body.data,
                            .from = from,
                            .kind = kind <= WIRE_KIND_LAST ? KIND (kind) : 0,
                            .envelope = envelope,
                            .result = { .status = WIRE_STATUS_OK } };
  const guint8 *at = body.data;

  wire_envelope_init (envelope);
  if (body.len == 0)
    return reader.result;
  reader.end = wire_span_end (body);
  while (at != NULL && at < reader.end)
    at = envelope_read_field (&reader, at);
  if (at != NULL)
    envelope_check_sizes (&reader);
  return reader.result;
}

/* --- writing --- */

/* Groups of fields that are set together. Most messages use one group, so the writer skips a group that is all zero. */
static const struct
{
  guint8 first;
  guint8 last;
  guint16 begin;
  guint16 end;
} groups[] = {
  { 1, 27, G_STRUCT_OFFSET (WireEnvelope, id), G_STRUCT_OFFSET (WireEnvelope, sender) },
  { 32, 44, G_STRUCT_OFFSET (WireEnvelope, sender), G_STRUCT_OFFSET (WireEnvelope, status) },
  { 64, 78, G_STRUCT_OFFSET (WireEnvelope, status), G_STRUCT_OFFSET (WireEnvelope, n_tags) },
};

static gboolean
envelope_group_is_absent (const WireEnvelope *envelope, guint group)
{
  static const guint8 zeros[G_STRUCT_OFFSET (WireEnvelope, tags)] = { 0 };
  gsize begin = groups[group].begin;

  return (group > 0 || envelope->n_tags == 0)
         && memcmp ((const guint8 *) envelope + begin, zeros, groups[group].end - begin) == 0;
}

static guint64
envelope_number_of (const WireEnvelope *envelope, const FieldSpec *spec)
{
  return spec->type == TYPE_U64 ? MEMBER (guint64, envelope, spec->offset) : MEMBER (guint32, envelope, spec->offset);
}

static gsize
envelope_span_size (guint number, WireSpan span)
{
  return wire_varint_size (number << 3) + wire_varint_size (span.len) + span.len;
}

static gsize
envelope_field_size (const WireEnvelope *envelope, guint number)
{
  const FieldSpec *spec = &fields[number];
  gsize size = 0;

  if (spec->type == TYPE_TAGS)
    for (guint t = 0; t < envelope->n_tags; t++)
      size += envelope_span_size (number, envelope->tags[t]);
  else if (spec->type >= TYPE_STRING)
    {
      WireSpan span = MEMBER (WireSpan, envelope, spec->offset);

      size = span.len > 0 ? envelope_span_size (number, span) : 0;
    }
  else if (spec->type != TYPE_NONE && envelope_number_of (envelope, spec) != 0)
    size = wire_varint_size (number << 3) + wire_varint_size (envelope_number_of (envelope, spec));
  return size;
}

gsize
wire_envelope_size (const WireEnvelope *envelope)
{
  gsize size = 0;

  for (guint group = 0; group < G_N_ELEMENTS (groups); group++)
    if (!envelope_group_is_absent (envelope, group))
      for (guint number = groups[group].first; number <= groups[group].last; number++)
        size += envelope_field_size (envelope, number);
  return size - envelope->payload.len;
}

static guint8 *
envelope_put_key_and_length (guint8 *out, guint number, gsize len)
{
  return wire_varint_put (wire_varint_put (out, number << 3 | WIRE_TYPE_LENGTH), len);
}

static guint8 *
envelope_put_span (guint8 *out, guint number, WireSpan span)
{
  out = envelope_put_key_and_length (out, number, span.len);
  if (span.len > 0) /* an empty tag has no bytes */
    memcpy (out, span.data, span.len);
  return out + span.len;
}

static guint8 *
envelope_put_field (const WireEnvelope *envelope, guint number, guint8 *out)
{
  const FieldSpec *spec = &fields[number];

  if (spec->type == TYPE_TAGS)
    for (guint t = 0; t < envelope->n_tags; t++)
      out = envelope_put_span (out, number, envelope->tags[t]);
  else if (spec->type >= TYPE_STRING)
    {
      WireSpan span = MEMBER (WireSpan, envelope, spec->offset);

      if (span.len > 0)
        out = envelope_put_span (out, number, span);
    }
  else if (spec->type != TYPE_NONE && envelope_number_of (envelope, spec) != 0)
    out = wire_varint_put (wire_varint_put (out, number << 3), envelope_number_of (envelope, spec));
  return out;
}

guint8 *
wire_envelope_write (const WireEnvelope *envelope, guint8 *out)
{
  for (guint group = 0; group < G_N_ELEMENTS (groups); group++)
    if (!envelope_group_is_absent (envelope, group))
      for (guint number = groups[group].first; number <= groups[group].last; number++)
        if (number != PAYLOAD_FIELD)
          out = envelope_put_field (envelope, number, out);
  return envelope->payload.len > 0 ? envelope_put_key_and_length (out, PAYLOAD_FIELD, envelope->payload.len) : out;
}

gboolean
wire_envelope_next_u32 (WireSpan *packed, guint32 *value)
{
  const guint8 *end;
  const guint8 *at;
  guint64 wide;

  if (packed->len == 0)
    return FALSE;
  end = wire_span_end (*packed);
  at = wire_varint_read (packed->data, end, &wide);
  if (at == NULL || wide > G_MAXUINT32)
    return FALSE;
  *packed = wire_span (at, (gsize) (end - at));
  *value = (guint32) wide;
  return TRUE;
}

gboolean
wire_envelope_next_u64 (WireSpan *packed, guint64 *value)
{
  const guint8 *end;
  const guint8 *at;

  if (packed->len == 0)
    return FALSE;
  end = wire_span_end (*packed);
  at = wire_varint_read (packed->data, end, value);
  if (at == NULL)
    return FALSE;
  *packed = wire_span (at, (gsize) (end - at));
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

gsize
wire_envelope_pack_u64 (const guint64 *values, gsize n, guint8 *out)
{
  guint8 *at = out;

  for (gsize i = 0; i < n; i++)
    at = wire_varint_put (at, values[i]);
  return (gsize) (at - out);
}
