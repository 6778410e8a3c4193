/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-demand.h"

#include "base/bus-hash.h"

BusDemandMode
bus_demand_mode (const BusTask *task)
{
  if (task->is_suspect)
    return BUS_DEMAND_SUSPECT;
  return task->exclusive ? BUS_DEMAND_EXCLUSIVE : BUS_DEMAND_SHARED;
}

/* --- requirements of a task --- */

static guint
demand_count (const GPtrArray *items)
{
  return items != NULL ? items->len : 0;
}

static guint64
demand_hash (guint64 seed, const BusTask *task)
{
  guint64 hash = bus_hash (seed, task->type);

  hash = bus_hash (hash, task->target);
  hash = bus_hash (hash, task->payload_type);
  for (guint i = 0; i < demand_count (task->tags); i++)
    hash = bus_hash (hash, wire_span_str (g_ptr_array_index (task->tags, i)));
  return bus_hash_mix (hash + task->priority * 4 + bus_demand_mode (task));
}

static gboolean
demand_has_same_tags (const BusTask *a, const BusTask *b)
{
  if (demand_count (a->tags) != demand_count (b->tags))
    return FALSE;
  for (guint i = 0; i < demand_count (a->tags); i++)
    if (!g_str_equal (g_ptr_array_index (a->tags, i), g_ptr_array_index (b->tags, i)))
      return FALSE;
  return TRUE;
}

static gboolean
demand_avoids_same_members (const BusTask *a, const BusTask *b)
{
  if (demand_count (a->avoids) != demand_count (b->avoids))
    return FALSE;
  for (guint i = 0; i < demand_count (a->avoids); i++)
    if (!g_ptr_array_find (b->avoids, g_ptr_array_index (a->avoids, i), NULL))
      return FALSE;
  return TRUE;
}

static gboolean
demand_asks_the_same (const BusTask *a, const BusTask *b)
{
  return a->priority == b->priority && bus_demand_mode (a) == bus_demand_mode (b) && wire_span_equal (a->type, b->type)
         && wire_span_equal (a->target, b->target) && wire_span_equal (a->payload_type, b->payload_type)
         && demand_has_same_tags (a, b) && demand_avoids_same_members (a, b);
}

/* --- the table --- */

static guint
demand_table_hash (gconstpointer demand)
{
  return ((const BusDemand *) demand)->hash;
}

static gboolean
demand_table_equal (gconstpointer a, gconstpointer b)
{
  return demand_asks_the_same (((const BusDemand *) a)->sample, ((const BusDemand *) b)->sample);
}

GHashTable *
bus_demand_table_new (void)
{
  return g_hash_table_new (demand_table_hash, demand_table_equal);
}

BusDemand *
bus_demand_find (GHashTable *demands, guint64 seed, const BusTask *task)
{
  const BusDemand like = { .hash = (guint) demand_hash (seed, task), .sample = task };

  return g_hash_table_lookup (demands, &like);
}

BusDemand *
bus_demand_new (GHashTable *demands, guint64 seed, BusTask *task)
{
  BusDemand *demand = g_new0 (BusDemand, 1);

  demand->hash = (guint) demand_hash (seed, task);
  demand->sample = task;
  demand->pool_link.data = demand;
  g_hash_table_add (demands, demand);
  bus_demand_add (demand, task);
  return demand;
}

void
bus_demand_add (BusDemand *demand, BusTask *task)
{
  task->place.demand = demand;
  g_queue_push_tail_link (&demand->tasks, &task->place.link);
}

gboolean
bus_demand_remove (GHashTable *demands, BusTask *task)
{
  BusDemand *demand = task->place.demand;
  const gboolean is_last = demand->tasks.length == 1;

  /* The table compares samples, so the demand is removed while it still has one. */
  if (is_last)
    g_hash_table_remove (demands, demand);
  g_queue_unlink (&demand->tasks, &task->place.link);
  task->place.demand = NULL;
  if (!is_last)
    demand->sample = g_queue_peek_head (&demand->tasks);
  return is_last;
}
