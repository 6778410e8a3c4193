/* SPDX-License-Identifier: Apache-2.0 */
#include "memory-fixture.h"

gpointer __real_bus_cells_refill (BusCells *cells, gsize size);
gpointer __wrap_bus_cells_refill (BusCells *cells, gsize size);

static gsize failing; /* objects of this size cannot be made; 0: all can */
static BusCell *used; /* free cells that were taken */

gpointer
__wrap_bus_cells_refill (BusCells *cells, gsize size)
{
  return size == failing ? NULL : __real_bus_cells_refill (cells, size);
}

/* Takes the free cells of the class, and lets the refill fail. */
void
memory_use_up (BusCells *cells, gsize size)
{
  BusCell *cell;

  bus_cells_can_take (cells, size); /* there is a chunk with free cells */
  failing = size;
  while ((cell = bus_cells_take_or_null (cells, size)) != NULL)
    {
      cell->next = used;
      used = cell;
    }
}

void
memory_give_back_one (BusCells *cells)
{
  BusCell *cell = used;

  if (cell == NULL)
    return;
  used = cell->next;
  bus_cells_give (cells, cell);
}

void
memory_give_back (BusCells *cells)
{
  failing = 0;
  while (used != NULL)
    memory_give_back_one (cells);
}
