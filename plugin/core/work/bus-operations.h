/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-deadline.h"
#include "work/bus-operation.h"

/*
 * All operations: by name, and in turn.
 *
 * An operation exists from its first task. When it has no task and no slot any more it is kept for its settings and counters,
 * up to a bound on the number of names; then the one that has been idle for longest, and has no settings, is freed.
 *
 * Members serve several operations from the same slots. So the operation whose last lease is the oldest is served first:
 * fairness within an operation is worth nothing if another one takes every slot.
 */

typedef struct BusOperations
{
  BusOperationShared shared;
  guint max;           /* names */
  GHashTable *by_name; /* BusKey -> BusOperation */
  GQueue list;         /* BusOperation, by their link; the one that got a task last is the last */
  guint64 last_lease;
  guint64 last_order;
} BusOperations;

BusOperations *bus_operations_new (guint64 seed, guint max, BusDeadlineSet *deadlines, const gint64 *now_us);
/* No task may belong to an operation any more. */
void bus_operations_free (BusOperations *operations);

/* The operation of that name; it is made if need be. NULL: there are too many names */
BusOperation *bus_operations_get (BusOperations *operations, const BusKey *name);
/* NULL: there is none. */
BusOperation *bus_operations_find (BusOperations *operations, const BusKey *name);

/* The task belongs to the operation of its name until bus_operations_leave(). FALSE: there are too many names. */
gboolean bus_operations_join (BusOperations *operations, BusTask *task);
void bus_operations_leave (BusTask *task);

/* Something about a member is different: it is new, its abilities, state or room have changed, or it is GONE. */
void bus_operations_on_member (BusOperations *operations, BusMember *member);
/* Its room or reservation has changed, nothing else. */
void bus_operations_on_room (BusOperations *operations, const BusMember *member);

/* Takes out the next task of all operations that a member is free for. NULL: there is none */
BusTask *bus_operations_next (BusOperations *operations, BusMember **member);
