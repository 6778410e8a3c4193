/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-leaving.h"

#include "peer/bus-state.h"
#include "work/bus-course.h"
#include "work/bus-isolation.h"
#include "work/bus-lease.h"
#include "work/bus-operation.h"
#include "work/bus-push.h"
#include "work/bus-work.h"

#define OFFERS_LOST_MAX 3u /* the third one makes the task a suspect */

static gboolean
leaving_is_newest (const BusLease *lease)
{
  return lease->task != NULL && lease->task->lease == lease;
}

/* --- gone --- */

static BusTaskEvent
leaving_event (BusMemberEnd end)
{
  switch (end)
    {
    case BUS_MEMBER_END_ANNOUNCED:
    case BUS_MEMBER_END_DEREGISTERED:
      return BUS_TASK_ON_DEREGISTER;
    case BUS_MEMBER_END_CLOSED:
      return BUS_TASK_ON_CLOSED;
    case BUS_MEMBER_END_NONE:
    case BUS_MEMBER_END_EOF:
      break;
    }
  return BUS_TASK_ON_EOF;
}

/* Sorts by start, the oldest first. */
static gint
leaving_compare_starts (gconstpointer a, gconstpointer b)
{
  const BusTask *first = *(BusTask *const *) a;
  const BusTask *second = *(BusTask *const *) b;

  return first->lease->started_us < second->lease->started_us ? -1 : 1;
}

/* The member died. If it ran several tasks, each may be the cause. */
static void
leaving_mark_suspects (const BusMember *member)
{
  g_autoptr (GPtrArray) running = g_ptr_array_new ();

  for (const GList *link = member->leases.head; link != NULL; link = link->next)
    {
      const BusLease *lease = link->data;

      if (leaving_is_newest (lease) && lease->task->state == BUS_TASK_RUNNING)
        g_ptr_array_add (running, lease->task);
    }
  g_ptr_array_sort (running, leaving_compare_starts);
  bus_isolation_suspect ((BusTask *const *) (gconstpointer) running->pdata, running->len);
}

/* The member ended before it started the task, which was OFFERED and is QUEUED: puts the task back. If members end again and again
 * with an offer of the task, it becomes a suspect. */
static void
leaving_return_offer (BusCore *core, BusTask *task, BusTaskEvent event)
{
  if (event == BUS_TASK_ON_EOF && ++task->offers_lost >= OFFERS_LOST_MAX)
    task->is_suspect = TRUE;
  bus_course_queue (core, task, BUS_PLACE_OLD);
}

/* The member ended while it ran the task, which was RUNNING and is QUEUED: counts an interruption or, if the end was not
 * announced, a provisional death. */
static void
leaving_return_attempt (BusCore *core, BusTask *task, const BusMember *member, BusTaskEvent event, gint64 now_us)
{
  if (event == BUS_TASK_ON_EOF)
    {
      bus_death_note (core, task, member, now_us);
      bus_course_queue (core, task, BUS_PLACE_NEW);
    }
  else if (!bus_course_check_interruptions (core, task, now_us))
    bus_course_queue (core, task, BUS_PLACE_OLD);
}

static void
leaving_lose (BusCore *core, BusLease *lease, BusTaskEvent event, gint64 now_us)
{
  BusTask *task = lease->task;
  BusMember *member = lease->member;
  gboolean is_newest = leaving_is_newest (lease);
  BusTaskState before;

  bus_lease_free (core, lease);
  if (!is_newest)
    return;
  before = task->state;
  if (bus_course_on (core, task, event, member->id, now_us) != BUS_TASK_QUEUED)
    return;
  if (before == BUS_TASK_OFFERED)
    leaving_return_offer (core, task, event);
  else
    leaving_return_attempt (core, task, member, event, now_us);
}

