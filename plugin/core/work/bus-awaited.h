/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * Awaited holders: tasks that wait for the member that had them last, because it may still work on them.
 *
 * A task waits here after it was submitted again to a new broker, or when its holder has lost its connection, has registered
 * again and claims it. The table finds all tasks that wait for one member. bus-course puts tasks in and takes them out;
 * bus-adoption gives them back to their holders.
 *
 * Invariant: a task is in the table if and only if `is_awaited` is set; it is QUEUED and HELD then.
 */

typedef struct
{
  guint64 seed;
  GHashTable *by_holder;
} BusAwaited;

void bus_awaited_init (BusAwaited *awaited, guint64 seed);
/* No task may wait (asserts). */
void bus_awaited_clear (BusAwaited *awaited);

/* @task waits for its holder, which it has. */
void bus_awaited_add (BusAwaited *awaited, BusTask *task);
/* Harmless when it does not wait. */
void bus_awaited_remove (BusAwaited *awaited, BusTask *task);

/* The tasks that wait for @holder, by their awaited_link; NULL: none. */
const GQueue *bus_awaited_find (const BusAwaited *awaited, WireSpan holder);
