/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Text that the core stores or sends.
 *
 * Text is cut between characters only, because a receiver refuses a message that is not valid UTF-8. All code of the core that
 * cuts text which may be sent to a peer uses these functions. They do not check that the text is UTF-8.
 */

/* The beginning of @text, which is UTF-8: as many whole characters as fit into @max bytes. */
static inline WireSpan
bus_text_cut (WireSpan text, gsize max)
{
  gsize len = MIN (text.len, max);

  while (len > 0 && len < text.len && (text.data[len] & 0xc0) == 0x80)
    len--;
  return wire_span (text.data, len);
}

/* A copy of as many whole characters as fit into @max bytes. Transfer full. */
static inline char *
bus_text_dup (const char *text, gsize max)
{
  WireSpan cut = bus_text_cut (wire_span_str (text), max);

  return g_strndup ((const char *) cut.data, cut.len);
}

/* Copies as many whole characters as fit into an array of @size bytes, and a NUL. */
static inline void
bus_text_copy (char *out, gsize size, const char *text)
{
  WireSpan cut = bus_text_cut (wire_span_str (text), size - 1);

  if (cut.len > 0)
    memcpy (out, cut.data, cut.len);
  out[cut.len] = '\0';
}

/* A span as a string, for protobuf-c. Transfer full. */
static inline char *
bus_text_from_span (WireSpan span)
{
  return span.len > 0 ? g_strndup ((const char *) span.data, span.len) : g_strdup ("");
}

/* A constant text for a member of a protobuf-c struct that is only packed: these members are not const, but packing does not write
 * to them. */
static inline char *
bus_text_for_packing (const char *text)
{
  return (char *) (gsize) text;
}
