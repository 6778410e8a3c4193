/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-output.h"

#include "ctl-console.h"
#include "platform-console.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

#define COLUMN_MIN 6u
#define GAP        2u

#define BOLD  "\033[1m"
#define PLAIN "\033[0m"

/* --- where it goes --- */

static guint
output_terminal_width (void)
{
  const char *columns = g_getenv ("COLUMNS");
  guint shown = ctl_console_columns ();
  guint64 asked;

  if (columns != NULL && g_ascii_string_to_unsigned (columns, 10, 20, 10000, &asked, NULL))
    return (guint) asked;
  return shown >= 20 ? shown : 80;
}

void
ctl_output_init (CtlOutput *output, gboolean json)
{
  const char *no_color = g_getenv ("NO_COLOR");
  gboolean terminal = platform_console_is_terminal ();

  *output = (CtlOutput){ .json = json,
                         .colour = terminal && !json && (no_color == NULL || *no_color == '\0'),
                         .width = terminal ? output_terminal_width () : 0 };
}

static void
output_write_failed (CtlOutput *output)
{
  if (errno == EPIPE)
    output->gone = TRUE;
  else
    output->failed = errno;
}

void
ctl_output_bytes (CtlOutput *output, gconstpointer data, gsize len)
{
  if (!output->gone && output->failed == 0 && len > 0 && fwrite (data, 1, len, stdout) != len)
    output_write_failed (output);
}

void
ctl_output_flush (CtlOutput *output)
{
  if (!output->gone && output->failed == 0 && fflush (stdout) != 0)
    output_write_failed (output);
}

static void
output_text (CtlOutput *output, const char *text)
{
  ctl_output_bytes (output, text, strlen (text));
}

/* --- text --- */

/* FALSE for characters that move the cursor, change the direction of writing, or are not assigned. */
static gboolean
output_is_harmless (gunichar c)
{
  static const guint32 harmful = 1u << G_UNICODE_CONTROL | 1u << G_UNICODE_FORMAT | 1u << G_UNICODE_SURROGATE
                                 | 1u << G_UNICODE_LINE_SEPARATOR | 1u << G_UNICODE_PARAGRAPH_SEPARATOR
                                 | 1u << G_UNICODE_PRIVATE_USE | 1u << G_UNICODE_UNASSIGNED;

  return (harmful & 1u << g_unichar_type (c)) == 0;
}

char *
ctl_output_safe (const char *text)
{
  GString *safe = g_string_new (NULL);

  for (const char *at = text != NULL ? text : ""; *at != '\0';)
    {
      gunichar c = g_utf8_get_char_validated (at, -1);

      if (c == (gunichar) -1 || c == (gunichar) -2)
        g_string_append_printf (safe, "\\x%02x", (guint) (guchar) *at++);
      else
        {
          if (output_is_harmless (c))
            g_string_append_unichar (safe, c);
          else
            g_string_append_printf (safe, c <= 0xff ? "\\x%02x" : "\\u{%x}", (guint) c);
          at = g_utf8_next_char (at);
        }
    }
  return g_string_free (safe, FALSE);
}

void
ctl_output_line (CtlOutput *output, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  output_text (output, text);
  output_text (output, "\n");
}

void
ctl_output_title (CtlOutput *output, const char *text)
{
  ctl_output_line (output, "%s%s%s", output->colour ? BOLD : "", text, output->colour ? PLAIN : "");
}

static guint
output_width_of (const char *text)
{
  guint width = 0;

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      width += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
    }
  return width;
}

static void
output_pad (GString *line, guint n)
{
  for (guint i = 0; i < n; i++)
    g_string_append_c (line, ' ');
}

void
ctl_output_field (CtlOutput *output, const char *label, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *safe = NULL;
  g_autoptr (GString) line = g_string_new (label);
  guint width = output_width_of (label);
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  safe = ctl_output_safe (text);
  output_pad (line, width < 14 ? 14 - width : 1);
  g_string_append (line, safe);
  ctl_output_line (output, "%s", line->str);
}

/* --- JSON and XML --- */

static void
output_append_json_escape (GString *text, gunichar c)
{
  if (c > 0xffff)
    g_string_append_printf (text, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
  else
    g_string_append_printf (text, "\\u%04x", c);
}

static void
output_append_xml_escape (GString *text, gunichar c)
{
  g_string_append_printf (text, "&#x%x;", c);
}

/* @text: UTF-8. Control characters can only occur in strings of JSON or XML; @append writes them in the escaped form of
 * that format. */
static char *
output_escape_harmful (const char *text, void (*append) (GString *text, gunichar c))
{
  GString *safe = g_string_sized_new (strlen (text));

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if (output_is_harmless (c) || c == '\n')
        g_string_append_unichar (safe, c);
      else
        append (safe, c);
    }
  return g_string_free (safe, FALSE);
}

static char *
output_json_text (JsonNode *node, gboolean pretty)
{
  g_autofree char *text = json_to_string (node, pretty);

  return output_escape_harmful (text, output_append_json_escape);
}

void
ctl_output_xml (CtlOutput *output, const char *text)
{
  g_autofree char *safe = output_escape_harmful (text, output_append_xml_escape);

  output_text (output, safe);
}

void
ctl_output_json (CtlOutput *output, JsonNode *node)
{
  g_autofree char *text = output_json_text (node, FALSE);

  ctl_output_line (output, "%s", text);
}

void
ctl_output_json_object (CtlOutput *output, JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_alloc ();

  json_node_init_object (node, object);
  json_object_unref (object);
  ctl_output_json (output, node);
}

