/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <string.h>

/*
 * A view of bytes that it does not own; it is valid as long as the bytes are. A span with the length 0 is empty; its pointer
 * may have any value.
 */
typedef struct
{
  const guint8 *data;
  gsize len;
} WireSpan;

#define WIRE_SPAN_LITERAL(text) ((WireSpan){ (const guint8 *) ("" text), sizeof (text) - 1 })

static inline WireSpan
wire_span (const void *data, gsize len)
{
  return (WireSpan){ (const guint8 *) data, len };
}

static inline WireSpan
wire_span_str (const char *text)
{
  return wire_span (text, text != NULL ? strlen (text) : 0);
}

/* Returns the place after the last byte; NULL for { NULL, 0 }, because C does not allow adding 0 to NULL. */
static inline const guint8 *
wire_span_end (WireSpan span)
{
  return span.len > 0 ? span.data + span.len : span.data;
}

/* Copies the span and a NUL to *@at, and moves *@at behind them. Returns the copy. */
static inline char *
wire_span_put_text (char **at, WireSpan span)
{
  char *copy = *at;

  if (span.len > 0)
    memcpy (copy, span.data, span.len);
  copy[span.len] = '\0';
  *at = copy + span.len + 1;
  return copy;
}

static inline gboolean
wire_span_equal (WireSpan a, WireSpan b)
{
  return a.len == b.len && (a.len == 0 || memcmp (a.data, b.data, a.len) == 0);
}
