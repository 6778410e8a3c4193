/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-table.h"

/*
 * The changes between two tables of processes: which ones started, which ones exited.
 *
 * It turns tables into events and uses no clock and no bus. The first table is the baseline and causes no events. A process
 * that lives only between two polls is not seen; that is inherent in polling.
 *
 * Invariant: each (pid, start_time) has at most one start and one exit, in this order. A pid that is used again gives one
 * exit and one start.
 */

typedef enum
{
  PROC_STARTED = 1,
  PROC_EXITED = 2,
} ProcEventKind;

typedef struct
{
  ProcEventKind kind;
  const ProcRecord *record; /* an exited process as it was last seen; valid until the next call */
} ProcEvent;

typedef struct
{
  ProcTable *last;
  ProcTable *previous; /* owns the records of the last exit events */
} ProcWatch;

void proc_watch_init (ProcWatch *watch);
void proc_watch_clear (ProcWatch *watch);

/* Compares @now with the table before; returns an array of ProcEvent, exits first, (transfer full). @now: (transfer
 * full); NULL: the table could not be read, so there are no events. */
GArray *proc_watch_look (ProcWatch *watch, ProcTable *now);
