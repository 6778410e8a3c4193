/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * What procmond reports of one process, and how the text that the process itself chose is made harmless and short.
 *
 * It reads nothing from the system; proc-source does.
 *
 * Invariant: all text is UTF-8.
 */

/*
 * A process chooses its own arguments, up to megabytes of them: unbounded, one of them could push a whole shard above the
 * largest payload, or above what a receiver unpacks, and so hide its neighbours and its own start. What is beyond is left
 * out, and PROC_COMMAND_LINE_CUT then stands as the last argument; no process can fake it, since backslashes are escaped.
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
