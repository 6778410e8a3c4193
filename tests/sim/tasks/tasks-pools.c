/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-state.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"

/*
 * Invariants of the pools of each operation, checked between two steps: the members of a pool are those that are capable of its
 * demands, and the orders of the pools that are not parked are complete and sorted.
 */

/* --- members --- */

static void
pools_check_demand (TasksWorld *world, const BusOperation *operation, const BusDemand *demand)
{
  const GPtrArray *members = operation->all->members;
  guint n = 0;

  for (guint i = 0; i < members->len; i++)
    {
      const BusMember *member = g_ptr_array_index (members, i);
      const gboolean is_capable = bus_choice_is_capable (member, demand->sample);

      n += is_capable;
      if (is_capable != bus_pool_has (demand->pool, member))
        tasks_fail (world, "M11: a pool of %s and the abilities of %s do not agree", operation->name, member->id);
    }
  if (n != demand->pool->members->len)
    tasks_fail (world, "M11: a pool of %s has a member that is gone", operation->name);
}

static void
pools_check_members (TasksWorld *world, const BusOperation *operation, const BusPool *pool)
{
  if (pool->demands.length == 0)
    tasks_fail (world, "I16: %s has an empty pool", operation->name);
  for (const GList *link = pool->demands.head; link != NULL; link = link->next)
    pools_check_demand (world, operation, link->data);
}

/* --- orders --- */

static void
pools_check_heap (TasksWorld *world, const BusOperation *operation, const BusHeap *heap)
{
  for (guint i = 1; i < heap->items->len; i++)
    if (heap->compare (g_ptr_array_index (heap->items, (i - 1) / 2), g_ptr_array_index (heap->items, i)) > 0)
      tasks_fail (world, "M11: an order of %s is not sorted", operation->name);
}

static void
pools_check_listed (TasksWorld *world, const BusOperation *operation, const BusPool *pool)
{
  const BusReady *ready = &operation->pools.ready;
  const gboolean is_listed = pool->place != 0;

  if (!is_listed && ready->alone != pool && !pool->is_parked)
    tasks_fail (world, "M11: a pool of %s is not parked, and not listed", operation->name);
  if (ready->alone == pool && (is_listed || pool->is_parked || ready->n_ready != 1 || pool->rows->len != 1))
    tasks_fail (world, "M11: a pool of %s is not alone", operation->name);
  for (guint i = 0; i < pool->rows->len; i++)
    {
      const BusPoolRow *row = g_ptr_array_index (pool->rows, i);
      const BusPoolRow *top = g_ptr_array_index (pool->rows, 0);

      if ((row->place != 0) != (is_listed && row->priority == top->priority))
        tasks_fail (world, "M11: a row of %s is %slisted", operation->name, row->place != 0 ? "" : "not ");
      if ((row->turn->place != 0) != (row->turn->ready.items->len > 0))
        tasks_fail (world, "M11: a turn of %s is not where its rows are", operation->name);
      pools_check_heap (world, operation, &row->turn->ready);
    }
}

static void
pools_check_operation (TasksWorld *world, const BusOperation *operation)
{
  const BusPools *pools = &operation->pools;
  guint n_ready = 0;

  for (guint i = 0; i < pools->list->len; i++)
    {
      const BusPool *pool = g_ptr_array_index (pools->list, i);

      n_ready += !pool->is_parked;
      pools_check_members (world, operation, pool);
      pools_check_listed (world, operation, pool);
    }
  if (n_ready != pools->ready.n_ready)
    tasks_fail (world, "I1: %s counts %u pools that are not parked, and has %u", operation->name, pools->ready.n_ready,
                n_ready);
  pools_check_heap (world, operation, &pools->ready.turns);
  pools_check_heap (world, operation, &pools->ready.pools);
}

void
tasks_pools_check (TasksWorld *world)
{
  for (const GList *link = world->core->work->operations->list.head; link != NULL; link = link->next)
    pools_check_operation (world, link->data);
}
