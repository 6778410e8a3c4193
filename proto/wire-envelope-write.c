/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-envelope-private.h"

/*
 * The writer, and packed numbers.
 *
 * If all members of a group are zero, none of its fields is written, and the writer skips the group as a whole. Most messages
 * use few groups. The route is the only further field of a client that a usual reply has, so it is written without its group.
 */

typedef struct
{
  guint16 key;
  guint8 type;
  guint16 offset;
} FieldRow;

#define FIELD_ROW(number, type, member, who) { FIELD_KEY (number, type), type, G_STRUCT_OFFSET (WireEnvelope, member) },

static const FieldRow rows[] = { ENVELOPE_FIELDS (FIELD_ROW) };

/* The first row of the broker's fields, the first one of the control fields, and the number of rows. */
#define ROWS_BROKER  27u
#define ROWS_CONTROL 41u
#define ROWS_END     G_N_ELEMENTS (rows)

#define KEY_ID        FIELD_KEY (1u, TYPE_U64)
#define KEY_TOPIC     FIELD_KEY (2u, TYPE_STRING)
#define KEY_ROUTE     FIELD_KEY (4u, TYPE_U64)
#define KEY_TYPE_NAME FIELD_KEY (6u, TYPE_STRING)
#define KEY_PRIORITY  FIELD_KEY (8u, TYPE_U8)
#define KEY_PAYLOAD   FIELD_KEY (PAYLOAD_FIELD, TYPE_BYTES)

/* The place of the next byte, and the number of bytes that still fit. */
typedef struct
{
  guint8 *at;
  gsize room;
} EnvelopeOut;

static inline gboolean
envelope_is_zero (const WireEnvelope *envelope, gsize from, gsize to)
{
  static const guint8 zeros[GROUPS_END] = { 0 };

  return memcmp ((const guint8 *) envelope + from, zeros, to - from) == 0;
}

G_STATIC_ASSERT (G_STRUCT_OFFSET (WireEnvelope, ttl_us) == G_STRUCT_OFFSET (WireEnvelope, route) + sizeof (guint64));

/* Without the route. */
static inline gboolean
envelope_has_client_rows (const WireEnvelope *envelope)
{
  return !envelope_is_zero (envelope, GROUP_CLIENT, G_STRUCT_OFFSET (WireEnvelope, route))
         || !envelope_is_zero (envelope, G_STRUCT_OFFSET (WireEnvelope, ttl_us), GROUP_BROKER);
}

static inline gboolean
envelope_has_broker_rows (const WireEnvelope *envelope)
{
  return envelope->retained != 0
         || !envelope_is_zero (envelope, G_STRUCT_OFFSET (WireEnvelope, sender),
                               G_STRUCT_OFFSET (WireEnvelope, priority))
         || !envelope_is_zero (envelope, GROUP_BROKER, GROUP_CONTROL);
}

static inline gboolean
envelope_has_control_rows (const WireEnvelope *envelope)
{
  return !envelope_is_zero (envelope, GROUP_CONTROL, GROUPS_END);
}

static guint64
envelope_number_of (const WireEnvelope *envelope, const FieldRow *row)
{
  return row->type == TYPE_U64 ? MEMBER (guint64, envelope, row->offset) : MEMBER (guint32, envelope, row->offset);
}

/* --- size --- */

static gsize
envelope_span_size (guint16 key, WireSpan span)
{
  return wire_varint_size (key) + wire_varint_size (span.len) + span.len;
}

static gsize
envelope_field_size (const WireEnvelope *envelope, const FieldRow *row)
{
  gsize size = 0;

  if (row->type == TYPE_TAGS)
    for (guint t = 0; t < envelope->n_tags; t++)
      size += envelope_span_size (row->key, envelope->tags[t]);
  else if (row->type >= TYPE_STRING)
    {
      WireSpan span = MEMBER (WireSpan, envelope, row->offset);

      size = span.len > 0 ? envelope_span_size (row->key, span) : 0;
    }
  else if (envelope_number_of (envelope, row) != 0)
    size = wire_varint_size (row->key) + wire_varint_size (envelope_number_of (envelope, row));
  return size;
}

static gsize
envelope_rows_size (const WireEnvelope *envelope, guint from, guint to)
{
  gsize size = 0;

  for (guint i = from; i < to; i++)
    size += envelope_field_size (envelope, &rows[i]);
  return size;
}

static inline gsize
envelope_number_size (guint16 key, guint64 value)
{
  return value != 0 ? wire_varint_size (key) + wire_varint_size (value) : 0;
}

static inline gsize
envelope_text_size (guint16 key, WireSpan text)
{
  return text.len > 0 ? envelope_span_size (key, text) : 0;
}

