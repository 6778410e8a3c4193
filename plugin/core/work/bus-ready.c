/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-ready.h"

/* --- order --- */

static guint
ready_priority (const BusTurn *turn)
{
  return (guint) (turn->key >> 32);
}

static int
ready_compare_turn (gconstpointer a, gconstpointer b)
{
  const BusTurn *first = a;
  const BusTurn *second = b;

  if (ready_priority (first) != ready_priority (second))
    return ready_priority (first) > ready_priority (second) ? -1 : 1;
  return (first->number > second->number) - (first->number < second->number);
}

static int
ready_compare_pool (gconstpointer a, gconstpointer b)
{
  const BusPool *first = a;
  const BusPool *second = b;

  return first->by_age.compare (bus_heap_first (&first->by_age), bus_heap_first (&second->by_age));
}

void
bus_ready_init (BusReady *ready)
{
  bus_heap_init (&ready->turns, ready_compare_turn, G_STRUCT_OFFSET (BusTurn, place));
  bus_heap_init (&ready->pools, ready_compare_pool, G_STRUCT_OFFSET (BusPool, place));
}

void
bus_ready_clear (BusReady *ready)
{
  bus_heap_clear (&ready->turns);
  bus_heap_clear (&ready->pools);
}

/* --- rows --- */

static BusPoolRow *
ready_row_at (const BusPool *pool, guint i)
{
  return g_ptr_array_index (pool->rows, i);
}

static void
ready_list_row (BusReady *ready, BusPoolRow *row)
{
  BusTurn *turn = row->turn;

  bus_heap_add (&turn->ready, row);
  turn->longest = MAX (turn->longest, turn->ready.items->len);
  if (turn->place == 0)
    bus_heap_add (&ready->turns, turn);
}

static void
ready_unlist_row (BusReady *ready, BusPoolRow *row)
{
  BusTurn *turn = row->turn;

  bus_heap_remove (&turn->ready, row);
  if (bus_heap_is_empty (&turn->ready))
    bus_heap_remove (&ready->turns, turn);
}

static gboolean
ready_has_row (const BusPool *pool, guint i, guint priority)
{
  return i < pool->rows->len && ready_row_at (pool, i)->priority == priority;
}

/* Lists the rows of the highest priority of the pool, unless they are listed. */
static void
ready_list_rows (BusReady *ready, const BusPool *pool)
{
  const guint priority = ready_row_at (pool, 0)->priority;

  for (guint i = 0; ready_has_row (pool, i, priority) && ready_row_at (pool, i)->place == 0; i++)
    ready_list_row (ready, ready_row_at (pool, i));
}

/* Unlists the rows from @first on that are listed: they all have the same priority. */
static void
ready_unlist_rows (BusReady *ready, const BusPool *pool, guint first)
{
  for (guint i = first; i < pool->rows->len && ready_row_at (pool, i)->place != 0; i++)
    ready_unlist_row (ready, ready_row_at (pool, i));
}

/* --- pools --- */

static gboolean
ready_is_listed (const BusPool *pool)
{
  return pool->place != 0;
}

static void
ready_list (BusReady *ready, BusPool *pool)
{
  ready_list_rows (ready, pool);
  bus_heap_add (&ready->pools, pool);
}

static void
ready_unlist (BusReady *ready, BusPool *pool)
{
  ready_unlist_rows (ready, pool, 0);
  bus_heap_remove (&ready->pools, pool);
}

/* Lists the pool that was alone. */
static void
ready_join (BusReady *ready)
{
  BusPool *pool = g_steal_pointer (&ready->alone);

  if (pool != NULL)
    ready_list (ready, pool);
}

/* The pool has a task, and is not parked any more. */
static void
ready_begin (BusReady *ready, BusPool *pool)
{
  ready->n_ready++;
  ready_join (ready);
  if (ready_is_listed (pool))
    return;
  if (ready->n_ready == 1 && pool->rows->len == 1)
    ready->alone = pool;
  else
    ready_list (ready, pool);
}

/* The pool loses its last task, or is parked. */
static void
ready_end (BusReady *ready, const BusPool *pool)
{
  ready->n_ready--;
  if (ready->alone == pool)
    ready->alone = NULL;
}

