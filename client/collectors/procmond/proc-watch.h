/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-table.h"

/*
 * What changed between two looks at the processes: who appeared, who exited.
 *
 * Pure: tables go in, events come out; no clock, no bus. The first table is the baseline and causes no event. A process
 * that lives shorter than the time between two looks is not seen, which nobody who polls can help.
 *
 * Invariant: each (pid, start_time) has at most one start and one exit, the start first; a pid that was used again is one
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
  const ProcRecord *record; /* an exited one as it was last seen; lives until the next look */
} ProcEvent;

typedef struct
{
  ProcTable *last;
  ProcTable *previous; /* keeps the exited records of the last look alive */
} ProcWatch;

void proc_watch_init (ProcWatch *watch);
void proc_watch_clear (ProcWatch *watch);

/* @now: transfer full; NULL: the look failed, which tells nothing. The events, exits first: an array of ProcEvent, transfer full. */
GArray *proc_watch_look (ProcWatch *watch, ProcTable *now);
