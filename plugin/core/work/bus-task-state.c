/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-task-state.h"

/* clang-format off */
/* Entries of every terminal state. The timers of the task were stopped. A holder that has not answered yet is fenced, so all of
 * its frames are refused. */
#define TERMINAL_CELLS \
    [BUS_TASK_ON_OFFER] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_STARTED] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_PROGRESS] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_RESULT] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_FAILURE] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_RETRYABLE] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_STOPPED] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_BUSY] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_CLAIM] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_STALE] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_EOF] = BUS_TASK_IGNORED, \
    [BUS_TASK_ON_CLOSED] = BUS_TASK_IGNORED, \
    [BUS_TASK_ON_DEREGISTER] = BUS_TASK_IGNORED, \
    [BUS_TASK_ON_DRAIN] = BUS_TASK_IGNORED, \
    [BUS_TASK_ON_DRAIN_OVER] = BUS_TASK_IGNORED, \
    [BUS_TASK_ON_WITHDRAWN] = BUS_TASK_IGNORED, \
    [BUS_TASK_ON_HELD] = BUS_TASK_IGNORED, \
    [BUS_TASK_ON_SILENT] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_PROGRESS_OVER] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_RUN_OVER] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_DEADLINE] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_DUE] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_GRACE_OVER] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_CANCEL] = BUS_TASK_IGNORED, \
    [BUS_TASK_ON_ALONE] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_EXHAUSTED] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_GIVEN_UP] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_POISON] = BUS_TASK_NEVER, \
    [BUS_TASK_ON_UNSAFE] = BUS_TASK_NEVER,

/* Entries of terminal states without a way out. */
#define FINAL_CELLS \
    TERMINAL_CELLS \
    [BUS_TASK_ON_SUBMIT] = BUS_TASK_IGNORED, \
    [BUS_TASK_ON_RELEASE] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_DROP] = BUS_TASK_REFUSED, \
    [BUS_TASK_ON_STORE_OVER] = BUS_TASK_NEVER,

/* QUEUED accepts frames of a holder, because a lease may still be valid then. When a timer of a lease expires, the task is
 * queued again at once, but its member may be about to finish. A result that is refused would have to be computed again, so the
 * token stays valid until another member gets the task: a late RESULT ends the task, a late STARTED takes it out of the queue.
 * A late failure raises no counter: an attempt that had begun was counted when its lease expired.
 *
 * DELAYED refuses the same frames: there is no lease to which they could belong, because the last holder has answered.
 *
 * CANCELLING accepts a RESULT, because the work is done. Any other answer, or the end of the holder, makes it CANCELLED. */
