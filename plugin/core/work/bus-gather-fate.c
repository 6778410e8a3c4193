/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-fate.h"

#include "work/bus-choice.h"
#include "work/bus-operation.h"

/* The meaning of a step in the history of a task. */
typedef enum
{
  FATE_STEP_OTHER,    /* not about the work of a collector */
  FATE_STEP_OFFER,    /* a collector got the offer */
  FATE_STEP_RETURNED, /* the last offer ended before the collector began: the task is queued again */
  FATE_STEP_LEFT,     /* the collector left in order: RETURNED if it had not begun, otherwise ENDED */
  FATE_STEP_ENDED,    /* an attempt began, or ended without an answer */
  FATE_STEP_ANSWER,   /* the collector answered: the kind of the answer decides */
} FateStepKind;

typedef struct
{
  FateStepKind kind;
  BusFateClass answer;
} FateStep;

static const FateStep fate_steps[BUS_N_TASK_EVENTS] = {
  [BUS_TASK_ON_OFFER] = { FATE_STEP_OFFER, BUS_FATE_TIMED_OUT },
  [BUS_TASK_ON_STARTED] = { FATE_STEP_ENDED, BUS_FATE_TIMED_OUT },
  [BUS_TASK_ON_PROGRESS] = { FATE_STEP_ENDED, BUS_FATE_TIMED_OUT },
  [BUS_TASK_ON_CLAIM] = { FATE_STEP_ENDED, BUS_FATE_TIMED_OUT },
  [BUS_TASK_ON_FAILURE] = { FATE_STEP_ANSWER, BUS_FATE_FAILED },
  [BUS_TASK_ON_RETRYABLE] = { FATE_STEP_ANSWER, BUS_FATE_FAILED },
  [BUS_TASK_ON_STOPPED] = { FATE_STEP_ANSWER, BUS_FATE_CANCELLED },
  [BUS_TASK_ON_BUSY] = { FATE_STEP_RETURNED, BUS_FATE_OPEN },
  [BUS_TASK_ON_EOF] = { FATE_STEP_ENDED, BUS_FATE_DIED },
  [BUS_TASK_ON_CLOSED] = { FATE_STEP_LEFT, BUS_FATE_DIED },
  [BUS_TASK_ON_DEREGISTER] = { FATE_STEP_LEFT, BUS_FATE_CANCELLED },
  [BUS_TASK_ON_DRAIN] = { FATE_STEP_RETURNED, BUS_FATE_OPEN },
  [BUS_TASK_ON_DRAIN_OVER] = { FATE_STEP_ENDED, BUS_FATE_CANCELLED },
  [BUS_TASK_ON_WITHDRAWN] = { FATE_STEP_RETURNED, BUS_FATE_OPEN },
  [BUS_TASK_ON_SILENT] = { FATE_STEP_ENDED, BUS_FATE_TIMED_OUT },
  [BUS_TASK_ON_PROGRESS_OVER] = { FATE_STEP_ENDED, BUS_FATE_TIMED_OUT },
  [BUS_TASK_ON_RUN_OVER] = { FATE_STEP_ENDED, BUS_FATE_TIMED_OUT },
  [BUS_TASK_ON_CANCEL] = { FATE_STEP_ENDED, BUS_FATE_CANCELLED },
};

/* --- steps --- */

static const BusTaskStep *
fate_step (const BusTask *task, guint back)
{
  const guint n = task->history != NULL ? task->history->len : 0;

  return back < n ? &g_array_index (task->history, BusTaskStep, n - 1 - back) : NULL;
}

static gboolean
fate_follows_offer (const BusTask *task, guint back)
{
  const BusTaskStep *before = fate_step (task, back + 1);

  return before != NULL && before->event == BUS_TASK_ON_OFFER;
}

static gboolean
fate_is_return (const BusTask *task, guint back)
{
  const FateStepKind kind = fate_steps[fate_step (task, back)->event].kind;

  return kind == FATE_STEP_RETURNED || (kind == FATE_STEP_LEFT && fate_follows_offer (task, back));
}

/* Returns the step that decides the fate; NULL: no collector was asked.
 *
 * The state of the task is not enough. QUEUED may mean that the task was never offered, that an offer ended before the collector
 * began, or that the collector died; QUARANTINED may be the result of deaths or of expired leases. So the history is read from its
 * end. An offer and its return cancel each other out, because this collector has not begun; the search continues before them. For
 * example:
 *
 * "offer to a, a starts, connection of a ends, offer to b, b drains": b has returned its offer, so the end of a decides: DIED.
 *
 * "offer to a, a drains": no other step is left, so no collector was asked: NEVER_ASKED.
 *
 * The history keeps only the newest BUS_TASK_HISTORY_MAX steps. If none of them decides although an attempt has begun,
 * bus_fate_of() returns TIMED_OUT. */
