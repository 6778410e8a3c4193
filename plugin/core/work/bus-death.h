/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * Provisional deaths: a connection ended while its member ran a task, and it is not known yet whether the process died.
 *
 * If the same incarnation registers again within task_return_us, the connection broke, and the task was only interrupted.
 * Otherwise the death counts as an attempt of the task. A task with one death is offered again at once, because most collectors
 * die for reasons of their own. A task with two deaths, or with a death in its last attempt, waits until none of them is
 * provisional: it may be the cause of the deaths, and would kill another collector.
 *
 * Invariant: a provisional death belongs to a live task, and its timer is armed.
 */

typedef struct
{
  BusCore *core;
  BusTask *task;
  char *member; /* GRefString */
  guint64 incarnation;
  gboolean was_proven; /* the member had completed a task since it registered */
  BusTimer timer;
  GList task_link;
} BusDeath;

/* Notes that the connection of @member ended while it ran @task, which is QUEUED now. */
void bus_death_note (BusCore *core, BusTask *task, const BusMember *member, gint64 now_us);

/* The time to register again is over. Counts the death, or an interruption if the member is back, and frees @death. TRUE: the
 * member is back */
gboolean bus_death_end (BusDeath *death);

/* TRUE if the task must not be offered before its provisional deaths are decided. */
gboolean bus_death_holds_back (const BusTask *task);

/* Forgets all provisional deaths: the task has ended, or its holder has returned with it. */
void bus_death_forget (BusCore *core, BusTask *task);
