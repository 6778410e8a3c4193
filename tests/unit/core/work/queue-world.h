/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-operations.h"

/*
 * A world for the queue of tasks: members without connections, tasks without a store, and leases that the test ends.
 *
 * A lease is started at once. world_clear() ends everything and asserts that nothing is left in the queues.
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
/* Its abilities, priorities or tags were changed. */
void world_update (World *world, BusMember *member);
/* Its state or slots were changed. */
void world_touch (World *world, BusMember *member);
/* Its leases end first: the tasks wait again. */
void world_lose_member (World *world, BusMember *member);

/* A task of operation @operation that has joined it and is nowhere. */
BusTask *world_new_task (World *world, const BusTaskSpec *spec, guint account);
/* The same, with a priority only, and it waits. */
BusTask *world_submit (World *world, const char *operation, guint account, guint priority);
/* It waited, or was nowhere. */
void world_end_task (World *world, BusTask *task);

/* @member runs @task, which the queue gave out for it. */
WorldLease *world_start (World *world, BusTask *task, BusMember *member);
/* The next lease of all operations. NULL: no task can be placed */
WorldLease *world_lease (World *world);
/* The holder has answered and the task has ended. */
void world_finish (World *world, WorldLease *lease);
/* The task returns to its old place. */
void world_give_back (World *world, WorldLease *lease);
/* The task waits again, or has ended; the slot stays in use. */
void world_expire (World *world, WorldLease *lease, gboolean is_over);
/* The holder of a zombie answers. */
void world_bury (World *world, WorldLease *lease);

void world_advance (World *world, gint64 us);
