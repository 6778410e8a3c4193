/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-entry.h"

#include "peer/bus-state.h"

void
bus_gather_mark (BusGather *gather)
{
  if (gather->is_dirty || gather->phase != BUS_GATHER_ASKS)
    return;
  gather->is_dirty = TRUE;
  g_queue_push_tail_link (&gather->core->work->gathers.dirty, &gather->dirty_link);
}

void
bus_gather_touch (BusGatherEntry *entry)
{
  if (entry->fate.answer != BUS_FATE_OPEN || entry->is_dirty)
    return;
  entry->is_dirty = TRUE;
  g_queue_push_tail_link (&entry->gather->dirty, &entry->dirty_link);
  bus_gather_mark (entry->gather);
}

void
bus_gather_refused (const BusTask *task)
{
  const BusGatherEntry *entry = task->entry;

  if (entry == NULL)
    return;
  if (entry->fate.answer == BUS_FATE_OPEN || bus_fate_has_answer (entry->fate.answer))
    entry->gather->n_duplicates++;
  else
    entry->gather->n_late++;
}
