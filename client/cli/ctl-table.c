/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-table.h"

#include "terminal-text.h"

#include <glib/gi18n.h>

#define COLUMN_MIN 6u
#define COLUMN_GAP 2u

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
  g_ptr_array_add (table->cells, terminal_text_safe (*text != '\0' ? text : "-"));
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
      widths[column] = terminal_text_columns (_ (table->columns[column].title));
      for (guint row = 0; row < ctl_table_rows (table); row++)
        widths[column] = MAX (widths[column], terminal_text_columns (table_cell_at (table, row, column)));
    }
  return widths;
}

/* Narrows the widest column that may shrink, until the line fits or no such column is left. */
static void
table_shrink_columns (const CtlTable *table, guint *widths, guint room)
{
  for (;;)
    {
      guint sum = COLUMN_GAP * (table->n_columns - 1);
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

static void
table_append_cell (GString *line, const CtlTable *table, guint column, const char *text, const guint *widths)
{
  g_autofree char *shown = terminal_text_cut (text, widths[column]);
  guint missing = widths[column] - MIN (widths[column], terminal_text_columns (shown));
  gboolean last = column + 1 == table->n_columns;

  if (table->columns[column].kind == CTL_COLUMN_RIGHT)
    terminal_text_pad (line, missing);
  g_string_append (line, shown);
  if (!last)
    terminal_text_pad (line, COLUMN_GAP + (table->columns[column].kind == CTL_COLUMN_RIGHT ? 0 : missing));
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
