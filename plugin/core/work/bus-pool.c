/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-pool.h"

#include "base/bus-hash.h"
#include "work/bus-member.h"

void
bus_members_insert (GPtrArray *members, BusMember *member)
{
  guint i = members->len;

  while (i > 0 && ((const BusMember *) g_ptr_array_index (members, i - 1))->order > member->order)
    i--;
  g_ptr_array_insert (members, (gint) i, member);
}

gboolean
bus_members_has (const GPtrArray *members, const BusMember *member)
{
  guint low = 0;
  guint high = members->len;

  while (low < high)
    {
      const guint middle = low + (high - low) / 2;
      const BusMember *other = g_ptr_array_index (members, middle);

      if (other == member)
        return TRUE;
      if (other->order < member->order)
        low = middle + 1;
      else
        high = middle;
    }
  return FALSE;
}

/* --- the table --- */

static guint
pool_hash (gconstpointer data)
{
  const BusPool *pool = data;
  guint64 hash = pool->mode;

  for (guint i = 0; i < pool->members->len; i++)
    hash = bus_hash_mix (hash + ((const BusMember *) g_ptr_array_index (pool->members, i))->order);
  return (guint) hash;
}

static gboolean
pool_equal (gconstpointer first, gconstpointer second)
{
  const BusPool *a = first;
  const BusPool *b = second;

  return a->mode == b->mode && a->members->len == b->members->len
         && (a->members->len == 0
             || memcmp (a->members->pdata, b->members->pdata, a->members->len * sizeof (gpointer)) == 0);
}

GHashTable *
bus_pool_table_new (void)
{
  return g_hash_table_new (pool_hash, pool_equal);
}

BusPool *
bus_pool_find (GHashTable *pools, BusDemandMode mode, GPtrArray *members)
{
  const BusPool like = { .mode = mode, .members = members };

  return g_hash_table_lookup (pools, &like);
}

/* --- order --- */

static int
pool_compare_sequence (gconstpointer a, gconstpointer b)
{
  const guint64 first = ((const BusTask *) a)->sequence;
  const guint64 second = ((const BusTask *) b)->sequence;

  return (first > second) - (first < second);
}

static int
pool_compare_row (gconstpointer a, gconstpointer b)
{
  return pool_compare_sequence (bus_heap_first (&((const BusPoolRow *) a)->tasks),
                                bus_heap_first (&((const BusPoolRow *) b)->tasks));
}

static int
pool_compare_age (gconstpointer a, gconstpointer b)
{
  const guint64 first = ((const BusTask *) a)->place.age;
  const guint64 second = ((const BusTask *) b)->place.age;

  return (first > second) - (first < second);
}

/* --- spares --- */

void
bus_pool_spares_init (BusPoolSpares *spares)
{
  spares->pools = g_ptr_array_new ();
  spares->rows = g_ptr_array_new ();
  spares->turns = g_ptr_array_new ();
  spares->capable = g_ptr_array_new ();
}

static void
pool_destroy (gpointer data)
{
  BusPool *pool = data;

  bus_heap_clear (&pool->by_age);
  g_ptr_array_unref (pool->rows);
  g_ptr_array_unref (pool->members);
  g_free (pool);
}

static void
pool_destroy_row (gpointer data)
{
  BusPoolRow *row = data;

  bus_heap_clear (&row->tasks);
  g_free (row);
}

static void
pool_destroy_turn (gpointer data)
{
  BusTurn *turn = data;

  bus_heap_clear (&turn->ready);
  g_free (turn);
}

void
bus_pool_spares_clear (BusPoolSpares *spares)
{
  g_ptr_array_set_free_func (spares->pools, pool_destroy);
  g_ptr_array_set_free_func (spares->rows, pool_destroy_row);
  g_ptr_array_set_free_func (spares->turns, pool_destroy_turn);
  g_clear_pointer (&spares->pools, g_ptr_array_unref);
  g_clear_pointer (&spares->rows, g_ptr_array_unref);
  g_clear_pointer (&spares->turns, g_ptr_array_unref);
  g_clear_pointer (&spares->capable, g_ptr_array_unref);
}

/* NULL: there is none. */
static gpointer
pool_take_spare (GPtrArray *spares)
{
  return spares->len > 0 ? g_ptr_array_steal_index_fast (spares, spares->len - 1) : NULL;
}

static void
pool_keep_spare (GPtrArray *spares, gpointer spare, guint longest, GDestroyNotify destroy)
{
  if (spares->len < BUS_POOL_SPARES && longest <= BUS_POOL_SPARE_ITEMS)
    g_ptr_array_add (spares, spare);
  else
    destroy (spare);
}

/* --- pools --- */

static BusPool *
pool_make (BusPoolSpares *spares)
{
  BusPool *pool = g_new0 (BusPool, 1);

  pool->spares = spares;
  pool->members = g_ptr_array_new ();
  pool->rows = g_ptr_array_new ();
  bus_heap_init (&pool->by_age, pool_compare_age, G_STRUCT_OFFSET (BusTask, place.place_by_age));
  return pool;
}

