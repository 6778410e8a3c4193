/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-member.h"
#include "work/bus-pool.h"

/*
 * The pools of one operation: its waiting tasks, divided by the members that are capable of them.
 *
 * A task enters by its demand, which is in one pool. When a member comes, changes or leaves, each demand is asked once
 * whether the member is capable of it. A pool whose demands all answer alike keeps its tasks and only gets other members;
 * otherwise the demands that are affected move, with their tasks, to the pool of their new members.
 *
 * Invariant: the pool of a demand has exactly the members of the operation that are capable of its sample.
 */

typedef struct
{
  guint64 seed;
  GPtrArray *members;     /* BusMember that advertise the operation, in order of registration */
  GHashTable *demands;    /* see bus-demand.h */
  GHashTable *by_members; /* see bus-pool.h */
  GPtrArray *list;        /* the same pools, in order of their making */
  GHashTable *turns;      /* BusTurn by its key */
  guint64 last_turn;
} BusPools;

void bus_pools_init (BusPools *pools, guint64 seed);
/* No task may wait any more. */
void bus_pools_clear (BusPools *pools);

/* TRUE: its pool is not parked. */
gboolean bus_pools_add (BusPools *pools, BusTask *task);
void bus_pools_remove (BusPools *pools, BusTask *task);

static inline BusPool *
bus_pools_of (const BusTask *task)
{
  return task->place.demand->pool;
}

/* The account of a waiting task has had its turn: it is the last of its priority now. Returns the number that it had. */
guint64 bus_pools_end_turn (BusPools *pools, BusTask *task);
/* The account has that turn, or an earlier one that it has by now. */
void bus_pools_restore_turn (BusTask *task, guint64 number);

/* Of the pools that are not parked. NULL: no task waits in them */
BusTask *bus_pools_first (const BusPools *pools);
BusTask *bus_pools_oldest (const BusPools *pools);
/* Time since which the oldest of all waits; 0: none waits. */
gint64 bus_pools_waiting_since_us (const BusPools *pools);

/* @member is new, has other abilities, or is gone: then it is capable of nothing. TRUE: a pool is not parked any more */
gboolean bus_pools_on_member (BusPools *pools, BusMember *member, WireSpan operation, gboolean is_gone);
/* It has room, or is idle, or its state has changed. TRUE: a pool is not parked any more */
gboolean bus_pools_on_room (BusPools *pools, const BusMember *member);
