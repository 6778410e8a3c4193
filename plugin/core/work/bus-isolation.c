/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-isolation.h"

/* When a member dies, the broker knows which tasks were running, but not which of them killed it. The death counts for each of
 * them. If they ran beside each other again, the cause would take the others with it again: after some deaths all of them would
 * be quarantined, and nothing would distinguish the cause. So each of them runs alone from now on: the cause kills its member
 * alone, and the others end normally, with one death each.
 *
 * A death with one task needs no suspect, because its cause is known. Isolation is expensive, since suspects run one by one on
 * reserved members, so at most BUS_SUSPECTS_MAX tasks of a death become suspects. A suspect stays one until it has ended, or is
 * released from quarantine. */
guint
bus_isolation_suspect (BusTask *const *tasks, guint n)
{
  if (n < 2)
    return 0;
  n = MIN (n, BUS_SUSPECTS_MAX);
  for (guint i = 0; i < n; i++)
    tasks[i]->is_suspect = TRUE;
  return n;
}

gboolean
bus_isolation_may_reserve (const GPtrArray *members)
{
  guint n_ready = 0;
  guint n_reserved = 0;

  for (guint i = 0; i < members->len; i++)
    {
      const BusMember *member = g_ptr_array_index (members, i);

      n_ready += member->state == BUS_MEMBER_READY;
      n_reserved += member->reserved_for != NULL;
    }
  return n_reserved < MAX (1, n_ready / 4);
}

static guint
isolation_used_slots (const BusMember *member)
{
  return member->n_running + member->n_offered + member->n_zombie;
}

BusMember *
bus_isolation_reserve (const GPtrArray *members, BusTask *task, gint64 now_us)
{
  BusMember *best = NULL;

  for (guint i = 0; i < members->len; i++)
    {
      BusMember *member = g_ptr_array_index (members, i);

      if (member->state == BUS_MEMBER_READY && member->reserved_for == NULL
          && (best == NULL || isolation_used_slots (member) < isolation_used_slots (best)))
        best = member;
    }
  if (best != NULL)
    bus_isolation_hold (best, task, now_us);
  return best;
}

void
bus_isolation_hold (BusMember *member, BusTask *task, gint64 now_us)
{
  g_assert (member->reserved_for == NULL && task->place.reserved == NULL);
  member->reserved_for = task;
  task->place.reserved = member;
  task->place.reserved_since_us = now_us;
}

void
bus_isolation_release (BusTask *task)
{
  g_assert (task->place.reserved->reserved_for == task);
  task->place.reserved->reserved_for = NULL;
  task->place.reserved = NULL;
}

gint64
bus_isolation_due_us (const BusTask *task)
{
  const BusAbility *ability = bus_member_ability (task->place.reserved, task->operation.text);

  return task->place.reserved_since_us + (ability != NULL ? ability->run_limit_us : 0);
}

gboolean
bus_isolation_is_idle (const BusTask *task, gint64 now_us)
{
  const BusMember *member = task->place.reserved;
  const guint n_live = member->n_running + member->n_offered;

  return n_live == 0 && (member->n_zombie == 0 || now_us >= bus_isolation_due_us (task));
}
