/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-expiry.h"

#include "peer/bus-state.h"
#include "work/bus-adoption.h"
#include "work/bus-course.h"
#include "work/bus-lease.h"
#include "work/bus-operation.h"
#include "work/bus-trust.h"
#include "work/bus-work.h"

/* --- leases --- */

/* The lease of a QUEUED task expired: its holder keeps its slot, and the task is not offered to it again. */
static void
expiry_make_zombie (BusCore *core, BusTask *task)
{
  bus_operation_avoid (task, task->lease->member);
  bus_lease_make_zombie (core, task->lease);
}

/* The offer was not answered. If it was not even sent, it is taken back, and leaves no zombie. */
static void
expiry_silent (BusCore *core, BusTask *task, gint64 now_us)
{
  BusMember *member = task->lease->member;

  bus_course_on (core, task, BUS_TASK_ON_SILENT, member->id, now_us);
  bus_trust_strike (core, member, "it did not answer an offer in time");
  if (task->lease->request->mark.is_sent)
    expiry_make_zombie (core, task);
  else
    bus_lease_free (core, task->lease);
  bus_course_queue (core, task, BUS_PLACE_OLD);
}

/* The run limit is over. If the lease is of an adopted task whose Execute was not sent yet, it is freed, and CANCEL cannot follow:
 * the claim is fenced instead. */
static void
expiry_stop (BusCore *core, BusLease *lease)
{
  if (lease->is_adopted && !lease->request->mark.is_sent)
    bus_adoption_fence (core, lease);
  bus_lease_stop (core, lease, WIRE_STATUS_EXPIRED);
}

/* A zombie runs until the limit of its attempt. */
void
bus_expiry_lease_due (BusCore *core, BusLease *lease)
{
  if (lease->task != NULL && lease->task->lease == lease)
    expiry_stop (core, lease);
  else
    bus_lease_stop (core, lease, WIRE_STATUS_EXPIRED);
}

/* The attempt took too long. @event: PROGRESS_OVER or RUN_OVER, which may free the lease. */
static void
expiry_attempt (BusCore *core, BusTask *task, BusTaskEvent event, gint64 now_us)
{
  BusLease *lease = task->lease;
  const gboolean may_run_twice = lease->idempotent;

  bus_course_on (core, task, event, lease->member->id, now_us);
  task->is_expired = TRUE;
  bus_trust_strike (core, lease->member, bus_task_event_cause (event));
  expiry_make_zombie (core, task);
  if (event == BUS_TASK_ON_RUN_OVER)
    expiry_stop (core, lease);
  else
    bus_lease_limit (core, lease);
  if (bus_course_check (core, task, FALSE, now_us))
    return;
  if (may_run_twice)
    bus_course_queue (core, task, BUS_PLACE_NEW);
  else
    bus_course_on (core, task, BUS_TASK_ON_UNSAFE, NULL, now_us);
}

/* --- timers --- */

/* TRUE if the broker itself was late: the timer is armed again for the lost time. */
static gboolean
expiry_get_grace (BusCore *core, BusTimer *timer, gint64 period_us, gint64 now_us)
{
  gint64 more_us = bus_grace_take (&core->work->grace, timer->deadline.due_us, period_us, now_us);

  if (more_us > 0)
    bus_deadline_arm (&core->deadlines, &timer->deadline, now_us + more_us);
  return more_us > 0;
}

static void
expiry_delay_over (BusCore *core, BusTask *task, gint64 now_us)
{
  bus_course_on (core, task, BUS_TASK_ON_DUE, NULL, now_us);
  bus_course_queue (core, task, BUS_PLACE_NEW);
}

void
bus_expiry_due (BusCore *core, BusTask *task, gint64 now_us)
{
  switch ((guint) task->state)
    {
    case BUS_TASK_OFFERED:
      if (!expiry_get_grace (core, &task->timer, (gint64) core->limits.task_offer_us, now_us))
        expiry_silent (core, task, now_us);
      break;
    case BUS_TASK_RUNNING:
      if (!expiry_get_grace (core, &task->timer, task->lease->progress_us, now_us))
        expiry_attempt (core, task, BUS_TASK_ON_PROGRESS_OVER, now_us);
      break;
    case BUS_TASK_CANCELLING:
      bus_course_on (core, task, BUS_TASK_ON_GRACE_OVER, task->holder, now_us);
      break;
    case BUS_TASK_DELAYED:
      expiry_delay_over (core, task, now_us);
      break;
    case BUS_TASK_QUEUED:
      bus_course_stop_awaiting (core, task);
      break;
    default:
      g_assert_not_reached ();
    }
}

void
bus_expiry_run_due (BusCore *core, BusTask *task, gint64 now_us)
{
  if (expiry_get_grace (core, &task->run_timer, task->lease->run_limit_us, now_us))
    task->run_due_us = task->run_timer.deadline.due_us; /* so that an adoption keeps the grace */
  else
    expiry_attempt (core, task, BUS_TASK_ON_RUN_OVER, now_us);
}

/* The time for which the ended task is kept is over. */
static void
expiry_store_over (BusCore *core, BusTask *task, gint64 now_us)
{
  if (task->shelf == BUS_SHELF_LIVE)
    bus_task_store_settle (&core->work->tasks, task, now_us);
  else if (task->shelf == BUS_SHELF_QUARANTINE)
    bus_course_on (core, task, BUS_TASK_ON_STORE_OVER, NULL, now_us);
  else
    bus_course_forget (core, task);
}

void
bus_expiry_deadline_due (BusCore *core, BusTask *task, gint64 now_us)
{
  if (bus_task_is_live (task))
    bus_course_on (core, task, BUS_TASK_ON_DEADLINE, task->holder, now_us);
  else
    expiry_store_over (core, task, now_us);
}

void
bus_expiry_alone_due (BusCore *core, BusTask *task, gint64 now_us)
{
  bus_expiry_cancel (core, task, BUS_TASK_ON_ALONE, now_us);
}

/* --- cancels --- */

guint
bus_expiry_cancel (BusCore *core, BusTask *task, BusTaskEvent event, gint64 now_us)
{
  BusTaskState before = task->state;
  guint verdict = bus_course_on (core, task, event, task->holder, now_us);

  if (verdict != BUS_TASK_CANCELLING || before == BUS_TASK_CANCELLING)
    return verdict;
  /* If Execute was not sent yet, CANCEL follows it when the task ends. */
  task->lease->is_stopped = bus_request_ask_to_stop (core, task->lease->request, WIRE_STATUS_CANCELLED);
  bus_deadline_arm (&core->deadlines, &task->timer.deadline, now_us + (gint64) core->limits.task_cancel_us);
  return verdict;
}
