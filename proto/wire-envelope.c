/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-envelope-private.h"

#include "wire-text.h"
#include "wire-hot.h"

/*
 * The reader. It finds a field by its key, i.e. by number and wire type together. The fast path handles only the first
 * occurrence of a field that is allowed; envelope_take_odd_field() handles everything else.
 */

typedef struct
{
  guint64 mask; /* the field's bit in WireEnvelope.present */
  guint32 who;  /* senders that may set it; 0: no field has this key */
  guint16 offset;
  guint8 type;
} FieldSpec;

#define KEY_LAST (CONTROL_LAST << 3 | 7u)

#define FIELD_SPEC(number, type, member, who)                                                                          \
  [FIELD_KEY (number, type)] = { FIELD_MASK (number), who, G_STRUCT_OFFSET (WireEnvelope, member), type },

static const FieldSpec specs[KEY_LAST + 1] = { ENVELOPE_FIELDS (FIELD_SPEC) };

#define HOT_FIELDS                                                                                                     \
  (FIELD_MASK (1) | FIELD_MASK (2) | FIELD_MASK (6) | FIELD_MASK (8) | FIELD_MASK (15) | FIELD_MASK (32)               \
   | FIELD_MASK (33) | FIELD_MASK (34) | FIELD_MASK (35) | FIELD_MASK (44))
#define CLIENT_FIELDS  ((FIELD_MASK (32) - 1) & ~HOT_FIELDS)
#define BROKER_FIELDS  ((FIELD_MASK (CONTROL_FIRST) - FIELD_MASK (32)) & ~HOT_FIELDS)
#define CONTROL_FIELDS (~(FIELD_MASK (CONTROL_FIRST) - 1))

/* One store for each member. For a single memset() of this size gcc uses an instruction that starts slowly. */
#define FIELD_CLEAR(number, type, member, who) memset (&envelope->member, 0, sizeof envelope->member);

WIRE_HOT void
wire_envelope_init (WireEnvelope *envelope)
{
  envelope->present = 0;
  ENVELOPE_FIELDS (FIELD_CLEAR)
}

#define PUBLISH_FIELDS (FIELD_MASK (1) | FIELD_MASK (2) | FIELD_MASK (6) | FIELD_MASK (PAYLOAD_FIELD))

static void
envelope_clear (WireEnvelope *envelope, gsize from, gsize to)
{
  memset ((guint8 *) envelope + from, 0, to - from);
}

static inline void
envelope_clear_hot_fields (WireEnvelope *envelope)
{
  envelope->id = 0;
  envelope->topic = wire_span (NULL, 0);
  envelope->type_name = wire_span (NULL, 0);
  envelope->payload = wire_span (NULL, 0);
  envelope->sender = wire_span (NULL, 0);
  envelope->accept_seq = 0;
  envelope->accept_time_us = 0;
  envelope->subscriptions = wire_span (NULL, 0);
  envelope->present = 0;
  envelope->priority = 0;
  envelope->retained = 0;
}

/* Clears the fields that are set according to @envelope->present. All others are zero already. */
static inline void
envelope_forget (WireEnvelope *envelope)
{
  guint64 present = envelope->present;

  envelope_clear_hot_fields (envelope);
  if (present & CLIENT_FIELDS)
    envelope_clear (envelope, GROUP_CLIENT, GROUP_BROKER);
  if (present & BROKER_FIELDS)
    envelope_clear (envelope, GROUP_BROKER, GROUP_CONTROL);
  if (present & CONTROL_FIELDS)
    envelope_clear (envelope, GROUP_CONTROL, GROUPS_END);
}

typedef struct
{
  const guint8 *start;
  const guint8 *end;
  WireDirection from;
  guint32 who;  /* bits of the senders that this body comes from: a field needs one of them */
  gsize n_tags; /* all tags, also those beyond WIRE_TAGS_MAX */
  WireEnvelope *envelope;
  WireReadResult result;
} EnvelopeReader;

/* --- text --- */

static inline gboolean
envelope_is_text (WireSpan span, const guint8 *end)
{
  /* GLib's function also rejects NUL, overlong forms and surrogates. */
  return wire_text_is_ascii (span, end) || g_utf8_validate_len ((const char *) span.data, span.len, NULL);
}

