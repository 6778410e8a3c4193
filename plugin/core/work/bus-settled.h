/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "work/bus-task-state.h"

/*
 * Settled ids: the outcome of tasks whose record is not kept any more.
 *
 * A submitter that repeats such a task gets its outcome without a payload, and the task does not run again. Only two hashes of
 * the key are kept, not the key itself: 64 bytes for each id. If there are too many ids, the oldest ones are forgotten.
 */

typedef struct
{
  GHashTable *by_hash; /* BusSettledId, by hash */
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

/* Adds the task with that key, which ended in @state. */
void bus_settled_add (BusSettled *settled, const BusKey *key, BusTaskState state);

/* Returns the outcome of the task with that key; NULL: unknown, or forgotten. */
const BusSettledId *bus_settled_find (const BusSettled *settled, const BusKey *key);
