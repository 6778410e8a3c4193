/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <string.h>

/* A run of bytes that somebody else owns. It never outlives what it points into; empty is { NULL, 0 } or any { p, 0 }. */
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

static inline gboolean
wire_span_equal (WireSpan a, WireSpan b)
{
  return a.len == b.len && (a.len == 0 || memcmp (a.data, b.data, a.len) == 0);
}
