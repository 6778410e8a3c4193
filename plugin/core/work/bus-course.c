/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-course.h"

#include "peer/bus-state.h"
#include "work/bus-death.h"
#include "work/bus-gather-entry.h"
#include "work/bus-lease.h"
#include "work/bus-operations.h"
#include "work/bus-push.h"
#include "work/bus-task-news.h"
#include "work/bus-work.h"

/* --- the end --- */

/* The status of the CANCEL that the holder gets. */
static WireStatus
course_stop_status (BusTaskEvent event)
{
  switch ((guint) event)
    {
    case BUS_TASK_ON_CANCEL:
    case BUS_TASK_ON_ALONE:
    case BUS_TASK_ON_GRACE_OVER: /* its Execute was sent after the task was cancelled */
      return WIRE_STATUS_CANCELLED;
    case BUS_TASK_ON_DEADLINE:
      return WIRE_STATUS_EXPIRED;
    default:
      return WIRE_STATUS_SUPERSEDED;
    }
}

/* Asks all holders that have not answered to stop. Each keeps its slot until it answers. */
static void
course_stop_holders (BusCore *core, BusTask *task, BusTaskEvent event)
{
  GList *next;

  for (GList *link = task->leases.head; link != NULL; link = next)
    {
      next = link->next;
      bus_lease_stop (core, link->data, course_stop_status (event));
    }
}

static void
course_count_end (BusTask *task)
{
  BusOperation *operation = task->place.operation;

  if (operation == NULL)
    return;
  if (task->state == BUS_TASK_SUCCEEDED)
    operation->n_succeeded++;
  else if (task->state == BUS_TASK_CANCELLED)
    operation->n_cancelled++;
  else
    operation->n_failed++;
}

static void
course_leave_queue (BusTask *task)
{
  if (task->place.operation == NULL)
    return;
  while (task->avoids != NULL)
    bus_operation_allow (task, g_ptr_array_index (task->avoids, 0));
  bus_operations_leave (task);
}

static void
course_end (BusCore *core, BusTask *task, BusTaskEvent event, gint64 now_us)
{
  task->is_unconfirmed = task->state == BUS_TASK_CANCELLED && task->lease != NULL && task->lease->has_started;
  bus_death_forget (core, task);
  task->is_held = FALSE;
  bus_awaited_remove (&core->work->awaited, task);
  if (task->place.operation != NULL)
    bus_operation_remove (task);
  course_stop_holders (core, task, event);
  course_count_end (task);
  course_leave_queue (task);
  bus_task_store_ended (&core->work->tasks, task, now_us);
}

/* --- a change --- */

/* The backoff: a random part of a time that doubles with each failure. */
static gint64
course_backoff_us (BusCore *core, const BusTask *task)
{
  const BusLimits *limits = &core->limits;
  guint doublings = MIN (MAX (task->counts.failures, 1) - 1, 32);
  guint64 most_us = MIN (limits->task_retry_us << doublings, limits->task_max_retry_us);

  return (gint64) (bus_token_random (&core->work->chance) % most_us) + 1;
}

static void
course_delay (BusCore *core, BusTask *task, gint64 retry_after_us, gint64 now_us)
{
  gint64 backoff_us = course_backoff_us (core, task); /* in a variable: it is random, and MAX may evaluate it twice */
  gint64 wait_us = MAX (backoff_us, MIN (retry_after_us, G_MAXINT64 / 4));

  g_assert (task->state == BUS_TASK_DELAYED);
  task->wait_reason = BUS_WAIT_BACKOFF;
  bus_operation_park (task, BUS_TASK_LATER);
  bus_deadline_arm (&core->deadlines, &task->timer.deadline, now_us + wait_us);
}

