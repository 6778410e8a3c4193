/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

#include <string.h>

/*
 * Text of ASCII: nearly all text on the wire, and checked eight bytes at a time.
 *
 * It reads no byte behind the memory that its callers name.
 */

/* The top bit of each byte that is zero or above 0x7f. A borrow may set the top bit of further bytes, but only above a byte
 * that is zero, so the result is zero exactly when no byte is of those. */
static inline guint64
wire_text_wrong_bytes (guint64 word)
{
  return (word | (word - G_GUINT64_CONSTANT (0x0101010101010101))) & G_GUINT64_CONSTANT (0x8080808080808080);
}

static inline guint64
wire_text_load_word (const guint8 *at)
{
  guint64 word;

  memcpy (&word, at, sizeof word);
  return GUINT64_FROM_LE (word);
}

/* Up to 7 bytes, with ones instead of the others. */
static inline guint64
wire_text_load_short (const guint8 *at, gsize len, const guint8 *end)
{
  guint64 word = 0;

  if (end - at >= 8)
    word = wire_text_load_word (at) & (((guint64) 1 << 8 * len) - 1);
  else
    for (gsize i = 0; i < len; i++)
      word |= (guint64) at[i] << 8 * i;
  return word | G_GUINT64_CONSTANT (0x0101010101010101) << 8 * len;
}

/* No byte is zero or above 0x7f. @end: of the memory in which @span is; not before the end of @span. */
static inline gboolean
wire_text_is_ascii (WireSpan span, const guint8 *end)
{
  guint64 wrong = 0;

  if (span.len < 8)
    return wire_text_wrong_bytes (wire_text_load_short (span.data, span.len, end)) == 0;
  for (gsize i = 0; i + 8 < span.len; i += 8)
    wrong |= wire_text_wrong_bytes (wire_text_load_word (span.data + i));
  return (wrong | wire_text_wrong_bytes (wire_text_load_word (span.data + span.len - 8))) == 0;
}
