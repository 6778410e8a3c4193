/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-lease.h"

/*
 * Timers and cancels of tasks: they end the wait for a member that does not answer.
 *
 * A task has four timers. The first one depends on the state: it waits for the answer to an offer, for the next report of
 * progress, for the answer to a cancel, for the end of a delay, or for the holder that may register again. The second one is the
 * run limit. The third one is the deadline of the task; once the task has ended, it ends the time for which the record is kept.
 * The fourth one runs while no submitter is attached to a task that has asked to be cancelled then. A member that does not answer
 * in time keeps its slot as a zombie, and its result is accepted until another member has the task.
 *
 * If the broker itself was late (it was frozen, or the machine was busy), this does not count against members: offers and leases
 * get a grace (bus-grace), which an adoption keeps. Deadlines of tasks never move.
 *
 * Invariant: when a timer is due, the task is in a state for which the timer was armed, because bus_task_on() stops the timers of
 * the state that a task leaves.
 */

/* A timer of @task has expired: of its state, its run limit, its deadline, its time without a submitter. */
void bus_expiry_due (BusCore *core, BusTask *task, gint64 now_us);
void bus_expiry_run_due (BusCore *core, BusTask *task, gint64 now_us);
void bus_expiry_deadline_due (BusCore *core, BusTask *task, gint64 now_us);
void bus_expiry_alone_due (BusCore *core, BusTask *task, gint64 now_us);
/* The run limit of a zombie is over (bus_lease_limit()): it is asked to stop. */
void bus_expiry_lease_due (BusCore *core, BusLease *lease);

/* Cancels the task. @event: CANCEL or ALONE. Returns the verdict of bus_task_on(). */
guint bus_expiry_cancel (BusCore *core, BusTask *task, BusTaskEvent event, gint64 now_us);
