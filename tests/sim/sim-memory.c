/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-cells.h"
#include "queue/bus-flow-state.h"
#include "sim-world.h"
#include "wire-block.h"

/*
 * Allocation failures: the allocations whose size or number a peer decides are wrapped (linked with --wrap), and fail when the
 * world wants it.
 */

static SimWorld *running; /* static, because the wrapped functions have no argument for it */

gpointer __real_g_try_malloc (gsize n);
gpointer __wrap_g_try_malloc (gsize n);
gpointer __real_g_try_malloc0 (gsize n);
gpointer __wrap_g_try_malloc0 (gsize n);
gpointer __real_g_try_realloc (gpointer old, gsize n);
gpointer __wrap_g_try_realloc (gpointer old, gsize n);
guint8 *__real_wire_block_new (gsize wanted, gsize most, gsize *size);
guint8 *__wrap_wire_block_new (gsize wanted, gsize most, gsize *size);
gpointer __real_bus_cells_try_take (BusCells *cells, gsize n);
gpointer __wrap_bus_cells_try_take (BusCells *cells, gsize n);
gpointer __real_bus_cells_refill (BusCells *cells, gsize n);
gpointer __wrap_bus_cells_refill (BusCells *cells, gsize n);
void __real_bus_fifo_leave_gap (BusFlow *flow, BusSlot *slot, BusLoss loss, guint64 from, guint64 to);
void __wrap_bus_fifo_leave_gap (BusFlow *flow, BusSlot *slot, BusLoss loss, guint64 from, guint64 to);

static gboolean
world_allocation_fails (void)
{
  if (running == NULL || running->fail_allocations == SIM_ALLOCATIONS_OK)
    return FALSE;
  running->fail_allocations--;
  sim_cover (running, SIM_COVER_ALLOCATION_FAILED);
  return TRUE;
}

gpointer
__wrap_g_try_malloc (gsize n)
{
  return world_allocation_fails () ? NULL : __real_g_try_malloc (n);
}

gpointer
__wrap_g_try_malloc0 (gsize n)
{
  return world_allocation_fails () ? NULL : __real_g_try_malloc0 (n);
}

gpointer
__wrap_g_try_realloc (gpointer old, gsize n)
{
  return world_allocation_fails () ? NULL : __real_g_try_realloc (old, n);
}

gpointer
__wrap_bus_cells_try_take (BusCells *cells, gsize n)
{
  return world_allocation_fails () ? NULL : __real_bus_cells_try_take (cells, n);
}

/* The small objects of a message fail only when their free list is empty. */
gpointer
__wrap_bus_cells_refill (BusCells *cells, gsize n)
{
  return world_allocation_fails () ? NULL : __real_bus_cells_refill (cells, n);
}

/* Only calls between files are wrapped, so this is a run that is lost, and not a single message that is dropped. */
void
__wrap_bus_fifo_leave_gap (BusFlow *flow, BusSlot *slot, BusLoss loss, guint64 from, guint64 to)
{
  if (running != NULL)
    sim_cover (running, SIM_COVER_RUN_LOST);
  __real_bus_fifo_leave_gap (flow, slot, loss, from, to);
}

/* The number of kept blocks depends on the worlds before this one, so an allocation from a kept block fails as well. */
guint8 *
__wrap_wire_block_new (gsize wanted, gsize most, gsize *size)
{
  SimWorld *world = running;
  guint8 *block;

  if (world_allocation_fails ())
    return NULL;
  running = NULL;
  block = __real_wire_block_new (wanted, most, size);
  running = world;
  return block;
}

void
sim_memory_use (SimWorld *world)
{
  running = world;
}
