/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-trace-private.h"

#define VERSION_INVALID 0xff

static gboolean
trace_read_digit (char c, guint8 *digit)
{
  if (c >= '0' && c <= '9')
    *digit = (guint8) (c - '0');
  else if (c >= 'a' && c <= 'f')
    *digit = (guint8) (c - 'a' + 10);
  else
    return FALSE;
  return TRUE;
}

/* Reads @n bytes in lower-case hexadecimal digits, and moves @text behind the digits. */
static gboolean
trace_read_bytes (const char **text, guint8 *bytes, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      guint8 high, low;

      if (!trace_read_digit ((*text)[0], &high) || !trace_read_digit ((*text)[1], &low))
        return FALSE;
      bytes[i] = (guint8) (high << 4 | low);
      *text += 2;
    }
  return TRUE;
}

static gboolean
trace_read_dash (const char **text)
{
  if (**text != '-')
    return FALSE;
  ++*text;
  return TRUE;
}

static gboolean
trace_is_zero (const guint8 *bytes, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (bytes[i] != 0)
      return FALSE;
  return TRUE;
}

gboolean
deye_bus_trace_parse (const char *text, DeyeBusTrace *trace)
{
  guint8 version;

  if (!trace_read_bytes (&text, &version, 1) || version == VERSION_INVALID || !trace_read_dash (&text)
      || !trace_read_bytes (&text, trace->trace_id, sizeof trace->trace_id) || !trace_read_dash (&text)
      || !trace_read_bytes (&text, trace->span_id, sizeof trace->span_id) || !trace_read_dash (&text)
      || !trace_read_bytes (&text, &trace->flags, 1))
    return FALSE;
  trace->flags &= DEYE_BUS_TRACE_SAMPLED;
  return (*text == '\0' || (version > 0 && *text == '-')) && !trace_is_zero (trace->trace_id, sizeof trace->trace_id)
         && !trace_is_zero (trace->span_id, sizeof trace->span_id);
}

static void
trace_append_bytes (GString *text, WireSpan bytes)
{
  for (gsize i = 0; i < bytes.len; i++)
    g_string_append_printf (text, "%02x", bytes.data[i]);
}

char *
deye_bus_trace_format (WireSpan trace_id, WireSpan span_id, guint flags)
{
  GString *text;

  if (trace_id.len != WIRE_TRACE_ID_LEN || span_id.len != WIRE_SPAN_ID_LEN
      || trace_is_zero (trace_id.data, trace_id.len) || trace_is_zero (span_id.data, span_id.len))
    return NULL;
  text = g_string_sized_new (DEYE_BUS_TRACE_LEN + 1);
  g_string_append (text, "00-");
  trace_append_bytes (text, trace_id);
  g_string_append_c (text, '-');
  trace_append_bytes (text, span_id);
  g_string_append_printf (text, "-%02x", flags & DEYE_BUS_TRACE_SAMPLED);
  return g_string_free (text, FALSE);
}
