/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-pools.h"

#include "work/bus-choice.h"

void
bus_pools_init (BusPools *pools, BusPoolSpares *spares, guint64 seed)
{
  *pools = (BusPools){ .seed = seed, .spares = spares };
  pools->members = g_ptr_array_new ();
  pools->by_id = g_hash_table_new (bus_key_hash, bus_key_equal);
  pools->demands = bus_demand_table_new ();
  pools->by_members = bus_pool_table_new ();
  pools->list = g_ptr_array_new ();
  pools->turns = g_hash_table_new (g_int64_hash, g_int64_equal);
  bus_ready_init (&pools->ready);
}

void
bus_pools_clear (BusPools *pools)
{
  g_assert (pools->list->len == 0 && g_hash_table_size (pools->turns) == 0);
  g_assert (g_hash_table_size (pools->by_id) <= pools->members->len);
  g_ptr_array_unref (pools->members);
  g_hash_table_unref (pools->by_id);
  g_hash_table_unref (pools->demands);
  g_hash_table_unref (pools->by_members);
  g_ptr_array_unref (pools->list);
  g_hash_table_unref (pools->turns);
  bus_ready_clear (&pools->ready);
}

/* Returns the pool with that mode and these members; makes it if needed. */
static BusPool *
pools_get (BusPools *pools, BusDemandMode mode, GPtrArray *members)
{
  BusPool *pool = bus_pool_find (pools->by_members, mode, members);

  if (pool != NULL)
    return pool;
  pool = bus_pool_new (pools->by_members, pools->spares, mode, members);
  pool->index = pools->list->len;
  g_ptr_array_add (pools->list, pool);
  return pool;
}

static void
pools_free_empty (BusPools *pools, BusPool *pool)
{
  if (pool->demands.length > 0)
    return;
  ((BusPool *) g_ptr_array_index (pools->list, pools->list->len - 1))->index = pool->index;
  g_ptr_array_remove_index_fast (pools->list, pool->index);
  bus_pool_free (pools->by_members, pool);
}

/* --- turns --- */

static BusTurn *
pools_turn (BusPools *pools, const BusTask *task)
{
  const guint64 key = (guint64) task->priority << 32 | task->account->number;
  BusTurn *turn = g_hash_table_lookup (pools->turns, &key);

  if (turn != NULL)
    return turn;
  turn = bus_turn_new (pools->spares, key, ++pools->last_turn);
  g_hash_table_insert (pools->turns, &turn->key, turn);
  return turn;
}

guint64
bus_pools_end_turn (BusPools *pools, BusTask *task)
{
  BusTurn *turn = task->place.row->turn;
  const guint64 number = turn->number;

  bus_ready_set_number (&pools->ready, turn, ++pools->last_turn);
  return number;
}

void
bus_pools_restore_turn (BusPools *pools, BusTask *task, guint64 number)
{
  BusTurn *turn = task->place.row->turn;

  bus_ready_set_number (&pools->ready, turn, MIN (turn->number, number));
}

static void
pools_end_task_of_turn (BusPools *pools, BusTurn *turn)
{
  if (--turn->n_waiting > 0)
    return;
  g_hash_table_remove (pools->turns, &turn->key);
  bus_turn_free (pools->spares, turn);
}

/* --- tasks --- */

static void
pools_link_demand (BusDemand *demand, BusPool *pool)
{
  demand->pool = pool;
  g_queue_push_tail_link (&pool->demands, &demand->pool_link);
}

static void
pools_add_if_capable (GPtrArray *members, BusMember *member, const BusTask *task)
{
  if (member != NULL && bus_choice_is_capable (member, task))
    g_ptr_array_add (members, member);
}

static BusMember *
pools_find_member (const BusPools *pools, WireSpan id)
{
  const BusKey key = bus_key (pools->seed, id);

  return g_hash_table_lookup (pools->by_id, &key);
}

