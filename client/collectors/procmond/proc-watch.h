/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-table.h"

/*
 * The changes of the processes: processes that started, exited, or executed another program. This module uses no clock and no bus.
 *
 * It has two sources. The first source is tables: each table is compared with the previous one, and the first table is the
 * baseline and causes no events. A process that exists only between two polls is not seen; this is inherent in polling. If a
 * process is seen for the first time but is older than the youngest process of the baseline, it could not be read before; it has
 * not started now, and causes no event.
 *
 * The second source is the kernel's reports, if there are any: each one changes one process in the table (proc-report). Both
 * sources may see the same change, in any order, because reports wait in a queue. The change is reported once; the later source
 * is ignored.
 *
 * Invariant: each (pid, start_time) has at most one start and one exit, in this order. A pid that is reused causes one exit and
 * one start. Changes are reported only between start and exit.
 */

typedef enum
{
  PROC_STARTED = 1,
  PROC_EXITED = 2,
  PROC_CHANGED = 3, /* it has executed another program, or changed its name */
} ProcEventKind;

typedef struct
{
  ProcEventKind kind;
  ProcRecord *record; /* of an exited process: as it was last read */
  gboolean has_status;
  guint32 status; /* of an exited process, as wait() reports it */
} ProcEvent;

typedef struct
{
  ProcTable *last;     /* NULL: there is no baseline yet */
  guint64 youngest;    /* start time of the youngest process of the baseline */
  GHashTable *zombies; /* number -> start time of processes that have exited, by report, and still are zombies */
  GHashTable *brief;   /* number -> WatchBrief: processes that have started, by report, and could not be read */
  GHashTable *without_first_thread; /* numbers of processes whose first thread has ended while others run */
  GHashTable *renamed; /* number -> time of the newest report of another name; the process was not read since */
} ProcWatch;

/* A process that may have ended before it could be read. */
typedef struct
{
  ProcRecord *record;
  guint64 start; /* its approximate start time */
} WatchBrief;

/* @own_start: the start time of this process, which is older than the baseline. */
void proc_watch_init (ProcWatch *watch, guint64 own_start);
void proc_watch_clear (ProcWatch *watch);

/* Returns an empty array of ProcEvent. (transfer full) */
GArray *proc_watch_new_events (void);
void proc_watch_add_event (GArray *events, ProcEventKind kind, ProcRecord *record);
/* Adds an exit with its status. */
void proc_watch_add_exit (GArray *events, ProcRecord *record, guint32 status);

/* Compares @now with the previous table; returns an array of ProcEvent, exits first (transfer full). @now: (transfer full); NULL:
 * the table could not be read, so there are no events. */
GArray *proc_watch_compare (ProcWatch *watch, ProcTable *now);

/* TRUE: the process has another name or executable than before. */
gboolean proc_watch_has_changed (const ProcRecord *before, const ProcRecord *now);

/* Finds the record of @pid in the last table. NULL: there is none. @at: (out): its index, or the index where it would be. */
ProcRecord *proc_watch_find (const ProcWatch *watch, guint32 pid, guint *at);