void
bus_ready_park (BusReady *ready, BusPool *pool)
{
  if (!pool->is_parked && pool->rows->len > 0)
    ready_end (ready, pool);
  pool->is_parked = TRUE;
}

gboolean
bus_ready_unpark (BusReady *ready, BusPool *pool)
{
  if (!pool->is_parked)
    return FALSE;
  pool->is_parked = FALSE;
  if (pool->rows->len > 0)
    ready_begin (ready, pool);
  return TRUE;
}

void
bus_ready_withdraw (BusReady *ready, BusPool *pool)
{
  bus_ready_park (ready, pool);
  if (ready_is_listed (pool))
    ready_unlist (ready, pool);
}

/* --- tasks --- */

/* A task was added to @row of a listed pool. The row may be new. */
static void
ready_revise_row (BusReady *ready, const BusPool *pool, BusPoolRow *row)
{
  if (row->place != 0)
    {
      bus_heap_update (&row->turn->ready, row);
      return;
    }
  if (row->priority < ready_row_at (pool, 0)->priority)
    return;
  if (!ready_has_row (pool, 1, row->priority))
    ready_unlist_rows (ready, pool, 1);
  ready_list_row (ready, row);
}

void
bus_ready_add (BusReady *ready, BusPool *pool, BusTask *task, BusTurn *turn)
{
  const gboolean is_first = bus_heap_is_empty (&pool->by_age);

  bus_pool_add (pool, task, turn);
  if (is_first && !pool->is_parked)
    ready_begin (ready, pool);
  else if (ready_is_listed (pool))
    {
      ready_revise_row (ready, pool, task->place.row);
      bus_heap_update (&ready->pools, pool);
    }
  else if (ready->alone == pool && pool->rows->len > 1)
    ready_join (ready);
}

/* The pool is about to lose its last task. */
static void
ready_forget (BusReady *ready, BusPool *pool)
{
  if (!pool->is_parked)
    ready_end (ready, pool);
  if (ready_is_listed (pool))
    ready_unlist (ready, pool);
}

void
bus_ready_remove (BusReady *ready, BusPool *pool, BusTask *task)
{
  BusPoolRow *row = task->place.row;
  const gboolean is_last = row->tasks.items->len == 1;

  if (pool->by_age.items->len == 1)
    ready_forget (ready, pool);
  else if (is_last && row->place != 0)
    ready_unlist_row (ready, row);
  bus_pool_remove (pool, task);
  if (!ready_is_listed (pool))
    return;
  if (is_last)
    ready_list_rows (ready, pool);
  else
    bus_heap_update (&row->turn->ready, row);
  bus_heap_update (&ready->pools, pool);
}

/* --- turns --- */

void
bus_ready_set_number (BusReady *ready, BusTurn *turn, guint64 number)
{
  turn->number = number;
  bus_heap_update (&ready->turns, turn);
}

/* --- the next task --- */

static BusTask *
ready_first_of_row (const BusPoolRow *row)
{
  return bus_heap_first (&row->tasks);
}

/* The first task of the listed pools. */
static BusTask *
ready_top (const BusReady *ready)
{
  const BusTurn *turn = bus_heap_first (&ready->turns);

  return ready_first_of_row (bus_heap_first (&turn->ready));
}

BusTask *
bus_ready_first (BusReady *ready)
{
  if (ready->alone != NULL)
    return ready_first_of_row (ready_row_at (ready->alone, 0));
  while (ready->n_ready > 0)
    {
      BusTask *task = ready_top (ready);

      if (!task->place.demand->pool->is_parked)
        return task;
      ready_unlist (ready, task->place.demand->pool);
    }
  return NULL;
}

BusTask *
bus_ready_oldest (BusReady *ready)
{
  if (ready->alone != NULL)
    return bus_heap_first (&ready->alone->by_age);
  while (ready->n_ready > 0)
    {
      BusPool *pool = bus_heap_first (&ready->pools);

      if (!pool->is_parked)
        return bus_heap_first (&pool->by_age);
      ready_unlist (ready, pool);
    }
  return NULL;
}
