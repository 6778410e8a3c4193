/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-guard-scan.h"

#include "wire-text.h"
#include "wire-varint.h"

#define SINGULAR_FIELDS_MAX 64u

/* A message that contains the current position; levels[0] is the outermost. */
typedef struct
{
  const ProtobufCMessageDescriptor *type;
  const guint8 *end;
  guint64 seen; /* singular fields that occurred; bits by their index in the descriptor */
} ScanLevel;

typedef struct
{
  const guint8 *start;
  const guint8 *at;
  guint64 fields_left;
  gboolean skip_unknown;
  ScanLevel levels[WIRE_GUARD_DEPTH_MAX];
  guint depth; /* index of the innermost level */
  WireGuardError error;
} GuardScan;

static gboolean
scan_fail (GuardScan *scan, WireStatus status, const char *problem)
{
  scan->error = (WireGuardError){ status, (gsize) (scan->at - scan->start), problem };
  return FALSE;
}

static gboolean
scan_malformed (GuardScan *scan, const char *problem)
{
  return scan_fail (scan, WIRE_STATUS_BAD_MESSAGE, problem);
}

static gboolean
scan_count_fields (GuardScan *scan, guint64 n)
{
  if (n > scan->fields_left)
    return scan_fail (scan, WIRE_STATUS_LIMIT, "too many fields");
  scan->fields_left -= n;
  return TRUE;
}

G_ALWAYS_INLINE static inline gboolean
scan_take_varint (GuardScan *scan, const guint8 *end, guint64 *value)
{
  const guint8 *next = wire_varint_read (scan->at, end, value);

  if (next == NULL)
    return scan_malformed (scan, "malformed number");
  scan->at = next;
  return TRUE;
}

/* --- kinds of fields --- */

typedef enum
{
  RANGE_64,
  RANGE_U32,
  RANGE_I32, /* negative numbers are sign-extended to ten bytes */
  RANGE_BOOL,
} ScanRange;

static const struct
{
  guint8 wire_type;
  guint8 range; /* of a varint */
} types[] = {
  [PROTOBUF_C_TYPE_INT32] = { 0, RANGE_I32 },   [PROTOBUF_C_TYPE_SINT32] = { 0, RANGE_U32 },
  [PROTOBUF_C_TYPE_SFIXED32] = { 5, RANGE_64 }, [PROTOBUF_C_TYPE_INT64] = { 0, RANGE_64 },
  [PROTOBUF_C_TYPE_SINT64] = { 0, RANGE_64 },   [PROTOBUF_C_TYPE_SFIXED64] = { 1, RANGE_64 },
  [PROTOBUF_C_TYPE_UINT32] = { 0, RANGE_U32 },  [PROTOBUF_C_TYPE_FIXED32] = { 5, RANGE_64 },
  [PROTOBUF_C_TYPE_UINT64] = { 0, RANGE_64 },   [PROTOBUF_C_TYPE_FIXED64] = { 1, RANGE_64 },
  [PROTOBUF_C_TYPE_FLOAT] = { 5, RANGE_64 },    [PROTOBUF_C_TYPE_DOUBLE] = { 1, RANGE_64 },
  [PROTOBUF_C_TYPE_BOOL] = { 0, RANGE_BOOL },   [PROTOBUF_C_TYPE_ENUM] = { 0, RANGE_I32 },
  [PROTOBUF_C_TYPE_STRING] = { 2, RANGE_64 },   [PROTOBUF_C_TYPE_BYTES] = { 2, RANGE_64 },
  [PROTOBUF_C_TYPE_MESSAGE] = { 2, RANGE_64 },
};

static guint
scan_wire_type_of (ProtobufCType type)
{
  return types[type].wire_type;
}

static gboolean
scan_number_fits (ProtobufCType type, guint64 value)
{
  switch ((ScanRange) types[type].range)
    {
    case RANGE_U32:
      return value <= G_MAXUINT32;
    case RANGE_I32:
      return value <= G_MAXINT32 || value >= G_GUINT64_CONSTANT (0xffffffff80000000);
    case RANGE_BOOL:
      return value <= 1;
    case RANGE_64:
      return TRUE;
    }
  return FALSE;
}

static gboolean
scan_skip_bytes (GuardScan *scan, const guint8 *end, guint64 n)
{
  if (n > (guint64) (end - scan->at))
    return scan_malformed (scan, "a length points past the end");
  scan->at += n;
  return TRUE;
}

/* Takes a value that is not length-delimited. */
G_ALWAYS_INLINE static inline gboolean
scan_take_scalar (GuardScan *scan, const guint8 *end, ProtobufCType type)
{
  guint64 value;

  switch (scan_wire_type_of (type))
    {
    case 5:
      return scan_skip_bytes (scan, end, 4);
    case 1:
      return scan_skip_bytes (scan, end, 8);
    default:
      if (!scan_take_varint (scan, end, &value))
        return FALSE;
      return scan_number_fits (type, value) || scan_malformed (scan, "number out of range");
    }
}

static gboolean
scan_take_packed (GuardScan *scan, const guint8 *end, ProtobufCType type)
{
  if (scan->at == end)
    return scan_malformed (scan, "empty packed field");
  while (scan->at < end)
    if (!scan_count_fields (scan, 1) || !scan_take_scalar (scan, end, type))
      return FALSE;
  return TRUE;
}

static gboolean
scan_is_text (const guint8 *at, gsize len)
{
  return len == 0 || wire_text_is_ascii (wire_span (at, len), at + len)
         || g_utf8_validate_len ((const char *) at, len, NULL); /* also rejects NUL */
}

