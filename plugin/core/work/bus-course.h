/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * The course of a task: what follows whenever its state changes, whatever changed it.
 *
 * The end of a task takes it out of its queue, stops its holders, forgets provisional deaths, moves it to its shelf, and is
 * reported to its submitters. A task that is queued again waits in its old place or in a new one, or is held back while its
 * deaths are not counted. Counters that rose may end it.
 *
 * The modules above say what happened: bus-attempt (the holder answered), bus-expiry (time), bus-leaving (members), bus-submit
 * (submitters and tools).
 */

#define BUS_INTERRUPTIONS_MAX 16u

/* Applies the event and does what follows it. Returns what bus_task_on() does. @member: (nullable): GRefString */
guint bus_course_on (BusCore *core, BusTask *task, BusTaskEvent event, char *member, gint64 now_us);
/* The same of the last answer of a holder. After a failure the task waits for the backoff, or for @retry_after_us if that is longer. */
guint bus_course_on_answer (BusCore *core,
                            BusTask *task,
                            BusTaskEvent event,
                            char *member,
                            gint64 retry_after_us,
                            gint64 now_us);

typedef enum
{
  BUS_PLACE_OLD, /* nothing was counted, so it does not lose its place */
  BUS_PLACE_NEW,
} BusQueuePlace;

/* It is QUEUED: it waits for a member from now on, unless it is held. */
void bus_course_queue (BusCore *core, BusTask *task, BusQueuePlace place);

/* It is QUEUED: it gets no offer until @until_us, because its last holder, if it has one, may come back. Harmless when it waits
 * already: only the time may be longer then. */
void bus_course_await_holder (BusCore *core, BusTask *task, gint64 until_us);
/* The holder has not come back with it. */
void bus_course_stop_awaiting (BusCore *core, BusTask *task);

/* A counter rose: ends the task when no attempt is left. @is_failure: the holder reported a failure. TRUE: it has ended */
gboolean bus_course_check (BusCore *core, BusTask *task, gboolean is_failure, gint64 now_us);

/* It was interrupted, which is not its own fault. TRUE: that happened too often, and it has ended */
gboolean bus_course_check_interruptions (BusCore *core, BusTask *task, gint64 now_us);

/* Its record is not kept any more. */
void bus_course_forget (BusCore *core, BusTask *task);
