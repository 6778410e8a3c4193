/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The identity of a process beyond its number, which is used again later: its start time, its executable, and its arguments.
 *
 * linux/proc-identity.c reads them from /proc, because libgtop rounds the start time, truncates the path, and reads all
 * arguments, which may be megabytes that thousands of processes share. posix/proc-identity.c is for other systems and uses
 * libgtop. The module decides nothing: that a start time can't be read does not
 * mean that the process has ended (see proc-table).
 */

typedef enum
{
  PROC_IDENTITY_READ,
  PROC_IDENTITY_ABSENT,     /* the system has no entry for this number, or hides it */
  PROC_IDENTITY_UNREADABLE, /* there is an entry, but it can't be read */
} ProcIdentityResult;

/* Linux: clock ticks since boot; elsewhere seconds since 1970. */
ProcIdentityResult proc_identity_start_time (guint32 pid, guint64 *start_time);

/* The start time of a process that is created at @time_ns of the clock CLOCK_MONOTONIC, rounded down. Linux only. */
guint64 proc_identity_start_time_at (guint64 time_ns);

/* Threads of the process; 1 or 0: it has ended, and nobody has waited for it yet, or has. Linux only. */
guint proc_identity_count_threads (guint32 pid, guint64 start_time);

/* The system appends this to the path of a file that has been deleted. */
#define PROC_EXE_MARK " (deleted)"

typedef enum
{
  PROC_EXE_PRESENT,
  PROC_EXE_DELETED, /* no file of this name is the executable any more */
  PROC_EXE_UNSURE,  /* the path ends in PROC_EXE_MARK, and nothing shows whether that is a part of the name */
  PROC_EXE_NONE,    /* a kernel thread, or a process that has ended */
  PROC_EXE_UNKNOWN, /* it can't be read */
} ProcExeState;

/* @exe: set to the path, escaped as proc_text_escape() does, without a mark of the system; "" if the state is NONE or
 * UNKNOWN. (transfer full) */
ProcExeState proc_identity_exe (guint32 pid, char **exe);

/* The arguments of the process: at least the part of them that a record keeps. A kernel thread has none. (transfer full); NULL:
 * they can't be read. */
char **proc_identity_args (guint32 pid);
