/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-operation.h"

#include "base/bus-text.h"
#include "work/bus-isolation.h"

/* --- life --- */

BusOperation *
bus_operation_new (BusOperationShared *all, const BusKey *name)
{
  BusOperation *operation = g_new0 (BusOperation, 1);

  operation->all = all;
  operation->name = bus_text_from_span (name->text);
  operation->key = (BusKey){ name->hash, wire_span_str (operation->name) };
  bus_choice_init (&operation->choice, BUS_STRATEGY_DEFAULT, all->seed ^ name->hash);
  bus_pools_init (&operation->pools, &all->spares, all->seed);
  operation->users = g_array_new (FALSE, FALSE, sizeof (BusOperationUser));
  operation->reservation_timer.kind = BUS_TIMER_RESERVATION;
  operation->reservation_timer.owner = operation;
  operation->until_aged = BUS_LEASES_BY_AGE - 1;
  operation->link.data = operation;
  operation->awake_link.data = operation;
  operation->bound_link.data = operation;
  return operation;
}

static void
operation_await_bound (BusOperation *operation)
{
  if (operation->is_at_bound)
    return;
  operation->is_at_bound = TRUE;
  g_queue_push_tail_link (&operation->all->at_bound, &operation->bound_link);
}

static void
operation_leave_bound (BusOperation *operation)
{
  if (operation->is_at_bound)
    g_queue_unlink (&operation->all->at_bound, &operation->bound_link);
  operation->is_at_bound = FALSE;
}

void
bus_operation_free (BusOperation *operation)
{
  g_assert (operation->n_tasks == 0 && operation->n_slots == 0 && !operation->is_awake);
  g_assert (operation->reserved.length == 0);
  operation_leave_bound (operation);
  bus_deadline_disarm (operation->all->deadlines, &operation->reservation_timer.deadline);
  bus_pools_clear (&operation->pools);
  g_array_unref (operation->users);
  g_free (operation->name);
  g_free (operation);
}

static void
operation_wake (BusOperation *operation)
{
  if (operation->is_awake)
    return;
  operation->is_awake = TRUE;
  g_queue_push_tail_link (&operation->all->awake, &operation->awake_link);
}

static void
operation_sleep (BusOperation *operation)
{
  if (operation->is_awake)
    g_queue_unlink (&operation->all->awake, &operation->awake_link);
  operation->is_awake = FALSE;
}

static void
operation_set_where (BusTask *task, BusTaskWhere where)
{
  BusOperation *operation = task->place.operation;

  operation->n_tasks_at[task->place.where]--;
  operation->n_tasks_at[where]++;
  task->place.where = where;
}

/* --- tasks in and out of pools --- */

static void
operation_enter (BusTask *task)
{
  BusOperation *operation = task->place.operation;

  g_assert (task->place.where == BUS_TASK_NOWHERE);
  if (bus_pools_add (&operation->pools, task))
    operation_wake (operation);
  operation_set_where (task, BUS_TASK_WAITS);
}

static void
operation_leave (BusTask *task)
{
  bus_pools_remove (&task->place.operation->pools, task);
  operation_set_where (task, BUS_TASK_NOWHERE);
}

/* The task is about to be queued or parked. If it ran alone, the reservation of its member ends. */
static void
operation_begin_again (BusTask *task)
{
  bus_operation_remove (task);
  bus_operation_lease_ended (task);
}

void
bus_operation_insert (BusTask *task)
{
  BusOperation *operation = task->place.operation;

  operation_begin_again (task);
  task->place.age = ++operation->last_age;
  task->place.turn = 0;
  task->place.by_age = FALSE;
  task->eligible_since_us = *operation->all->now_us;
  operation_enter (task);
}

/* The task returns to its old place, and its account gets back the turn that it used. */
static void
operation_enter_again (BusTask *task)
{
  operation_enter (task);
  if (task->place.turn != 0)
    bus_pools_restore_turn (&task->place.operation->pools, task, task->place.turn);
  if (task->place.by_age)
    task->place.operation->until_aged = 0;
  task->place.turn = 0;
  task->place.by_age = FALSE;
}

void
bus_operation_return (BusTask *task)
{
  operation_begin_again (task);
  if (task->place.age == 0)
    bus_operation_insert (task);
  else
    operation_enter_again (task);
}

