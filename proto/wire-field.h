/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-varint.h"

/*
 * Walks over the fields of a protobuf message that wire_guard_scan() has accepted, without memory of its own. It serves for small
 * messages of singular fields. A sub-message is a field with bytes.
 *
 * It checks only that it stays inside of the message: types, ranges and text were checked by the scan.
 */

typedef struct
{
  guint64 number;
  guint64 value;  /* of a varint; otherwise 0 */
  WireSpan bytes; /* of a length-delimited field; otherwise empty */
} WireField;

/* Returns the end of the value. NULL: it is cut off. */
static inline const guint8 *
wire_field_take_value (const guint8 *at, const guint8 *end, guint type, WireField *field)
{
  guint64 len = type == WIRE_TYPE_64 ? 8 : 4;

  field->value = 0;
  field->bytes = wire_span (NULL, 0);
  if (type == WIRE_TYPE_VARINT)
    return wire_varint_read (at, end, &field->value);
  if (type == WIRE_TYPE_LENGTH)
    at = wire_varint_read (at, end, &len);
  if (at == NULL || len > (guint64) (end - at))
    return NULL;
  if (type == WIRE_TYPE_LENGTH)
    field->bytes = wire_span (at, (gsize) len);
  return at + len;
}

/* Takes the first field off @rest: while (wire_field_next (&rest, &field)) visits all. FALSE: the end, or bytes that the scan
 * refuses. */
static inline gboolean
wire_field_next (WireSpan *rest, WireField *field)
{
  const guint8 *end = wire_span_end (*rest);
  const guint8 *at;
  guint64 key;

  if (rest->len == 0)
    return FALSE;
  at = wire_varint_read (rest->data, end, &key);
  if (at != NULL)
    at = wire_field_take_value (at, end, key & 7, field);
  if (at == NULL)
    return FALSE;
  field->number = key >> 3;
  *rest = wire_span (at, (gsize) (end - at));
  return TRUE;
}

/* The member of a struct that gets a field, by the number of the field. */
typedef enum
{
  WIRE_FIELD_UNUSED,
  WIRE_FIELD_NUMBER, /* guint64 */
  WIRE_FIELD_SPAN,   /* WireSpan; the pointer of an empty field that is present is not NULL */
} WireFieldKind;

typedef struct
{
  WireFieldKind kind;
  gsize offset;
} WireFieldRow;

#define WIRE_FIELD_ROW(kind, type, member)                                                                             \
  {                                                                                                                    \
    (kind), G_STRUCT_OFFSET (type, member)                                                                             \
  }

/* Sets the members of @to for the fields that @bytes has. Other fields than those of the rows are skipped. */
static inline void
wire_field_read (WireSpan bytes, const WireFieldRow *rows, guint n_rows, gpointer to)
{
  WireField field;

  while (wire_field_next (&bytes, &field))
    {
      const WireFieldRow *row = field.number < n_rows ? &rows[field.number] : &rows[0];

      if (row->kind == WIRE_FIELD_NUMBER)
        G_STRUCT_MEMBER (guint64, to, row->offset) = field.value;
      else if (row->kind == WIRE_FIELD_SPAN)
        G_STRUCT_MEMBER (WireSpan, to, row->offset) = field.bytes;
    }
}
