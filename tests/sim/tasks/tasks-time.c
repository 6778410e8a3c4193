/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

/*
 * Finds timers that are overdue. Only for seeds whose ticks are never late, because a broker that was late gives grace.
 */

static gint64
time_soonest (gint64 a_us, gint64 b_us)
{
  return a_us < b_us ? a_us : b_us;
}

/* The latest time at which the task must leave its state. */
static gint64
time_due_us (const TasksWorld *world, const TasksRecord *record)
{
  const BusLimits *limits = &world->options.limits;
  gint64 due_us = record->due_us;

  switch ((guint) record->state)
    {
    case BUS_TASK_DELAYED:
      return time_soonest (due_us, record->since_us + record->wait_most_us);
    case BUS_TASK_OFFERED:
      return time_soonest (due_us, record->since_us + (gint64) limits->task_offer_us);
    case BUS_TASK_CANCELLING:
      return time_soonest (due_us, record->since_us + (gint64) limits->task_cancel_us);
    case BUS_TASK_RUNNING:
      if (record->progress_limit_us > 0)
        due_us = time_soonest (due_us, record->renewed_us + record->progress_limit_us);
      return time_soonest (due_us, tasks_record_run_due_us (record));
    default:
      return due_us;
    }
}

static void
time_check_record (TasksWorld *world, const TasksRecord *record)
{
  const TasksClient *holder = &world->clients[record->holder % TASKS_CLIENTS];

  if (time_due_us (world, record) <= world->now_us)
    tasks_fail (world, "K08: t%u is %s, and its time was over %" G_GINT64_FORMAT " us ago", record->number,
                bus_task_state_name (record->state), world->now_us - time_due_us (world, record));
  else if (record->state == BUS_TASK_RUNNING && holder->is_draining && holder->drain_until_us <= world->now_us
           && record->begun_us < holder->drain_until_us)
    tasks_fail (world, "S12: t%u still runs on %s, whose time to drain is over", record->number, holder->id);
  else if (record->alone_since_us != 0 && record->spec.cancel_when_alone && record->state != BUS_TASK_CANCELLING
           && record->alone_since_us + (gint64) world->options.limits.task_submitter_us <= world->now_us)
    tasks_fail (world, "M11: t%u continues without a submitter", record->number);
}

void
tasks_time_check (TasksWorld *world)
{
  for (guint i = 0; i < world->model->records->len && !tasks_failed (world); i++)
    {
      const TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (tasks_record_is_live (record))
        time_check_record (world, record);
    }
}