/* --- problems --- */

/* Returns the number of the field at @field; 0: its key is malformed. */
static guint32
envelope_number_at (const EnvelopeReader *reader, const guint8 *field)
{
  guint64 key;

  return wire_varint_read (field, reader->end, &key) != NULL && key <= G_MAXUINT32 ? (guint32) key >> 3 : 0;
}

/* Records that the body is malformed. Returns NULL, which the caller returns as its own result. */
static G_GNUC_NO_INLINE const guint8 *
envelope_malformed (EnvelopeReader *reader, const guint8 *field, const char *problem)
{
  reader->result = (WireReadResult){ .status = WIRE_STATUS_BAD_MESSAGE,
                                     .offset = (gsize) (field - reader->start),
                                     .field = envelope_number_at (reader, field),
                                     .problem = problem };
  return NULL;
}

/* Records that a field is well-formed but not accepted, unless an earlier field was recorded. Reading continues. */
static G_GNUC_NO_INLINE void
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

/* --- values --- */

static inline const guint8 *
envelope_take_number (EnvelopeReader *reader, const FieldSpec *spec, const guint8 *field, const guint8 *at)
{
  guint64 value;

  at = wire_varint_read (at, reader->end, &value);
  if (G_UNLIKELY (at == NULL))
    return envelope_malformed (reader, field, "malformed number");
  if (spec->type == TYPE_U64)
    {
      G_STRUCT_MEMBER (guint64, reader->envelope, spec->offset) = value;
      return at;
    }
  if (value > (spec->type == TYPE_BOOL ? 1 : G_MAXUINT32))
    return envelope_malformed (reader, field, "number out of range");
  if (spec->type == TYPE_U8 && value > G_MAXUINT8 && reader->from == WIRE_FROM_CLIENT)
    envelope_note_problem (reader, WIRE_STATUS_UNSUPPORTED, field, envelope_number_at (reader, field), G_MAXUINT8,
                           value, "number above 255");
  else
    G_STRUCT_MEMBER (guint32, reader->envelope, spec->offset) = (guint32) value;
  return at;
}

/* NULL: the length is malformed, or larger than the rest of the body. */
static inline const guint8 *
envelope_take_length (const EnvelopeReader *reader, const guint8 *at, gsize *len)
{
  guint64 value;

  at = wire_varint_read (at, reader->end, &value);
  if (at == NULL || value > (guint64) (reader->end - at))
    return NULL;
  *len = (gsize) value;
  return at;
}

/* Returns the number of varints, or -1 if one of them is malformed or too large. */
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
  guint32 least; /* does not apply to an empty field, which counts as absent */
  guint32 most;
  const char *problem;
} FieldBound;

