/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdlib.h>

/*
 * Cells: an allocator for many small objects, such as those that are made and freed with each message. It has a free
 * list for each size class.
 *
 * A cell is a part of a chunk, and all cells of a chunk have the same size. When all cells of a chunk are free, the chunk is added
 * to a few spare chunks, which any class may take, or returned to the system if there are enough of those. So a queue that has
 * drained leaves no memory behind, and a steady flow of messages does not call malloc(). With malloc(), a few small objects that
 * live long could keep the memory between them from being returned.
 *
 * This module counts no bytes: the caller holds the bytes of a cell against the quota (bus-quota); the part of a cell that is not
 * used is covered by the overhead that bus-message adds. The spare chunks and the last chunk of each class are not counted at all.
 * With AddressSanitizer each cell is a block of malloc(), so that it detects the use of a cell after it was given back.
 *
 * Invariant: a zeroed struct is valid and empty; if every cell was given back, bus_cells_clear() frees all memory.
 */

#define BUS_CELL_MAX      12288u /* bytes of the largest cell */
#define BUS_CELLS_CLASSES 36u
#define BUS_CELLS_SPARE   32u /* chunks: 2 MiB */
#define BUS_CHUNK_BYTES   65536u
#define BUS_CACHE_LINE                                                                                                 \
  64u /* a cell of a multiple of these bytes begins at a multiple of them, except with AddressSanitizer */

typedef struct BusCell BusCell;
struct BusCell
{
  BusCell *next;
};

typedef struct BusChunk BusChunk;
struct BusChunk
{
  BusChunk *previous; /* in the list of chunks of its class that may have a free cell; a full chunk is not in it */
  BusChunk *next;
  BusCell *free;
  guint n_used;
  guint class_index;
  guint32 cell_bytes;
  guint32 fresh; /* offset of the bytes that have not been made into cells yet */
  gboolean is_full;
};

/* The source of chunks. Memory from take() is aligned to its size, which is BUS_CHUNK_BYTES. NULL: no memory. */
typedef struct
{
  gpointer (*take) (gsize size);
  void (*give) (gpointer memory, gsize size);
} BusChunkSource;

typedef struct
{
  BusChunkSource source;             /* zeroed: the heap, which may not return freed chunks to the system */
  BusChunk *open[BUS_CELLS_CLASSES]; /* for each class, the list of chunks that may have a free cell */
  BusChunk *spare;
  guint n_spare;
  guint64 n_chunks; /* number of chunks taken from the source, spare ones included */
} BusCells;

void bus_cells_clear (BusCells *cells);

/* The size class for @size: steps of 16 bytes up to 128 bytes, then four classes for each power of two. */
static inline guint
bus_cells_class (gsize size)
{
  guint power;

  if (size <= 128)
    return size > 16 ? (guint) (size - 1) / 16 : 0;
  power = g_bit_storage (size - 1) - 1;
  return 8 + (power - 7) * 4 + (guint) ((size - 1) >> (power - 2)) - 4;
}

/* The rare cases of bus_cells_take() and bus_cells_give(). */
gpointer bus_cells_take_slowly (BusCells *cells, guint class_index);
void bus_cells_give_slowly (BusCells *cells, BusChunk *chunk);

#ifdef __SANITIZE_ADDRESS__
#define BUS_CELLS_ARE_BLOCKS 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define BUS_CELLS_ARE_BLOCKS 1
#endif
#endif

/* Takes a cell, which is not cleared. @size: at most BUS_CELL_MAX. Like g_malloc(), it ends the process if there is no memory:
 * it is for objects that are few, and for gaps (bus-fifo), which have no place without one. */
static inline gpointer
bus_cells_take (BusCells *cells, gsize size)
{
#ifdef BUS_CELLS_ARE_BLOCKS
  gpointer cell = malloc (size);
#else
  guint class_index = bus_cells_class (size);
  BusChunk *chunk = cells->open[class_index];
  BusCell *cell;

  if (G_LIKELY (chunk != NULL && chunk->free != NULL))
    {
      cell = chunk->free;
      chunk->free = cell->next;
      chunk->n_used++;
      return cell;
    }
  cell = bus_cells_take_slowly (cells, class_index);
#endif
  g_assert (cell != NULL);
  return cell;
}

/* The same for objects whose number a peer decides. NULL: no memory. It is not inline, so that the simulator can make it fail. */
gpointer bus_cells_try_take (BusCells *cells, gsize size);

/* The same for objects that are made with each message: inline, and only the refill of the free list can fail. */
gpointer bus_cells_refill (BusCells *cells, gsize size);
static inline gpointer
bus_cells_take_or_null (BusCells *cells, gsize size)
{
#ifndef BUS_CELLS_ARE_BLOCKS
  BusChunk *chunk = cells->open[bus_cells_class (size)];

  if (G_LIKELY (chunk != NULL && chunk->free != NULL))
    {
      BusCell *cell = chunk->free;

      chunk->free = cell->next;
      chunk->n_used++;
      return cell;
    }
#endif
  return bus_cells_refill (cells, size);
}

static inline void
bus_cells_give (BusCells *cells, gpointer memory)
{
#ifdef BUS_CELLS_ARE_BLOCKS
  free (memory);
#else
  BusChunk *chunk = (BusChunk *) ((guintptr) memory & ~(guintptr) (BUS_CHUNK_BYTES - 1));
  BusCell *cell = memory;

  cell->next = chunk->free;
  chunk->free = cell;
  if (G_UNLIKELY (--chunk->n_used == 0 || chunk->is_full))
    bus_cells_give_slowly (cells, chunk);
#endif
}

/* TRUE if the next bus_cells_take() of this size will succeed, provided that no other cell of its class is taken before: for a
 * caller that must not fail any more when it takes the cell. FALSE: no memory. */
static inline gboolean
bus_cells_can_take (BusCells *cells, gsize size)
{
  BusCell *cell = bus_cells_take_or_null (cells, size);

  if (cell != NULL)
    bus_cells_give (cells, cell);
  return cell != NULL;
}

/* The same for the next @n cells of this size. */
static inline gboolean
bus_cells_can_take_many (BusCells *cells, gsize size, guint n)
{
  BusCell *taken = NULL, *cell;
  guint left = n;

  while (left > 0 && (cell = bus_cells_take_or_null (cells, size)) != NULL)
    {
      cell->next = taken;
      taken = cell;
      left--;
    }
  while ((cell = taken) != NULL)
    {
      taken = cell->next;
      bus_cells_give (cells, cell);
    }
  return left == 0;
}
