/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-record.h"

/*
 * A table of current processes of this machine.
 *
 * proc-source lists and measures the processes, and proc-identity distinguishes processes that used the same number. A
 * process that ends while it is read is counted as vanished and never reported in part: its start time is read at the
 * beginning and at the end, and both must agree.
 *
 * A process has ended if the system has no entry for it and no process has its number, or if the process with its number has
 * another start time. Any other reason why it can't be read (rights, a mount over /proc, hidepid, too many open files) is no proof
 * of its end: the process is counted as unreadable, and a table that follows another one keeps the record that was read last.
 *
 * Invariant: (pid, start_time) identifies a process permanently. A table contains each process once, sorted by pid.
 */

typedef struct
{
  GPtrArray *records; /* of ProcRecord */
  guint vanished;     /* number of listed processes that ended before they were read */
  guint unreadable;   /* number of processes that could not be read, and are not proven to have ended */
  gboolean partial;   /* the system lists only some processes (hidepid); the others are not counted */
  guint32 next;       /* processes above this pid were left out; 0: no process was */
} ProcTable;

typedef struct
{
  guint shard;           /* reads the processes with pid % shards == shard */
  guint shards;          /* 0 or 1: all of them */
  guint32 after;         /* only pids above */
  gsize enough;          /* largest cost of the records, except that the first one is always read; 0: no limit */
  const ProcTable *last; /* (nullable): the table that this one follows */
} ProcRange;

/* NULL: processes can't be listed now. */
ProcTable *proc_table_read (const ProcRange *range);

/* Reads a table in steps, so that the program can do other work between them. The processes are listed at the start. */
typedef struct ProcReader ProcReader;

/* NULL: processes can't be listed now. */
ProcReader *proc_reader_new (const ProcRange *range);
void proc_reader_free (ProcReader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcReader, proc_reader_free)
/* Keeps only the processes of the shard. Must be called before the first step. */
void proc_reader_set_shard (ProcReader *self, guint shard, guint shards);
/* Reads the next @n processes. FALSE: all were read, or enough. */
gboolean proc_reader_step (ProcReader *self, guint n);
/* Returns the number of processes that were read. @total: (out): number of processes of the range. */
guint proc_reader_count (const ProcReader *self, guint *total);
/* Returns the table that was read so far. Afterwards only proc_reader_free() may be called. */
ProcTable *proc_reader_end (ProcReader *self);

ProcTable *proc_table_new (void);
void proc_table_free (ProcTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcTable, proc_table_free)

typedef enum
{
  PROC_READ,
  PROC_GONE,
  PROC_UNREADABLE,
} ProcReadResult;

/* FALSE: the process of the record has ended. A zombie has not ended. */
gboolean proc_table_may_live (const ProcRecord *record);

/* @record: set if the result is PROC_READ; (transfer full). */
ProcReadResult proc_record_read (guint32 pid, ProcRecord **record);
