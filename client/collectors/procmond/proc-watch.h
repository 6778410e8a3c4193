/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-table.h"

/*
 * The changes of the processes: which ones started, which ones exited, and which ones execute something else.
 *
 * It has two sources, and uses no clock and no bus. Two tables are compared: the first one is the baseline and causes no events.
 * A process that lives only between two polls is not seen; that is inherent in polling. A process that is seen for the first time
 * but is older than the youngest one of the baseline could not be read before; it has not started now and causes no event.
 *
 * The kernel's reports, where there are any, change the table one process at a time (proc-report). Both may see the same change,
 * in any order, because reports wait in a queue: a report about something that a table has shown is ignored, and the other way
 * round.
 *
 * Invariant: each (pid, start_time) has at most one start and one exit, in this order. A pid that is used again gives one
 * exit and one start. Changes are reported only between the two.
 */

typedef enum
{
  PROC_STARTED = 1,
  PROC_EXITED = 2,
  PROC_CHANGED = 3, /* it has executed a program, or has another name */
} ProcEventKind;

typedef struct
{
  ProcEventKind kind;
  ProcRecord *record; /* an exited process as it was last read */
  gboolean has_status;
  guint32 status; /* of an exited process, as wait() reports it */
} ProcEvent;

typedef struct
{
  ProcTable *last;      /* NULL: there was no baseline yet */
  guint64 youngest;     /* start time of the youngest process of the baseline */
  GHashTable *zombies;  /* number -> start time of exited processes, by report, for which nobody has waited */
  GHashTable *brief;    /* number -> WatchBrief: started processes, by report, that could not be read */
  GHashTable *headless; /* numbers of processes whose first thread has ended, and others run */
} ProcWatch;

/* A process that has perhaps ended before it could be read. */
typedef struct
{
  ProcRecord *record;
  guint64 start; /* about its start time */
} WatchBrief;

/* @own_start: the start time of this process, which is older than the baseline. */
void proc_watch_init (ProcWatch *watch, guint64 own_start);
void proc_watch_clear (ProcWatch *watch);

/* An empty array of ProcEvent. (transfer full) */
GArray *proc_watch_new_events (void);
void proc_watch_add_event (GArray *events, ProcEventKind kind, ProcRecord *record);
/* With a status. */
void proc_watch_add_exit (GArray *events, ProcRecord *record, guint32 status);

/* Compares @now with the table before; returns an array of ProcEvent, exits first, (transfer full). @now: (transfer
 * full); NULL: the table could not be read, so there are no events. */
GArray *proc_watch_look (ProcWatch *watch, ProcTable *now);

/* TRUE: the process has another name or executable than before. */
gboolean proc_watch_has_changed (const ProcRecord *before, const ProcRecord *now);

/* The record of the number @pid in the last table, and @at, the place where it is or would be; NULL: there is none. */
ProcRecord *proc_watch_find (const ProcWatch *watch, guint32 pid, guint *at);