static const BusTaskStep *
fate_last_work (const BusTask *task)
{
  const BusTaskStep *step;
  gboolean has_returned = FALSE;

  for (guint i = 0; (step = fate_step (task, i)) != NULL; i++)
    {
      const FateStepKind kind = fate_steps[step->event].kind;

      if (kind == FATE_STEP_OTHER)
        continue;
      if (fate_is_return (task, i))
        has_returned = TRUE;
      else if (kind == FATE_STEP_OFFER && has_returned)
        has_returned = FALSE;
      else
        return step;
    }
  return NULL;
}

gboolean
bus_fate_is_lost (const BusTask *task)
{
  const BusTaskStep *last = fate_step (task, 0);
  FateStepKind kind;

  if (last == NULL || (task->state != BUS_TASK_QUEUED && task->state != BUS_TASK_DELAYED))
    return FALSE;
  kind = fate_steps[last->event].kind;
  return (kind == FATE_STEP_ENDED && last->event != BUS_TASK_ON_SILENT)
         || (kind == FATE_STEP_LEFT && !fate_follows_offer (task, 0));
}

/* --- classes --- */

typedef struct
{
  WireStatus status;
  gboolean retryable;
  const char *text;
} FateClass;

static const FateClass fate_classes[BUS_N_FATES] = {
  [BUS_FATE_FAILED] = { WIRE_STATUS_FAILED, FALSE, "it reported a failure" },
  [BUS_FATE_TIMED_OUT] = { WIRE_STATUS_TIMEOUT, TRUE, "it was asked, and did not answer in time" },
  [BUS_FATE_DIED] = { WIRE_STATUS_RESPONDER_GONE, TRUE, "its connection ended while it worked on the question" },
  [BUS_FATE_CANCELLED] = { WIRE_STATUS_CANCELLED, TRUE, "the task was cancelled, or the collector stopped it" },
};

static BusGatherFate
fate_new (BusFateClass answer)
{
  const FateClass *row = &fate_classes[answer];

  return (BusGatherFate){ .answer = answer, .status = row->status, .retryable = row->retryable, .text = row->text };
}

/* The collector answered, but there was no memory for the payload. This is no answer, because the asker could not distinguish it
 * from one that is empty. */
static BusGatherFate
fate_of_lost_result (void)
{
  BusGatherFate fate = fate_new (BUS_FATE_FAILED);

  fate.status = WIRE_STATUS_NO_MEMORY;
  fate.retryable = TRUE;
  fate.text = "its answer arrived, and the broker had no memory for it";
  return fate;
}

static BusGatherFate
fate_of_result (const BusTask *task)
{
  const BusTaskExtent *extent = task->result != NULL ? task->result->extent : NULL;
  const gboolean is_empty = extent != NULL && extent->rows == 0 && !extent->is_uncounted && !extent->is_truncated;

  return fate_new (is_empty ? BUS_FATE_EMPTY : BUS_FATE_ANSWERED);
}

static BusGatherFate
fate_of_step (const BusTask *task, const BusTaskStep *step)
{
  BusGatherFate fate = fate_new (fate_steps[step->event].answer);

  fate.retryable |= step->event == BUS_TASK_ON_RETRYABLE;
  if (step->event == BUS_TASK_ON_OFFER || step->event == BUS_TASK_ON_STARTED || step->event == BUS_TASK_ON_CLAIM
      || step->event == BUS_TASK_ON_PROGRESS || step->event == BUS_TASK_ON_EOF)
    return fate;
  fate.text = bus_task_event_cause (step->event);
  return fate;
}

/* --- never asked --- */

typedef struct
{
  WireStatus status;
  gboolean retryable;
  const char *text;
} FateReason;

