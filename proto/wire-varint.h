/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-hot.h"

#include <glib.h>
#include <string.h>

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

/* Reads a varint of any length, byte by byte. */
static inline const guint8 *
wire_varint_read_bytes (const guint8 *at, const guint8 *end, guint64 *value)
{
  guint64 result = 0;

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

/* Reads a varint of 2 to 8 bytes without a loop, and a longer one with wire_varint_read_bytes(). At least 8 bytes can be read. */
WIRE_HOT static inline const guint8 *
wire_varint_read_word (const guint8 *at, const guint8 *end, guint64 *value)
{
  guint64 word, last;
  guint n;

  memcpy (&word, at, sizeof word);
  word = GUINT64_FROM_LE (word);
  last = ~word & G_GUINT64_CONSTANT (0x8080808080808080); /* the lowest bit is the top bit of the number's last byte */
  if (last == 0)
    return wire_varint_read_bytes (at, end, value);
  last &= 0 - last;
  word &= last - 1;
  if (word < last >> 7) /* the last byte is zero */
    return NULL;
  n = (guint) __builtin_ctzll (last) / 8 + 1;
  /* Join pairs of 7 bits, then pairs of 14, then of 28. */
  word = (word & G_GUINT64_CONSTANT (0x007f007f007f007f)) | (word & G_GUINT64_CONSTANT (0x7f007f007f007f00)) >> 1;
  word = (word & G_GUINT64_CONSTANT (0x00003fff00003fff)) | (word & G_GUINT64_CONSTANT (0x3fff00003fff0000)) >> 2;
  word = (word & G_GUINT64_CONSTANT (0x000000000fffffff)) | (word & G_GUINT64_CONSTANT (0x0fffffff00000000)) >> 4;
  *value = word;
  return at + n;
}

WIRE_HOT static inline const guint8 *
wire_varint_read_long (const guint8 *at, const guint8 *end, guint64 *value)
{
  if (end - at >= 2 && at[1] - 1u < 0x7f) /* two bytes, and the second is not zero */
    {
      *value = ((guint64) at[1] << 7) + at[0] - 0x80;
      return at + 2;
    }
  return end - at >= 8 ? wire_varint_read_word (at, end, value) : wire_varint_read_bytes (at, end, value);
}

/* Returns the place after the varint. NULL: the varint is cut off, too long, or not in the shortest form. */
G_ALWAYS_INLINE static inline const guint8 *
wire_varint_read (const guint8 *at, const guint8 *end, guint64 *value)
{
  if (at < end && *at < 0x80) /* the common case */
    {
      *value = *at;
      return at + 1;
    }
  return wire_varint_read_long (at, end, value);
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
