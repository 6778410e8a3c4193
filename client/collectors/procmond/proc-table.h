/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-record.h"

/*
 * A table of all current processes of this machine.
 *
 * proc-source lists and measures the processes, and proc-identity distinguishes processes that used the same number. A
 * process that ends while it is read is counted as vanished and never reported in part: its start time is read at the
 * beginning and at the end, and both must agree.
 *
 * Invariant: (pid, start_time) identifies a process permanently. A table contains each process once, sorted by pid.
 */

typedef struct
{
  GPtrArray *records; /* of ProcRecord */
  guint vanished;     /* listed, but ended before they were read */
} ProcTable;

/* Reads the processes with pid % shards == shard; with shards 0 or 1, all of them. NULL: processes can't be listed
 * now. */
ProcTable *proc_table_read (guint shard, guint shards);
ProcTable *proc_table_new (void);
void proc_table_free (ProcTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcTable, proc_table_free)

/* NULL: the process has ended. */
ProcRecord *proc_record_read (guint32 pid);
