/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-cells.h"

#include "wire-hot.h"

#define CHUNK_HEAD  64u   /* cells begin here */
#define CARVE_BYTES 2048u /* made into cells at a time: the rest of a chunk is not touched until it is needed */

G_STATIC_ASSERT (sizeof (BusChunk) <= CHUNK_HEAD && CHUNK_HEAD % BUS_CACHE_LINE == 0);

static guint32
cells_bytes_of_class (guint class_index)
{
  guint power = (class_index - 8) / 4 + 7;

  if (class_index < 8)
    return (class_index + 1) * 16;
  return ((class_index - 8) % 4 + 5) << (power - 2);
}

static void
cells_link (BusCells *cells, BusChunk *chunk)
{
  chunk->previous = NULL;
  chunk->next = cells->open[chunk->class_index];
  if (chunk->next != NULL)
    chunk->next->previous = chunk;
  cells->open[chunk->class_index] = chunk;
}

static void
cells_unlink (BusCells *cells, BusChunk *chunk)
{
  if (chunk->previous != NULL)
    chunk->previous->next = chunk->next;
  else
    cells->open[chunk->class_index] = chunk->next;
  if (chunk->next != NULL)
    chunk->next->previous = chunk->previous;
}

/* --- chunks --- */

static gpointer
cells_source_take (const BusCells *cells)
{
  return cells->source.take != NULL ? cells->source.take (BUS_CHUNK_BYTES)
                                    : aligned_alloc (BUS_CHUNK_BYTES, BUS_CHUNK_BYTES);
}

static void
cells_source_give (const BusCells *cells, BusChunk *chunk)
{
  if (cells->source.give != NULL)
    cells->source.give (chunk, BUS_CHUNK_BYTES);
  else
    free (chunk);
}

static BusChunk *
cells_chunk_new (BusCells *cells, guint class_index)
{
  BusChunk *chunk = cells->spare;

  if (chunk != NULL)
    {
      cells->spare = chunk->next;
      cells->n_spare--;
    }
  else
    {
      chunk = cells_source_take (cells);
      if (chunk == NULL)
        return NULL;
      cells->n_chunks++;
    }
  *chunk
      = (BusChunk){ .class_index = class_index, .cell_bytes = cells_bytes_of_class (class_index), .fresh = CHUNK_HEAD };
  cells_link (cells, chunk);
  return chunk;
}

static void
cells_chunk_free (BusCells *cells, BusChunk *chunk)
{
  cells_unlink (cells, chunk);
  if (cells->n_spare < BUS_CELLS_SPARE)
    {
      chunk->next = cells->spare;
      cells->spare = chunk;
      cells->n_spare++;
      return;
    }
  cells->n_chunks--;
  cells_source_give (cells, chunk);
}

/* Makes further bytes of the chunk into free cells. FALSE: all bytes are cells already. */
static gboolean
cells_carve (BusChunk *chunk)
{
  const guint32 stop = MIN (BUS_CHUNK_BYTES, chunk->fresh + MAX (chunk->cell_bytes, CARVE_BYTES));
  BusCell **last = &chunk->free;

  for (; chunk->fresh + chunk->cell_bytes <= stop; chunk->fresh += chunk->cell_bytes)
    {
      BusCell *cell = (gpointer) ((guint8 *) chunk + chunk->fresh);

      *last = cell;
      last = &cell->next;
    }
  *last = NULL;
  return chunk->free != NULL;
}

gpointer
bus_cells_take_slowly (BusCells *cells, guint class_index)
{
  BusChunk *chunk;
  BusCell *cell;

  while ((chunk = cells->open[class_index]) != NULL && chunk->free == NULL && !cells_carve (chunk))
    {
      cells_unlink (cells, chunk);
      chunk->is_full = TRUE;
    }
  if (chunk == NULL)
    {
      chunk = cells_chunk_new (cells, class_index);
      if (chunk == NULL || !cells_carve (chunk))
        return NULL;
    }
  cell = chunk->free;
  chunk->free = cell->next;
  chunk->n_used++;
  return cell;
}

gpointer
bus_cells_refill (BusCells *cells, gsize size)
{
#ifdef BUS_CELLS_ARE_BLOCKS
  return malloc (size);
#else
  return bus_cells_take_slowly (cells, bus_cells_class (size));
#endif
}

gpointer
bus_cells_try_take (BusCells *cells, gsize size)
{
  return bus_cells_take_or_null (cells, size);
}

/* A chunk that was full can be used again; an empty one is freed, unless it is the last one of its class: otherwise a slow flow of
 * messages would take and free a chunk for each message. */
WIRE_HOT void
bus_cells_give_slowly (BusCells *cells, BusChunk *chunk)
{
  if (chunk->is_full)
    {
      chunk->is_full = FALSE;
      cells_link (cells, chunk);
    }
  if (chunk->n_used == 0 && (chunk->previous != NULL || chunk->next != NULL))
    cells_chunk_free (cells, chunk);
}

void
bus_cells_clear (BusCells *cells)
{
  for (guint i = 0; i < BUS_CELLS_CLASSES; i++)
    while (cells->open[i] != NULL)
      {
        g_assert (cells->open[i]->n_used == 0);
        cells_chunk_free (cells, cells->open[i]);
      }
  while (cells->spare != NULL)
    {
      BusChunk *chunk = cells->spare;

      cells->spare = chunk->next;
      cells_source_give (cells, chunk);
    }
  *cells = (BusCells){ .source = cells->source };
}