guint
bus_course_on_answer (BusCore *core,
                      BusTask *task,
                      BusTaskEvent event,
                      char *member,
                      gint64 retry_after_us,
                      gint64 now_us)
{
  BusTaskState before = task->state;
  guint verdict = bus_task_on (&core->work->tasks.rules, task, event, member, now_us);

  if (verdict == BUS_TASK_DELAYED && before != BUS_TASK_DELAYED)
    course_delay (core, task, retry_after_us, now_us);
  if (verdict < BUS_N_TASK_STATES && verdict != before && !bus_task_is_live (task))
    course_end (core, task, event, now_us);
  if (verdict < BUS_N_TASK_STATES)
    {
      bus_task_store_recharge (&core->work->tasks, task);
      bus_push_touch (core, task);
      if (task->entry != NULL)
        bus_gather_touch (task->entry);
    }
  bus_task_news_report (core, task, before, event, verdict, now_us);
  return verdict;
}

guint
bus_course_on (BusCore *core, BusTask *task, BusTaskEvent event, char *member, gint64 now_us)
{
  return bus_course_on_answer (core, task, event, member, 0, now_us);
}

void
bus_course_forget (BusCore *core, BusTask *task)
{
  bus_push_forget_task (core, task);
  bus_lease_forget_task (task);
  bus_task_store_forget (&core->work->tasks, task);
}

/* --- queued again --- */

void
bus_course_queue (BusCore *core, BusTask *task, BusQueuePlace place)
{
  g_assert (task->state == BUS_TASK_QUEUED);
  task->wait_reason = task->is_held ? BUS_WAIT_BACKOFF : BUS_WAIT_NONE;
  if (task->is_held)
    bus_operation_park (task, BUS_TASK_HELD);
  else if (place == BUS_PLACE_OLD)
    bus_operation_return (task);
  else
    bus_operation_insert (task);
}

/* --- its holder may register again --- */

void
bus_course_await_holder (BusCore *core, BusTask *task, gint64 until_us)
{
  BusDeadline *deadline = &task->timer.deadline;

  g_assert (task->state == BUS_TASK_QUEUED);
  if (bus_deadline_is_armed (deadline))
    until_us = MAX (until_us, deadline->due_us);
  bus_deadline_arm (&core->deadlines, deadline, until_us);
  task->is_held = TRUE;
  bus_operation_park (task, BUS_TASK_HELD);
  task->wait_reason = BUS_WAIT_ADOPTION_HOLD;
  if (task->holder != NULL && !task->is_awaited)
    bus_awaited_add (&core->work->awaited, task);
  bus_task_store_recharge (&core->work->tasks, task);
  bus_push_touch (core, task); /* the reason for which it waits has changed */
}

void
bus_course_stop_awaiting (BusCore *core, BusTask *task)
{
  bus_deadline_disarm (&core->deadlines, &task->timer.deadline);
  bus_awaited_remove (&core->work->awaited, task);
  bus_task_store_recharge (&core->work->tasks, task);
  task->is_held = bus_death_holds_back (task);
  bus_course_queue (core, task, BUS_PLACE_OLD);
  bus_push_touch (core, task);
}

/* --- counters --- */

gboolean
bus_course_check (BusCore *core, BusTask *task, gboolean is_failure, gint64 now_us)
{
  gboolean is_spent = bus_task_spent (task) >= task->attempts;

  if (task->died_on_two && task->died_on_proven)
    bus_course_on (core, task, BUS_TASK_ON_POISON, NULL, now_us);
  else if (is_spent && is_failure)
    bus_course_on (core, task, BUS_TASK_ON_GIVEN_UP, NULL, now_us);
  else if (is_spent)
    bus_course_on (core, task, BUS_TASK_ON_EXHAUSTED, NULL, now_us);
  return !bus_task_is_live (task);
}

gboolean
bus_course_check_interruptions (BusCore *core, BusTask *task, gint64 now_us)
{
  if (task->counts.interruptions > BUS_INTERRUPTIONS_MAX)
    bus_course_on (core, task, BUS_TASK_ON_GIVEN_UP, NULL, now_us);
  return !bus_task_is_live (task);
}
