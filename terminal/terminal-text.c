/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal-text.h"

#include <string.h>

/* FALSE for characters that move the cursor, change the direction of writing, or are not assigned. */
static gboolean
terminal_text_is_harmless (gunichar c)
{
  static const guint32 harmful = 1u << G_UNICODE_CONTROL | 1u << G_UNICODE_FORMAT | 1u << G_UNICODE_SURROGATE
                                 | 1u << G_UNICODE_LINE_SEPARATOR | 1u << G_UNICODE_PARAGRAPH_SEPARATOR
                                 | 1u << G_UNICODE_PRIVATE_USE | 1u << G_UNICODE_UNASSIGNED;

  return (harmful & 1u << g_unichar_type (c)) == 0;
}

char *
terminal_text_safe (const char *text)
{
  GString *safe = g_string_new (NULL);

  for (const char *at = text != NULL ? text : ""; *at != '\0';)
    {
      gunichar c = g_utf8_get_char_validated (at, -1);

      if (c == (gunichar) -1 || c == (gunichar) -2)
        g_string_append_printf (safe, "\\x%02x", (guint) (guchar) *at++);
      else
        {
          if (terminal_text_is_harmless (c))
            g_string_append_unichar (safe, c);
          else
            g_string_append_printf (safe, c <= 0xff ? "\\x%02x" : "\\u{%x}", (guint) c);
          at = g_utf8_next_char (at);
        }
    }
  return g_string_free (safe, FALSE);
}

guint
terminal_text_columns (const char *text)
{
  guint width = 0;

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      width += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
    }
  return width;
}

void
terminal_text_pad (GString *line, guint n)
{
  for (guint i = 0; i < n; i++)
    g_string_append_c (line, ' ');
}

char *
terminal_text_cut (const char *text, guint width)
{
  g_autoptr (GString) kept = NULL;
  guint used = 0;

  if (terminal_text_columns (text) <= width)
    return g_strdup (text);
  kept = g_string_new (NULL);
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      guint wide = g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;

      if (used + wide > width - 1)
        break;
      g_string_append_unichar (kept, c);
      used += wide;
    }
  g_string_append (kept, g_get_charset (NULL) ? "…" : "~");
  return g_strdup (kept->str);
}

static void
terminal_text_append_json_escape (GString *text, gunichar c)
{
  if (c > 0xffff)
    g_string_append_printf (text, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
  else
    g_string_append_printf (text, "\\u%04x", c);
}

static void
terminal_text_append_xml_escape (GString *text, gunichar c)
{
  g_string_append_printf (text, "&#x%x;", c);
}

/* @text: UTF-8. Control characters can only occur in strings of JSON or XML; @append writes them in the escaped form of
 * that format. */
static char *
terminal_text_escape_harmful (const char *text, void (*append) (GString *text, gunichar c))
{
  GString *safe = g_string_sized_new (strlen (text));

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if (terminal_text_is_harmless (c) || c == '\n')
        g_string_append_unichar (safe, c);
      else
        append (safe, c);
    }
  return g_string_free (safe, FALSE);
}

char *
terminal_text_escape_json (const char *json)
{
  return terminal_text_escape_harmful (json, terminal_text_append_json_escape);
}

char *
terminal_text_escape_xml (const char *xml)
{
  return terminal_text_escape_harmful (xml, terminal_text_append_xml_escape);
}
