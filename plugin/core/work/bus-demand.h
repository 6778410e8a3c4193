/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * A demand: all waiting tasks of an operation that ask the same of a member.
 *
 * They agree in type, target, tags, payload type, priority, the members whose zombies they have left, and in whether they run
 * alone. So any one of them, the *sample*, determines the capable members, and the question is asked once for each demand and
 * member, not for each task.
 *
 * Invariant: a demand has a task, which is its sample.
 */

/* The way in which a task shares its member. */
typedef enum
{
  BUS_DEMAND_SHARED,
  BUS_DEMAND_EXCLUSIVE, /* alone, because the submitter wants it */
  BUS_DEMAND_SUSPECT,   /* alone, because it may be dangerous */
} BusDemandMode;

typedef struct BusDemand
{
  guint hash;
  const BusTask *sample;
  GQueue tasks; /* BusTask, by the link of their place */
  struct BusPool *pool;
  GList pool_link;
} BusDemand;

BusDemandMode bus_demand_mode (const BusTask *task);

/* A table of demands by what their samples ask for. */
GHashTable *bus_demand_table_new (void);
/* NULL: there is none like @task. @seed: of the core */
BusDemand *bus_demand_find (GHashTable *demands, guint64 seed, const BusTask *task);
/* Makes one for @task, and adds the task. */
BusDemand *bus_demand_new (GHashTable *demands, guint64 seed, BusTask *task);
void bus_demand_add (BusDemand *demand, BusTask *task);
/* TRUE: it was the last task; its demand is not in the table any more, and the caller frees it. */
gboolean bus_demand_remove (GHashTable *demands, BusTask *task);
