/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Text that is kept or sent on cut to a length: never within a character, or whoever gets it refuses the whole message
 * as no UTF-8. Every place of the core that cuts text which may reach a peer does it here.
 */

/* @text, which is UTF-8, or as many whole characters of its beginning as @max bytes take. */
static inline WireSpan
bus_text_cut (WireSpan text, gsize max)
{
  gsize len = MIN (text.len, max);

  while (len > 0 && len < text.len && (text.data[len] & 0xc0) == 0x80)
    len--;
  return wire_span (text.data, len);
}

/* Transfer full. */
static inline char *
bus_text_dup (const char *text, gsize max)
{
  WireSpan cut = bus_text_cut (wire_span_str (text), max);

  return g_strndup ((const char *) cut.data, cut.len);
}

/* Into an array of @size bytes, with a NUL. */
static inline void
bus_text_copy (char *out, gsize size, const char *text)
{
  WireSpan cut = bus_text_cut (wire_span_str (text), size - 1);

  if (cut.len > 0)
    memcpy (out, cut.data, cut.len);
  out[cut.len] = '\0';
}