/* Returns the members that are capable of @task, in order of registration. The list is valid until the next call. */
static GPtrArray *
pools_capable (const BusPools *pools, const BusTask *task)
{
  GPtrArray *members = pools->spares->capable;

  g_ptr_array_set_size (members, 0);
  if (task->target.len > 0)
    {
      pools_add_if_capable (members, pools_find_member (pools, task->target), task);
      return members;
    }
  for (guint i = 0; i < pools->members->len; i++)
    pools_add_if_capable (members, g_ptr_array_index (pools->members, i), task);
  return members;
}

static BusDemand *
pools_new_demand (BusPools *pools, BusTask *task)
{
  BusDemand *demand = bus_demand_new (pools->demands, pools->seed, task);

  pools_link_demand (demand, pools_get (pools, bus_demand_mode (task), pools_capable (pools, task)));
  return demand;
}

gboolean
bus_pools_add (BusPools *pools, BusTask *task)
{
  BusDemand *demand = bus_demand_find (pools->demands, pools->seed, task);
  BusTurn *turn = pools_turn (pools, task);

  if (demand != NULL)
    bus_demand_add (demand, task);
  else
    demand = pools_new_demand (pools, task);
  bus_ready_add (&pools->ready, demand->pool, task, turn);
  turn->n_waiting++;
  return !demand->pool->is_parked;
}

void
bus_pools_remove (BusPools *pools, BusTask *task)
{
  BusDemand *demand = task->place.demand;
  BusPool *pool = demand->pool;
  BusTurn *turn = task->place.row->turn;

  bus_ready_remove (&pools->ready, pool, task);
  pools_end_task_of_turn (pools, turn);
  if (!bus_demand_remove (pools->demands, task))
    return;
  g_queue_unlink (&pool->demands, &demand->pool_link);
  g_free (demand);
  pools_free_empty (pools, pool);
}

void
bus_pools_park (BusPools *pools, const BusTask *task)
{
  bus_ready_park (&pools->ready, bus_pools_of (task));
}

gint64
bus_pools_waiting_since_us (const BusPools *pools)
{
  const BusTask *oldest = NULL;

  for (guint i = 0; i < pools->list->len; i++)
    {
      const BusTask *task = bus_heap_first (&((const BusPool *) g_ptr_array_index (pools->list, i))->by_age);

      if (oldest == NULL || task->place.age < oldest->place.age)
        oldest = task;
    }
  return oldest != NULL ? oldest->eligible_since_us : 0;
}

/* --- members --- */

/* Returns the members of @pool with @member added, or removed if it is one of them. Transfer full */
static GPtrArray *
pools_members_after (const BusPool *pool, BusMember *member)
{
  GPtrArray *members = g_ptr_array_copy (pool->members, NULL, NULL);

  if (!g_ptr_array_remove (members, member))
    bus_members_insert (members, member);
  return members;
}

static void
pools_move_demand (BusDemand *demand, BusPool *pool)
{
  for (GList *link = demand->tasks.head; link != NULL; link = link->next)
    {
      BusTask *task = link->data;
      BusTurn *turn = task->place.row->turn;

      bus_pool_remove (demand->pool, task);
      bus_pool_add (pool, task, turn);
    }
  g_queue_unlink (&demand->pool->demands, &demand->pool_link);
  pools_link_demand (demand, pool);
}

static void
pools_move_demands (const GPtrArray *demands, BusPool *pool)
{
  for (guint i = 0; i < demands->len; i++)
    pools_move_demand (g_ptr_array_index (demands, i), pool);
}

/* The demands of a pool when a member changes. */
typedef struct
{
  BusPool *pool;
  GPtrArray *affected; /* BusDemand: they need the pool with or without the member */
  GPtrArray *others;   /* BusDemand */
} PoolsPart;

static void
pools_part_init (PoolsPart *part, BusPool *pool, const BusMember *member, gboolean is_gone)
{
  const gboolean had = bus_pool_has (pool, member);

  *part = (PoolsPart){ pool, g_ptr_array_new (), g_ptr_array_new () };
  for (GList *link = pool->demands.head; link != NULL; link = link->next)
    {
      BusDemand *demand = link->data;
      const gboolean has = !is_gone && bus_choice_is_capable (member, demand->sample);

      g_ptr_array_add (has != had ? part->affected : part->others, demand);
    }
}

