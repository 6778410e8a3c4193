/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-attempt.h"

#include "peer/bus-state.h"
#include "work/bus-course.h"
#include "work/bus-death.h"
#include "work/bus-gather-entry.h"
#include "work/bus-operations.h"
#include "work/bus-trust.h"
#include "work/bus-work.h"

/* --- offers --- */

/* Stops the older leases of the task. They are stopped only now, when a new member has the task: until then an old holder could
 * still have finished it. */
static void
attempt_stop_others (BusCore *core, const BusLease *lease)
{
  GList *next;

  for (GList *link = lease->task->leases.head; link != NULL; link = next)
    {
      next = link->next;
      if (link->data != lease)
        bus_lease_stop (core, link->data, WIRE_STATUS_SUPERSEDED);
    }
}

void
bus_attempt_offer (BusCore *core, BusTask *task, BusMember *member, gint64 now_us)
{
  BusOperation *operation = task->place.operation;
  BusLease *lease = bus_lease_offer (core, task, member, now_us);

  if (lease == NULL)
    {
      bus_operation_lease_ended (task);
      bus_operation_give_back (operation);
      bus_course_queue (core, task, BUS_PLACE_OLD);
      bus_lease_note_busy (core, member, now_us);
      return;
    }
  bus_course_on (core, task, BUS_TASK_ON_OFFER, member->id, now_us);
  bus_deadline_arm (&core->deadlines, &task->timer.deadline, now_us + (gint64) core->limits.task_offer_us);
  attempt_stop_others (core, lease);
}

/* --- progress --- */

static void
attempt_renew (BusCore *core, const BusLease *lease, gint64 now_us)
{
  if (lease->progress_us > 0)
    bus_deadline_arm (&core->deadlines, &lease->task->timer.deadline, now_us + lease->progress_us);
}

/* Arms the timer of the run limit. The limit covers the attempt, not the connection: an attempt that was adopted continues with
 * the time that it has left, and a holder that registers again and again, even with a longer limit, gets no more. The broker keeps
 * that time in the task, because the lease ends with the connection; a broker that was started since has none, and the limit begins
 * with the adoption.
 *
 * A holder that has finished only has to send its answer, and may have finished just before the limit was over. So the first such
 * claim begins the limit again, and later claims of the same attempt do not. */
static void
attempt_arm_limit (BusCore *core, const BusLease *lease, gint64 now_us)
{
  BusTask *task = lease->task;
  gint64 due_us = now_us + lease->run_limit_us;

  if (task->run_due_us != 0 && (!lease->is_finished || task->was_finished))
    due_us = MIN (due_us, task->run_due_us);
  task->run_due_us = due_us;
  task->was_finished |= lease->is_finished;
  /* The broker is not late if the limit was over before the claim, and so the timer gets no grace. */
  bus_deadline_arm (&core->deadlines, &task->run_timer.deadline, MAX (due_us, now_us));
}

/* The task has just become RUNNING. */
static void
attempt_begin (BusCore *core, BusLease *lease, gint64 now_us)
{
  BusTask *task = lease->task;

  task->is_expired = FALSE;
  bus_operation_remove (task);
  bus_operation_allow (task, lease->member);
  bus_lease_start (core, lease, now_us);
  bus_lease_forget_busy (core, lease->member);
  attempt_arm_limit (core, lease, now_us);
  attempt_renew (core, lease, now_us);
}

gboolean
bus_attempt_adopt (BusCore *core, BusTask *task, BusMember *member, const BusClaim *claim, gint64 now_us)
{
  BusLease *lease = bus_lease_adopt (core, task, member, claim, now_us);

  if (lease == NULL)
    return FALSE;
  bus_awaited_remove (&core->work->awaited, task);
  bus_death_forget (core, task);
  task->is_held = FALSE;
  task->attempt = lease->attempt; /* STARTED may have been lost with the connection */
  bus_operation_adopt (task);
  bus_course_on (core, task, BUS_TASK_ON_CLAIM, member->id, now_us);
  attempt_begin (core, lease, now_us);
  return TRUE;
}

