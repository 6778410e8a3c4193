/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-table.h"

#define CELLS_MIN 64u

static void
table_set_cells (BusTable *table, guint n)
{
  table->cells = g_new0 (BusTableCell, n);
  table->mask = n - 1;
}

void
bus_table_init (BusTable *table)
{
  table->n = 0;
  table_set_cells (table, CELLS_MIN);
}

void
bus_table_clear (BusTable *table)
{
  g_clear_pointer (&table->cells, g_free);
  table->n = 0;
}

/* Puts an item into the first empty cell, beginning with the cell that its hash points to. */
static void
table_put (BusTable *table, BusTableCell cell)
{
  guint at = (guint) cell.hash & table->mask;

  while (table->cells[at].item != NULL)
    at = (at + 1) & table->mask;
  table->cells[at] = cell;
}

static void
table_resize (BusTable *table, guint n)
{
  BusTableCell *old = table->cells;
  guint n_old = table->mask + 1;

  table_set_cells (table, n);
  for (guint i = 0; i < n_old; i++)
    if (old[i].item != NULL)
      table_put (table, old[i]);
  g_free (old);
}

void
bus_table_add (BusTable *table, guint64 hash, gpointer item)
{
  if (table->n > table->mask / 2)
    table_resize (table, (table->mask + 1) * 2);
  table_put (table, (BusTableCell){ hash, item });
  table->n++;
}

/* Fills the cell that became empty: moves items of later cells into it, until no empty cell is between an item and the cell that
 * its hash points to. */
static void
table_close_hole (BusTable *table, guint hole)
{
  for (guint at = (hole + 1) & table->mask; table->cells[at].item != NULL; at = (at + 1) & table->mask)
    {
      guint home = (guint) table->cells[at].hash & table->mask;

      if (((at - home) & table->mask) < ((at - hole) & table->mask))
        continue;
      table->cells[hole] = table->cells[at];
      hole = at;
    }
  table->cells[hole].item = NULL;
}

void
bus_table_remove (BusTable *table, guint64 hash, gconstpointer item)
{
  guint at = (guint) hash & table->mask;

  while (table->cells[at].item != item)
    {
      g_assert (table->cells[at].item != NULL);
      at = (at + 1) & table->mask;
    }
  table_close_hole (table, at);
  table->n--;
  if (table->mask >= CELLS_MIN && table->n < table->mask / 16)
    table_resize (table, (table->mask + 1) / 2);
}
