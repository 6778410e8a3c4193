/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-state.h"
#include "work/bus-lease.h"
#include "work/bus-operations.h"
#include "work/bus-registry.h"
#include "work/bus-work.h"

/*
 * Invariants of the structs of tasks, members and operations of the core, checked between two steps.
 */

/* --- leases and slots --- */

static void
check_lease (TasksWorld *world, const BusLease *lease)
{
  const BusTask *task = lease->task;
  gboolean is_active = lease->state != BUS_LEASE_ZOMBIE;

  if (is_active && (task == NULL || task->lease != lease))
    tasks_fail (world, "I8: a lease that is not the newest one of its task is active");
  else if (is_active && (task->state < BUS_TASK_OFFERED || task->state > BUS_TASK_CANCELLING))
    tasks_fail (world, "I8: %s has a lease of a task that is %s", lease->member->id, bus_task_state_name (task->state));
  else if (is_active && (task->state == BUS_TASK_OFFERED) != (lease->state == BUS_LEASE_OFFERED))
    tasks_fail (world, "I8: a task is %s, and its lease is not", bus_task_state_name (task->state));
  if (lease->request == NULL || lease->request->responder != lease->member->peer)
    tasks_fail (world, "I16: a lease has no request of its member");
}

static void
check_member (TasksWorld *world, const BusMember *member)
{
  guint n[BUS_N_LEASE_STATES] = { 0 };
  gboolean is_exclusive = FALSE;

  for (const GList *link = member->leases.head; link != NULL; link = link->next)
    {
      const BusLease *lease = link->data;

      check_lease (world, lease);
      n[lease->state]++;
      is_exclusive |= lease->is_exclusive;
    }
  if (n[BUS_LEASE_OFFERED] != member->n_offered || n[BUS_LEASE_RUNNING] != member->n_running
      || n[BUS_LEASE_ZOMBIE] != member->n_zombie)
    tasks_fail (world, "I1: %s counts %u, %u, %u slots, and has %u, %u, %u leases", member->id, member->n_offered,
                member->n_running, member->n_zombie, n[0], n[1], n[2]);
  if (is_exclusive != member->is_exclusive)
    tasks_fail (world, "M11: %s and its leases do not agree about exclusive tasks", member->id);
}

/* --- tasks --- */

static void
check_timers (TasksWorld *world, const TasksRecord *record, const BusTask *task)
{
  const gboolean is_live = bus_task_is_live (task);
  gboolean needs_timer = FALSE;

  switch ((guint) task->state)
    {
    case BUS_TASK_QUEUED:
      needs_timer = task->is_held && task->wait_reason == BUS_WAIT_ADOPTION_HOLD;
      break;
    case BUS_TASK_DELAYED:
    case BUS_TASK_OFFERED:
    case BUS_TASK_CANCELLING:
      needs_timer = TRUE;
      break;
    case BUS_TASK_RUNNING:
      needs_timer = record->progress_limit_us > 0;
      break;
    default:
      break;
    }
  if (bus_deadline_is_armed (&task->timer.deadline) != needs_timer)
    tasks_fail (world, "I15: t%u is %s, and its timer is %s", record->number, bus_task_state_name (task->state),
                needs_timer ? "not armed" : "armed");
  if (bus_deadline_is_armed (&task->run_timer.deadline) != (task->state == BUS_TASK_RUNNING))
    tasks_fail (world, "I15: the run limit of t%u, which is %s", record->number, bus_task_state_name (task->state));
  if (!bus_deadline_is_armed (&task->deadline_timer.deadline)
      || (is_live && task->deadline_timer.deadline.due_us != record->due_us))
    tasks_fail (world, "I15: the deadline of t%u, which is %s", record->number, bus_task_state_name (task->state));
  if (bus_deadline_is_armed (&task->alone_timer.deadline) && (!is_live || task->attachments.length > 0))
    tasks_fail (world, "I15: t%u has the timer of a task without submitters, but has ended or has one", record->number);
}