/* Uses the turn of the account, unless the task is selected by age. */
static void
operation_use_turn (BusOperation *operation, BusTask *task)
{
  task->place.by_age = operation->until_aged == 0;
  task->place.turn = task->place.by_age ? 0 : bus_pools_end_turn (&operation->pools, task);
}

/* --- reservations --- */

static void
operation_arm_reservations (BusOperation *operation)
{
  BusDeadlineSet *deadlines = operation->all->deadlines;
  gint64 due_us = G_MAXINT64;

  for (GList *link = operation->reserved.head; link != NULL; link = link->next)
    if (bus_isolation_due_us (link->data) > *operation->all->now_us)
      due_us = MIN (due_us, bus_isolation_due_us (link->data));
  bus_deadline_disarm (deadlines, &operation->reservation_timer.deadline);
  if (due_us < G_MAXINT64)
    bus_deadline_arm (deadlines, &operation->reservation_timer.deadline, due_us);
}

/* Ends the reservation of a member, which may get other tasks again. */
static void
operation_release (BusTask *task)
{
  BusMember *member = task->place.reserved;

  if (member == NULL)
    return;
  bus_isolation_release (task);
  if (member->state != BUS_MEMBER_GONE)
    g_ptr_array_add (task->place.operation->all->released, member);
}

static void
operation_unlist_reserved (BusTask *task)
{
  BusOperation *operation = task->place.operation;

  g_queue_unlink (&operation->reserved, &task->place.link);
  operation_set_where (task, BUS_TASK_NOWHERE);
  operation_arm_reservations (operation);
}

static void
operation_list_reserved (BusTask *task)
{
  BusOperation *operation = task->place.operation;

  operation_use_turn (operation, task);
  operation_leave (task);
  g_queue_push_tail_link (&operation->reserved, &task->place.link);
  operation_set_where (task, BUS_TASK_RESERVED);
  operation_arm_reservations (operation);
}

/* The reserved member cannot get the task any more: the task waits in its old place again. */
static void
operation_dissolve (BusTask *task)
{
  operation_unlist_reserved (task);
  operation_release (task);
  operation_enter_again (task);
}

/* Ends the reservation of @member for a task of @operation that waits for it, if there is one. */
static void
operation_dissolve_member (const BusOperation *operation, const BusMember *member)
{
  BusTask *task = member->reserved_for;

  if (task != NULL && task->place.operation == operation && task->place.where == BUS_TASK_RESERVED)
    operation_dissolve (task);
}

/* Returns a reserved task whose member is idle; NULL: there is none. */
static BusTask *
operation_next_reserved (const BusOperation *operation)
{
  for (GList *link = operation->reserved.head; link != NULL; link = link->next)
    {
      const BusTask *task = link->data;

      if (bus_isolation_is_idle (task, *operation->all->now_us) && bus_member_offer_room (task->place.reserved) > 0)
        return link->data;
    }
  return NULL;
}

void
bus_operation_park (BusTask *task, BusTaskWhere where)
{
  g_assert (where == BUS_TASK_HELD || where == BUS_TASK_LATER);
  operation_begin_again (task);
  operation_set_where (task, where);
}

void
bus_operation_remove (BusTask *task)
{
  switch (task->place.where)
    {
    case BUS_TASK_NOWHERE:
      break;
    case BUS_TASK_WAITS:
      operation_leave (task);
      break;
    case BUS_TASK_RESERVED:
      operation_unlist_reserved (task);
      operation_release (task);
      break;
    case BUS_TASK_HELD:
    case BUS_TASK_LATER:
      operation_set_where (task, BUS_TASK_NOWHERE);
      break;
    }
}

/* --- the next task --- */

static gboolean
operation_is_closed (const BusOperation *operation)
{
  return operation->is_paused || (operation->limit > 0 && operation->n_slots >= operation->limit);
}

static BusTask *
operation_first (BusOperation *operation)
{
  return operation->until_aged > 0 ? bus_pools_first (&operation->pools) : bus_pools_oldest (&operation->pools);
}

