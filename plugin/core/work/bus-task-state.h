/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a task, and what may happen to it in each.
 *
 * One table in bus-task-state.c has an entry for each state and each event: the next state, "ignored" (legal, changes nothing,
 * counted), "refused" (an error for the one that did it), or "never" (the core itself would be wrong: it asserts). An entry
 * that is missing is 0, and a test fails. This module knows nothing of members and leases.
 *
 * An event names what was found out, not what arrived: bus-lease compares the token first, so "final" is that of the newest
 * lease, and anything from another one is STALE. Limits of attempts are events of their own, which follow the event that
 * raised a counter.
 *
 * Invariant: a terminal state has no way out, but QUARANTINED, which is released or ends as FAILED.
 */

/* The numbers are those of TaskState on the wire. */
typedef enum
{
  BUS_TASK_QUEUED = 1, /* it waits for a member */
  BUS_TASK_DELAYED,    /* it waits for a time */
  BUS_TASK_OFFERED,    /* a member has it, and has not started it */
  BUS_TASK_RUNNING,
  BUS_TASK_CANCELLING, /* its member was asked to stop */
  BUS_TASK_SUCCEEDED,
  BUS_TASK_FAILED,
  BUS_TASK_TIMED_OUT,
  BUS_TASK_CANCELLED,
  BUS_TASK_QUARANTINED, /* it failed too often: kept with its history */
} BusTaskState;
#define BUS_N_TASK_STATES 11u

static inline gboolean
bus_task_state_is_live (BusTaskState state)
{
  return state >= BUS_TASK_QUEUED && state <= BUS_TASK_CANCELLING;
}
