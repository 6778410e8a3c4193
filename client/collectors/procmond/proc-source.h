/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-record.h"

/*
 * The processes of the operating system: their numbers, and figures about each. posix/proc-source.c reads both with
 * libgtop.
 *
 * A process may end between two calls. Calls for it fail then, or leave fields at zero; proc-table detects that.
 */

/* Call each once in a program, before and after all other functions. */
void proc_source_init (void);
void proc_source_clear (void);

/* The numbers (guint32) of all processes, in any order; (transfer full). NULL: they can't be listed now. */
GArray *proc_source_list (void);

/* Fills all fields except pid, start_time and exe. */
void proc_source_measure (guint32 pid, ProcRecord *record);
