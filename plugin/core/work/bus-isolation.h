/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * Isolation: a task that may have killed its member runs alone, so that the next death shows which task is the cause.
 *
 * When a member dies with several running tasks, each of them is a *suspect*. A suspect needs a member without other tasks. On
 * a busy host every member may always have tasks, so the suspect *reserves* one: this member gets no other task until it is
 * idle and the suspect has run. An exclusive task reserves a member in the same way while no member is idle; once it runs it
 * needs no reservation.
 *
 * Bounds: at most 16 suspects for each death, the longest-running tasks. At most a quarter of all READY members are reserved at
 * a time, but one may always be; the same applies to the members that are capable of a task. If only the first bound prevents a
 * reservation, the task waits until a reservation ends or another member is READY. A zombie prevents its reserved member from being
 * idle for one run limit only; otherwise a zombie that never answers would keep the member from all work.
 *
 * Invariant: BusMember.reserved_for and BusTaskPlace.reserved refer to each other.
 */

#define BUS_SUSPECTS_MAX 16u /* of one death */

/* A member died while it ran @tasks, the longest-running first. Marks the suspects. Returns their number: 0 if there was only
 * one task. */
guint bus_isolation_suspect (BusTask *const *tasks, guint n);

/* TRUE if the task runs alone: it is a suspect, or exclusive. */
static inline gboolean
bus_isolation_is_alone (const BusTask *task)
{
  return task->is_suspect || task->exclusive;
}

/* TRUE if the bound allows reserving another one of @members. @members: (element-type BusMember): all members, or all that are
 * capable of a task */
gboolean bus_isolation_may_reserve (const GPtrArray *members);
/* Reserves the READY member with the fewest used slots. NULL: there is none that is not reserved. @members: the capable ones */
BusMember *bus_isolation_reserve (const GPtrArray *members, BusTask *task, gint64 now_us);
/* Reserves @member for @task; releases the member of @task. */
void bus_isolation_hold (BusMember *member, BusTask *task, gint64 now_us);
void bus_isolation_release (BusTask *task);

/* TRUE if the reserved member of @task has no other task, so that the task can be offered to it. */
gboolean bus_isolation_is_idle (const BusTask *task, gint64 now_us);
/* The time after which zombies of the reserved member do not count. */
gint64 bus_isolation_due_us (const BusTask *task);