/* The size of the fields 1 to 27, with the bytes of the payload. */
static gsize
envelope_client_size (const WireEnvelope *envelope)
{
  if (envelope_has_client_rows (envelope))
    return envelope_rows_size (envelope, 0, ROWS_BROKER);
  return envelope_number_size (KEY_ID, envelope->id) + envelope_text_size (KEY_TOPIC, envelope->topic)
         + envelope_number_size (KEY_ROUTE, envelope->route) + envelope_text_size (KEY_TYPE_NAME, envelope->type_name)
         + envelope_number_size (KEY_PRIORITY, envelope->priority)
         + envelope_text_size (KEY_PAYLOAD, envelope->payload);
}

gsize
wire_envelope_size (const WireEnvelope *envelope)
{
  gsize size = envelope_client_size (envelope) - envelope->payload.len;

  if (envelope_has_broker_rows (envelope))
    size += envelope_rows_size (envelope, ROWS_BROKER, ROWS_CONTROL);
  if (envelope_has_control_rows (envelope))
    size += envelope_rows_size (envelope, ROWS_CONTROL, ROWS_END);
  return size;
}

/* --- writing --- */

/* FALSE: @len bytes with a key and a length do not fit. */
static inline gboolean
envelope_has_room (const EnvelopeOut *out, gsize len)
{
  return out->room >= WIRE_ENVELOPE_SLACK && out->room - WIRE_ENVELOPE_SLACK >= len;
}

static inline void
envelope_advance (EnvelopeOut *out, guint8 *at)
{
  out->room -= (gsize) (at - out->at);
  out->at = at;
}

static inline gboolean
envelope_put_number (EnvelopeOut *out, guint16 key, guint64 value)
{
  if (value == 0)
    return TRUE;
  if (!envelope_has_room (out, 0))
    return FALSE;
  envelope_advance (out, wire_varint_put (wire_varint_put (out->at, key), value));
  return TRUE;
}

/* Writes the text even if it is empty, because a tag may be empty. */
static inline gboolean
envelope_put_text (EnvelopeOut *out, guint16 key, WireSpan span)
{
  guint8 *at;

  if (!envelope_has_room (out, span.len))
    return FALSE;
  at = wire_varint_put (wire_varint_put (out->at, key), span.len);
  if (span.len > 0)
    memcpy (at, span.data, span.len);
  envelope_advance (out, at + span.len);
  return TRUE;
}

static inline gboolean
envelope_put_span (EnvelopeOut *out, guint16 key, WireSpan span)
{
  return span.len == 0 || envelope_put_text (out, key, span);
}

static gboolean
envelope_put_row (EnvelopeOut *out, const WireEnvelope *envelope, const FieldRow *row)
{
  gboolean ok = TRUE;

  if (row->type < TYPE_STRING)
    return envelope_put_number (out, row->key, envelope_number_of (envelope, row));
  if (row->type != TYPE_TAGS)
    return envelope_put_span (out, row->key, MEMBER (WireSpan, envelope, row->offset));
  for (guint t = 0; ok && t < envelope->n_tags; t++)
    ok = envelope_put_text (out, row->key, envelope->tags[t]);
  return ok;
}

static gboolean
envelope_put_rows (EnvelopeOut *out, const WireEnvelope *envelope, guint from, guint to)
{
  gboolean ok = TRUE;

  for (guint i = from; ok && i < to; i++)
    if (rows[i].key != KEY_PAYLOAD)
      ok = envelope_put_row (out, envelope, &rows[i]);
  return ok;
}

/* Writes the fields 1 to 27, except the payload. */
static gboolean
envelope_put_client (EnvelopeOut *out, const WireEnvelope *envelope)
{
  if (envelope_has_client_rows (envelope))
    return envelope_put_rows (out, envelope, 0, ROWS_BROKER);
  return envelope_put_number (out, KEY_ID, envelope->id) && envelope_put_span (out, KEY_TOPIC, envelope->topic)
         && envelope_put_number (out, KEY_ROUTE, envelope->route)
         && envelope_put_span (out, KEY_TYPE_NAME, envelope->type_name)
         && envelope_put_number (out, KEY_PRIORITY, envelope->priority);
}

guint8 *
wire_envelope_put (const WireEnvelope *envelope, guint8 *out, gsize room)
{
  EnvelopeOut to = { out, room };

  if (!envelope_put_client (&to, envelope))
    return NULL;
  if (envelope_has_broker_rows (envelope) && !envelope_put_rows (&to, envelope, ROWS_BROKER, ROWS_CONTROL))
    return NULL;
  if (envelope_has_control_rows (envelope) && !envelope_put_rows (&to, envelope, ROWS_CONTROL, ROWS_END))
    return NULL;
  if (envelope->payload.len == 0)
    return to.at;
  return envelope_has_room (&to, 0) ? wire_varint_put (wire_varint_put (to.at, KEY_PAYLOAD), envelope->payload.len)
                                    : NULL;
}

guint8 *
wire_envelope_write (const WireEnvelope *envelope, guint8 *out)
{
  return wire_envelope_put (envelope, out, G_MAXSIZE);
}

/* --- packed numbers --- */

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
