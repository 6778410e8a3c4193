/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-peer.h"
#include "work/bus-lease.h"
#include "work/bus-operation.h"

/*
 * The leases of a task: the members that may get the next one, and the older holders that get CANCEL, with the status.
 */

/* --- stops --- */

static void
leases_expect_stop (TasksWorld *world, TasksLease *lease, WireStatus status)
{
  GArray *expected = g_hash_table_lookup (world->model->stops, &lease->route);
  const guint32 value = status;

  if (expected == NULL)
    {
      expected = g_array_new (FALSE, FALSE, sizeof (guint32));
      g_hash_table_insert (world->model->stops, g_memdup2 (&lease->route, sizeof lease->route), expected);
    }
  g_array_append_val (expected, value);
  lease->is_stopped = TRUE;
}

/* @route: of the lease that continues; 0: none */
static void
leases_stop_all (TasksWorld *world, TasksRecord *record, guint64 route, WireStatus status)
{
  for (guint i = 0; i < record->leases->len; i++)
    {
      TasksLease *lease = &g_array_index (record->leases, TasksLease, i);

      if (lease->route != route && !lease->is_stopped)
        leases_expect_stop (world, lease, status);
    }
}

/* @again: also when it was stopped before */
static void
leases_stop_newest (TasksWorld *world, TasksRecord *record, WireStatus status, gboolean again)
{
  for (guint i = 0; i < record->leases->len; i++)
    {
      TasksLease *lease = &g_array_index (record->leases, TasksLease, i);

      if (lease->route == record->route && (again || !lease->is_stopped))
        leases_expect_stop (world, lease, status);
    }
}

/* @due_us: 0: none */
static void
leases_limit_newest (TasksRecord *record, gint64 due_us)
{
  for (guint i = 0; i < record->leases->len; i++)
    {
      TasksLease *lease = &g_array_index (record->leases, TasksLease, i);

      if (lease->route == record->route)
        lease->run_due_us = due_us;
    }
}

/* The task had been cancelled before, because no submitter was attached. */
static gboolean
leases_are_cancelled_before (const TasksWorld *world, const TasksRecord *record, gint64 due_us)
{
  return record->alone_since_us != 0 && record->spec.cancel_when_alone
         && record->alone_since_us + (gint64) world->options.limits.task_submitter_us <= due_us;
}

void
tasks_leases_due (TasksWorld *world, TasksRecord *record)
{
  for (guint i = 0; i < record->leases->len; i++)
    {
      TasksLease *lease = &g_array_index (record->leases, TasksLease, i);

      if (lease->run_due_us == 0 || lease->run_due_us > world->now_us || lease->is_stopped
          || leases_are_cancelled_before (world, record, lease->run_due_us))
        continue;
      leases_expect_stop (world, lease, WIRE_STATUS_EXPIRED);
      tasks_cover (world, TASKS_COVER_ZOMBIE_OVER);
    }
}

static WireStatus
leases_end_status (BusTaskEvent event)
{
  if (event == BUS_TASK_ON_CANCEL || event == BUS_TASK_ON_ALONE)
    return WIRE_STATUS_CANCELLED;
  return event == BUS_TASK_ON_DEADLINE ? WIRE_STATUS_EXPIRED : WIRE_STATUS_SUPERSEDED;
}

void
tasks_leases_stepped (TasksWorld *world, TasksRecord *record, const TasksStep *step)
{
  if (!bus_task_state_is_live (step->to))
    leases_stop_all (world, record, 0, leases_end_status (step->event));
  else if (step->to == BUS_TASK_CANCELLING)
    leases_stop_newest (world, record, WIRE_STATUS_CANCELLED, TRUE);
  else if (step->event == BUS_TASK_ON_RUN_OVER)
    leases_stop_newest (world, record, WIRE_STATUS_EXPIRED, FALSE);
  else if (step->event == BUS_TASK_ON_PROGRESS_OVER)
    leases_limit_newest (record, tasks_record_run_due_us (record));
  else if (step->to == BUS_TASK_RUNNING)
    leases_limit_newest (record, 0); /* the attempt continues */
  else if (step->event == BUS_TASK_ON_DRAIN || step->event == BUS_TASK_ON_WITHDRAWN
           || step->event == BUS_TASK_ON_DRAIN_OVER)
    leases_stop_newest (world, record, WIRE_STATUS_DRAINING, FALSE);
}

void
tasks_leases_got_cancel (TasksWorld *world, const TasksClient *client, guint64 route, guint32 status)
{
  GArray *expected = g_hash_table_lookup (world->model->stops, &route);

  if (expected == NULL || expected->len == 0)
    tasks_fail (world, "K05: %s got CANCEL with %s without reason", client->id, wire_status_name (status));
  else if (g_array_index (expected, guint32, 0) != status)
    tasks_fail (world, "K05: %s got CANCEL with %s, but %s was expected", client->id, wire_status_name (status),
                wire_status_name (g_array_index (expected, guint32, 0)));
  else
    g_array_remove_index (expected, 0);
  if (status == WIRE_STATUS_SUPERSEDED)
    tasks_cover (world, TASKS_COVER_SUPERSEDED);
}

