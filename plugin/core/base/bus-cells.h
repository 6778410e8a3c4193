/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdlib.h>

/*
 * Cells: the memory of small objects that come and go with each message, in free lists by size class.
 *
 * A cell is a part of a chunk. All cells of a chunk have the same size, and a chunk whose cells are all free is returned:
 * first to a few spare chunks, which any class may take, and beyond those to the system. So a queue that has drained leaves no
 * memory behind, whatever was allocated beside it, and a steady flow of messages allocates nothing.
 *
 * Nothing is counted here: who takes a cell holds its bytes against the quota, with what a cell wastes in the overhead that
 * bus-message adds. Not counted are the spare chunks (BUS_CELLS_SPARE) and one chunk that each class in use keeps.
 * With AddressSanitizer every cell is a block of malloc, so that it sees cells that are used after they were given back.
 *
 * Invariant: a zeroed struct is valid and empty; after bus_cells_clear() no memory is left, if every cell was given back.
 */

#define BUS_CELL_MAX      12288u /* bytes of the largest cell */
#define BUS_CELLS_CLASSES 36u
#define BUS_CELLS_SPARE   32u /* chunks: 2 MiB */
#define BUS_CHUNK_BYTES   65536u

typedef struct BusCell BusCell;
struct BusCell
{
  BusCell *next;
};

typedef struct BusChunk BusChunk;
struct BusChunk
{
  BusChunk *previous; /* of the chunks of its class that may have a free cell; unused while it is full */
  BusChunk *next;
  BusCell *free;
  guint n_used;
  guint class_index;
  guint32 cell_bytes;
  guint32 fresh; /* offset of the bytes that were no cell yet */
  gboolean is_full;
};

/* The source of chunks. The memory is aligned to its size, which is BUS_CHUNK_BYTES. take() returns NULL when there is none. */
typedef struct
{
  gpointer (*take) (gsize size);
  void (*give) (gpointer memory, gsize size);
} BusChunkSource;

typedef struct
{
  BusChunkSource source;             /* zeroed: the heap, which keeps what lies below something else */
  BusChunk *open[BUS_CELLS_CLASSES]; /* the first chunk of each class that may have a free cell */
  BusChunk *spare;
  guint n_spare;
  guint64 n_chunks; /* of the system, spare ones included */
} BusCells;

void bus_cells_clear (BusCells *cells);

/* Steps of 16 bytes up to 128, then four classes for each power of two. */
static inline guint
bus_cells_class (gsize size)
{
  guint power;

  if (size <= 128)
    return size > 16 ? (guint) (size - 1) / 16 : 0;
  power = g_bit_storage (size - 1) - 1;
  return 8 + (power - 7) * 4 + (guint) ((size - 1) >> (power - 2)) - 4;
}

/* The rare steps of the functions below. */
gpointer bus_cells_take_slowly (BusCells *cells, guint class_index);
void bus_cells_give_slowly (BusCells *cells, BusChunk *chunk);

#ifdef __SANITIZE_ADDRESS__
#define BUS_CELLS_ARE_BLOCKS 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define BUS_CELLS_ARE_BLOCKS 1
#endif
#endif

/* @size: at most BUS_CELL_MAX; the cell is not cleared. For objects that are so small and so few that the process ends when
 * there is no memory for them. */
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

/* The same for messages. NULL: no memory. Not inline, so that the simulator can make it fail. */
gpointer bus_cells_try_take (BusCells *cells, gsize size);

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
