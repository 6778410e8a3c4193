/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * Isolation: a task that may have killed its member runs alone, so that the next death shows whose fault it is.
 *
 * When a member dies with several running tasks, each of them is a suspect. A suspect needs an idle member. To get one on a
 * busy host it *reserves* a member: that gets no other task until it is idle and the suspect has run. An exclusive task
 * reserves a member in the same way while none is idle; the exclusive run itself needs no reservation.
 *
 * Bounds: 16 suspects for each death, the longest-running ones; of the READY members that are capable of a task, one or a
 * quarter is reserved at once. A zombie keeps a reserved member from being idle for one run limit only: one that never
 * answers would otherwise keep the member from all work.
 *
 * Invariant: BusMember.reserved_for and BusTaskPlace.reserved name each other.
 */

#define BUS_SUSPECTS_MAX 16u /* for each death */

/* A member died while it ran @tasks, the longest-running first. Marks the suspects; returns their number, 0 when there was
 * only one task. */
guint bus_isolation_suspect (BusTask *const *tasks, guint n);

/* The task runs alone: it is a suspect or exclusive. */
static inline gboolean
bus_isolation_is_alone (const BusTask *task)
{
  return task->is_suspect || task->exclusive;
}

/* Another member of @members (element-type BusMember), which are capable of a task, may be reserved. */
gboolean bus_isolation_may_reserve (const GPtrArray *members);
/* Reserves the READY member with the fewest tasks. NULL: none is to be had, or the bound is reached */
BusMember *bus_isolation_reserve (const GPtrArray *members, BusTask *task, gint64 now_us);
void bus_isolation_hold (BusMember *member, BusTask *task, gint64 now_us);
void bus_isolation_release (BusTask *task);

/* The reserved member of @task runs nothing else, so the task can be offered to it. */
gboolean bus_isolation_is_idle (const BusTask *task, gint64 now_us);
/* Time from which zombies of the reserved member do not count. */
gint64 bus_isolation_due_us (const BusTask *task);