static const FieldBound field_bounds[CLIENT_LAST + 1] = {
  [11] = { 0, WIRE_ID_MAX, "correlation_id has more than 256 bytes" },
  [13] = { 0, WIRE_ID_MAX, "parent_id has more than 256 bytes" },
  [14] = { 0, WIRE_ID_MAX, "root_id has more than 256 bytes" },
  [16] = { WIRE_TRACE_ID_LEN, WIRE_TRACE_ID_LEN, "trace_id does not have 16 bytes" },
  [17] = { WIRE_SPAN_ID_LEN, WIRE_SPAN_ID_LEN, "span_id does not have 8 bytes" },
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

static void
envelope_check_bound (EnvelopeReader *reader, const guint8 *field, WireSpan span)
{
  guint32 number = envelope_number_at (reader, field);
  const FieldBound *bound = &field_bounds[number];

  if (span.len > 0 && (span.len < bound->least || span.len > bound->most))
    envelope_note_problem (reader, WIRE_STATUS_LIMIT, field, number, bound->most, span.len, bound->problem);
}

/* FALSE: malformed. */
static gboolean
envelope_check_packed (EnvelopeReader *reader, FieldType type, const guint8 *field, WireSpan span)
{
  gssize n = envelope_count_packed (span, type == TYPE_PACKED_U32 ? G_MAXUINT32 : G_MAXUINT64);

  if (n <= 0) /* no writer sends an empty list, and protobuf-c rejects it */
    return FALSE;
  if (type == TYPE_PACKED_U32 && n > (gssize) WIRE_SUBSCRIPTIONS_MAX)
    envelope_note_problem (reader, WIRE_STATUS_LIMIT, field, envelope_number_at (reader, field), WIRE_SUBSCRIPTIONS_MAX,
                           (guint64) n, "too many subscriptions");
  return TRUE;
}

/* Checks and stores a span whose type is neither STRING nor BYTES. FALSE: malformed. */
static gboolean
envelope_take_special (EnvelopeReader *reader, const FieldSpec *spec, const guint8 *field, WireSpan span)
{
  gboolean is_packed = spec->type >= TYPE_PACKED_U32;

  if (is_packed && !(span.len == 1 && *span.data < 0x80) && !envelope_check_packed (reader, spec->type, field, span))
    return FALSE;
  /* A client need not check the lengths: the broker wrote these fields, or checked them when it received them. */
  if (reader->from == WIRE_FROM_CLIENT && spec->type == TYPE_TAGS)
    envelope_check_tag (reader, field, span);
  else if (reader->from == WIRE_FROM_CLIENT && !is_packed)
    envelope_check_bound (reader, field, span);
  if (spec->type == TYPE_TAGS)
    envelope_keep_tag (reader, field, span);
  else
    G_STRUCT_MEMBER (WireSpan, reader->envelope, spec->offset) = span;
  return TRUE;
}

static inline const guint8 *
envelope_take_span (EnvelopeReader *reader, const FieldSpec *spec, const guint8 *field, const guint8 *at)
{
  WireSpan span;

  at = envelope_take_length (reader, at, &span.len);
  if (G_UNLIKELY (at == NULL))
    return envelope_malformed (reader, field, "a length points past the end");
  span.data = at;
  if (spec->type <= TYPE_TAGS && !envelope_is_text (span, reader->end))
    return envelope_malformed (reader, field, "a text is not UTF-8, or contains NUL");
  if (spec->type == TYPE_STRING || spec->type == TYPE_BYTES)
    G_STRUCT_MEMBER (WireSpan, reader->envelope, spec->offset) = span;
  else if (!envelope_take_special (reader, spec, field, span))
    return envelope_malformed (reader, field, "malformed packed numbers");
  return at + span.len;
}

/* --- fields --- */

/* Skips a field that is not in the table. NULL: it is malformed. */
static const guint8 *
envelope_skip_field (EnvelopeReader *reader, guint64 key, const guint8 *field, const guint8 *at)
{
  gsize len = (key & 7) == WIRE_TYPE_64 ? 8 : 4;
  guint64 value;

  switch (key & 7)
    {
    case WIRE_TYPE_VARINT:
      at = wire_varint_read (at, reader->end, &value);
      return at != NULL ? at : envelope_malformed (reader, field, "malformed number");
    case WIRE_TYPE_LENGTH:
      at = envelope_take_length (reader, at, &len);
      return at != NULL ? at + len : envelope_malformed (reader, field, "a length points past the end");
    case WIRE_TYPE_64:
    case WIRE_TYPE_32:
      return (gsize) (reader->end - at) >= len ? at + len
                                               : envelope_malformed (reader, field, "a length points past the end");
    default:
      return envelope_malformed (reader, field, "unknown wire type");
    }
}

/* Finds the field with @number, of any wire type. NULL: there is none. */
static const FieldSpec *
envelope_find_field (guint64 number)
{
  const FieldSpec *spec = number <= CONTROL_LAST ? &specs[number << 3] : &specs[0];

  if (spec->who == 0 && number <= CONTROL_LAST)
    spec += WIRE_TYPE_LENGTH;
  return spec->who != 0 ? spec : NULL;
}

/* Handles a field that is not allowed here, is unknown, occurs a second time, or has the wrong wire type. */
static G_GNUC_NO_INLINE const guint8 *
envelope_take_odd_field (EnvelopeReader *reader, const guint8 *field)
{
  gboolean from_client = reader->from == WIRE_FROM_CLIENT;
  const FieldSpec *spec;
  guint64 key;
  guint32 number;
  const guint8 *at = wire_varint_read (field, reader->end, &key);

  if (at == NULL || key > G_MAXUINT32 || key >> 3 == 0)
    return envelope_malformed (reader, field, "malformed field key");
  number = (guint32) (key >> 3);
  spec = envelope_find_field (number);
  if (from_client && number > CLIENT_LAST && number <= FIELD_LAST && (spec == NULL || !(spec->who & reader->who)))
    return envelope_malformed (reader, field, "a client may not set this field");
  if (spec != NULL)
    return envelope_malformed (reader, field, spec == &specs[MIN (key, KEY_LAST)] ? "field twice" : "wrong wire type");
  if (from_client)
    envelope_note_problem (reader, WIRE_STATUS_UNSUPPORTED, field, number, 0, 0, "unknown field");
  return envelope_skip_field (reader, key, field, at);
}

/* Finds the field whose key is at @at, and moves @at past the key. NULL: envelope_take_odd_field() must handle the field. */
static inline const FieldSpec *
envelope_take_key (const EnvelopeReader *reader, const guint8 **at, guint64 present)
{
  const FieldSpec *spec;
  guint32 key = *(*at)++;

  if (key >= 0x80)
    {
      if (*at == reader->end || **at >= 0x80) /* a second byte of zero is rejected below */
        return NULL;
      key += ((guint32) * (*at)++ << 7) - 0x80;
      if (key < 0x80 || key > KEY_LAST)
        return NULL;
    }
  spec = &specs[key];
  return (spec->who & reader->who) && !(spec->mask & present) ? spec : NULL;
}

/* --- the usual fields --- */

/* TRUE: the field at @at has this key, which has one or two bytes. */
G_ALWAYS_INLINE static inline gboolean
envelope_is_at (const guint8 *at, const guint8 *end, guint32 key)
{
  if (key < 0x80)
    return at < end && *at == key;
  return end - at >= 2 && at[0] == ((key & 0x7f) | 0x80) && at[1] == key >> 7;
}

/* Takes ASCII text whose length has one byte, and starts at @at. NULL: the text has another form. */
static inline const guint8 *
envelope_take_usual_text (const guint8 *at, const guint8 *end, WireSpan *span)
{
  WireSpan text;

  if (at == end || *at >= 0x80 || *at > end - at - 1)
    return NULL;
  text = wire_span (at + 1, *at);
  if (!wire_text_is_ascii (text, end))
    return NULL;
  *span = text;
  return at + 1 + text.len;
}

static inline const guint8 *
envelope_take_usual_id (const guint8 *at, const guint8 *end, WireSpan *packed)
{
  if (end - at < 2 || at[0] != 1 || at[1] >= 0x80)
    return NULL;
  *packed = wire_span (at + 1, 1);
  return at + 2;
}

static inline const guint8 *
envelope_take_usual_bytes (const EnvelopeReader *reader, const guint8 *at, WireSpan *span)
{
  gsize len;

  at = envelope_take_length (reader, at, &len);
  if (at == NULL)
    return NULL;
  *span = wire_span (at, len);
  return at + len;
}

/* Reads field @number, if it is the next one. @take is an expression that reads the value at @value and returns its end; if it
 * returns NULL, this field and the following ones are left to the general path. */
#define TAKE_USUAL(number, type, take)                                                                                 \
  if (envelope_is_at (at, end, FIELD_KEY (number, type)))                                                              \
    {                                                                                                                  \
      const guint8 *value = at + (number < 16 ? 1 : 2);                                                                \
      const guint8 *next = take;                                                                                       \
                                                                                                                       \
      if (next == NULL)                                                                                                \
        return at;                                                                                                     \
      reader->envelope->present |= FIELD_MASK (number);                                                                \
      at = next;                                                                                                       \
    }

/* Reads the fields of which most bodies consist, in the order in which the broker and the library write them. Returns the place
 * where it stopped: the end, or the first field that is another one or needs the general path. It reports no errors. */
static inline const guint8 *
envelope_read_usual (EnvelopeReader *reader)
{
  WireEnvelope *envelope = reader->envelope;
  const guint8 *at = reader->start;
  const guint8 *end = reader->end;

  if (reader->from == WIRE_FROM_BROKER)
    {
      TAKE_USUAL (32, TYPE_STRING, envelope_take_usual_text (value, end, &envelope->sender))
      TAKE_USUAL (33, TYPE_U64, wire_varint_read (value, end, &envelope->accept_seq))
      TAKE_USUAL (34, TYPE_U64, wire_varint_read (value, end, &envelope->accept_time_us))
      TAKE_USUAL (35, TYPE_PACKED_U32, envelope_take_usual_id (value, end, &envelope->subscriptions))
    }
  TAKE_USUAL (1, TYPE_U64, wire_varint_read (value, end, &envelope->id))
  TAKE_USUAL (2, TYPE_STRING, envelope_take_usual_text (value, end, &envelope->topic))
  TAKE_USUAL (6, TYPE_STRING, envelope_take_usual_text (value, end, &envelope->type_name))
  TAKE_USUAL (15, TYPE_BYTES, envelope_take_usual_bytes (reader, value, &envelope->payload))
  return at;
}

/* --- all fields --- */

/* FALSE: malformed. */
static inline gboolean
envelope_read_fields (EnvelopeReader *reader)
{
  const guint8 *at = envelope_read_usual (reader);
  guint64 present = reader->envelope->present;

  while (at != NULL && at < reader->end)
    {
      const guint8 *field = at;
      const FieldSpec *spec = envelope_take_key (reader, &at, present & ~FIELD_MASK (TAG_FIELD));

      if (G_UNLIKELY (spec == NULL))
        {
          at = envelope_take_odd_field (reader, field);
          continue;
        }
      present |= spec->mask;
      at = spec->type < TYPE_STRING ? envelope_take_number (reader, spec, field, at)
                                    : envelope_take_span (reader, spec, field, at);
    }
  reader->envelope->present = present;
  return at != NULL;
}

static G_GNUC_NO_INLINE void
envelope_check_sizes (EnvelopeReader *reader)
{
  const WireEnvelope *envelope = reader->envelope;
  gsize others = (gsize) (reader->end - reader->start);

  if (envelope->present & FIELD_MASK (PAYLOAD_FIELD))
    others -= 1 + wire_varint_size (envelope->payload.len) + envelope->payload.len;
  if (reader->from == WIRE_FROM_CLIENT && others > WIRE_HEADER_FIELDS_MAX)
    envelope_note_problem (reader, WIRE_STATUS_LIMIT, reader->start, 0, WIRE_HEADER_FIELDS_MAX, others,
                           "the fields beside the payload are too large");
  if (reader->result.status == WIRE_STATUS_LIMIT && reader->result.field == TAG_FIELD
      && reader->result.limit == WIRE_TAGS_MAX)
    reader->result.value = reader->n_tags;
}

static inline guint32
envelope_sender_mask (guint8 kind, WireDirection from)
{
  if (from == WIRE_FROM_BROKER)
    return BROKER;
  return ALL_KINDS | (kind <= WIRE_KIND_LAST ? KIND (kind) : 0);
}

WireReadResult
wire_envelope_read_next (WireSpan body, guint8 kind, WireDirection from, WireEnvelope *envelope)
{
  EnvelopeReader reader = { .start = body.data,
                            .end = wire_span_end (body),
                            .from = from,
                            .who = envelope_sender_mask (kind, from),
                            .envelope = envelope,
                            .result = { .status = WIRE_STATUS_OK } };

  envelope_forget (envelope);
  if (envelope_read_fields (&reader) && (body.len > WIRE_HEADER_FIELDS_MAX || reader.result.status != WIRE_STATUS_OK))
    envelope_check_sizes (&reader);
  return reader.result;
}

void
wire_envelope_set_publish (WireEnvelope *envelope, const WirePublish *publish)
{
  envelope_forget (envelope);
  envelope->present = PUBLISH_FIELDS;
  envelope->id = publish->id;
  envelope->topic = publish->topic;
  envelope->type_name = publish->type_name;
  envelope->payload = publish->payload;
}

WireReadResult
wire_envelope_read (WireSpan body, guint8 kind, WireDirection from, WireEnvelope *envelope)
{
  wire_envelope_init (envelope);
  return wire_envelope_read_next (body, kind, from, envelope);
}

gboolean
wire_envelope_is_plain (const WireEnvelope *envelope)
{
  return (envelope->present & ~HOT_FIELDS) == 0;
}
