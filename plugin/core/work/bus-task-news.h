/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * Publishes the events system.task.{queued,leased,started,retry,expired,stale,quarantined,done}: the changes of a task, each
 * with its cause. An event contains the last steps of the history of the task. Nothing is encoded for an event without a
 * subscriber.
 */

/* Publishes the change that @event caused, if the change has an event. @verdict: of bus_task_on() */
void bus_task_news_report (BusCore *core,
                           const BusTask *task,
                           BusTaskState before,
                           BusTaskEvent event,
                           guint verdict,
                           gint64 now_us);

/* Publishes a new task. */
void bus_task_news_queued (BusCore *core, const BusTask *task, gint64 now_us);