static const FateReason fate_reasons[BUS_N_NEVER_ASKED] = {
  [BUS_NEVER_NONE] = { WIRE_STATUS_ABSENT, TRUE, "it was not asked" },
  [BUS_NEVER_NOT_REGISTERED] = { WIRE_STATUS_ABSENT, TRUE, "it is not registered" },
  [BUS_NEVER_DRAINING] = { WIRE_STATUS_DRAINING, TRUE, "it drains, and takes no more tasks" },
  [BUS_NEVER_NO_CAPABILITY]
  = { WIRE_STATUS_NO_RESPONDERS, FALSE, "no collector has the operation, with the type, tags and priority asked for" },
  [BUS_NEVER_AT_CAPACITY] = { WIRE_STATUS_WOULD_BLOCK, TRUE, "all its slots were busy until the question ended" },
  [BUS_NEVER_SET_ASIDE] = { WIRE_STATUS_WOULD_BLOCK, TRUE, "it is set aside, because it failed too often" },
  [BUS_NEVER_SUSPECT] = { WIRE_STATUS_WOULD_BLOCK, TRUE, "it does not answer heartbeats" },
  [BUS_NEVER_PAUSED] = { WIRE_STATUS_WOULD_BLOCK, TRUE, "the operation is paused, or its limit was reached" },
  [BUS_NEVER_VERSION] = { WIRE_STATUS_UNSUPPORTED, FALSE, "its connection does not have the feature TASKS" },
  [BUS_NEVER_DENIED] = { WIRE_STATUS_DENIED, FALSE, "it is not a collector, so it gets no tasks" },
};

BusGatherFate
bus_fate_never_asked (BusNeverAsked reason)
{
  const FateReason *row = &fate_reasons[reason];

  return (BusGatherFate){ BUS_FATE_NEVER_ASKED, reason, row->status, row->retryable, row->text };
}

static const BusNeverAsked fate_waits[BUS_N_WAIT_REASONS] = {
  [BUS_WAIT_NONE] = BUS_NEVER_AT_CAPACITY,
  [BUS_WAIT_NO_CAPABILITY] = BUS_NEVER_NO_CAPABILITY,
  [BUS_WAIT_ALL_BUSY] = BUS_NEVER_AT_CAPACITY,
  [BUS_WAIT_ALL_DRAINING] = BUS_NEVER_DRAINING,
  [BUS_WAIT_SET_ASIDE] = BUS_NEVER_SET_ASIDE,
  [BUS_WAIT_PAUSED] = BUS_NEVER_PAUSED,
  [BUS_WAIT_ISOLATION] = BUS_NEVER_AT_CAPACITY,
  [BUS_WAIT_BACKOFF] = BUS_NEVER_AT_CAPACITY,
  [BUS_WAIT_NOT_BEFORE] = BUS_NEVER_AT_CAPACITY,
  [BUS_WAIT_OPERATION_LIMIT] = BUS_NEVER_PAUSED,
  [BUS_WAIT_TARGET_ABSENT] = BUS_NEVER_NOT_REGISTERED,
  [BUS_WAIT_ADOPTION_HOLD] = BUS_NEVER_NOT_REGISTERED,
};

/* Reasons by the state of the only collector that may have the task. NONE: the queue of the operation decides. */
static const BusNeverAsked fate_states[BUS_MEMBER_N_STATES] = {
  [BUS_MEMBER_SUSPECT] = BUS_NEVER_SUSPECT,
  [BUS_MEMBER_SET_ASIDE] = BUS_NEVER_SET_ASIDE,
};

/* The state of the collector is checked before that of the queue: if the collector is not there, the end of a pause would not
 * help. */
static BusNeverAsked
fate_reason_of_target (const BusTask *task, const BusMember *target, BusNeverAsked by_queue)
{
  if (target == NULL || target->state == BUS_MEMBER_REGISTERED)
    return target == NULL || bus_choice_suits (target, task) ? BUS_NEVER_NOT_REGISTERED : BUS_NEVER_NO_CAPABILITY;
  if (target->state == BUS_MEMBER_DRAINING)
    return BUS_NEVER_DRAINING;
  if (!bus_choice_suits (target, task))
    return BUS_NEVER_NO_CAPABILITY;
  return by_queue == BUS_NEVER_PAUSED || fate_states[target->state] == BUS_NEVER_NONE ? by_queue
                                                                                      : fate_states[target->state];
}

static BusGatherFate
fate_of_waiting (const BusTask *task, const BusMember *target)
{
  const BusNeverAsked reason = fate_waits[bus_operation_wait_reason (task)];

  return bus_fate_never_asked (task->target.len > 0 ? fate_reason_of_target (task, target, reason) : reason);
}

BusGatherFate
bus_fate_of (const BusTask *task, const BusMember *target)
{
  const BusTaskStep *step;

  if (task->state == BUS_TASK_SUCCEEDED)
    return task->payload_dropped ? fate_of_lost_result () : fate_of_result (task);
  if (task->state == BUS_TASK_CANCELLED)
    return fate_new (BUS_FATE_CANCELLED);
  step = fate_last_work (task);
  if (step != NULL)
    return fate_of_step (task, step);
  return task->attempt > 0 ? fate_new (BUS_FATE_TIMED_OUT) : fate_of_waiting (task, target);
}
