/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue-world.h"

/*
 * A naive model of the queue of one operation: a list of tasks, which is searched again for each lease.
 *
 * The model implements the rules as the documents describe them, without demands, pools and parking. It keeps its own turns, ages
 * and reservations; it reads the members with their slots, and the requirements of the tasks, from the world.
 *
 * The test calls a function of the model for each change of a task. model_next() returns the next task, and the members that may
 * get it.
 */

typedef struct Model Model;

Model *model_new (World *world);
void model_free (Model *model);

void model_insert (Model *model, BusTask *task);
void model_return (Model *model, BusTask *task);
/* The task does not wait any more, or is parked. */
void model_remove (Model *model, BusTask *task);
void model_lease_ended (Model *model, BusTask *task);
/* The abilities of the member have changed, or the member has left. */
void model_on_member (Model *model, const BusMember *member);
void model_pause (Model *model, gboolean is_paused);
void model_set_limit (Model *model, guint limit);
/* A slot has become free. */
void model_give_back (Model *model);

/* NULL: no task can be placed. @members: (element-type BusMember): all members that are equally suitable */
BusTask *model_next (Model *model, GPtrArray *members);

/* @member, which is one of these members, gets the task. */
void model_place (Model *model, const BusTask *task, const BusMember *member);

/* Asserts that the queue of the operation has the same tasks at the same places. */
void model_compare (Model *model, const BusOperation *operation);