void
ctl_output_json_pretty (CtlOutput *output, JsonNode *node)
{
  g_autofree char *text = NULL;

  if (output->json || output->width == 0)
    {
      ctl_output_json (output, node);
      return;
    }
  text = output_json_text (node, TRUE);
  ctl_output_line (output, "%s", text);
}

/* --- tables --- */

struct CtlTable
{
  const CtlColumn *columns;
  guint n_columns;
  GPtrArray *cells; /* of char *, without control characters */
};

CtlTable *
ctl_table_new (const CtlColumn *columns, guint n_columns)
{
  CtlTable *table = g_new0 (CtlTable, 1);

  table->columns = columns;
  table->n_columns = n_columns;
  table->cells = g_ptr_array_new_with_free_func (g_free);
  return table;
}

void
ctl_table_free (CtlTable *table)
{
  g_ptr_array_unref (table->cells);
  g_free (table);
}

void
ctl_table_cell (CtlTable *table, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (table->cells, ctl_output_safe (*text != '\0' ? text : "-"));
}

guint
ctl_table_rows (const CtlTable *table)
{
  return table->cells->len / table->n_columns;
}

static const char *
table_cell_at (const CtlTable *table, guint row, guint column)
{
  return g_ptr_array_index (table->cells, row * table->n_columns + column);
}

static guint *
table_natural_widths (const CtlTable *table)
{
  guint *widths = g_new0 (guint, table->n_columns);

  for (guint column = 0; column < table->n_columns; column++)
    {
      widths[column] = output_width_of (_ (table->columns[column].title));
      for (guint row = 0; row < ctl_table_rows (table); row++)
        widths[column] = MAX (widths[column], output_width_of (table_cell_at (table, row, column)));
    }
  return widths;
}

/* Narrows the widest column that may shrink, until the line fits or no such column is left. */
static void
table_shrink_columns (const CtlTable *table, guint *widths, guint room)
{
  for (;;)
    {
      guint sum = GAP * (table->n_columns - 1);
      guint widest = table->n_columns;

      for (guint i = 0; i < table->n_columns; i++)
        {
          sum += widths[i];
          if (table->columns[i].kind == CTL_COLUMN_SHRINKS && widths[i] > COLUMN_MIN
              && (widest == table->n_columns || widths[i] > widths[widest]))
            widest = i;
        }
      if (sum <= room || widest == table->n_columns)
        return;
      widths[widest]--;
    }
}

/* Cuts @text to @width columns. A cut text ends with an ellipsis. */
static char *
table_cut_text (const char *text, guint width)
{
  g_autoptr (GString) kept = NULL;
  guint used = 0;

  if (output_width_of (text) <= width)
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
table_append_cell (GString *line, const CtlTable *table, guint column, const char *text, const guint *widths)
{
  g_autofree char *shown = table_cut_text (text, widths[column]);
  guint missing = widths[column] - MIN (widths[column], output_width_of (shown));
  gboolean last = column + 1 == table->n_columns;

  if (table->columns[column].kind == CTL_COLUMN_RIGHT)
    output_pad (line, missing);
  g_string_append (line, shown);
  if (!last)
    output_pad (line, GAP + (table->columns[column].kind == CTL_COLUMN_RIGHT ? 0 : missing));
}

void
ctl_table_show (const CtlTable *table, CtlOutput *output)
{
  g_autofree guint *widths = table_natural_widths (table);
  g_autoptr (GString) line = g_string_new (NULL);

  if (output->width > 0)
    table_shrink_columns (table, widths, output->width);
  for (guint i = 0; i < table->n_columns; i++)
    table_append_cell (line, table, i, _ (table->columns[i].title), widths);
  ctl_output_title (output, line->str);
  for (guint row = 0; row < ctl_table_rows (table); row++)
    {
      g_string_truncate (line, 0);
      for (guint i = 0; i < table->n_columns; i++)
        table_append_cell (line, table, i, table_cell_at (table, row, i), widths);
      ctl_output_line (output, "%s", line->str);
    }
}

/* --- sizes and times --- */

char *
ctl_bytes (guint64 bytes)
{
  static const char units[] = "KMGTPE";
  gdouble value = (gdouble) bytes;
  guint unit = 0;

  if (bytes < 1024)
    return g_strdup_printf ("%u", (guint) bytes);
  for (value /= 1024; value >= 1024 && units[unit + 1] != '\0'; unit++)
    value /= 1024;
  return g_strdup_printf (value < 10 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

char *
ctl_duration (guint64 us)
{
  guint64 s = us / G_TIME_SPAN_SECOND;

  if (s < 60)
    return g_strdup_printf (_ ("%.1f s"), (gdouble) us / (gdouble) G_TIME_SPAN_SECOND);
  if (s < 3600)
    return g_strdup_printf (_ ("%d min %d s"), (int) (s / 60), (int) (s % 60));
  if (s < 86400)
    return g_strdup_printf (_ ("%d h %d min"), (int) (s / 3600), (int) (s / 60 % 60));
  return g_strdup_printf (_ ("%d d %d h"), (int) MIN (s / 86400, G_MAXINT), (int) (s / 3600 % 24));
}

char *
ctl_moment (guint64 wall_us, gboolean with_fraction)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc ((gint64) (wall_us / G_TIME_SPAN_SECOND));
  g_autoptr (GDateTime) local = utc != NULL ? g_date_time_to_local (utc) : NULL;
  g_autofree char *text = local != NULL ? g_date_time_format (local, "%F %T") : NULL;

  if (text == NULL)
    return g_strdup ("?");
  return with_fraction ? g_strdup_printf ("%s.%06d", text, (int) (wall_us % G_TIME_SPAN_SECOND))
                       : g_steal_pointer (&text);
}
