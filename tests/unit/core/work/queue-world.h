/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-operations.h"

/*
 * A world for the queue of tasks: members without connections, tasks without a store, and leases that the test ends.
 *
 * A lease starts at once. world_clear() ends all leases, tasks and members, and asserts that the queues are empty.
 */

#define WORLD_ACCOUNTS 4u
#define WORLD_SEED     G_GUINT64_CONSTANT (77)

typedef struct
{
  BusTask *task;
  BusMember *member;
  gboolean is_zombie; /* the task waits again, or has ended */
  gboolean is_over;   /* of a zombie: the task has ended */
} WorldLease;

typedef struct
{
  BusOperations *operations;
  BusDeadlineSet deadlines;
  gint64 now_us;
  BusAccount accounts[WORLD_ACCOUNTS];
  GPtrArray *members; /* BusMember */
  GPtrArray *tasks;   /* BusTask, in order of submission, until they have ended */
  GPtrArray *leases;  /* WorldLease */
  guint64 last_sequence;
  guint64 last_registration;
} World;

void world_init (World *world);
void world_clear (World *world);

/* Abilities, tags and type may be changed before world_update(). */
BusMember *world_member (World *world, const char *id, const char *type, const char *operation, guint slots);
BusAbility *world_ability (BusMember *member, const char *operation);
/* To be called after abilities, priorities or tags of @member were changed. */
void world_update (World *world, BusMember *member);
/* To be called after the state or the slots of @member were changed. */
void world_touch (World *world, BusMember *member);
/* Removes @member. Its leases end first, so their tasks wait again. */
void world_lose_member (World *world, BusMember *member);

/* Makes a task that has joined its operation, but does not wait yet. */
BusTask *world_new_task (World *world, const BusTaskSpec *spec, guint account);
/* Makes a task that waits and has only an operation, an account and a priority. */
BusTask *world_submit (World *world, const char *operation, guint account, guint priority);
/* Ends a task that waits, or that does not wait yet. */
void world_end_task (World *world, BusTask *task);

/* @member starts to run @task, which the queue has selected for it. */
WorldLease *world_start (World *world, BusTask *task, BusMember *member);
/* Makes the next lease of all operations. NULL: no task can be placed. */
WorldLease *world_lease (World *world);
/* The holder has answered and the task has ended. */
void world_finish (World *world, WorldLease *lease);
/* The next lease is that of @task, which ends. */
void world_assert_next (World *world, const BusTask *task);
/* Ends the lease; the task returns to its old place. */
void world_give_back (World *world, WorldLease *lease);
/* Makes the lease a zombie: the task waits again, or has ended (@is_over); the slot stays in use. */
void world_expire (World *world, WorldLease *lease, gboolean is_over);
/* The holder of a zombie answers. */
void world_answer_zombie (World *world, WorldLease *lease);

void world_advance (World *world, gint64 us);

/* Returns the operation of that name, and makes it for the first account if needed. */
BusOperation *world_operation (World *world, const char *name);