static void
pools_part_clear (PoolsPart *part)
{
  g_ptr_array_unref (part->affected);
  g_ptr_array_unref (part->others);
}

static guint64
pools_count_tasks (const GPtrArray *demands)
{
  guint64 n = 0;

  for (guint i = 0; i < demands->len; i++)
    n += ((const BusDemand *) g_ptr_array_index (demands, i))->tasks.length;
  return n;
}

/* Moves the affected demands of each of two pools to the other one. Usually one demand has nearly all tasks, and a collector that
 * registers again and again must not make the broker move all of them each time. So if the affected demands have more tasks than
 * the others, the others move, and the pools exchange their members. */
static void
pools_settle_pair (BusPools *pools, const PoolsPart *one, const PoolsPart *two)
{
  if (pools_count_tasks (one->affected) + pools_count_tasks (two->affected)
      <= pools_count_tasks (one->others) + pools_count_tasks (two->others))
    {
      pools_move_demands (one->affected, two->pool);
      pools_move_demands (two->affected, one->pool);
      return;
    }
  pools_move_demands (one->others, two->pool);
  pools_move_demands (two->others, one->pool);
  bus_pool_exchange (pools->by_members, one->pool, two->pool);
}

/* Two pools are a pair if they differ in @member only. All affected demands of one belong to the other one, so both are checked
 * together. They are withdrawn meanwhile, so a task that moves is in no order of bus-ready. The caller frees pools that are empty
 * afterwards. */
static gboolean
pools_divide (BusPools *pools, BusPool *pool, BusMember *member, gboolean is_gone)
{
  PoolsPart part, pair;
  gboolean is_affected;

  pools_part_init (&part, pool, member, is_gone);
  is_affected = part.affected->len > 0;
  if (is_affected)
    {
      g_autoptr (GPtrArray) members = pools_members_after (pool, member);

      pools_part_init (&pair, pools_get (pools, pool->mode, members), member, is_gone);
      bus_ready_withdraw (&pools->ready, part.pool);
      bus_ready_withdraw (&pools->ready, pair.pool);
      pools_settle_pair (pools, &part, &pair);
      bus_ready_unpark (&pools->ready, part.pool);
      bus_ready_unpark (&pools->ready, pair.pool);
      pools_part_clear (&pair);
    }
  pools_part_clear (&part);
  return is_affected;
}

/* A newer member with the same id stays in the table. */
static void
pools_unlist_member (BusPools *pools, BusMember *member)
{
  g_ptr_array_remove (pools->members, member);
  if (g_hash_table_lookup (pools->by_id, &member->key) == member)
    g_hash_table_remove (pools->by_id, &member->key);
}

static void
pools_list_member (BusPools *pools, BusMember *member)
{
  bus_members_insert (pools->members, member);
  g_hash_table_replace (pools->by_id, &member->key, member);
}

gboolean
bus_pools_on_member (BusPools *pools, BusMember *member, WireSpan operation, gboolean is_gone)
{
  /* A copy, because the loop makes and fills further pools, which already have the right members. */
  g_autoptr (GPtrArray) before = g_ptr_array_copy (pools->list, NULL, NULL);
  gboolean is_unparked = FALSE;

  pools_unlist_member (pools, member);
  if (!is_gone && bus_member_ability (member, operation) != NULL)
    pools_list_member (pools, member);
  for (guint i = 0; i < before->len; i++)
    is_unparked |= pools_divide (pools, g_ptr_array_index (before, i), member, is_gone);
  for (guint i = pools->list->len; i-- > 0;)
    pools_free_empty (pools, g_ptr_array_index (pools->list, i));
  return is_unparked;
}

gboolean
bus_pools_on_room (BusPools *pools, const BusMember *member)
{
  gboolean is_unparked = FALSE;

  for (guint i = 0; i < pools->list->len; i++)
    {
      BusPool *pool = g_ptr_array_index (pools->list, i);

      if (pool->is_parked && bus_pool_has (pool, member))
        is_unparked |= bus_ready_unpark (&pools->ready, pool);
    }
  return is_unparked;
}
