/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * Time and cancels: what ends the wait for a member.
 *
 * A task has three timers. That of its state stands for the answer to an offer, the next report of progress, the answer to a
 * cancel, or the end of a backoff; the second for the run limit; the third for its deadline, and after its end for the time that
 * it is kept. A member that is late keeps its slot as a zombie, and its result counts until another member has the task.
 *
 * A broker that was itself late (it was frozen, or the machine was busy) does not take that out on the members: offers and
 * leases get a grace (bus-grace). Deadlines of tasks never move.
 */

/* Timers of a task. */
void bus_expiry_due (BusCore *core, BusTask *task, gint64 now_us);
void bus_expiry_run_due (BusCore *core, BusTask *task, gint64 now_us);
void bus_expiry_deadline_due (BusCore *core, BusTask *task, gint64 now_us);
void bus_expiry_alone_due (BusCore *core, BusTask *task, gint64 now_us);

/* @event: CANCEL or ALONE. Returns what bus_task_on() does. */
guint bus_expiry_cancel (BusCore *core, BusTask *task, BusTaskEvent event, gint64 now_us);
