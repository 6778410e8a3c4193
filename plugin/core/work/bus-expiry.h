/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * Timers and cancels of tasks: they end the wait for a member that does not answer.
 *
 * A task has three timers. The first one depends on the state: it waits for the answer to an offer, for the next report of
 * progress, for the answer to a cancel, or for the end of a backoff. The second one is the run limit, the third one the
 * deadline of the task; once the task has ended, the third one ends the time for which its record is kept. A member that misses
 * a timer keeps its slot as a zombie, and its result is accepted until another member has the task.
 *
 * If the broker itself was late (it was frozen, or the machine was busy), this does not count against members: offers
 * and leases get a grace (bus-grace). Deadlines of tasks never move.
 */

/* A timer of @task has expired: of its state, its run limit, its deadline, its time without a submitter. */
void bus_expiry_due (BusCore *core, BusTask *task, gint64 now_us);
void bus_expiry_run_due (BusCore *core, BusTask *task, gint64 now_us);
void bus_expiry_deadline_due (BusCore *core, BusTask *task, gint64 now_us);
void bus_expiry_alone_due (BusCore *core, BusTask *task, gint64 now_us);

/* Cancels the task. @event: CANCEL or ALONE. Returns the verdict of bus_task_on(). */
guint bus_expiry_cancel (BusCore *core, BusTask *task, BusTaskEvent event, gint64 now_us);
