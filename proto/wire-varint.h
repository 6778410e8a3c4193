/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Wire types and varints of protobuf. Only canonical varints are accepted: the shortest form, and at most 64 bits.
 */

enum
{
  WIRE_TYPE_VARINT = 0,
  WIRE_TYPE_64 = 1,
  WIRE_TYPE_LENGTH = 2,
  WIRE_TYPE_32 = 5,
};

/* Returns the byte after the varint, or NULL when it is cut off, too long, or not in the shortest form. */
static inline const guint8 *
wire_varint_read (const guint8 *at, const guint8 *end, guint64 *value)
{
  guint64 result = 0;

  if (at < end && *at < 0x80) /* the common case */
    {
      *value = *at;
      return at + 1;
    }
  for (guint shift = 0; shift < 70 && at < end; shift += 7)
    {
      guint8 byte = *at++;

      if (shift == 63 && byte > 1)
        return NULL;
      result |= (guint64) (byte & 0x7f) << shift;
      if (!(byte & 0x80))
        {
          if (byte == 0 && shift > 0)
            return NULL;
          *value = result;
          return at;
        }
    }
  return NULL;
}

static inline gsize
wire_varint_size (guint64 value)
{
  gsize n = 1;

  for (; value >= 0x80; value >>= 7)
    n++;
  return n;
}

/* @out has room for 10 bytes; returns the end. */
static inline guint8 *
wire_varint_put (guint8 *out, guint64 value)
{
  for (; value >= 0x80; value >>= 7)
    *out++ = (guint8) (value | 0x80);
  *out++ = (guint8) value;
  return out;
}
