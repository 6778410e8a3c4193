/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-schedule.h"

#include "peer/bus-state.h"
#include "work/bus-adoption.h"
#include "work/bus-attempt.h"
#include "work/bus-course.h"
#include "work/bus-death.h"
#include "work/bus-gather-send.h"
#include "work/bus-gather.h"
#include "work/bus-leaving.h"
#include "work/bus-operations.h"
#include "work/bus-push.h"
#include "work/bus-standing.h"
#include "work/bus-membership.h"
#include "work/bus-work.h"

void
bus_schedule_init (BusCore *core)
{
  BusWork *work = core->work;

  bus_task_store_init (&work->tasks, &core->limits, &core->deadlines, core->accounts, core->seed);
  work->operations = bus_operations_new (core->seed, (guint) core->limits.task_names, &core->deadlines, &core->now_us);
  work->standings = bus_standings_new ();
  work->tokens.seed = bus_hash_mix (core->seed ^ core->epoch);
  work->chance.seed = bus_hash_mix (work->tokens.seed);
}

/* Removes the task from all lists but that of the store. No submitter or holder is left. */
static void
schedule_unlink (BusCore *core, BusTask *task)
{
  bus_death_forget (core, task);
  bus_awaited_remove (&core->work->awaited, task);
  if (task->place.operation != NULL)
    {
      bus_operation_remove (task);
      bus_operations_leave (task);
    }
}

void
bus_schedule_clear (BusCore *core)
{
  BusWork *work = core->work;

  bus_deadline_disarm (&core->deadlines, &work->recovery_timer.deadline);
  bus_standings_free (core);
  for (GList *link = work->tasks.all.head; link != NULL; link = link->next)
    schedule_unlink (core, link->data);
  bus_task_store_clear (&work->tasks);
  bus_operations_free (work->operations);
  g_assert (work->pushing.length == 0 && work->gathers.all.length == 0);
}

static gboolean
schedule_ended_members (BusCore *core, gint64 now_us)
{
  BusWork *work = core->work;
  BusMember *member;
  gboolean has_any = FALSE;

  while ((member = bus_registry_next_ended (work)) != NULL)
    {
      has_any = TRUE;
      bus_operations_on_member (work->operations, member);
      bus_leaving_gone (core, member, now_us);
      bus_gather_on_member (core, member, FALSE);
      bus_member_free (member);
    }
  return has_any;
}

static gboolean
schedule_changed_members (BusCore *core, gint64 now_us)
{
  BusMember *member;
  gboolean has_any = FALSE;

  while ((member = bus_registry_next_changed (core->work)) != NULL)
    {
      const gboolean is_revised = member->revision != member->placed_revision;

      has_any = TRUE;
      bus_leaving_changed (core, member, now_us);
      bus_operations_on_member (core->work->operations, member);
      bus_adoption_continue (core, member, now_us);
      bus_gather_on_member (core, member, is_revised);
    }
  return has_any;
}

static gboolean
schedule_ended_requests (BusCore *core, gint64 now_us)
{
  BusRequest *request;
  gboolean has_any = FALSE;

  while ((request = bus_request_next_ended (core, BUS_REQUESTER_TASK)) != NULL)
    {
      has_any = TRUE;
      bus_attempt_ended (core, request->requester.lease, now_us);
    }
  while ((request = bus_request_next_ended (core, BUS_REQUESTER_STANDING)) != NULL)
    {
      has_any = TRUE;
      bus_standing_ended (core, request->requester.standing);
    }
  return has_any;
}

static gboolean
schedule_offers (BusCore *core, gint64 now_us)
{
  BusMember *member;
  BusTask *task;
  gboolean has_any = FALSE;

  while ((task = bus_operations_next (core->work->operations, &member)) != NULL)
    {
      has_any = TRUE;
      bus_attempt_offer (core, task, member, now_us);
    }
  return has_any;
}

static gboolean
schedule_excess (BusCore *core, gint64 now_us)
{
  BusTaskStore *store = &core->work->tasks;
  BusTask *task;
  gboolean has_any = FALSE;

  while ((task = bus_task_store_next_excess (store)) != NULL)
    {
      has_any = TRUE;
      if (task->state == BUS_TASK_QUARANTINED)
        bus_course_on (core, task, BUS_TASK_ON_STORE_OVER, NULL, now_us);
      else
        bus_course_forget (core, task);
    }
  return has_any;
}

/* One pass over everything that the input has listed for the tasks. core_settle() repeats it until nothing is left to do.
 *
 * The order of the steps matters. Ended members come first: their leases return to the queues before a slot is chosen, so that one
 * pass is enough to give a task of a dead member to another one, and no task is offered to a member that has ended. Then come the
 * other causes that free slots or tasks: changed members, requests that have ended, and answers to questions. Offers follow, when
 * all free slots and waiting tasks of this input are known; otherwise a slot could be given to a less urgent task than one that
 * the same input returns to the queue.
 *
 * Reports come last, so that submitters see the newest state of a task, and not each step of the same input. They do not count in
 * the result, because a push that waits for room in the queue of its submitter would make core_settle() repeat the pass without
 * any effect. */
gboolean
bus_schedule_settle (BusCore *core, gint64 now_us)
{
  gboolean has_any = schedule_ended_members (core, now_us);

  has_any |= schedule_changed_members (core, now_us);
  has_any |= schedule_ended_requests (core, now_us);
  has_any |= bus_gather_settle (core, now_us);
  has_any |= schedule_offers (core, now_us);
  has_any |= schedule_excess (core, now_us);
  has_any |= bus_gather_send (core, now_us);
  bus_task_store_return_credit (&core->work->tasks);
  bus_push_pump (core, now_us);
  return has_any;
}
