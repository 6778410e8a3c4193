/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-deadline.h"
#include "base/bus-limits.h"
#include "work/bus-operation.h"

/*
 * All operations: found by name, and served in turn.
 *
 * An operation is made for its first task, or when it is paused or limited before its first task. When it has no task and no slot
 * in use any more, it is kept for its settings and counters, up to a bound on the number of names; above the bound, the unused
 * operation without settings that got a task least recently is freed.
 *
 * An account may use at most half of the names, so it can neither use up the bound nor free the operations of all others. It uses
 * the name of each operation that has a task of it; a name without a task belongs to the account that used it last, or that
 * made it for its settings. Above its half, an account first frees unused operations of its own.
 *
 * The slots of a member are shared by all its operations. So the operation whose last lease is the oldest is served first;
 * otherwise one busy operation could take every slot, however fair each operation is to its own tasks.
 *
 * Invariant: an operation that has a task, a slot in use or a setting is never freed.
 */

typedef struct BusOperations
{
  BusOperationShared shared;
  guint max;           /* the most names */
  GHashTable *by_name; /* BusKey -> BusOperation */
  GQueue list;         /* BusOperation, by their link; the one that got a task last is at the end */
  guint64 last_lease;
  guint64 last_order;
} BusOperations;

BusOperations *bus_operations_new (guint64 seed, guint max, BusDeadlineSet *deadlines, const gint64 *now_us);
/* Asserts that no task belongs to an operation. */
void bus_operations_free (BusOperations *operations);

/* Returns the operation of that name, and makes it for @account if needed. NULL: there are too many names, see
 * bus_operations_explain() */
BusOperation *bus_operations_get (BusOperations *operations, const BusKey *name, guint32 account);
/* Returns the operation of that name; NULL: none. */
BusOperation *bus_operations_find (BusOperations *operations, const BusKey *name);

/* The task belongs to the operation of its name until bus_operations_leave(). FALSE: there are too many names, see
 * bus_operations_explain(). */
gboolean bus_operations_join (BusOperations *operations, BusTask *task);
void bus_operations_leave (BusTask *task);

/* Explains the refusal of a name of @account. Returns a text for the peer; @excess: the bound that is reached */
const char *bus_operations_explain (const BusOperations *operations, guint32 account, BusExcess *excess);

/* A member has changed: it is new or GONE, or its abilities, state or room have changed. */
void bus_operations_on_member (BusOperations *operations, BusMember *member);
/* Only the room or the reservation of the member has changed. */
void bus_operations_on_room (BusOperations *operations, const BusMember *member);

/* Takes out the next task of all operations for which a member is free. NULL: there is none */
BusTask *bus_operations_next (BusOperations *operations, BusMember **member);
