/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <string.h>

/*
 * A view of bytes that it does not own. It is valid only while the bytes are. { NULL, 0 } and any { pointer, 0 } are
 * empty.
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

/* Behind its last byte; of { NULL, 0 } NULL, to which C does not allow to add 0. */
static inline const guint8 *
wire_span_end (WireSpan span)
{
  return span.len > 0 ? span.data + span.len : span.data;
}

static inline gboolean
wire_span_equal (WireSpan a, WireSpan b)
{
  return a.len == b.len && (a.len == 0 || memcmp (a.data, b.data, a.len) == 0);
}
