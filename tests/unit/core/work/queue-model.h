/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue-world.h"

/*
 * A naive model of the queue of one operation: a list of tasks, which is searched anew for each lease.
 *
 * It knows the rules as the documents say them, and nothing of demands, pools and parking. It keeps its own turns, ages and
 * reservations; from the world it takes the members with their slots, and what the tasks ask for.
 *
 * The test calls a function here for each change that it makes at a task. model_next() says which task comes next, and which
 * members may get it.
 */

typedef struct Model Model;

Model *model_new (World *world);
void model_free (Model *model);

void model_insert (Model *model, BusTask *task);
void model_return (Model *model, BusTask *task);
/* It does not wait any more, or is parked. */
void model_remove (Model *model, BusTask *task);
void model_lease_ended (Model *model, BusTask *task);
/* It has other abilities, or is gone. */
void model_on_member (Model *model, const BusMember *member);
void model_pause (Model *model, gboolean is_paused);
void model_set_limit (Model *model, guint limit);
/* A slot came free. */
void model_give_back (Model *model);

/* NULL: no task can be placed. @members: (element-type BusMember): those that are as good as any */
BusTask *model_next (Model *model, GPtrArray *members);

/* @member, which is one of them, gets it. */
void model_place (Model *model, const BusTask *task, const BusMember *member);

/* Asserts that the queue of the operation has the same tasks in the same places. */
void model_compare (Model *model, const BusOperation *operation);
