/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-pool.h"

/*
 * The order of the tasks of an operation that may be placed now: those of the pools that are not parked.
 *
 * There are two orders. The first task is that of the highest priority, then of the smallest number of a turn, then of the
 * smallest sequence. The oldest task is that of the smallest age. Both are at the top of a heap, so neither the number of
 * pools nor the number of tasks makes a lease slower.
 *
 * For the first task, a pool lists its rows of its highest priority, and each turn has a heap of its listed rows. So the end of a
 * turn changes the place of one turn, however many pools contain tasks of the account.
 *
 * A pool that is parked stays listed until it gets to the top of a heap while another pool is not parked. Then it is unlisted,
 * which costs one row for each account that has tasks in the pool. So one pool that is parked and unparked again and again changes
 * no heap. Nor does one that is the only pool and has only one row, as in a queue that is usually empty: it is not listed, but
 * noted as `alone`.
 *
 * Invariant: a pool that has a task and is not parked is either listed or alone. A listed pool is in the heap of pools, and its
 * rows of its highest priority, and no others, are in the heaps of their turns. A turn is in the heap of turns if and only if it
 * has a listed row. While a pool is alone, n_ready is 1 and it has one row.
 */

typedef struct
{
  BusHeap turns; /* BusTurn, by priority and number */
  BusHeap pools; /* BusPool, by the age of its oldest task */
  guint n_ready; /* pools that have a task and are not parked */
  BusPool *alone;
} BusReady;

void bus_ready_init (BusReady *ready);
/* Asserts that no task waits. */
void bus_ready_clear (BusReady *ready);

/* Adds @task to @pool, or removes it. */
void bus_ready_add (BusReady *ready, BusPool *pool, BusTask *task, BusTurn *turn);
void bus_ready_remove (BusReady *ready, BusPool *pool, BusTask *task);

/* No member of the pool is free for its tasks. */
void bus_ready_park (BusReady *ready, BusPool *pool);
/* A member of the pool has changed. FALSE: it is not parked */
gboolean bus_ready_unpark (BusReady *ready, BusPool *pool);
/* Parks and unlists the pool: its tasks may move until it is unparked, or another pool may get them. */
void bus_ready_withdraw (BusReady *ready, BusPool *pool);

void bus_ready_set_number (BusReady *ready, BusTurn *turn, guint64 number);

/* NULL: there is none. */
BusTask *bus_ready_first (BusReady *ready);
BusTask *bus_ready_oldest (BusReady *ready);
