/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-message.h"
#include "proc-watch.h"

/*
 * Applies a report of the kernel to a watch, and makes the events that follow from it.
 *
 * A report comes later than the change it describes: since then the process may have executed something else or have ended, or
 * its number may be in use again. So a process is read only as the one of the report if its start time agrees with the time of
 * the report. A process that can't be read any more is reported with what the kernel has said: its number and its parent.
 *
 * A process ends with the last of its threads. If the first thread ends before, the process continues without it.
 */

/* @at: the time of the report, as a start time (proc_identity_start_time_at()). Adds to @events. Reports before the baseline are
 * ignored. */
void proc_report_apply (ProcWatch *watch, const ProcMessage *message, guint64 at, GArray *events);

/* Compares with a full table as proc_watch_look() does, and settles what reports have left open. */
GArray *proc_report_look (ProcWatch *watch, ProcTable *now);
