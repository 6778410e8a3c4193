/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-heap.h"
#include "work/bus-demand.h"

/*
 * A pool: the waiting tasks of an operation that the same members are capable of.
 *
 * Either all tasks of a pool can be placed now, or none. When no member is free, the pool is *parked*: it is not examined until a
 * member of it changes, however many tasks it has. So a task that can be placed is found without an examination of those that
 * cannot.
 *
 * A row has the tasks of one priority and one account, in order of submission. The *turn* of an account at a priority is
 * shared by its rows in all pools of the operation.
 *
 * Invariant: no two pools of an operation have the same members and mode; a pool has a demand.
 */

/* The place of an account in the round of a priority: the smallest number is next. */
typedef struct
{
  guint64 key; /* priority and account */
  guint64 number;
  guint n_waiting; /* tasks in all rows */
} BusTurn;

typedef struct BusPoolRow
{
  guint priority;
  BusTurn *turn;
  BusHeap tasks; /* BusTask by sequence */
} BusPoolRow;

typedef struct BusPool
{
  BusDemandMode mode;
  GPtrArray *members; /* BusMember, in order of registration */
  GQueue demands;     /* BusDemand, by their pool_link */
  GPtrArray *rows;    /* BusPoolRow, the highest priority first */
  BusHeap by_age;     /* BusTask */
  gboolean is_parked;
} BusPool;

/* Inserts a member in order of registration. */
void bus_members_insert (GPtrArray *members, struct BusMember *member);

/* A table of pools by members and mode. */
GHashTable *bus_pool_table_new (void);
/* NULL: there is none. */
BusPool *bus_pool_find (GHashTable *pools, BusDemandMode mode, GPtrArray *members);
/* @members: (transfer full) */
BusPool *bus_pool_new (GHashTable *pools, BusDemandMode mode, GPtrArray *members);
/* It must be empty. */
void bus_pool_free (GHashTable *pools, BusPool *pool);
/* Gives it other members, which no pool of the table has. @members: (transfer full) */
void bus_pool_rename (GHashTable *pools, BusPool *pool, GPtrArray *members);

gboolean bus_pool_has (const BusPool *pool, const struct BusMember *member);

void bus_pool_add (BusPool *pool, BusTask *task, BusTurn *turn);
void bus_pool_remove (BusPool *pool, BusTask *task);

/* The first task by priority, turn and sequence, if it comes before @best (nullable); otherwise @best. */
BusTask *bus_pool_first (const BusPool *pool, BusTask *best);
/* The task that has been eligible for longest, if for longer than @best (nullable); otherwise @best. */
BusTask *bus_pool_oldest (const BusPool *pool, BusTask *best);
