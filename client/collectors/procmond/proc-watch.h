/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-table.h"

/*
 * The changes between two tables of processes: which ones started, which ones exited, and which ones execute something
 * else.
 *
 * It turns tables into events and uses no clock and no bus. The first table is the baseline and causes no events. A process
 * that lives only between two polls is not seen; that is inherent in polling. A process that is seen for the first time but
 * is older than the youngest one of the baseline could not be read before; it has not started now and causes no event.
 *
 * Invariant: each (pid, start_time) has at most one start and one exit, in this order. A pid that is used again gives one
 * exit and one start. Changes are reported only between the two.
 */

typedef enum
{
  PROC_STARTED = 1,
  PROC_EXITED = 2,
  PROC_CHANGED = 3, /* another name or executable: it has executed another program, or renamed itself */
} ProcEventKind;

typedef struct
{
  ProcEventKind kind;
  ProcRecord *record; /* an exited process as it was last read; valid until the next call */
} ProcEvent;

typedef struct
{
  ProcTable *last;
  ProcTable *previous; /* owns the records of the last exit events */
  guint64 youngest;    /* start time of the youngest process of the baseline */
} ProcWatch;

/* @own_start: the start time of this process, which is older than the baseline. */
void proc_watch_init (ProcWatch *watch, guint64 own_start);
void proc_watch_clear (ProcWatch *watch);

/* Compares @now with the table before; returns an array of ProcEvent, exits first, (transfer full). @now: (transfer
 * full); NULL: the table could not be read, so there are no events. */
GArray *proc_watch_look (ProcWatch *watch, ProcTable *now);
