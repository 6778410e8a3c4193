/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-record.h"

/*
 * The system's list of processes: what procmond needs of the operating system. posix/proc-source.c takes it from libgtop.
 *
 * A process may end between two calls; then the calls for it fail or leave fields at zero. proc-table copes with that.
 */

/* Once in a program, before and after everything else. */
void proc_source_init (void);
void proc_source_clear (void);

/* The numbers (guint32) of all processes, in any order; (transfer full). NULL: they can't be listed now. */
GArray *proc_source_list (void);

/* Fills everything but pid, start_time and exe. */
void proc_source_measure (guint32 pid, ProcRecord *record);
