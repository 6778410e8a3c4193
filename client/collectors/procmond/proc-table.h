/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The processes of this machine, as they are now.
 *
 * libgtop lists and measures them. On Linux the start time is field 22 of /proc/PID/stat and the executable comes by
 * readlink, since libgtop rounds the one and cuts the other. A process that goes while it is read is counted, never
 * reported by halves: the start time is read first and again at the end, and the two must agree.
 *
 * Invariant: (pid, start_time) names a process for good; a table holds each once, in order of pid.
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

typedef struct
{
  GPtrArray *records; /* of ProcRecord */
  guint vanished;     /* listed, but gone before they could be read */
} ProcTable;

/* Only processes with pid % shards == shard; shards of 0 or 1: all. NULL: they can't be listed now. */
ProcTable *proc_table_read (guint shard, guint shards);
ProcTable *proc_table_new (void);
void proc_table_free (ProcTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcTable, proc_table_free)

/* NULL: it is gone. */
ProcRecord *proc_record_read (guint32 pid);
void proc_record_free (ProcRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcRecord, proc_record_free)

/* Any bytes as UTF-8: what is not valid, and backslashes, become \xNN. Transfer full. */
char *proc_text_escape (const char *bytes, gssize len);

/* Arguments as they are reported: escaped and bounded. @args: NULL-ended or NULL. Transfer full, never NULL. */
char **proc_command_line_bound (const char *const *args);
