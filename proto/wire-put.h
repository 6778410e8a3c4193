/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-field.h"

/*
 * Writes the fields of a protobuf message that is sent often, without the generic code of protobuf-c: the counterpart of
 * wire-field.h.
 *
 * A field has bytes or a number. As proto3 demands, a field that is 0 or empty is left out. The caller lists the fields in the
 * order of their numbers, so that the bytes are those of protobuf-c. A function with the suffix _size returns how many bytes the
 * other one writes; the caller makes room for them.
 */

#define WIRE_PUT_NUMBER(field, of_value)                                                                               \
  {                                                                                                                    \
    .number = (field), .value = (of_value)                                                                             \
  }
#define WIRE_PUT_SPAN(field, of_bytes)                                                                                 \
  {                                                                                                                    \
    .number = (field), .bytes = (of_bytes)                                                                             \
  }

/* Key and length in front of @len bytes. They are written for 0 bytes too: a sub-message may be present and empty. */
static inline gsize
wire_put_head_size (guint number, gsize len)
{
  return wire_varint_size ((guint64) number << 3) + wire_varint_size (len);
}

static inline guint8 *
wire_put_head (guint8 *to, guint number, gsize len)
{
  return wire_varint_put (wire_varint_put (to, (guint64) number << 3 | WIRE_TYPE_LENGTH), len);
}

static inline gsize
wire_put_size (const WireField *fields, guint n_fields)
{
  gsize size = 0;

  for (guint i = 0; i < n_fields; i++)
    {
      const WireField *field = &fields[i];

      if (field->bytes.len > 0)
        size += wire_put_head_size ((guint) field->number, field->bytes.len) + field->bytes.len;
      else if (field->value != 0)
        size += wire_varint_size (field->number << 3) + wire_varint_size (field->value);
    }
  return size;
}

/* Returns the end. */
static inline guint8 *
wire_put (guint8 *to, const WireField *fields, guint n_fields)
{
  for (guint i = 0; i < n_fields; i++)
    {
      const WireField *field = &fields[i];

      if (field->bytes.len > 0)
        {
          to = wire_put_head (to, (guint) field->number, field->bytes.len);
          memcpy (to, field->bytes.data, field->bytes.len);
          to += field->bytes.len;
        }
      else if (field->value != 0)
        to = wire_varint_put (wire_varint_put (to, field->number << 3 | WIRE_TYPE_VARINT), field->value);
    }
  return to;
}
