/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a task, and the effect of each event in each state.
 *
 * One table in bus-task-state.c has an entry for each state and each event: the next state; "ignored" (legal, changes nothing, is
 * counted); "refused" (an error for the peer that caused the event); or "never" (a fault of the core, which asserts). A missing
 * entry is 0, and a test fails. This module does not depend on members and leases.
 *
 * An event names a fact that has been verified, not a frame that arrived. For example bus-lease compares the token first: the
 * event RESULT means a result of the newest lease, and a frame with any other token is the event STALE. The limits of attempts
 * are events of their own, which follow the event that raised the counter.
 *
 * Invariant: no event leads out of a terminal state, with one exception: QUARANTINED leads to QUEUED (release) or FAILED.
 */

/* The numbers are those of TaskState on the wire. */
typedef enum
{
  BUS_TASK_QUEUED = 1, /* it waits for a member */
  BUS_TASK_DELAYED,    /* it waits for a time */
  BUS_TASK_OFFERED,    /* a member has the offer, and has not started */
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
  BUS_TASK_ON_OFFER, /* it was offered to a member */

  /* from the holder of the newest lease */
  BUS_TASK_ON_STARTED,
  BUS_TASK_ON_PROGRESS,
  BUS_TASK_ON_RESULT,
  BUS_TASK_ON_FAILURE,   /* a failure that any attempt would have */
  BUS_TASK_ON_RETRYABLE, /* a failure that another attempt may not have */
  BUS_TASK_ON_STOPPED,   /* it reports CANCELLED, or declines the request */
  BUS_TASK_ON_BUSY,      /* it cannot start the task now, or has no room for the offer */
  BUS_TASK_ON_CLAIM,     /* it has registered again, and still works on the task */
  BUS_TASK_ON_STALE,     /* a frame with the token of another lease */

  /* the connection or the registration of the holder */
  BUS_TASK_ON_EOF,
  BUS_TASK_ON_CLOSED, /* the broker closed the connection */
  BUS_TASK_ON_DEREGISTER,
  BUS_TASK_ON_DRAIN,
  BUS_TASK_ON_DRAIN_OVER, /* the time of a draining member is over */
  BUS_TASK_ON_WITHDRAWN,  /* it does not offer the operation any more */
  BUS_TASK_ON_HELD,       /* it is suspect or set aside */

  /* timers */
  BUS_TASK_ON_SILENT,        /* no answer to the offer */
  BUS_TASK_ON_PROGRESS_OVER, /* no progress was reported for the longest allowed pause */
  BUS_TASK_ON_RUN_OVER,      /* the run limit is over */
  BUS_TASK_ON_DEADLINE,
  BUS_TASK_ON_DUE,        /* not_before or backoff is over */
  BUS_TASK_ON_GRACE_OVER, /* a holder that was asked to stop has not answered */

  /* submitters and tools */
  BUS_TASK_ON_SUBMIT, /* the same id was submitted again */
  BUS_TASK_ON_CANCEL,
  BUS_TASK_ON_ALONE, /* no submitter has been attached for too long, and the task asked to end then */
  BUS_TASK_ON_RELEASE,
  BUS_TASK_ON_DROP,
  BUS_TASK_ON_STORE_OVER, /* its time in quarantine is over, or the quarantine is full */

  /* counters of the task */
  BUS_TASK_ON_EXHAUSTED, /* no attempt is left */
  BUS_TASK_ON_GIVEN_UP,  /* no attempt is left and the last one failed, or it was interrupted too often */
  BUS_TASK_ON_POISON,    /* members died while they ran it */
  BUS_TASK_ON_UNSAFE,    /* its lease expired, so its holder may still run it, and it must not run twice */
} BusTaskEvent;
#define BUS_N_TASK_EVENTS 33u

/* The effect of an event: a state, or one of these. */
typedef enum
{
  BUS_TASK_IGNORED = BUS_N_TASK_STATES,
  BUS_TASK_REFUSED,
  BUS_TASK_NEVER,
} BusTaskVerdict;

/* Returns the entry of the table: a BusTaskState or a BusTaskVerdict; 0: it is missing. */
guint bus_task_transition (BusTaskState state, BusTaskEvent event);

const char *bus_task_state_name (BusTaskState state);
const char *bus_task_event_name (BusTaskEvent event);

/* A sentence for people: the reason for which the event changed the task. */
const char *bus_task_event_cause (BusTaskEvent event);

/* TRUE if a task in this state may still get a result. */
static inline gboolean
bus_task_state_is_live (BusTaskState state)
{
  return state >= BUS_TASK_QUEUED && state <= BUS_TASK_CANCELLING;
}
