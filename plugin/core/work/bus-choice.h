/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-strategy.h"
#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * Choice: which member gets a task, and why nobody does.
 *
 * A member is *capable* of a task if it advertises the operation for that payload type, takes the priority, has the tags, is
 * of the type or is the target that the task names, and holds no zombie of the task. That changes only with a registration or
 * a zombie. A capable member is *free* for it if it gets offers now, is not reserved for another task, and, for a task that
 * runs alone, has no other one. The strategy decides among the free ones; the member that had the task before comes last.
 *
 * The state of the choice is the member that was picked last, and random numbers from a seed: the same calls give the same
 * members.
 */

typedef struct
{
  BusStrategy strategy; /* DEFAULT: least loaded */
  guint64 last;         /* order of the member that was picked last; 0: none */
  guint64 chance;       /* state of the random numbers */
} BusChoice;

void bus_choice_init (BusChoice *choice, BusStrategy strategy, guint64 seed);

/* The same, apart from zombies. */
gboolean bus_choice_suits (const BusMember *member, const BusTask *task);
gboolean bus_choice_is_capable (const BusMember *member, const BusTask *task);
/* @member: capable of it */
gboolean bus_choice_is_free (const BusMember *member, const BusTask *task);

/* @members: (element-type BusMember): capable of @task, in order of registration. NULL: none is free */
BusMember *bus_choice_pick (BusChoice *choice, const GPtrArray *members, const BusTask *task);

/* The reason why @task waits if no member is free for it.
 * @members: (element-type BusMember): all that are registered */
BusWaitReason bus_choice_reason (const GPtrArray *members, const BusTask *task);
