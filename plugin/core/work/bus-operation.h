/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-choice.h"
#include "work/bus-pools.h"

/*
 * The queue of one operation: selects the task that is next, and the member that gets it.
 *
 * All tasks with the name of the operation are in one order, also if they require different types of members: the highest priority
 * first; at one priority the accounts in turn; of one account in order of submission. Every eighth lease is given to the task that
 * has been eligible for longest, so neither priorities nor a flood of tasks can keep another task waiting forever. Tasks for which
 * no capable member is free are skipped, and cost nothing until a member changes (see bus-pools).
 *
 * A task that is queued again without a counted attempt gets its old place: it keeps its age, and its account keeps its turn.
 *
 * This module knows nothing of leases: it takes a task out of the queue for a member, and counts slots for the limit of the
 * operation until they are given back. An offer, a running task and a zombie use a slot each.
 *
 * Invariant: between two input calls, `n_slots` is the number of leases of its tasks, zombies included.
 */

#define BUS_LEASES_BY_AGE 8u /* one lease of so many is given to the oldest task */

/* State that all operations of a broker share. */
typedef struct
{
  guint64 seed;
  BusDeadlineSet *deadlines; /* of the core */
  const gint64 *now_us;      /* of the core */
  BusPoolSpares spares;      /* of the pools of all operations */
  GPtrArray *members;        /* BusMember that are not gone, in order of registration */
  GQueue awake;              /* BusOperation that may have a task to place, by their awake_link */
  GQueue at_bound;           /* BusOperation with tasks that wait for the bound of reservations, by their bound_link */
  GPtrArray *released; /* BusMember that are not reserved any more; bus-operations notifies all operations of each */
} BusOperationShared;

/* An account that uses the name of an operation; see bus-operations. */
typedef struct
{
  guint32 account;
  guint n_tasks; /* its tasks that belong to the operation; 0: it is the last account that used the name */
} BusOperationUser;

typedef struct BusOperation
{
  BusOperationShared *all;
  char *name;
  BusKey key; /* the name */
  gboolean is_paused;
  guint limit; /* slots in use at a time on all members; 0: no bound */
  BusChoice choice;

  BusPools pools;
  GQueue reserved; /* BusTask, by the link of their place */
  BusTimer reservation_timer;

  GArray *users;                      /* BusOperationUser: bus-operations fills it */
  guint n_tasks;                      /* tasks that belong to it */
  guint n_slots;                      /* slots in use by its tasks */
  guint n_tasks_at[BUS_N_TASK_WHERE]; /* n_tasks by place */
  guint64 last_age;
  guint until_aged; /* leases until the next one of the oldest task */
  guint64 served;   /* number of its last lease; all operations count together */
  guint64 n_leases;
  guint64 n_succeeded; /* bus-course counts this and the next two */
  guint64 n_failed;    /* failed, timed out and quarantined ones */
  guint64 n_cancelled;
  GList link;       /* in the list of all operations */
  GList awake_link; /* in the list of operations that may have a task to place */
  GList bound_link; /* in the list of operations that wait for the bound of reservations */
  gboolean is_awake;
  gboolean is_at_bound;
} BusOperation;

/* Made and freed by bus-operations. */
BusOperation *bus_operation_new (BusOperationShared *all, const BusKey *name);
void bus_operation_free (BusOperation *operation);

/* --- tasks: all of them belong to the operation, see bus_operations_join() --- */

/* The task, which has no place in a queue yet, is eligible from now on. */
void bus_operation_insert (BusTask *task);
/* The task returns to the place that it had before it was taken out. */
void bus_operation_return (BusTask *task);
/* The task is not offered for now: HELD or LATER. */
void bus_operation_park (BusTask *task, BusTaskWhere where);
/* Removes the task from its place. Does nothing if it has none. */
void bus_operation_remove (BusTask *task);

/* @member holds a zombie of @task, which is not offered to it meanwhile. */
void bus_operation_avoid (BusTask *task, BusMember *member);
/* The zombie is gone. Does nothing if there was none. */
void bus_operation_allow (BusTask *task, BusMember *member);

/* Takes out the next task for which a member is free. NULL: there is none now, and the operation is not asked again until
 * something changes. The lease uses a slot until bus_operation_give_back(). The caller counts the offer of the member before the
 * next call. */
BusTask *bus_operation_next (BusOperation *operation, BusMember **member);
/* A member that has the task already gets a lease of it: the task leaves the queue and uses a slot, even above the limit of the
 * operation. */
void bus_operation_adopt (BusTask *task);
/* The lease of @task has ended: the reservation of its member ends. The slot may stay in use. No call is needed for a task that
 * is queued again, parked, or leaves the operation. */
void bus_operation_lease_ended (BusTask *task);
/* A slot is free again. */
void bus_operation_give_back (BusOperation *operation);

/* The reason for which @task waits; NONE: it does not wait. */
BusWaitReason bus_operation_wait_reason (const BusTask *task);

/* --- settings --- */

/* Pauses the operation, or resumes it. A pause ends its reservations. */
void bus_operation_pause (BusOperation *operation, gboolean is_paused);
void bus_operation_set_limit (BusOperation *operation, guint limit);
void bus_operation_set_strategy (BusOperation *operation, BusStrategy strategy);

/* --- members: called by bus-operations --- */

/* @member is new, has other abilities, or is gone, in which case it counts as capable of nothing. */
void bus_operation_on_member (BusOperation *operation, BusMember *member, gboolean is_gone);
/* @member has room, is idle, or its state has changed. */
void bus_operation_on_room (BusOperation *operation, const BusMember *member);
/* The operation waits for the bound of reservations, which allows another one now. */
void bus_operation_on_bound (BusOperation *operation);
/* The timer of the reservations has expired. */
void bus_operation_on_timer (BusOperation *operation);