gboolean
bus_attempt_claim (BusCore *core, BusLease *lease, gint64 now_us)
{
  BusTask *task = lease->task;
  BusTaskState before = task->state;

  if (before == BUS_TASK_QUEUED && lease->is_stopped)
    return FALSE;
  if (!lease->has_started && (before == BUS_TASK_OFFERED || before == BUS_TASK_QUEUED))
    task->attempt++;
  if (bus_course_on (core, task, BUS_TASK_ON_CLAIM, lease->member->id, now_us) == BUS_TASK_RUNNING)
    attempt_begin (core, lease, now_us);
  return TRUE;
}

static gboolean
attempt_is_stale (BusCore *core, BusLease *lease, WireSpan token, gint64 now_us)
{
  if (bus_lease_is_valid (lease, token))
    return FALSE;
  if (lease->task != NULL)
    bus_course_on (core, lease->task, BUS_TASK_ON_STALE, lease->member->id, now_us);
  return TRUE;
}

/* Returns the event of a report. A late report does not start the task again if this lease has started before, or if CANCEL was
 * sent: the member will stop, and the work that it has begun meanwhile is not an attempt. */
static BusTaskEvent
attempt_report_event (const BusLease *lease, const BusTaskReport *report)
{
  gboolean is_over = lease->task->state == BUS_TASK_QUEUED && (lease->has_started || lease->is_stopped);

  return report->started && !is_over ? BUS_TASK_ON_STARTED : BUS_TASK_ON_PROGRESS;
}

static void
attempt_keep (BusCore *core, BusTask *task, const BusTaskReport *report)
{
  bus_task_set_progress (task, report);
  bus_task_store_recharge (&core->work->tasks, task);
}

gboolean
bus_attempt_report (BusCore *core, BusLease *lease, WireSpan token, const BusTaskReport *report, gint64 now_us)
{
  BusTask *task = lease->task;
  BusTaskState before;
  BusTaskEvent event;
  guint verdict;

  if (attempt_is_stale (core, lease, token, now_us))
    return FALSE;
  before = task->state;
  event = attempt_report_event (lease, report);
  if (before == BUS_TASK_OFFERED || (before == BUS_TASK_QUEUED && event == BUS_TASK_ON_STARTED))
    task->attempt++;
  verdict = bus_course_on (core, task, event, lease->member->id, now_us);
  if (verdict == BUS_TASK_REFUSED)
    return FALSE;
  if (verdict == BUS_TASK_RUNNING && before != BUS_TASK_RUNNING)
    attempt_begin (core, lease, now_us);
  else if (verdict == BUS_TASK_RUNNING)
    attempt_renew (core, lease, now_us);
  attempt_keep (core, task, report);
  return TRUE;
}

/* --- the final answer --- */

static const BusTaskEvent answer_events[BUS_N_OUTCOME_KINDS] = {
  [BUS_OUTCOME_UNSPECIFIED] = BUS_TASK_ON_FAILURE, [BUS_OUTCOME_SUCCEEDED] = BUS_TASK_ON_RESULT,
  [BUS_OUTCOME_FAILED] = BUS_TASK_ON_FAILURE,      [BUS_OUTCOME_RETRYABLE] = BUS_TASK_ON_RETRYABLE,
  [BUS_OUTCOME_CANCELLED] = BUS_TASK_ON_STOPPED,   [BUS_OUTCOME_BUSY] = BUS_TASK_ON_BUSY,
};

/* An answer changed the state of the task, and did not end it. */
static void
attempt_apply_change (BusCore *core, BusTask *task, gint64 now_us)
{
  if (task->state == BUS_TASK_QUEUED)
    {
      bus_course_queue (core, task, BUS_PLACE_OLD);
      return;
    }
  bus_course_check (core, task, TRUE, now_us);
}

static gboolean
attempt_keeps_answer (BusTaskState before, BusTaskEvent event)
{
  if (event == BUS_TASK_ON_RESULT)
    return TRUE;
  return before != BUS_TASK_QUEUED && event != BUS_TASK_ON_BUSY;
}

