/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A hash table with open addressing, for look-ups of the hot path, where a GHashTable would access more memory.
 *
 * The caller computes the hash, with the seed of the core, and compares the keys of items that have this hash. A cell contains the
 * hash and the item, so a look-up usually reads one cell and the wanted item. The table neither owns the items nor accesses them.
 * It grows when it is half full, and shrinks when it is nearly empty. Removing an item leaves no tombstone.
 *
 * Invariant: between the cell that the hash of an item points to and the cell that contains the item, no cell is empty.
 */

typedef struct
{
  guint64 hash;
  gpointer item; /* NULL: the cell is empty */
} BusTableCell;

/* Treat the fields as private. */
typedef struct
{
  BusTableCell *cells;
  guint mask; /* the number of cells, a power of two, less one */
  guint n;
} BusTable;

void bus_table_init (BusTable *table);
void bus_table_clear (BusTable *table);

/* @item must not be in the table. */
void bus_table_add (BusTable *table, guint64 hash, gpointer item);
/* @item must be in the table, with that hash. */
void bus_table_remove (BusTable *table, guint64 hash, gconstpointer item);

static inline guint
bus_table_size (const BusTable *table)
{
  return table->n;
}

/* Loads the cell that the hash points to into the cache. */
static inline void
bus_table_prefetch (const BusTable *table, guint64 hash)
{
  __builtin_prefetch (&table->cells[(guint) hash & table->mask]);
}

/* The first item with that hash at or behind the cell *@at, which is set to its cell. NULL: there is none. Callers use
 * bus_table_first() for the first item and bus_table_next() for each further one. */
static inline gpointer
bus_table_at (const BusTable *table, guint64 hash, guint *at)
{
  while (table->cells[*at].item != NULL && table->cells[*at].hash != hash)
    *at = (*at + 1) & table->mask;
  return table->cells[*at].item;
}

static inline gpointer
bus_table_first (const BusTable *table, guint64 hash, guint *at)
{
  *at = (guint) hash & table->mask;
  return bus_table_at (table, hash, at);
}

static inline gpointer
bus_table_next (const BusTable *table, guint64 hash, guint *at)
{
  *at = (*at + 1) & table->mask;
  return bus_table_at (table, hash, at);
}
