/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-strategy.h"
#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * Choice: selects the member that gets a task, and gives the reason if a task has to wait.
 *
 * A member is *capable* of a task if it advertises the operation for the payload type of the task, accepts its priority, has
 * its tags, has the type or the id that the task names, and does not hold a zombie of the task. This changes only when the
 * member registers or updates its registration, and when a zombie begins or ends. A capable member is *free* for a task if it
 * may get an offer now and is not reserved for another task; for a task that runs alone all its slots must be free. The
 * strategy of the operation decides among the free members. A member that had the task before is selected only if no other
 * member is free.
 *
 * Invariant: the same calls select the same members, because the whole state is the member that was picked last, and a random
 * number generator with a seed.
 */

typedef struct
{
  BusStrategy strategy; /* DEFAULT: least loaded */
  guint64 last;         /* order of the member that was picked last; 0: none yet */
  guint64 chance;       /* state of the random number generator */
} BusChoice;

void bus_choice_init (BusChoice *choice, BusStrategy strategy, guint64 seed);

/* TRUE if @member is capable of @task, apart from zombies. */
gboolean bus_choice_suits (const BusMember *member, const BusTask *task);
/* TRUE if @member is capable of @task. */
gboolean bus_choice_is_capable (const BusMember *member, const BusTask *task);
/* The same, with its ability for the operation of the task. */
gboolean bus_choice_is_capable_by (const BusMember *member, const BusAbility *ability, const BusTask *task);
/* TRUE if @member, which is capable of @task, is free for it. */
gboolean bus_choice_is_free (const BusMember *member, const BusTask *task);

/* Selects the member for @task. NULL: none is free. @members: (element-type BusMember): the capable ones, in order of
 * registration */
BusMember *bus_choice_pick (BusChoice *choice, const GPtrArray *members, const BusTask *task);

/* Returns the reason for which @task waits while no member is free for it. @members: (element-type BusMember): all registered
 * members */
BusWaitReason bus_choice_reason (const GPtrArray *members, const BusTask *task);
