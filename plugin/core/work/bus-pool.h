/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-heap.h"
#include "work/bus-demand.h"

/*
 * A pool: the waiting tasks of an operation that have the same capable members, and the same mode of sharing them.
 *
 * Either all tasks of a pool can be placed now, or none of them. When no member is free the pool is *parked*: it is not
 * examined until one of its members changes, however many tasks it has. So the next task that can be placed is found without an
 * examination of those that cannot.
 *
 * A row contains the tasks of one priority and one account, in order of submission. The *turn* of an account at a priority is
 * shared by its rows in all pools of the operation. bus-ready finds the next row among all pools that are not parked.
 *
 * A question to many collectors makes a pool for each of them, and frees it when the task is offered. So empty pools, rows and
 * turns are kept, for all operations together, and used again with the memory of their lists.
 *
 * Invariant: no two pools of an operation have the same members and mode; a pool has at least one demand.
 */

#define BUS_POOL_SPARES      64u
#define BUS_POOL_SPARE_ITEMS 16u

/* Pools, rows and turns that are not in use: at most BUS_POOL_SPARES of each, and none whose lists had more than
 * BUS_POOL_SPARE_ITEMS items. */
typedef struct
{
  GPtrArray *pools;
  GPtrArray *rows;
  GPtrArray *turns;
  GPtrArray *capable; /* BusMember: bus-pools makes the members of a demand here */
} BusPoolSpares;

/* The place of an account in the round of a priority: the smallest number is next. */
typedef struct
{
  guint64 key; /* priority and account */
  guint64 number;
  guint n_waiting; /* its waiting tasks, in all rows */
  BusHeap ready;   /* BusPoolRow, see bus-ready */
  guint place;     /* in the turns of bus-ready */
  guint longest;   /* the most ready rows that it had since it was made */
} BusTurn;

typedef struct BusPoolRow
{
  guint priority;
  BusTurn *turn;
  BusHeap tasks; /* BusTask, by sequence */
  guint place;   /* in the ready rows of its turn */
  guint longest; /* the most tasks that it had since it was made */
} BusPoolRow;

typedef struct BusPool
{
  BusDemandMode mode;
  GPtrArray *members; /* BusMember, in order of registration */
  GQueue demands;     /* BusDemand, by their pool_link */
  guint n_affected;   /* bus-pools: its first demands, which get to another pool, and their tasks */
  guint64 n_affected_tasks;
  GPtrArray *rows; /* BusPoolRow, by the key of their turn: the highest priority first */
  BusHeap by_age;  /* BusTask, by age */
  gboolean is_parked;
  gboolean at_bound; /* no member has changed since the bound of reservations was reached for its first task */
  guint place;       /* in the pools of bus-ready */
  guint index;       /* in the list of bus-pools */
  guint longest;     /* the most members or tasks that it had since it was made */
  BusPoolSpares *spares;
} BusPool;

void bus_pool_spares_init (BusPoolSpares *spares);
void bus_pool_spares_clear (BusPoolSpares *spares);

/* Inserts @member into a list in order of registration. */
void bus_members_insert (GPtrArray *members, struct BusMember *member);
/* TRUE if @member is in that list. */
gboolean bus_members_has (const GPtrArray *members, const struct BusMember *member);

/* A table of pools, with members and mode as keys. */
GHashTable *bus_pool_table_new (void);
/* Returns the pool with that mode and these members; NULL: none. */
BusPool *bus_pool_find (GHashTable *pools, BusDemandMode mode, GPtrArray *members);
/* Copies the list @members. */
BusPool *bus_pool_new (GHashTable *pools, BusPoolSpares *spares, BusDemandMode mode, const GPtrArray *members);
/* Frees the pool, which must be empty. */
void bus_pool_free (GHashTable *pools, BusPool *pool);
/* Each of the two pools, which have the same mode, gets the members of the other one. */
void bus_pool_exchange (GHashTable *pools, BusPool *pool, BusPool *other);

gboolean bus_pool_has (const BusPool *pool, const struct BusMember *member);

void bus_pool_add (BusPool *pool, BusTask *task, BusTurn *turn);
void bus_pool_remove (BusPool *pool, BusTask *task);

/* Returns a turn without rows and tasks. */
BusTurn *bus_turn_new (BusPoolSpares *spares, guint64 key, guint64 number);
void bus_turn_free (BusPoolSpares *spares, BusTurn *turn);
