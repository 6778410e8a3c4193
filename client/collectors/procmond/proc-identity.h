/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The identity of a process besides its number, because numbers are reused: its start time, its executable, and its arguments.
 *
 * linux/proc-identity.c reads them from /proc, because libgtop rounds the start time, truncates the path, and reads all
 * arguments, which may be megabytes that thousands of processes share. posix/proc-identity.c is for other systems and uses
 * libgtop. The module draws no conclusions: if a start time can't be read, the process may still run (see proc-table).
 */

typedef enum
{
  PROC_IDENTITY_READ,
  PROC_IDENTITY_ABSENT,     /* the system has no entry for this number, or hides it */
  PROC_IDENTITY_UNREADABLE, /* there is an entry, but it can't be read */
} ProcIdentityResult;

/* Linux: clock ticks since boot; elsewhere seconds since 1970. */
ProcIdentityResult proc_identity_start_time (guint32 pid, guint64 *start_time);

/* Returns the start time of a process that is created at @time_ns of CLOCK_MONOTONIC, rounded down. Linux only. */
guint64 proc_identity_start_time_at (guint64 time_ns);

/* Returns the number of threads of the process. A zombie has 1, and a process that does not exist has 0. Linux only. */
guint proc_identity_count_threads (guint32 pid, guint64 start_time);

/* The system appends this mark to the path of a deleted file. */
#define PROC_EXE_MARK " (deleted)"

typedef enum
{
  PROC_EXE_PRESENT,
  PROC_EXE_DELETED, /* the path does not lead to the executable any more */
  PROC_EXE_UNSURE,  /* the path ends in PROC_EXE_MARK, which may be a part of the name */
  PROC_EXE_NONE,    /* a kernel thread, or a process that has ended */
  PROC_EXE_UNKNOWN, /* it can't be read */
} ProcExeState;

/* @exe: (out) (transfer full): the path without the mark, escaped by proc_text_escape(); "" if the state is NONE or UNKNOWN. */
ProcExeState proc_identity_exe (guint32 pid, char **exe);

/* Returns the arguments of the process, at least as many as a record keeps. A kernel thread has none. NULL: they can't be read.
 * (transfer full) */
char **proc_identity_args (guint32 pid);