static void
pool_set_members (BusPool *pool, const GPtrArray *members)
{
  g_ptr_array_set_size (pool->members, 0);
  for (guint i = 0; i < members->len; i++)
    g_ptr_array_add (pool->members, g_ptr_array_index (members, i));
  pool->longest = MAX (pool->longest, members->len);
}

BusPool *
bus_pool_new (GHashTable *pools, BusPoolSpares *spares, BusDemandMode mode, const GPtrArray *members)
{
  BusPool *pool = pool_take_spare (spares->pools);

  if (pool == NULL)
    pool = pool_make (spares);
  pool->mode = mode;
  pool->is_parked = FALSE;
  pool->at_bound = FALSE;
  pool_set_members (pool, members);
  g_hash_table_add (pools, pool);
  return pool;
}

void
bus_pool_free (GHashTable *pools, BusPool *pool)
{
  g_assert (pool->demands.length == 0 && pool->rows->len == 0 && bus_heap_is_empty (&pool->by_age));
  g_hash_table_remove (pools, pool);
  pool_keep_spare (pool->spares->pools, pool, pool->longest, pool_destroy);
}

void
bus_pool_exchange (GHashTable *pools, BusPool *pool, BusPool *other)
{
  GPtrArray *members = pool->members;

  g_assert (pool->mode == other->mode);
  g_hash_table_remove (pools, pool);
  g_hash_table_remove (pools, other);
  pool->members = other->members;
  other->members = members;
  pool->longest = other->longest = MAX (pool->longest, other->longest);
  g_hash_table_add (pools, pool);
  g_hash_table_add (pools, other);
}

gboolean
bus_pool_has (const BusPool *pool, const BusMember *member)
{
  return bus_members_has (pool->members, member);
}

/* --- rows --- */

/* Returns the index of the row of @turn, or its place: in descending order of keys, so higher priorities come first. */
static guint
pool_row_index (const BusPool *pool, const BusTurn *turn)
{
  guint low = 0;
  guint high = pool->rows->len;

  while (low < high)
    {
      const guint middle = low + (high - low) / 2;

      if (((const BusPoolRow *) g_ptr_array_index (pool->rows, middle))->turn->key > turn->key)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static BusPoolRow *
pool_make_row (void)
{
  BusPoolRow *row = g_new0 (BusPoolRow, 1);

  bus_heap_init (&row->tasks, pool_compare_sequence, G_STRUCT_OFFSET (BusTask, place.place_in_row));
  return row;
}

static BusPoolRow *
pool_row (BusPool *pool, guint priority, BusTurn *turn)
{
  const guint i = pool_row_index (pool, turn);
  BusPoolRow *row = i < pool->rows->len ? g_ptr_array_index (pool->rows, i) : NULL;

  if (row != NULL && row->turn == turn)
    return row;
  row = pool_take_spare (pool->spares->rows);
  if (row == NULL)
    row = pool_make_row ();
  row->priority = priority;
  row->turn = turn;
  g_ptr_array_insert (pool->rows, (gint) i, row);
  return row;
}

void
bus_pool_add (BusPool *pool, BusTask *task, BusTurn *turn)
{
  BusPoolRow *row = pool_row (pool, task->priority, turn);

  task->place.row = row;
  bus_heap_add (&row->tasks, task);
  bus_heap_add (&pool->by_age, task);
  row->longest = MAX (row->longest, row->tasks.items->len);
  pool->longest = MAX (pool->longest, pool->by_age.items->len);
}

void
bus_pool_remove (BusPool *pool, BusTask *task)
{
  BusPoolRow *row = task->place.row;

  bus_heap_remove (&row->tasks, task);
  bus_heap_remove (&pool->by_age, task);
  task->place.row = NULL;
  if (!bus_heap_is_empty (&row->tasks))
    return;
  g_ptr_array_remove_index (pool->rows, pool_row_index (pool, row->turn));
  pool_keep_spare (pool->spares->rows, row, row->longest, pool_destroy_row);
}

/* --- turns --- */

static BusTurn *
pool_make_turn (void)
{
  BusTurn *turn = g_new0 (BusTurn, 1);

  bus_heap_init (&turn->ready, pool_compare_row, G_STRUCT_OFFSET (BusPoolRow, place));
  return turn;
}

BusTurn *
bus_turn_new (BusPoolSpares *spares, guint64 key, guint64 number)
{
  BusTurn *turn = pool_take_spare (spares->turns);

  if (turn == NULL)
    turn = pool_make_turn ();
  turn->key = key;
  turn->number = number;
  return turn;
}

void
bus_turn_free (BusPoolSpares *spares, BusTurn *turn)
{
  g_assert (turn->n_waiting == 0 && turn->place == 0);
  pool_keep_spare (spares->turns, turn, turn->longest, pool_destroy_turn);
}