void
bus_leaving_gone (BusCore *core, BusMember *member, gint64 now_us)
{
  BusTaskEvent event = leaving_event (member->end);

  if (event == BUS_TASK_ON_EOF)
    leaving_mark_suspects (member);
  while (member->leases.head != NULL)
    leaving_lose (core, member->leases.head->data, event, now_us);
  bus_lease_forget_busy (core, member);
  bus_deadline_disarm (&core->deadlines, &member->drain_timer.deadline);
}

/* A task that was held back waits for a member again once all its deaths are decided. */
void
bus_leaving_death_due (BusDeath *death, gint64 now_us)
{
  BusCore *core = death->core;
  BusTask *task = death->task;
  gboolean has_returned = bus_death_end (death);

  bus_task_store_recharge (&core->work->tasks, task);
  bus_push_touch (core, task);
  if (has_returned ? bus_course_check_interruptions (core, task, now_us) : bus_course_check (core, task, FALSE, now_us))
    return;
  if (!task->is_held || task->is_awaited || task->deaths.length > 0)
    return;
  task->is_held = FALSE;
  if (task->state == BUS_TASK_QUEUED)
    bus_course_queue (core, task, BUS_PLACE_OLD);
}

/* --- draining, and abilities that were withdrawn --- */

/* Returns the event that the change of the member means for a lease; BUS_N_TASK_EVENTS: none. */
static guint
leaving_change_of (const BusMember *member, const BusLease *lease)
{
  if (member->state == BUS_MEMBER_DRAINING)
    return BUS_TASK_ON_DRAIN;
  if (bus_member_ability (member, lease->task->operation.text) == NULL)
    return BUS_TASK_ON_WITHDRAWN;
  if (member->state == BUS_MEMBER_SUSPECT || member->state == BUS_MEMBER_SET_ASIDE)
    return BUS_TASK_ON_HELD;
  return BUS_N_TASK_EVENTS;
}

/* Takes the task back. The holder may have begun already, so its slot is free only when it has answered. */
static void
leaving_take_back (BusCore *core, BusLease *lease, guint event, gint64 now_us)
{
  BusTask *task = lease->task;

  if (bus_course_on (core, task, event, lease->member->id, now_us) != BUS_TASK_QUEUED)
    return;
  if (bus_lease_stop (core, lease, WIRE_STATUS_DRAINING))
    bus_operation_avoid (task, lease->member);
  if (event != BUS_TASK_ON_DRAIN_OVER || !bus_course_check_interruptions (core, task, now_us))
    bus_course_queue (core, task, BUS_PLACE_OLD);
}

/* Arms the timer after which the running tasks of a draining member are taken back. A member that has registered again does not
 * drain any more. */
static void
leaving_set_drain (BusCore *core, BusMember *member, gint64 now_us)
{
  member->drain_timer.kind = BUS_TIMER_DRAIN;
  member->drain_timer.owner = member;
  if (member->state != BUS_MEMBER_DRAINING)
    bus_deadline_disarm (&core->deadlines, &member->drain_timer.deadline);
  else if (member->drain_until_us > now_us)
    bus_deadline_arm (&core->deadlines, &member->drain_timer.deadline, member->drain_until_us);
}

void
bus_leaving_changed (BusCore *core, BusMember *member, gint64 now_us)
{
  GList *next;

  leaving_set_drain (core, member, now_us);
  for (GList *link = member->leases.head; link != NULL; link = next)
    {
      BusLease *lease = link->data;
      guint event;

      next = link->next;
      if (!leaving_is_newest (lease) || lease->state == BUS_LEASE_ZOMBIE)
        continue;
      event = leaving_change_of (member, lease);
      if (event < BUS_N_TASK_EVENTS)
        leaving_take_back (core, lease, event, now_us);
    }
}

void
bus_leaving_drain_over (BusCore *core, BusMember *member, gint64 now_us)
{
  GList *next;

  for (GList *link = member->leases.head; link != NULL; link = next)
    {
      BusLease *lease = link->data;

      next = link->next;
      if (leaving_is_newest (lease) && lease->state == BUS_LEASE_RUNNING)
        leaving_take_back (core, lease, BUS_TASK_ON_DRAIN_OVER, now_us);
    }
}
