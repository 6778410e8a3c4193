/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a task, and what may happen to it in each.
 *
 * One table in bus-task-state.c has an entry for each state and each event: the next state, "ignored" (legal, changes nothing,
 * counted), "refused" (an error for the peer that caused it), or "never" (the core itself would be wrong: it asserts). An entry
 * that is missing is 0, and a test fails. This module knows nothing of members and leases.
 *
 * An event names what has been verified, not what arrived: bus-lease compares the token first, so the events of a holder are
 * those of the newest lease, and anything that names another lease is STALE. Limits of attempts are events of their own, which
 * follow the event that raised a counter.
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

typedef enum
{
  BUS_TASK_ON_OFFER, /* it was sent to a member */

  /* the holder of the newest lease */
  BUS_TASK_ON_STARTED,
  BUS_TASK_ON_PROGRESS,
  BUS_TASK_ON_RESULT,
  BUS_TASK_ON_FAILURE,   /* for good */
  BUS_TASK_ON_RETRYABLE, /* a failure that another attempt may not have */
  BUS_TASK_ON_STOPPED,   /* it reports CANCELLED, or withdraws from the request */
  BUS_TASK_ON_BUSY,      /* it can't start it now, or has no room for the offer */
  BUS_TASK_ON_CLAIM,     /* it has registered again, and works on it still */
  BUS_TASK_ON_STALE,     /* anything that names another lease than the newest one */

  /* the connection or the registration of the holder */
  BUS_TASK_ON_EOF,
  BUS_TASK_ON_CLOSED, /* by the broker */
  BUS_TASK_ON_DEREGISTER,
  BUS_TASK_ON_DRAIN,
  BUS_TASK_ON_DRAIN_OVER, /* the time that a draining member had is over */
  BUS_TASK_ON_WITHDRAWN,  /* it does not offer the operation any more */
  BUS_TASK_ON_HELD,       /* it is suspect or set aside, or the operation is paused */

  /* time */
  BUS_TASK_ON_SILENT,        /* no answer to the offer */
  BUS_TASK_ON_PROGRESS_OVER, /* the longest pause between two reports of progress */
  BUS_TASK_ON_RUN_OVER,      /* the run limit */
  BUS_TASK_ON_DEADLINE,
  BUS_TASK_ON_DUE,        /* not_before or backoff is over */
  BUS_TASK_ON_GRACE_OVER, /* a cancelled holder has not answered */

  /* submitters and tools */
  BUS_TASK_ON_SUBMIT, /* the same id again */
  BUS_TASK_ON_CANCEL,
  BUS_TASK_ON_ALONE, /* no submitter has been connected for too long, and the task ends with them */
  BUS_TASK_ON_RELEASE,
  BUS_TASK_ON_DROP,
  BUS_TASK_ON_STORE_OVER, /* it was kept in quarantine for as long as it may be */

  /* the counters of the task */
  BUS_TASK_ON_EXHAUSTED, /* no attempt is left */
  BUS_TASK_ON_GIVEN_UP,  /* none is left and the last one reported a failure, or it was interrupted too often */
  BUS_TASK_ON_POISON,    /* members died of it */
  BUS_TASK_ON_UNSAFE,    /* it expired, its holder may still run, and it must not run twice */
} BusTaskEvent;
#define BUS_N_TASK_EVENTS 33u

/* Effect of an event: a state, or one of these. */
typedef enum
{
  BUS_TASK_IGNORED = BUS_N_TASK_STATES,
  BUS_TASK_REFUSED,
  BUS_TASK_NEVER,
} BusTaskVerdict;

/* The entry of the table: a BusTaskState or a BusTaskVerdict; 0: it is missing. */
guint bus_task_transition (BusTaskState state, BusTaskEvent event);

const char *bus_task_state_name (BusTaskState state);
const char *bus_task_event_name (BusTaskEvent event);

/* A sentence for people: why an event led to where the task is. */
const char *bus_task_event_cause (BusTaskEvent event);

/* It can still come to a result. */
static inline gboolean
bus_task_state_is_live (BusTaskState state)
{
  return state >= BUS_TASK_QUEUED && state <= BUS_TASK_CANCELLING;
}