static void
attempt_take_answer (BusCore *core, BusTask *task, char *member, const BusTaskAnswer *answer, gint64 now_us)
{
  BusTaskEvent event = answer_events[answer->kind];
  BusTaskState before = task->state;
  guint verdict;

  if (before == BUS_TASK_OFFERED && event != BUS_TASK_ON_BUSY)
    task->attempt++;
  if (bus_task_is_live (task) && attempt_keeps_answer (before, event))
    bus_task_set_result (task, answer);
  task->is_late = before == BUS_TASK_QUEUED && event == BUS_TASK_ON_RESULT;
  verdict = bus_course_on_answer (core, task, event, member, answer->retry_after_us, now_us);
  if (verdict < BUS_N_TASK_STATES && verdict != before && bus_task_is_live (task))
    attempt_apply_change (core, task, now_us);
}

/* The member does not work on the task any more: frees its lease. FALSE: Execute was not sent to it, so it may not answer */
static gboolean
attempt_release (BusCore *core, BusLease *lease, const BusTaskAnswer *answer, gint64 now_us)
{
  BusMember *member = lease->member;

  if (lease->request->state != BUS_REQUEST_ENDED && !bus_request_answered (core, lease->request))
    return FALSE;
  bus_lease_free (core, lease);
  if (answer->kind == BUS_OUTCOME_BUSY)
    bus_lease_note_busy (core, member, now_us);
  else
    bus_lease_forget_busy (core, member);
  return TRUE;
}

/* Refuses an answer, because the lease was taken away or the task has ended: at most the slot is freed. If the newest holder of
 * a live task sends a wrong token, even its lease stays, and the limits of the lease end the attempt. */
static void
attempt_refuse (BusCore *core, BusLease *lease, WireSpan token, const BusTaskAnswer *answer, gint64 now_us)
{
  BusTask *task = lease->task;
  gboolean is_newest = task != NULL && task->lease == lease;

  if (!attempt_is_stale (core, lease, token, now_us))
    {
      bus_course_on (core, task, answer_events[answer->kind], lease->member->id, now_us);
      task->is_answered = TRUE; /* even if the task leaves quarantine later */
    }
  if (task != NULL && answer->kind == BUS_OUTCOME_SUCCEEDED)
    bus_gather_refused (task);
  if (!is_newest || !bus_task_is_live (task))
    attempt_release (core, lease, answer, now_us);
}

gboolean
bus_attempt_answer (BusCore *core, BusLease *lease, WireSpan token, const BusTaskAnswer *answer, gint64 now_us)
{
  BusTask *task = lease->task;
  BusMember *member = lease->member;

  if (!bus_lease_is_valid (lease, token) || !bus_task_is_live (task))
    {
      attempt_refuse (core, lease, token, answer, now_us);
      return FALSE;
    }
  task->result_route = lease->request->route_id;
  task->result_registration = member->registration_id;
  if (!attempt_release (core, lease, answer, now_us))
    return FALSE;
  task->is_answered = TRUE;
  if (answer->kind == BUS_OUTCOME_SUCCEEDED)
    {
      member->n_completed++;
      bus_trust_completed (core, member);
    }
  attempt_take_answer (core, task, member->id, answer, now_us);
  return TRUE;
}

void
bus_attempt_ended (BusCore *core, BusLease *lease, gint64 now_us)
{
  static const BusTaskAnswer stopped = { .kind = BUS_OUTCOME_CANCELLED };
  static const BusTaskAnswer busy = { .kind = BUS_OUTCOME_BUSY };
  gboolean is_declined = lease->request->end.status == WIRE_STATUS_CANCELLED;
  guint8 token[BUS_TOKEN_LEN];

  memcpy (token, lease->token, BUS_TOKEN_LEN);
  bus_attempt_answer (core, lease, wire_span (token, BUS_TOKEN_LEN), is_declined ? &stopped : &busy, now_us);
}
