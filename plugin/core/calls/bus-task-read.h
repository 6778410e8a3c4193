/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-task.h"
#include "wire-guard-scan.h"

/*
 * Reads the messages with which a collector answers Execute: Outcome and Progress.
 *
 * Each task has at least one of both, so they are read in place: the scan of the guard checks the bytes, and all spans point into
 * them. An unknown field, a field that occurs twice or a number out of range refuses the message.
 */

typedef struct
{
  WireSpan token;
  BusTaskAnswer answer; /* @kept is NULL; a kind that does not exist is UNSPECIFIED */
  BusTaskExtent extent; /* that of @answer, if it has one */
} BusTaskOutcome;

typedef struct
{
  WireSpan token;
  BusTaskReport report;
} BusTaskProgressReport;

/* Both return FALSE, with the reason in @error, if the bytes are not such a message. */
gboolean bus_task_read_outcome (BusTaskOutcome *outcome, WireSpan packed, WireGuardError *error);
gboolean bus_task_read_progress (BusTaskProgressReport *progress, WireSpan packed, WireGuardError *error);
