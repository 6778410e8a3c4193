/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * The course of a task: the consequences of a change of its state, whichever module caused the change.
 *
 * A task that ends leaves its queue, its holders are asked to stop, its provisional deaths are forgotten, it moves to another
 * shelf of the store, and its submitters are notified. A task that is queued again gets its old place or a new one, or is held
 * back while deaths of its members are provisional. A counter that has reached its limit ends the task.
 *
 * The modules above report the events: bus-attempt (the holder answered), bus-expiry (timers), bus-leaving (members),
 * bus-submit (submitters and tools).
 *
 * Invariant: a task that has ended is in no queue and has no provisional death, and each holder that has not answered was sent
 * CANCEL.
 */

#define BUS_INTERRUPTIONS_MAX 16u

/* Applies the event, and its consequences. Returns the verdict of bus_task_on(). @member: (nullable): GRefString */
guint bus_course_on (BusCore *core, BusTask *task, BusTaskEvent event, char *member, gint64 now_us);
/* The same for the final answer of a holder. After a failure the task waits for its backoff, or for @retry_after_us if that is
 * longer. */
guint bus_course_on_answer (BusCore *core,
                            BusTask *task,
                            BusTaskEvent event,
                            char *member,
                            gint64 retry_after_us,
                            gint64 now_us);

typedef enum
{
  BUS_PLACE_OLD, /* no attempt was counted, so the task keeps its place */
  BUS_PLACE_NEW,
} BusQueuePlace;

/* The task, which is QUEUED, waits for a member from now on, unless it is held. */
void bus_course_queue (BusCore *core, BusTask *task, BusQueuePlace place);

/* The task, which is QUEUED, gets no offer until @until_us, because its last holder (if it has one) may return with it. If it
 * waits already, the later end counts. */
void bus_course_await_holder (BusCore *core, BusTask *task, gint64 until_us);
/* The holder has not returned with the task: the task waits for any member again. */
void bus_course_stop_awaiting (BusCore *core, BusTask *task);

/* Ends the task if no attempt is left, or if it is poison: it died on two members with different ids, one of which had completed a
 * task before. Called after a counter was raised. @is_failure: the holder reported a failure. TRUE: the task has ended */
gboolean bus_course_check (BusCore *core, BusTask *task, gboolean is_failure, gint64 now_us);

/* Ends the task if it was interrupted too often. Interruptions are no fault of the task, so they count apart from attempts.
 * TRUE: the task has ended */
gboolean bus_course_check_interruptions (BusCore *core, BusTask *task, gint64 now_us);

/* Frees the task, which has ended; only its outcome is kept (bus-settled). */
void bus_course_forget (BusCore *core, BusTask *task);