static void
leases_finish_job (TasksWorld *world, const TasksClient *client, const TasksJob *job)
{
  const GArray *expected = g_hash_table_lookup (world->model->stops, &job->route);

  if (expected != NULL && expected->len > 0)
    tasks_fail (world, "K05: %s was not asked to stop %s (%s)", client->id, job->id,
                wire_status_name (g_array_index (expected, guint32, 0)));
}

void
tasks_leases_finish (TasksWorld *world)
{
  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS; slot++)
    for (guint i = 0; world->clients[slot].peer != NULL && i < world->clients[slot].jobs->len; i++)
      leases_finish_job (world, &world->clients[slot], g_ptr_array_index (world->clients[slot].jobs, i));
}

/* --- life --- */

gboolean
tasks_leases_is_stopped (const TasksRecord *record)
{
  for (guint i = 0; i < record->leases->len; i++)
    {
      const TasksLease *lease = &g_array_index (record->leases, TasksLease, i);

      if (lease->route == record->route)
        return lease->is_stopped;
    }
  return FALSE;
}

void
tasks_leases_remove (TasksRecord *record, guint64 route)
{
  for (guint i = record->leases->len; i > 0; i--)
    if (g_array_index (record->leases, TasksLease, i - 1).route == route)
      g_array_remove_index (record->leases, i - 1);
}

void
tasks_leases_remove_holder (TasksRecord *record, guint connection)
{
  for (guint i = record->leases->len; i > 0; i--)
    if (g_array_index (record->leases, TasksLease, i - 1).connection == connection)
      g_array_remove_index (record->leases, i - 1);
}

/* Any answer frees the slot of an older lease. While the task has not ended, only an answer with its token frees the slot of the
 * newest lease. */
void
tasks_leases_answered (TasksModel *model, const TasksClient *client, const TasksFrame *frame)
{
  for (guint i = 0; i < model->records->len; i++)
    {
      TasksRecord *record = g_ptr_array_index (model->records, i);
      gboolean is_newest = record->has_lease && record->route == frame->route && tasks_record_is_live (record);

      for (guint k = record->leases->len; k > 0; k--)
        {
          const TasksLease *lease = &g_array_index (record->leases, TasksLease, k - 1);

          if (lease->route == frame->route && lease->connection == client->number && (!is_newest || model->is_valid))
            g_array_remove_index (record->leases, k - 1);
        }
    }
}

/* --- offers --- */

static const char *
leases_problem (const TasksWorld *world, const TasksRecord *record, const BusTask *task, const BusLease *lease)
{
  const BusMember *member = lease->member;
  const guint limit = world->limits[record->spec.operation];

  if (limit > 0 && task->place.operation->n_slots > limit)
    return "the operation has a limit";
  if ((record->spec.exclusive || record->is_suspect) && member->n_running + member->n_offered > 1)
    return "it has to run alone";
  for (const GList *link = member->leases.head; link != NULL; link = link->next)
    {
      const BusLease *other = link->data;

      if (other == lease)
        continue;
      if (other->task == task)
        return "the member has an older lease of it";
      if (other->is_exclusive)
        return "the member runs an exclusive task";
      if (other->state != BUS_LEASE_ZOMBIE && other->task->is_suspect && !other->task->is_held
          && other->task->place.reserved == member)
        return "the member runs a suspect";
    }
  return NULL;
}

void
tasks_leases_add (TasksWorld *world, TasksRecord *record, const BusTask *task)
{
  const BusLease *newest = task->lease;
  const TasksClient *holder = bus_peer_link (newest->member->peer);
  const TasksLease lease = { .route = newest->request->route_id, .slot = holder->slot, .connection = holder->number };
  /* A task that the member already has needs no free slot. */
  const char *problem = newest->is_adopted ? NULL : leases_problem (world, record, task, newest);

  if (problem != NULL)
    tasks_fail (world, "M11: t%u was offered to %s: %s", record->number, holder->id, problem);
  if (record->state == BUS_TASK_OFFERED)
    tasks_fair_offered (world, record, holder);
  leases_stop_all (world, record, 0, WIRE_STATUS_SUPERSEDED);
  if (record->state == BUS_TASK_RUNNING)
    g_hash_table_add (world->model->given, g_memdup2 (&lease.route, sizeof lease.route));
  g_array_append_val (record->leases, lease);
  if (record->details != 0 && !newest->is_adopted)
    g_hash_table_insert (world->model->details, g_memdup2 (&lease.route, sizeof lease.route),
                         GUINT_TO_POINTER (record->details));
}

void
tasks_leases_got_execute (TasksWorld *world,
                          const TasksClient *client,
                          guint64 route,
                          guint details,
                          gboolean is_adopted)
{
  const guint expected = GPOINTER_TO_UINT (g_hash_table_lookup (world->model->details, &route));

  if (details != 0)
    tasks_cover (world, TASKS_COVER_DETAILS);
  if (details != expected)
    tasks_fail (world, "M11: %s got the details of run %u, but those of run %u are the newest", client->id, details,
                expected);
  if (is_adopted != g_hash_table_contains (world->model->given, &route))
    tasks_fail (world, "S19: %s is asked to %s", client->id,
                is_adopted ? "continue a run that it did not claim" : "start a run again that it has claimed");
}
