/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * Provisional deaths: a member disconnected while it ran a task.
 *
 * A death is decided later: when the same incarnation has registered again within task_return_us, the task was only
 * interrupted; otherwise the death counts. With one death the task is offered again at once, because most members die for
 * reasons of their own. With two or more, or with its last attempt, it waits until all are counted, since it may be what kills
 * them.
 */

typedef struct
{
  BusCore *core;
  BusTask *task;
  char *member; /* GRefString */
  guint64 incarnation;
  gboolean was_proven; /* it had completed a task */
  BusTimer timer;
  GList task_link;
} BusDeath;

/* @member died with @task, which is QUEUED. */
void bus_death_note (BusCore *core, BusTask *task, const BusMember *member, gint64 now_us);

/* The time to register again is over: the death counts, and is freed. TRUE: it was none, because the member is back */
gboolean bus_death_end (BusDeath *death);

/* It has to wait until its provisional deaths are counted. */
gboolean bus_death_holds_back (const BusTask *task);

/* The task has ended, or its holder came back with it. */
void bus_death_forget (BusCore *core, BusTask *task);
