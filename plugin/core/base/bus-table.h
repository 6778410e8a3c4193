/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A set of items by hash: for look-ups of the hot path, where a GHashTable would touch more memory.
 *
 * The caller computes the hash, with the seed of the core, and compares the items that have the same hash. A cell holds
 * hash and item, so a look-up mostly reads one cell and the item that it wants. The table neither owns nor knows the
 * items. It grows when it is half full, and shrinks when it is nearly empty; an item that is removed leaves no trace.
 *
 * Invariant: between the cell that the hash of an item points to and the cell that it is in, no cell is empty.
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

/* The first item with that hash, or after bus_table_first() the next one. NULL: there is none. @at: where it is */
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
