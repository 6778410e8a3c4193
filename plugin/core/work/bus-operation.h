/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-choice.h"
#include "work/bus-pools.h"

/*
 * The queue of one operation name: which task is next, and which member gets it.
 *
 * All tasks of the name are in one order, whatever type they ask for: the highest priority; among its accounts in turn; of
 * one account in order of submission. Every eighth lease is that of the task that has been eligible for longest, so no
 * priority and no flood of tasks keeps another task waiting forever. Tasks that no free member is capable of are skipped, and
 * cost nothing while nothing changes (see bus-pools).
 *
 * A task that comes back without a counted attempt returns to its old place: the same age, the same turn of its account.
 *
 * This module knows nothing of leases: it takes a task out for a member, and counts slots for the limit of the operation until
 * they are given back. A slot is that of an offer, of a running task, or of a zombie.
 */

#define BUS_LEASES_BY_AGE 8u /* every so many-th lease is that of the oldest task */

/* State that the operations of a broker share. */
typedef struct
{
  guint64 seed;
  BusDeadlineSet *deadlines; /* of the core */
  const gint64 *now_us;      /* of the core */
  GPtrArray *members;        /* BusMember that are not gone, in order of registration */
  GQueue awake;              /* BusOperation that may have a task to place, by their awake_link */
  GPtrArray *released; /* BusMember that are not reserved any more; bus-operations has to notify all their operations */
} BusOperationShared;

typedef struct BusOperation
{
  BusOperationShared *all;
  char *name;
  BusKey key; /* of the name */
  gboolean is_paused;
  guint limit; /* tasks at once on all members; 0: no bound */
  BusChoice choice;

  BusPools pools;
  GQueue reserved; /* BusTask, by the link of their place */
  BusTimer reservation_timer;

  guint n_tasks;                      /* that belong to it */
  guint n_slots;                      /* that its tasks use */
  guint n_tasks_at[BUS_N_TASK_WHERE]; /* its tasks, by where they are */
  guint64 last_age;
  guint until_aged; /* leases before that of the oldest task */
  guint64 served;   /* number of its last lease among those of all operations */
  guint64 n_leases;
  guint64 n_succeeded; /* bus-lease */
  guint64 n_failed;    /* timed out and quarantined ones, too */
  guint64 n_cancelled;
  GList link;       /* in the list of all */
  GList awake_link; /* in the list of those that may have a task to place */
  gboolean is_awake;
} BusOperation;

/* Made and freed by bus-operations. */
BusOperation *bus_operation_new (BusOperationShared *all, const BusKey *name);
void bus_operation_free (BusOperation *operation);

/* --- tasks: all of them belong to the operation, see bus_operations_join() --- */

/* The task is eligible from now on. */
void bus_operation_insert (BusTask *task);
/* The task returns to the place that it had before it was taken out. */
void bus_operation_return (BusTask *task);
/* The task is not queued for now: HELD or LATER. */
void bus_operation_park (BusTask *task, BusTaskWhere where);
/* The task is not queued any more. Harmless when it is nowhere. */
void bus_operation_remove (BusTask *task);

/* @member holds a zombie of @task, which is not offered to it. */
void bus_operation_avoid (BusTask *task, BusMember *member);
/* The zombie is gone. Harmless when there was none. */
void bus_operation_allow (BusTask *task, BusMember *member);

/* Takes out the next task that a member is free for. NULL: there is none now; the operation sleeps until something changes.
 * The lease uses a slot until bus_operation_give_back(). The caller counts the offer of the member before the next call. */
BusTask *bus_operation_next (BusOperation *operation, BusMember **member);
/* A member that has the task already gets a lease of it: the task is not queued any more, and uses a slot, also above the limit of
 * the operation. */
void bus_operation_adopt (BusTask *task);
/* The lease of @task has ended: if it ran alone, its member is open to others again. Its slot may stay in use. A task that is
 * queued again, parked, or leaves the operation needs no call. */
void bus_operation_lease_ended (BusTask *task);
/* A slot is free. */
void bus_operation_give_back (BusOperation *operation);

BusWaitReason bus_operation_wait_reason (const BusTask *task);

/* --- settings --- */

/* Reservations of a paused operation end. */
void bus_operation_pause (BusOperation *operation, gboolean is_paused);
void bus_operation_set_limit (BusOperation *operation, guint limit);
void bus_operation_set_strategy (BusOperation *operation, BusStrategy strategy);

/* --- members: called by bus-operations --- */

/* @member is new, has other abilities, or is gone: then it is capable of nothing. */
void bus_operation_on_member (BusOperation *operation, BusMember *member, gboolean is_gone);
/* It has room, or is idle, or its state has changed. */
void bus_operation_on_room (BusOperation *operation, const BusMember *member);
/* A timer of a reservation. */
void bus_operation_on_timer (BusOperation *operation);