static void
check_place (TasksWorld *world, const TasksRecord *record, const BusTask *task)
{
  static const guint places[BUS_N_TASK_STATES] = {
    [BUS_TASK_QUEUED] = 1u << BUS_TASK_WAITS | 1u << BUS_TASK_RESERVED | 1u << BUS_TASK_HELD,
    [BUS_TASK_DELAYED] = 1u << BUS_TASK_LATER,
    [BUS_TASK_OFFERED] = 1u << BUS_TASK_NOWHERE,
    [BUS_TASK_RUNNING] = 1u << BUS_TASK_NOWHERE,
    [BUS_TASK_CANCELLING] = 1u << BUS_TASK_NOWHERE,
  };

  if (!bus_task_is_live (task))
    {
      if (task->place.operation != NULL)
        tasks_fail (world, "I16: t%u has ended, but belongs to an operation", record->number);
    }
  else if (task->place.operation == NULL || (places[task->state] & 1u << task->place.where) == 0)
    tasks_fail (world, "I11: t%u is %s, but is queued at the place %u", record->number,
                bus_task_state_name (task->state), task->place.where);
  if ((task->place.where == BUS_TASK_HELD) != (task->state == BUS_TASK_QUEUED && task->is_held))
    tasks_fail (world, "I11: t%u is held without reason, or should be held", record->number);
}

static void
check_shelf (TasksWorld *world, const TasksRecord *record, const BusTask *task)
{
  if (task->charged != bus_task_size (task))
    tasks_fail (world, "I1: t%u is charged %" G_GUINT64_FORMAT " bytes, and holds %" G_GSIZE_FORMAT, record->number,
                task->charged, bus_task_size (task));
  if (bus_task_is_live (task) ? task->shelf != BUS_SHELF_LIVE
                              : (task->state == BUS_TASK_QUARANTINED) != (task->shelf == BUS_SHELF_QUARANTINE))
    tasks_fail (world, "I11: t%u is %s, on the shelf %u", record->number, bus_task_state_name (task->state),
                task->shelf);
}

static void
check_tasks (TasksWorld *world, guint *n_tasks)
{
  BusTaskStore *store = &world->core->work->tasks;
  guint64 bytes[BUS_N_SHELVES] = { 0 };

  for (const GList *link = store->all.head; link != NULL; link = link->next)
    {
      const BusTask *task = link->data;
      const TasksRecord *record
          = g_ptr_array_index (world->model->records, world->model->first + (guint) task->sequence - 1);

      bytes[task->shelf] += task->charged;
      ++*n_tasks;
      check_timers (world, record, task);
      check_place (world, record, task);
      check_shelf (world, record, task);
    }
  for (guint i = 0; i < BUS_N_SHELVES; i++)
    if (bytes[i] != store->bytes[i])
      tasks_fail (world, "I1: the shelf %u counts %" G_GUINT64_FORMAT " bytes, and has %" G_GUINT64_FORMAT, i,
                  store->bytes[i], bytes[i]);
}

/* --- operations --- */

static guint
check_count_slots (const GPtrArray *members, const BusOperation *operation)
{
  guint n = 0;

  for (guint i = 0; i < members->len; i++)
    for (const GList *link = ((const BusMember *) g_ptr_array_index (members, i))->leases.head; link != NULL;
         link = link->next)
      n += ((const BusLease *) link->data)->operation == operation;
  return n;
}

/* The accounts that use the name of an operation are those with tasks of it; if no account has one, the last one is kept. */
static void
check_users (TasksWorld *world, const BusOperation *operation)
{
  guint n_tasks = 0;
  guint n_without = 0;

  for (guint i = 0; i < operation->users->len; i++)
    {
      const BusOperationUser *user = &g_array_index (operation->users, BusOperationUser, i);

      n_tasks += user->n_tasks;
      n_without += user->n_tasks == 0;
    }
  if (n_tasks != operation->n_tasks || operation->users->len == 0)
    tasks_fail (world, "I1: the accounts of %s have %u tasks, and the operation has %u", operation->name, n_tasks,
                operation->n_tasks);
  if (n_without > 0 && operation->users->len > 1)
    tasks_fail (world, "I1: an account without tasks uses the name of %s beside others", operation->name);
}

static void
check_operations (TasksWorld *world, const GPtrArray *members)
{
  for (const GList *link = world->core->work->operations->list.head; link != NULL; link = link->next)
    {
      const BusOperation *operation = link->data;

      check_users (world, operation);
      if (check_count_slots (members, operation) != operation->n_slots)
        tasks_fail (world, "I1: the operation %s counts %u slots, and has %u", operation->name, operation->n_slots,
                    check_count_slots (members, operation));
    }
}

void
tasks_check_step (TasksWorld *world)
{
  g_autoptr (GPtrArray) members = NULL;
  guint n_tasks = 0;

  if (tasks_failed (world))
    return;
  members = bus_registry_all (world->core->work);
  for (guint i = 0; i < members->len; i++)
    check_member (world, g_ptr_array_index (members, i));
  check_tasks (world, &n_tasks);
  check_operations (world, members);
  tasks_pools_check (world);
  tasks_members_check (world);
  tasks_claims_check (world);
}