/* TRUE if the bounds of reservations allow reserving a member of @pool. */
static gboolean
operation_may_reserve (const BusOperation *operation, const BusPool *pool)
{
  return bus_isolation_may_reserve (operation->all->members) && bus_isolation_may_reserve (pool->members);
}

/* Selects a member. A suspect keeps its member reserved while it runs, so the bound of reservations applies even if a member is
 * idle. */
static BusMember *
operation_pick (BusOperation *operation, BusPool *pool, BusTask *task)
{
  BusMember *member = NULL;

  if (pool->mode != BUS_DEMAND_SUSPECT || operation_may_reserve (operation, pool))
    member = bus_choice_pick (&operation->choice, pool->members, task);
  if (member != NULL && pool->mode == BUS_DEMAND_SUSPECT)
    bus_isolation_hold (member, task, *operation->all->now_us);
  return member;
}

/* A task that runs alone may wait for the bound on all members, which changes also if no member of its pool does. */
static void
operation_park (BusOperation *operation, const BusTask *task)
{
  if (bus_pools_of (task)->mode == BUS_DEMAND_SHARED || bus_isolation_may_reserve (operation->all->members))
    {
      bus_pools_park (&operation->pools, task);
      return;
    }
  bus_pools_park_at_bound (&operation->pools, task);
  operation_await_bound (operation);
}

/* Selects a member for @task. If none is free, a member is reserved for the task, or its pool is parked. NULL: the task is not
 * placed */
static BusMember *
operation_place (BusOperation *operation, BusTask *task)
{
  BusPool *pool = bus_pools_of (task);
  BusMember *member = operation_pick (operation, pool, task);

  if (member != NULL)
    return member;
  if (pool->mode != BUS_DEMAND_SHARED && operation_may_reserve (operation, pool)
      && bus_isolation_reserve (pool->members, task, *operation->all->now_us) != NULL)
    operation_list_reserved (task);
  else
    operation_park (operation, task);
  return NULL;
}

static void
operation_take (BusOperation *operation, BusTask *task)
{
  operation_use_turn (operation, task);
  operation->until_aged = (operation->until_aged + BUS_LEASES_BY_AGE - 1) % BUS_LEASES_BY_AGE;
  operation_leave (task);
}

static void
operation_take_reserved (BusOperation *operation, BusTask *task)
{
  operation_unlist_reserved (task);
  if (!task->is_suspect)
    operation_release (task);
  operation->until_aged -= MIN (operation->until_aged, 1);
}

static BusTask *
operation_next_task (BusOperation *operation, BusMember **member)
{
  BusTask *task = operation_next_reserved (operation);

  if (task != NULL)
    {
      *member = task->place.reserved;
      operation_take_reserved (operation, task);
      return task;
    }
  while ((task = operation_first (operation)) != NULL)
    {
      *member = operation_place (operation, task);
      if (*member == NULL)
        continue;
      operation_take (operation, task);
      return task;
    }
  return NULL;
}

/* The order of leases is a compromise. With strict priorities, a flood of important tasks would keep a less important one waiting
 * forever, and turns of accounts are fair only within one priority. So every eighth lease ignores both, and is given to the task
 * that has been eligible for longest. It does not use the turn of the account. The interval is counted in leases, not in time, so
 * an idle operation does not collect leases by age.
 *
 * A reserved task whose member is idle comes before all others, because this member does nothing until the task runs. The task has
 * used its turn when the member was reserved for it. Its lease counts towards the next lease by age, but never is this lease: the
 * oldest task that waits still gets it.
 *
 * A task that cannot be placed does not block those behind it: either a member is reserved for it, or its pool is parked, which
 * skips all tasks with the same capable members. Each round of the loop does one of these, so the loop ends. If it finds no
 * task, the operation leaves the list of those that may have a task to place, until a task, a member, a slot or a setting
 * changes. */
BusTask *
bus_operation_next (BusOperation *operation, BusMember **member)
{
  BusTask *task = NULL;

  *member = NULL;
  if (!operation_is_closed (operation))
    task = operation_next_task (operation, member);
  if (task == NULL)
    {
      operation_sleep (operation);
      return NULL;
    }
  operation->n_slots++;
  operation->n_leases++;
  return task;
}

void
bus_operation_adopt (BusTask *task)
{
  bus_operation_remove (task);
  task->place.operation->n_slots++;
}

