/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-message.h"
#include "proc-watch.h"

/*
 * Applies a report of the kernel to a watch, and creates the events that follow from it.
 *
 * A report arrives later than the change that it describes. In the meantime the process may have executed another program or
 * ended, and another process may have its number. So data that is read now is used only if the start time of the process matches
 * the time of the report. The event of a process that can't be read any more contains only the data in the report: its number and
 * its parent.
 *
 * A process can change its name several hundred thousand times in a second, which is faster than it can be read. So a report of
 * another name is only noted. The process is read before its next report of another kind, or when no further report waits.
 *
 * A process ends with its last thread. If the first thread ends earlier, the process continues without it.
 */

/* Adds the resulting events to @events. Reports from before the baseline are ignored. @at: the time of the report, as a start time
 * (proc_identity_start_time_at()). */
void proc_report_apply (ProcWatch *watch, const ProcMessage *message, guint64 at, GArray *events);

/* Reads the processes that have reported another name since the last call, each once. Call it when no further report waits. */
void proc_report_settle (ProcWatch *watch, GArray *events);

/* Compares with a full table as proc_watch_compare() does, and reports changes that the kernel's reports have left undecided. */
GArray *proc_report_compare (ProcWatch *watch, ProcTable *now);