static const guint8 transitions[BUS_N_TASK_STATES][BUS_N_TASK_EVENTS] = {
  [BUS_TASK_QUEUED] = {
    [BUS_TASK_ON_OFFER]          = BUS_TASK_OFFERED,
    [BUS_TASK_ON_STARTED]        = BUS_TASK_RUNNING, /* a late answer to an offer */
    [BUS_TASK_ON_PROGRESS]       = BUS_TASK_IGNORED, /* late: its details are kept, but no lease is renewed */
    [BUS_TASK_ON_RESULT]         = BUS_TASK_SUCCEEDED, /* late */
    [BUS_TASK_ON_FAILURE]        = BUS_TASK_QUEUED, /* no counter: an attempt that had begun was counted when its lease expired */
    [BUS_TASK_ON_RETRYABLE]      = BUS_TASK_QUEUED,
    [BUS_TASK_ON_STOPPED]        = BUS_TASK_QUEUED,
    [BUS_TASK_ON_BUSY]           = BUS_TASK_QUEUED,
    [BUS_TASK_ON_CLAIM]          = BUS_TASK_RUNNING,
    [BUS_TASK_ON_STALE]          = BUS_TASK_REFUSED,
    [BUS_TASK_ON_EOF]            = BUS_TASK_IGNORED, /* the end of a holder whose lease has expired */
    [BUS_TASK_ON_CLOSED]         = BUS_TASK_IGNORED,
    [BUS_TASK_ON_DEREGISTER]     = BUS_TASK_IGNORED,
    [BUS_TASK_ON_DRAIN]          = BUS_TASK_IGNORED,
    [BUS_TASK_ON_DRAIN_OVER]     = BUS_TASK_IGNORED,
    [BUS_TASK_ON_WITHDRAWN]      = BUS_TASK_IGNORED,
    [BUS_TASK_ON_HELD]           = BUS_TASK_IGNORED,
    [BUS_TASK_ON_SILENT]         = BUS_TASK_NEVER,
    [BUS_TASK_ON_PROGRESS_OVER]  = BUS_TASK_NEVER,
    [BUS_TASK_ON_RUN_OVER]       = BUS_TASK_NEVER,
    [BUS_TASK_ON_DEADLINE]       = BUS_TASK_TIMED_OUT,
    [BUS_TASK_ON_DUE]            = BUS_TASK_NEVER,
    [BUS_TASK_ON_GRACE_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_SUBMIT]         = BUS_TASK_IGNORED,
    [BUS_TASK_ON_CANCEL]         = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_ALONE]          = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_RELEASE]        = BUS_TASK_REFUSED,
    [BUS_TASK_ON_DROP]           = BUS_TASK_REFUSED,
    [BUS_TASK_ON_STORE_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_EXHAUSTED]      = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_GIVEN_UP]       = BUS_TASK_FAILED,
    [BUS_TASK_ON_POISON]         = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_UNSAFE]         = BUS_TASK_QUARANTINED,
  },
  [BUS_TASK_DELAYED] = {
    [BUS_TASK_ON_OFFER]          = BUS_TASK_NEVER,
    [BUS_TASK_ON_STARTED]        = BUS_TASK_REFUSED, /* its last holder has answered, so there is no lease */
    [BUS_TASK_ON_PROGRESS]       = BUS_TASK_REFUSED,
    [BUS_TASK_ON_RESULT]         = BUS_TASK_REFUSED,
    [BUS_TASK_ON_FAILURE]        = BUS_TASK_REFUSED,
    [BUS_TASK_ON_RETRYABLE]      = BUS_TASK_REFUSED,
    [BUS_TASK_ON_STOPPED]        = BUS_TASK_REFUSED,
    [BUS_TASK_ON_BUSY]           = BUS_TASK_REFUSED,
    [BUS_TASK_ON_CLAIM]          = BUS_TASK_REFUSED, /* the member has answered this attempt */
    [BUS_TASK_ON_STALE]          = BUS_TASK_REFUSED,
    [BUS_TASK_ON_EOF]            = BUS_TASK_NEVER, /* there is no holder */
    [BUS_TASK_ON_CLOSED]         = BUS_TASK_NEVER,
    [BUS_TASK_ON_DEREGISTER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_DRAIN]          = BUS_TASK_NEVER,
    [BUS_TASK_ON_DRAIN_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_WITHDRAWN]      = BUS_TASK_NEVER,
    [BUS_TASK_ON_HELD]           = BUS_TASK_IGNORED,
    [BUS_TASK_ON_SILENT]         = BUS_TASK_NEVER,
    [BUS_TASK_ON_PROGRESS_OVER]  = BUS_TASK_NEVER,
    [BUS_TASK_ON_RUN_OVER]       = BUS_TASK_NEVER,
    [BUS_TASK_ON_DEADLINE]       = BUS_TASK_TIMED_OUT,
    [BUS_TASK_ON_DUE]            = BUS_TASK_QUEUED,
    [BUS_TASK_ON_GRACE_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_SUBMIT]         = BUS_TASK_IGNORED,
    [BUS_TASK_ON_CANCEL]         = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_ALONE]          = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_RELEASE]        = BUS_TASK_REFUSED,
    [BUS_TASK_ON_DROP]           = BUS_TASK_REFUSED,
    [BUS_TASK_ON_STORE_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_EXHAUSTED]      = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_GIVEN_UP]       = BUS_TASK_FAILED,
    [BUS_TASK_ON_POISON]         = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_UNSAFE]         = BUS_TASK_NEVER,
  },
  [BUS_TASK_OFFERED] = {
    [BUS_TASK_ON_OFFER]          = BUS_TASK_NEVER,
    [BUS_TASK_ON_STARTED]        = BUS_TASK_RUNNING,
    [BUS_TASK_ON_PROGRESS]       = BUS_TASK_RUNNING, /* as STARTED and PROGRESS */
    [BUS_TASK_ON_RESULT]         = BUS_TASK_SUCCEEDED, /* as STARTED and RESULT */
    [BUS_TASK_ON_FAILURE]        = BUS_TASK_FAILED,
    [BUS_TASK_ON_RETRYABLE]      = BUS_TASK_DELAYED,
    [BUS_TASK_ON_STOPPED]        = BUS_TASK_DELAYED,
    [BUS_TASK_ON_BUSY]           = BUS_TASK_QUEUED,
    [BUS_TASK_ON_CLAIM]          = BUS_TASK_RUNNING,
    [BUS_TASK_ON_STALE]          = BUS_TASK_REFUSED,
    [BUS_TASK_ON_EOF]            = BUS_TASK_QUEUED,
    [BUS_TASK_ON_CLOSED]         = BUS_TASK_QUEUED,
    [BUS_TASK_ON_DEREGISTER]     = BUS_TASK_QUEUED,
    [BUS_TASK_ON_DRAIN]          = BUS_TASK_QUEUED,
    [BUS_TASK_ON_DRAIN_OVER]     = BUS_TASK_NEVER, /* the drain returned the offer */
    [BUS_TASK_ON_WITHDRAWN]      = BUS_TASK_QUEUED,
    [BUS_TASK_ON_HELD]           = BUS_TASK_IGNORED,
    [BUS_TASK_ON_SILENT]         = BUS_TASK_QUEUED,
    [BUS_TASK_ON_PROGRESS_OVER]  = BUS_TASK_NEVER,
    [BUS_TASK_ON_RUN_OVER]       = BUS_TASK_NEVER,
    [BUS_TASK_ON_DEADLINE]       = BUS_TASK_TIMED_OUT,
    [BUS_TASK_ON_DUE]            = BUS_TASK_NEVER,
    [BUS_TASK_ON_GRACE_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_SUBMIT]         = BUS_TASK_IGNORED,
    [BUS_TASK_ON_CANCEL]         = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_ALONE]          = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_RELEASE]        = BUS_TASK_REFUSED,
    [BUS_TASK_ON_DROP]           = BUS_TASK_REFUSED,
    [BUS_TASK_ON_STORE_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_EXHAUSTED]      = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_GIVEN_UP]       = BUS_TASK_FAILED,
    [BUS_TASK_ON_POISON]         = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_UNSAFE]         = BUS_TASK_NEVER,
  },
  [BUS_TASK_RUNNING] = {
    [BUS_TASK_ON_OFFER]          = BUS_TASK_NEVER,
    [BUS_TASK_ON_STARTED]        = BUS_TASK_IGNORED,
    [BUS_TASK_ON_PROGRESS]       = BUS_TASK_RUNNING,
    [BUS_TASK_ON_RESULT]         = BUS_TASK_SUCCEEDED,
    [BUS_TASK_ON_FAILURE]        = BUS_TASK_FAILED,
    [BUS_TASK_ON_RETRYABLE]      = BUS_TASK_DELAYED,
    [BUS_TASK_ON_STOPPED]        = BUS_TASK_DELAYED, /* without a cancel: as retryable */
    [BUS_TASK_ON_BUSY]           = BUS_TASK_DELAYED, /* it has started: as retryable */
    [BUS_TASK_ON_CLAIM]          = BUS_TASK_IGNORED,
    [BUS_TASK_ON_STALE]          = BUS_TASK_REFUSED,
    [BUS_TASK_ON_EOF]            = BUS_TASK_QUEUED,
    [BUS_TASK_ON_CLOSED]         = BUS_TASK_QUEUED,
    [BUS_TASK_ON_DEREGISTER]     = BUS_TASK_QUEUED,
    [BUS_TASK_ON_DRAIN]          = BUS_TASK_IGNORED, /* it may finish */
    [BUS_TASK_ON_DRAIN_OVER]     = BUS_TASK_QUEUED,
    [BUS_TASK_ON_WITHDRAWN]      = BUS_TASK_IGNORED, /* it continues to run */
    [BUS_TASK_ON_HELD]           = BUS_TASK_IGNORED,
    [BUS_TASK_ON_SILENT]         = BUS_TASK_NEVER,
    [BUS_TASK_ON_PROGRESS_OVER]  = BUS_TASK_QUEUED,
    [BUS_TASK_ON_RUN_OVER]       = BUS_TASK_QUEUED,
    [BUS_TASK_ON_DEADLINE]       = BUS_TASK_TIMED_OUT,
    [BUS_TASK_ON_DUE]            = BUS_TASK_NEVER,
    [BUS_TASK_ON_GRACE_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_SUBMIT]         = BUS_TASK_IGNORED,
    [BUS_TASK_ON_CANCEL]         = BUS_TASK_CANCELLING,
    [BUS_TASK_ON_ALONE]          = BUS_TASK_CANCELLING,
    [BUS_TASK_ON_RELEASE]        = BUS_TASK_REFUSED,
    [BUS_TASK_ON_DROP]           = BUS_TASK_REFUSED,
    [BUS_TASK_ON_STORE_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_EXHAUSTED]      = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_GIVEN_UP]       = BUS_TASK_FAILED,
    [BUS_TASK_ON_POISON]         = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_UNSAFE]         = BUS_TASK_NEVER,
  },
  [BUS_TASK_CANCELLING] = {
    [BUS_TASK_ON_OFFER]          = BUS_TASK_NEVER,
    [BUS_TASK_ON_STARTED]        = BUS_TASK_IGNORED,
    [BUS_TASK_ON_PROGRESS]       = BUS_TASK_IGNORED,
    [BUS_TASK_ON_RESULT]         = BUS_TASK_SUCCEEDED,
    [BUS_TASK_ON_FAILURE]        = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_RETRYABLE]      = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_STOPPED]        = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_BUSY]           = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_CLAIM]          = BUS_TASK_IGNORED,
    [BUS_TASK_ON_STALE]          = BUS_TASK_REFUSED,
    [BUS_TASK_ON_EOF]            = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_CLOSED]         = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_DEREGISTER]     = BUS_TASK_CANCELLED,
    [BUS_TASK_ON_DRAIN]          = BUS_TASK_IGNORED,
    [BUS_TASK_ON_DRAIN_OVER]     = BUS_TASK_IGNORED,
    [BUS_TASK_ON_WITHDRAWN]      = BUS_TASK_IGNORED,
    [BUS_TASK_ON_HELD]           = BUS_TASK_IGNORED,
    [BUS_TASK_ON_SILENT]         = BUS_TASK_NEVER,
    [BUS_TASK_ON_PROGRESS_OVER]  = BUS_TASK_NEVER, /* those timers were stopped */
    [BUS_TASK_ON_RUN_OVER]       = BUS_TASK_NEVER,
    [BUS_TASK_ON_DEADLINE]       = BUS_TASK_CANCELLED, /* unconfirmed */
    [BUS_TASK_ON_DUE]            = BUS_TASK_NEVER,
    [BUS_TASK_ON_GRACE_OVER]     = BUS_TASK_CANCELLED, /* unconfirmed */
    [BUS_TASK_ON_SUBMIT]         = BUS_TASK_IGNORED,
    [BUS_TASK_ON_CANCEL]         = BUS_TASK_IGNORED, /* already cancelling */
    [BUS_TASK_ON_ALONE]          = BUS_TASK_IGNORED,
    [BUS_TASK_ON_RELEASE]        = BUS_TASK_REFUSED,
    [BUS_TASK_ON_DROP]           = BUS_TASK_REFUSED,
    [BUS_TASK_ON_STORE_OVER]     = BUS_TASK_NEVER,
    [BUS_TASK_ON_EXHAUSTED]      = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_GIVEN_UP]       = BUS_TASK_FAILED,
    [BUS_TASK_ON_POISON]         = BUS_TASK_QUARANTINED,
    [BUS_TASK_ON_UNSAFE]         = BUS_TASK_NEVER,
  },
  [BUS_TASK_SUCCEEDED] = { FINAL_CELLS },
  [BUS_TASK_FAILED] = { FINAL_CELLS },
  [BUS_TASK_TIMED_OUT] = { FINAL_CELLS },
  [BUS_TASK_CANCELLED] = { FINAL_CELLS },
  [BUS_TASK_QUARANTINED] = {
    TERMINAL_CELLS
    [BUS_TASK_ON_SUBMIT]         = BUS_TASK_REFUSED,
    [BUS_TASK_ON_RELEASE]        = BUS_TASK_QUEUED,
    [BUS_TASK_ON_DROP]           = BUS_TASK_FAILED,
    [BUS_TASK_ON_STORE_OVER]     = BUS_TASK_FAILED,
  },
};

