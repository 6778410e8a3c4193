/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-member.h"
#include "work/bus-needs.h"
#include "work/bus-ready.h"

/*
 * The pools of one operation: its waiting tasks, grouped by the members that are capable of them.
 *
 * A task enters through its demand, and each demand is in one pool. When a member registers, changes or leaves, its capability is
 * checked once for each demand of its pools, and for each other demand that it may be capable of (bus-needs). So the demands that
 * it has nothing to do with cost nothing. Demands for which the result changes get to the pool of their new members. Moving a
 * demand moves its tasks, so the part with fewer tasks moves, and the pools exchange their members if it is the other part. A
 * demand with a target is checked only for this member, which is found by its id: a question to many collectors has one demand for
 * each of them.
 *
 * Invariant: the pool of a demand has exactly the members of the operation that are capable of its sample.
 */

typedef struct
{
  guint64 seed;
  GPtrArray *members;     /* BusMember that advertise the operation, in order of registration */
  GHashTable *by_id;      /* the same members, by their key */
  GHashTable *demands;    /* see bus-demand.h */
  BusNeeds needs;         /* the same demands */
  GHashTable *by_members; /* see bus-pool.h */
  GPtrArray *list;        /* the same pools, by their index */
  GHashTable *turns;      /* BusTurn, by its key */
  BusReady ready;
  guint64 last_turn;
  BusPoolSpares *spares;
} BusPools;

/* @spares: of all operations */
void bus_pools_init (BusPools *pools, BusPoolSpares *spares, guint64 seed);
/* Asserts that no task waits. */
void bus_pools_clear (BusPools *pools);

/* Adds a task that waits. TRUE: its pool is not parked */
gboolean bus_pools_add (BusPools *pools, BusTask *task);
void bus_pools_remove (BusPools *pools, BusTask *task);

static inline BusPool *
bus_pools_of (const BusTask *task)
{
  return task->place.demand->pool;
}

/* The account of a waiting task has used its turn, and is the last one of its priority now. Returns the number of the used
 * turn. */
guint64 bus_pools_end_turn (BusPools *pools, BusTask *task);
/* Gives the account of @task the turn @number again, unless it has an earlier one by now. */
void bus_pools_restore_turn (BusPools *pools, BusTask *task, guint64 number);

/* The pool of @task is parked: no member is free for its tasks. */
void bus_pools_park (BusPools *pools, const BusTask *task);

/* Return the first and the oldest task of the pools that are not parked. NULL: no task waits in them */
static inline BusTask *
bus_pools_first (BusPools *pools)
{
  return bus_ready_first (&pools->ready);
}

static inline BusTask *
bus_pools_oldest (BusPools *pools)
{
  return bus_ready_oldest (&pools->ready);
}

/* The time since which the oldest task of all pools waits; 0: none waits. */
gint64 bus_pools_waiting_since_us (const BusPools *pools);

/* @member is new, has other abilities, or is gone, in which case it counts as capable of nothing. TRUE: a pool is not parked
 * any more */
gboolean bus_pools_on_member (BusPools *pools, BusMember *member, WireSpan operation, gboolean is_gone);
/* @member has room, is idle, or its state has changed. TRUE: a pool is not parked any more */
gboolean bus_pools_on_room (BusPools *pools, const BusMember *member);

/* Parks the pool of @task, which could be placed if the bound of reservations were not reached. */
void bus_pools_park_at_bound (BusPools *pools, const BusTask *task);
/* The bound allows a reservation: the pools that wait for it are not parked any more. */
void bus_pools_on_bound (BusPools *pools);
