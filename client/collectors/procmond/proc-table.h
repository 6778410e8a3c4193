/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-record.h"

/*
 * The processes of this machine, as they are now.
 *
 * proc-source lists and measures them, proc-identity tells which process a number stands for. A process that ends while it
 * is read is counted, never reported by halves: the start time is read first and again at the end, and the two must agree.
 *
 * Invariant: (pid, start_time) names a process for good; a table holds each once, in order of pid.
 */

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

/* NULL: it has ended. */
ProcRecord *proc_record_read (guint32 pid);