static const struct
{
  const char *name;
  const char *cause;
} events[BUS_N_TASK_EVENTS] = {
  [BUS_TASK_ON_OFFER] = { "offer", "a member got the task" },
  [BUS_TASK_ON_STARTED] = { "started", "the member started it" },
  [BUS_TASK_ON_PROGRESS] = { "progress", "the member reported progress" },
  [BUS_TASK_ON_RESULT] = { "result", "the member returned the result" },
  [BUS_TASK_ON_FAILURE] = { "failure", "the member reported a failure" },
  [BUS_TASK_ON_RETRYABLE] = { "retryable", "the member reported a failure, and another attempt may succeed" },
  [BUS_TASK_ON_STOPPED] = { "stopped", "the member stopped it" },
  [BUS_TASK_ON_BUSY] = { "busy", "the member could not start it now" },
  [BUS_TASK_ON_CLAIM] = { "claim", "the member registered again and still works on it" },
  [BUS_TASK_ON_STALE] = { "stale", "the member sent a token that is not that of the newest lease" },
  [BUS_TASK_ON_EOF] = { "eof", "the connection of the member ended" },
  [BUS_TASK_ON_CLOSED] = { "closed", "the broker closed the connection of the member" },
  [BUS_TASK_ON_DEREGISTER] = { "deregister", "the member announced its end" },
  [BUS_TASK_ON_DRAIN] = { "drain", "the member drains" },
  [BUS_TASK_ON_DRAIN_OVER] = { "drain-over", "the member was still draining when its grace period ended" },
  [BUS_TASK_ON_WITHDRAWN] = { "withdrawn", "the member does not offer the operation any more" },
  [BUS_TASK_ON_HELD] = { "held", "the member gets no tasks at present" },
  [BUS_TASK_ON_SILENT] = { "silent", "the member did not answer the offer in time (task-offer-us)" },
  [BUS_TASK_ON_PROGRESS_OVER] = { "progress-over", "the member reported no progress in time (task-progress-us)" },
  [BUS_TASK_ON_RUN_OVER] = { "run-over", "the attempt took longer than its run limit (task-run-limit-us)" },
  [BUS_TASK_ON_DEADLINE] = { "deadline", "the deadline of the task is over" },
  [BUS_TASK_ON_DUE] = { "due", "its delay has ended" },
  [BUS_TASK_ON_GRACE_OVER] = { "grace-over", "the member did not answer the cancel in time (task-cancel-us)" },
  [BUS_TASK_ON_SUBMIT] = { "submit", "it was submitted" },
  [BUS_TASK_ON_CANCEL] = { "cancel", "it was cancelled" },
  [BUS_TASK_ON_ALONE] = { "alone", "no submitter was connected for too long (task-submitter-us)" },
  [BUS_TASK_ON_RELEASE] = { "release", "it was released from quarantine" },
  [BUS_TASK_ON_DROP] = { "drop", "it was dropped from quarantine" },
  [BUS_TASK_ON_STORE_OVER] = { "store-over", "it was in quarantine for the longest time that a task is kept" },
  [BUS_TASK_ON_EXHAUSTED] = { "exhausted", "no attempt is left" },
  [BUS_TASK_ON_GIVEN_UP] = { "given-up", "no attempt is left, and the last one failed or was interrupted" },
  [BUS_TASK_ON_POISON] = { "poison", "members died while they worked on it" },
  [BUS_TASK_ON_UNSAFE] = { "unsafe", "its lease expired, and it must not run twice (idempotent)" },
};
/* clang-format on */

guint
bus_task_transition (BusTaskState state, BusTaskEvent event)
{
  g_assert (state < BUS_N_TASK_STATES && event < BUS_N_TASK_EVENTS);
  return transitions[state][event];
}

const char *
bus_task_state_name (BusTaskState state)
{
  static const char *const names[BUS_N_TASK_STATES]
      = { NULL,        "queued", "delayed",   "offered",   "running",    "cancelling",
          "succeeded", "failed", "timed-out", "cancelled", "quarantined" };

  return state < BUS_N_TASK_STATES && names[state] != NULL ? names[state] : "unknown";
}

const char *
bus_task_event_name (BusTaskEvent event)
{
  return event < BUS_N_TASK_EVENTS ? events[event].name : "unknown";
}

const char *
bus_task_event_cause (BusTaskEvent event)
{
  return event < BUS_N_TASK_EVENTS ? events[event].cause : "unknown";
}