static gboolean
scan_descend (GuardScan *scan, const ProtobufCMessageDescriptor *type, const guint8 *end)
{
  if (type->n_fields > SINGULAR_FIELDS_MAX)
    return scan_fail (scan, WIRE_STATUS_UNSUPPORTED, "a message with more than 64 fields");
  if (scan->depth + 1 >= WIRE_GUARD_DEPTH_MAX)
    return scan_fail (scan, WIRE_STATUS_LIMIT, "nested too deep");
  scan->levels[++scan->depth] = (ScanLevel){ .type = type, .end = end };
  return TRUE;
}

static gboolean
scan_take_delimited (GuardScan *scan, const ScanLevel *level, const ProtobufCFieldDescriptor *field)
{
  const guint8 *end;
  guint64 len;

  if (!scan_take_varint (scan, level->end, &len))
    return FALSE;
  if (len > (guint64) (level->end - scan->at))
    return scan_malformed (scan, "a length points past the end");
  end = scan->at + len;
  if (scan_wire_type_of (field->type) != 2)
    return scan_take_packed (scan, end, field->type);
  if (field->type == PROTOBUF_C_TYPE_MESSAGE)
    return scan_descend (scan, field->descriptor, end);
  if (field->type == PROTOBUF_C_TYPE_STRING && !scan_is_text (scan->at, (gsize) len))
    return scan_malformed (scan, "a text is not UTF-8, or contains NUL");
  scan->at = end;
  return TRUE;
}

/* --- one field --- */

/* Most messages number their fields from 1 without a gap, so the field is at the place of its number. */
static const ProtobufCFieldDescriptor *
scan_find_field (const ProtobufCMessageDescriptor *type, guint64 number, guint *place)
{
  if (number - 1 < type->n_fields && type->fields[number - 1].id == number)
    {
      *place = (guint) number - 1;
      return &type->fields[number - 1];
    }
  for (guint i = 0; i < type->n_fields; i++)
    if (type->fields[i].id == number)
      {
        *place = i;
        return &type->fields[i];
      }
  return NULL;
}

/* Checks that a singular field, or another member of its oneof, has not occurred yet. */
static gboolean
scan_mark_seen (GuardScan *scan, ScanLevel *level, const ProtobufCFieldDescriptor *field, guint place)
{
  guint64 bits = (guint64) 1 << place;

  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    return TRUE;
  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
    for (guint i = 0; i < level->type->n_fields; i++)
      if ((level->type->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
          && level->type->fields[i].quantifier_offset == field->quantifier_offset)
        bits |= (guint64) 1 << i;
  if (level->seen & bits)
    return scan_malformed (scan, "field twice");
  level->seen |= bits;
  return TRUE;
}

static gboolean
scan_take_unknown (GuardScan *scan, const guint8 *end, guint64 wire_type)
{
  guint64 value;

  if (!scan->skip_unknown)
    return scan_fail (scan, WIRE_STATUS_UNSUPPORTED, "unknown field");
  switch (wire_type)
    {
    case 0:
      return scan_take_varint (scan, end, &value);
    case 1:
      return scan_skip_bytes (scan, end, 8);
    case 2:
      return scan_take_varint (scan, end, &value) && scan_skip_bytes (scan, end, value);
    case 5:
      return scan_skip_bytes (scan, end, 4);
    default:
      return scan_malformed (scan, "unknown wire type");
    }
}

static gboolean
scan_take_field (GuardScan *scan)
{
  ScanLevel *level = &scan->levels[scan->depth];
  const ProtobufCFieldDescriptor *field;
  guint64 key;
  guint place = 0;

  if (!scan_take_varint (scan, level->end, &key))
    return FALSE;
  /* protobuf-c shifts into the sign bit on keys of five bytes; none of our fields has such a number. */
  if (key >> 3 == 0 || key >= (guint64) 1 << 28)
    return scan_malformed (scan, "field number out of range");
  if (!scan_count_fields (scan, 1))
    return FALSE;
  field = scan_find_field (level->type, key >> 3, &place);
  if (field == NULL)
    return scan_take_unknown (scan, level->end, key & 7);
  if (!scan_mark_seen (scan, level, field, place))
    return FALSE;
  if ((key & 7) == 2 && (scan_wire_type_of (field->type) == 2 || field->label == PROTOBUF_C_LABEL_REPEATED))
    return scan_take_delimited (scan, level, field);
  if ((key & 7) != scan_wire_type_of (field->type))
    return scan_malformed (scan, "wrong wire type");
  return scan_take_scalar (scan, level->end, field->type);
}

WireGuardError
wire_guard_scan (const ProtobufCMessageDescriptor *type, WireSpan bytes, guint max_fields, gboolean skip_unknown)
{
  GuardScan scan = { .start = bytes.data,
                     .at = bytes.data,
                     .fields_left = max_fields != 0 ? max_fields : MAX (bytes.len, 1),
                     .skip_unknown = skip_unknown,
                     .error = { WIRE_STATUS_OK, 0, NULL } };

  scan.levels[0] = (ScanLevel){ .type = type, .end = wire_span_end (bytes) };
  if (type->n_fields > SINGULAR_FIELDS_MAX)
    {
      scan_fail (&scan, WIRE_STATUS_UNSUPPORTED, "a message with more than 64 fields");
      return scan.error;
    }
  for (;;)
    {
      while (scan.at == scan.levels[scan.depth].end)
        {
          if (scan.depth == 0)
            return scan.error;
          scan.depth--;
        }
      if (!scan_take_field (&scan))
        return scan.error;
    }
}
