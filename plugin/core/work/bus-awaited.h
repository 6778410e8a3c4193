/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * Awaited tasks: each waits for the member that had it last, because this member may still work on it.
 *
 * A task waits here after it was submitted again to a new broker, or when its holder has lost its connection, has registered
 * again and claims the task. Meanwhile the task is not offered to any member. The table finds all tasks that wait for one
 * member. bus-course adds and removes tasks; bus-adoption gives them back to their holders.
 *
 * Invariant: a task is in the table if and only if `is_awaited` is set; its state is QUEUED then, and its place is HELD.
 */

typedef struct
{
  guint64 seed;
  GHashTable *by_holder;
} BusAwaited;

void bus_awaited_init (BusAwaited *awaited, guint64 seed);
/* Asserts that no task waits. */
void bus_awaited_clear (BusAwaited *awaited);

/* @task waits for its holder, which must be set. */
void bus_awaited_add (BusAwaited *awaited, BusTask *task);
/* Does nothing if @task does not wait. */
void bus_awaited_remove (BusAwaited *awaited, BusTask *task);

/* Returns the tasks that wait for @holder, linked by their awaited_link; NULL: none. */
const GQueue *bus_awaited_find (const BusAwaited *awaited, WireSpan holder);