void
bus_operation_lease_ended (BusTask *task)
{
  g_assert (task->place.where != BUS_TASK_RESERVED);
  operation_release (task);
}

void
bus_operation_give_back (BusOperation *operation)
{
  g_assert (operation->n_slots > 0);
  operation->n_slots--;
  if (operation->limit > 0)
    operation_wake (operation);
}

/* --- zombies --- */

static void
operation_change_avoids (BusTask *task, BusMember *member, gboolean avoid)
{
  if (avoid && task->avoids == NULL)
    task->avoids = g_ptr_array_new ();
  g_ptr_array_remove (task->avoids, member);
  if (avoid)
    g_ptr_array_add (task->avoids, member);
  if (task->avoids->len == 0)
    g_clear_pointer (&task->avoids, g_ptr_array_unref);
}

/* Changes the members that @task avoids. A waiting task then belongs to another demand, but keeps its turn and its age. */
static void
operation_set_avoids (BusTask *task, BusMember *member, gboolean avoid)
{
  guint64 turn;

  if (task->place.where != BUS_TASK_WAITS)
    {
      operation_change_avoids (task, member, avoid);
      return;
    }
  turn = task->place.row->turn->number;
  operation_leave (task);
  operation_change_avoids (task, member, avoid);
  operation_enter (task);
  bus_pools_restore_turn (&task->place.operation->pools, task, turn);
}

void
bus_operation_avoid (BusTask *task, BusMember *member)
{
  if (task->place.where == BUS_TASK_RESERVED && task->place.reserved == member)
    operation_dissolve (task);
  operation_set_avoids (task, member, TRUE);
}

void
bus_operation_allow (BusTask *task, BusMember *member)
{
  if (task->avoids != NULL)
    operation_set_avoids (task, member, FALSE);
}

/* --- reports --- */

BusWaitReason
bus_operation_wait_reason (const BusTask *task)
{
  const BusOperation *operation = task->place.operation;

  switch (task->place.where)
    {
    case BUS_TASK_HELD:
    case BUS_TASK_LATER:
      return task->wait_reason;
    case BUS_TASK_RESERVED:
    case BUS_TASK_WAITS:
      break;
    case BUS_TASK_NOWHERE:
      return BUS_WAIT_NONE;
    }
  if (operation->is_paused)
    return BUS_WAIT_PAUSED;
  if (operation_is_closed (operation))
    return BUS_WAIT_OPERATION_LIMIT;
  return task->place.where == BUS_TASK_RESERVED ? BUS_WAIT_ISOLATION
                                                : bus_choice_reason (operation->all->members, task);
}

/* --- settings --- */

void
bus_operation_pause (BusOperation *operation, gboolean is_paused)
{
  operation->is_paused = is_paused;
  operation_wake (operation);
  while (is_paused && operation->reserved.length > 0)
    operation_dissolve (g_queue_peek_head (&operation->reserved));
}

void
bus_operation_set_limit (BusOperation *operation, guint limit)
{
  operation->limit = limit;
  operation_wake (operation);
}

void
bus_operation_set_strategy (BusOperation *operation, BusStrategy strategy)
{
  operation->choice.strategy = strategy;
}

/* --- members --- */

void
bus_operation_on_member (BusOperation *operation, BusMember *member, gboolean is_gone)
{
  if (member->reserved_for != NULL && (is_gone || !bus_choice_is_capable (member, member->reserved_for)))
    operation_dissolve_member (operation, member);
  if (bus_pools_on_member (&operation->pools, member, operation->key.text, is_gone))
    operation_wake (operation);
}

void
bus_operation_on_room (BusOperation *operation, const BusMember *member)
{
  if (member->state != BUS_MEMBER_READY)
    operation_dissolve_member (operation, member);
  if (bus_pools_on_room (&operation->pools, member) || operation->reserved.length > 0)
    operation_wake (operation);
}

void
bus_operation_on_bound (BusOperation *operation)
{
  operation_leave_bound (operation);
  bus_pools_on_bound (&operation->pools);
  operation_wake (operation);
}

void
bus_operation_on_timer (BusOperation *operation)
{
  operation_arm_reservations (operation);
  operation_wake (operation);
}
