/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "work/bus-task-state.h"

/*
 * Settled ids: tasks whose record is not kept any more, and how they ended.
 *
 * A submitter that repeats such a task gets the outcome without a payload, and the task is not run again. Only two hashes of
 * the key are kept, not the key itself: 64 bytes for each id. The oldest ids are forgotten when there are too many.
 */

typedef struct
{
  GHashTable *by_hash; /* BusSettledId */
  GQueue ids;          /* the same, oldest first, by their link */
  guint max;
} BusSettled;

typedef struct
{
  guint64 hash;
  guint64 check; /* another hash of the same key */
  GList link;
  BusTaskState state;
} BusSettledId;

void bus_settled_init (BusSettled *settled, guint max);
void bus_settled_clear (BusSettled *settled);

/* The task with that key ended in @state. */
void bus_settled_add (BusSettled *settled, const BusKey *key, BusTaskState state);

/* NULL: unknown, or forgotten. */
const BusSettledId *bus_settled_find (const BusSettled *settled, const BusKey *key);
