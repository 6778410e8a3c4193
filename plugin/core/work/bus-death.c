/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-death.h"

#include "peer/bus-state.h"
#include "work/bus-registry.h"
#include "work/bus-work.h"

static void
death_free (BusCore *core, BusDeath *death)
{
  bus_deadline_disarm (&core->deadlines, &death->timer.deadline);
  g_queue_unlink (&death->task->deaths, &death->task_link);
  g_ref_string_release (death->member);
  g_free (death);
}

void
bus_death_note (BusCore *core, BusTask *task, const BusMember *member, gint64 now_us)
{
  BusDeath *death = g_new0 (BusDeath, 1);

  death->core = core;
  death->task = task;
  death->member = g_ref_string_acquire (member->id);
  death->incarnation = member->incarnation;
  death->was_proven = member->n_completed > 0;
  death->timer.kind = BUS_TIMER_DEATH;
  death->timer.owner = death;
  death->task_link.data = death;
  g_queue_push_tail_link (&task->deaths, &death->task_link);
  bus_deadline_arm (&core->deadlines, &death->timer.deadline, now_us + (gint64) core->limits.task_return_us);
  task->is_held = bus_death_holds_back (task);
}

/* A task that kills its members must not be offered again and again before the first death is counted: a death is provisional
 * for task_return_us, and in this time the task could kill every capable member. Holding back every task after a death is no
 * solution either, because most members die for reasons of their own, and the failover of each of their tasks would be late. So
 * the first death of a task costs no time. From the second one on, provisional or counted, the task waits until all are decided;
 * then it may be quarantined as the cause of the deaths (see bus_course_check()).
 *
 * The task also waits if its provisional deaths would use up its attempts: an offer would begin an attempt that it does not
 * have if they are counted. */
gboolean
bus_death_holds_back (const BusTask *task)
{
  const guint n = task->deaths.length;

  return n > 0 && (n + task->counts.deaths >= 2 || bus_task_spent (task) + n >= task->attempts);
}

static void
death_count (const BusDeath *death)
{
  BusTask *task = death->task;

  task->counts.deaths++;
  if (task->died_on == NULL)
    task->died_on = g_ref_string_acquire (death->member);
  else if (strcmp (task->died_on, death->member) != 0)
    task->died_on_two = TRUE;
  task->died_on_proven |= death->was_proven;
}

static gboolean
death_has_returned (const BusDeath *death)
{
  const BusMember *member = bus_registry_find (death->core->work, wire_span_str (death->member));

  return member != NULL && member->incarnation == death->incarnation;
}

gboolean
bus_death_end (BusDeath *death)
{
  gboolean has_returned = death_has_returned (death);

  if (has_returned)
    death->task->counts.interruptions++;
  else
    death_count (death);
  death_free (death->core, death);
  return has_returned;
}

void
bus_death_forget (BusCore *core, BusTask *task)
{
  while (task->deaths.head != NULL)
    death_free (core, task->deaths.head->data);
}
