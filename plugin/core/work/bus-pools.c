/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-pools.h"

#include "work/bus-choice.h"

void
bus_pools_init (BusPools *pools, BusPoolSpares *spares, guint64 seed)
{
  *pools = (BusPools){ .seed = seed, .spares = spares, .needs.seed = seed };
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

  bus_needs_add (&pools->needs, demand);
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
  bus_needs_remove (&pools->needs, demand);
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

/* A change of a member. */
typedef struct
{
  BusPools *pools;
  BusMember *member;
  const BusAbility *ability; /* NULL: it is capable of nothing */
  GPtrArray *affected;       /* BusPool that have affected demands */
} PoolsChange;

static gboolean
pools_is_capable (const PoolsChange *change, const BusDemand *demand)
{
  return change->ability != NULL && bus_choice_is_capable_by (change->member, change->ability, demand->sample);
}

/* The demand needs the pool with or without the member. The affected demands of a pool are the first ones. */
static void
pools_affect (PoolsChange *change, BusDemand *demand)
{
  BusPool *pool = demand->pool;

  if (pool->n_affected == 0)
    g_ptr_array_add (change->affected, pool);
  pool->n_affected++;
  pool->n_affected_tasks += demand->tasks.length;
  g_queue_unlink (&pool->demands, &demand->pool_link);
  g_queue_push_head_link (&pool->demands, &demand->pool_link);
}

static void
pools_affect_if_won (BusDemand *demand, gpointer data)
{
  PoolsChange *change = data;

  if (!bus_pool_has (demand->pool, change->member) && pools_is_capable (change, demand))
    pools_affect (change, demand);
}

static void
pools_affect_if_lost (PoolsChange *change, const BusPool *pool)
{
  for (GList *link = pool->demands.head, *next; link != NULL; link = next)
    {
      next = link->next;
      if (!pools_is_capable (change, link->data))
        pools_affect (change, link->data);
    }
}

static void
pools_find_affected (PoolsChange *change)
{
  BusPools *pools = change->pools;

  for (guint i = 0; i < pools->list->len; i++)
    if (bus_pool_has (g_ptr_array_index (pools->list, i), change->member))
      pools_affect_if_lost (change, g_ptr_array_index (pools->list, i));
  if (change->ability != NULL)
    bus_needs_visit (&pools->needs, change->member, change->ability, pools_affect_if_won, change);
}

/* Takes the demands that move out of the pool: the affected ones, or the others. */
static void
pools_take_part (BusPool *pool, gboolean is_affected, GQueue *part)
{
  for (guint n = is_affected ? pool->n_affected : pool->demands.length - pool->n_affected; n > 0; n--)
    {
      GList *link = is_affected ? g_queue_pop_head_link (&pool->demands) : g_queue_pop_tail_link (&pool->demands);

      g_queue_push_tail_link (part, link);
    }
  pool->n_affected = 0;
  pool->n_affected_tasks = 0;
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
  pools_link_demand (demand, pool);
}

static void
pools_move_part (GQueue *part, BusPool *pool)
{
  GList *link;

  while ((link = g_queue_pop_head_link (part)) != NULL)
    pools_move_demand (link->data, pool);
}

/* Two pools are a pair if they differ in the member only. All affected demands of one belong to the other one, so they are settled
 * together. Usually one demand has nearly all tasks, and a collector that registers again and again must not make the broker move
 * all of them each time. So if the affected demands have more tasks than the others, the others move, and the pools exchange their
 * members. */
static void
pools_settle_pair (BusPools *pools, BusPool *one, BusPool *two)
{
  const guint64 n_affected = one->n_affected_tasks + two->n_affected_tasks;
  const guint64 n_tasks = one->by_age.items->len + two->by_age.items->len;
  const gboolean moves_affected = 2 * n_affected <= n_tasks;
  GQueue from_one = G_QUEUE_INIT;
  GQueue from_two = G_QUEUE_INIT;

  pools_take_part (one, moves_affected, &from_one);
  pools_take_part (two, moves_affected, &from_two);
  pools_move_part (&from_one, two);
  pools_move_part (&from_two, one);
  if (!moves_affected)
    bus_pool_exchange (pools->by_members, one, two);
}

/* A member of the pool has changed, so a task of the pool may be placed. FALSE: that was so before */
static gboolean
pools_unpark (BusPools *pools, BusPool *pool)
{
  const gboolean was_at_bound = pool->at_bound;

  pool->at_bound = FALSE;
  return bus_ready_unpark (&pools->ready, pool) || was_at_bound;
}

/* Both pools are withdrawn meanwhile, so a task that moves is in no order of bus-ready. */
static void
pools_settle (BusPools *pools, BusPool *pool, BusMember *member)
{
  g_autoptr (GPtrArray) members = pools_members_after (pool, member);
  BusPool *pair = pools_get (pools, pool->mode, members);

  bus_ready_withdraw (&pools->ready, pool);
  bus_ready_withdraw (&pools->ready, pair);
  pools_settle_pair (pools, pool, pair);
  pools_unpark (pools, pool);
  pools_unpark (pools, pair);
}

/* FALSE: no pool is affected. Empty pools are freed at the end only, because they may be affected, or the pair of another one. */
static gboolean
pools_settle_affected (PoolsChange *change)
{
  BusPools *pools = change->pools;
  const GPtrArray *affected = change->affected;

  for (guint i = 0; i < affected->len; i++)
    if (((const BusPool *) g_ptr_array_index (affected, i))->n_affected > 0)
      pools_settle (pools, g_ptr_array_index (affected, i), change->member);
  for (guint i = pools->list->len; i-- > 0 && affected->len > 0;)
    pools_free_empty (pools, g_ptr_array_index (pools->list, i));
  return affected->len > 0;
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

static gboolean
pools_change (BusPools *pools, BusMember *member, const BusAbility *ability)
{
  g_autoptr (GPtrArray) affected = g_ptr_array_new ();
  PoolsChange change = { pools, member, ability, affected };

  pools_find_affected (&change);
  return pools_settle_affected (&change);
}

gboolean
bus_pools_on_member (BusPools *pools, BusMember *member, WireSpan operation, gboolean is_gone)
{
  const BusAbility *ability = is_gone ? NULL : bus_member_ability (member, operation);

  if (ability == NULL && !bus_members_has (pools->members, member))
    return FALSE;
  pools_unlist_member (pools, member);
  if (ability != NULL)
    pools_list_member (pools, member);
  return pools->list->len > 0 && pools_change (pools, member, ability);
}

gboolean
bus_pools_on_room (BusPools *pools, const BusMember *member)
{
  gboolean is_unparked = FALSE;

  for (guint i = 0; i < pools->list->len; i++)
    {
      BusPool *pool = g_ptr_array_index (pools->list, i);

      if ((pool->is_parked || pool->at_bound) && bus_pool_has (pool, member))
        is_unparked |= pools_unpark (pools, pool);
    }
  return is_unparked;
}

/* --- the bound of reservations --- */

/* Pools that waited for the bound before, and whose members have not changed since, cannot place a task either. They are parked
 * together, so a reservation that ends does not make the operation examine each of them. A pool that did not wait for it is parked
 * alone: otherwise each of n such pools would cost a walk of all. */
void
bus_pools_park_at_bound (BusPools *pools, const BusTask *task)
{
  BusPool *own = bus_pools_of (task);

  if (!own->at_bound)
    {
      own->at_bound = TRUE;
      bus_ready_park (&pools->ready, own);
      return;
    }
  for (guint i = 0; i < pools->list->len; i++)
    {
      BusPool *pool = g_ptr_array_index (pools->list, i);

      if (pool->at_bound)
        bus_ready_park (&pools->ready, pool);
    }
}

void
bus_pools_on_bound (BusPools *pools)
{
  for (guint i = 0; i < pools->list->len; i++)
    {
      BusPool *pool = g_ptr_array_index (pools->list, i);

      if (pool->at_bound)
        bus_ready_unpark (&pools->ready, pool);
    }
}
