/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-record.h"

/*
 * The processes of the operating system: their numbers, and figures about each. posix/proc-source.c reads both with
 * libgtop, and arguments with proc-identity.
 *
 * A process may end between two calls. Later calls leave its fields unknown; proc-table detects that.
 */

/* A program calls the first function once before all others, and the second one once after them. FALSE with @error: this system
 * does not provide the data that libgtop needs, and the other functions must not be called. */
gboolean proc_source_init (GError **error);
void proc_source_clear (void);

/* Returns the numbers (guint32) of all processes, in any order. NULL: they can't be listed now. (transfer full) */
GArray *proc_source_list (void);

/* FALSE: no process has this number. TRUE also if the process belongs to another user or is hidden. */
gboolean proc_source_exists (guint32 pid);

/* Fills all fields except pid, start_time and exe. Fields that can't be read are marked as unknown. */
void proc_source_measure (guint32 pid, ProcRecord *record);
