/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * A demand: all waiting tasks of an operation with the same requirements on a member.
 *
 * These tasks agree in type, target, tags, payload type, priority, the members that hold zombies of them, and in whether they
 * run alone. So one of them, the *sample*, determines the capable members for all, and capability is checked once for each pair
 * of demand and member, not for each task.
 *
 * Invariant: a demand has at least one task; its sample is one of its tasks.
 */

/* The way in which a task shares its member with other tasks. */
typedef enum
{
  BUS_DEMAND_SHARED,
  BUS_DEMAND_EXCLUSIVE, /* alone, because the submitter asked for it */
  BUS_DEMAND_SUSPECT,   /* alone, because it may have killed a member */
} BusDemandMode;

typedef struct BusDemand
{
  guint hash;
  const BusTask *sample;
  GQueue tasks; /* BusTask, by the link of their place */
  struct BusPool *pool;
  GList pool_link;
  GList **need; /* the list of bus-needs that contains it */
  GList need_link;
} BusDemand;

BusDemandMode bus_demand_mode (const BusTask *task);

/* A table of demands, with the requirements of their samples as keys. */
GHashTable *bus_demand_table_new (void);
/* Returns the demand for tasks like @task; NULL: none. @seed: of the core */
BusDemand *bus_demand_find (GHashTable *demands, guint64 seed, const BusTask *task);
/* Makes the demand for @task, and adds the task. */
BusDemand *bus_demand_new (GHashTable *demands, guint64 seed, BusTask *task);
void bus_demand_add (BusDemand *demand, BusTask *task);
/* Removes @task from its demand. TRUE: the demand has no task left and was removed from the table; the caller frees it. */
gboolean bus_demand_remove (GHashTable *demands, BusTask *task);
