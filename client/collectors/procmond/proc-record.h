/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The record of one process, as procmond reports it, and the functions that escape and bound text which the process itself
 * chose.
 *
 * This module reads nothing from the system; proc-source and proc-identity do.
 *
 * Invariant: all text is valid UTF-8.
 */

/*
 * Bounds of a command line. A process chooses its own arguments, which may be megabytes long. Without a bound one process
 * could push a whole shard above the largest payload, or above the limits of the receiver, and so hide other processes and
 * its own start. Arguments beyond the bound are left out, and PROC_COMMAND_LINE_CUT is added as the last argument. A
 * process can't fake it, because backslashes are escaped.
 */
#define PROC_COMMAND_LINE_BYTES 8192u /* before escaping */
#define PROC_COMMAND_LINE_ARGS  256u
#define PROC_COMMAND_LINE_CUT   "\\cut"

typedef struct
{
  guint32 pid;
  guint32 ppid;
  guint32 uid;
  guint64 start_time; /* Linux: clock ticks since boot; elsewhere seconds since 1970 */
  guint64 cpu_time_us;
  guint64 resident_bytes;
  guint64 virtual_bytes;
  char *name;          /* UTF-8: other bytes are escaped as \xNN */
  char *exe;           /* "" when it can't be read */
  char **command_line; /* never NULL; bounded, see PROC_COMMAND_LINE_BYTES */
} ProcRecord;

void proc_record_free (ProcRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcRecord, proc_record_free)

/* Any bytes as UTF-8: bytes that are not valid, and backslashes, become \xNN. (transfer full) */
char *proc_text_escape (const char *bytes, gssize len);

/* Arguments as they are reported: escaped and bounded. @args: NULL-ended or NULL. (transfer full), never NULL. */
char **proc_command_line_bound (const char *const *args);
