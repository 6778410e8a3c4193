/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"

/*
 * The events system.task.{queued,leased,started,retry,expired,stale,quarantined,done}: what happened to a task, and why. They
 * carry the last steps of its history; nothing is built for an event without a subscriber.
 */

/* @verdict: of bus_task_on() for @event. A report of progress is no news. */
void bus_task_news_report (BusCore *core,
                           const BusTask *task,
                           BusTaskState before,
                           BusTaskEvent event,
                           guint verdict,
                           gint64 now_us);

/* A new task. */
void bus_task_news_queued (BusCore *core, const BusTask *task, gint64 now_us);
