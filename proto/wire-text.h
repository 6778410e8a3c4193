/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

#include <string.h>

/*
 * Checks of text: for ASCII, eight bytes at a time, and for UTF-8. Nearly all text on the wire is ASCII, so the first check spares
 * most calls of the second one.
 *
 * The check for ASCII may read bytes after the text, but never after the end of the memory that the caller names.
 */

/* Returns a word with the top bit set in each byte of @word that is zero or above 0x7f. A borrow may set further top bits, but
 * only above a byte that is zero; so the result is zero if and only if @word has no such byte. */
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

/* Loads @len bytes, at most 7, and fills the word with bytes of the value 1. */
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

/* TRUE: no byte is zero or above 0x7f. @end: the end of the memory that contains @span. */
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

/* TRUE: valid UTF-8 without a zero byte. Most text is ASCII, for which this needs no call. */
static inline gboolean
wire_text_is_utf8 (WireSpan text)
{
  return text.len == 0 || wire_text_is_ascii (text, wire_span_end (text))
         || g_utf8_validate_len ((const char *) text.data, text.len, NULL);
}
