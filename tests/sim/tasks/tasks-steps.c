/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

/*
 * Applies a step of a task to the model: counters, times, deaths, the lease.
 */

#define OFFERS_LOST_MAX 3u                              /* after this many deaths the task is a suspect */
#define LONG_US         (500 * G_TIME_SPAN_MILLISECOND) /* longer than any pause between reports */

static void
steps_delay (TasksWorld *world, TasksRecord *record, const TasksInput *input)
{
  const BusLimits *limits = &world->options.limits;
  gint64 backoff_us;

  record->failures++;
  backoff_us = (gint64) MIN (limits->task_retry_us << (record->failures - 1), limits->task_max_retry_us);
  record->wait_us = input->frame != NULL ? input->frame->retry_us : 0;
  record->wait_most_us = MAX (record->wait_us, backoff_us);
}

static void
steps_note_death (TasksWorld *world, TasksRecord *record)
{
  const TasksClient *holder = &world->clients[record->holder];
  const TasksDeath death = { .slot = record->holder,
                             .incarnation = holder->incarnation,
                             .was_proven = holder->n_completed > 0,
                             .due_us = world->now_us + (gint64) world->options.limits.task_return_us };

  g_array_append_val (record->deaths, death);
  tasks_cover (world, TASKS_COVER_DIED);
}

static void
steps_interrupt (TasksWorld *world, TasksRecord *record)
{
  record->interruptions++;
  tasks_cover (world, TASKS_COVER_INTERRUPTED);
}

/* The task becomes RUNNING. */
static void
steps_run (TasksWorld *world, TasksRecord *record)
{
  record->lease_started = TRUE;
  record->has_expired = record->is_over = FALSE;
  record->begun_us = record->renewed_us = world->now_us;
  record->graced_due_us = 0;
}

static void
steps_begin (TasksWorld *world, TasksRecord *record)
{
  record->attempt++;
  record->kept_due_us = G_MAXINT64;
  record->was_finished = FALSE;
  steps_run (world, record);
}

/* The run limit continues, except for the first claim of a finished attempt. A new broker does not know when the attempt began. */
static void
steps_keep_limit (TasksWorld *world, TasksRecord *record, gboolean is_finished)
{
  if (record->was_leased)
    record->kept_due_us = tasks_record_run_due_us (record);
  if (is_finished && !record->was_finished)
    record->kept_due_us = G_MAXINT64;
  record->was_finished |= is_finished;
  if (record->kept_due_us <= world->now_us)
    tasks_cover (world, TASKS_COVER_CLAIMED_OVER);
}

/* If the task had no lease any more, the connection of its holder had ended, but the holder is alive, so no death counts. */
static void
steps_claim (TasksWorld *world, TasksRecord *record)
{
  const gboolean is_finished = tasks_claims_taken (world, record, &world->clients[record->holder % TASKS_CLIENTS]);

  if (!record->has_lease)
    g_array_set_size (record->deaths, 0);
  record->is_adopted = !record->was_leased;
  if (record->lease_started)
    {
      steps_keep_limit (world, record, is_finished);
      steps_run (world, record);
    }
  else
    {
      steps_begin (world, record); /* STARTED was lost */
      record->was_finished = is_finished;
    }
  tasks_cover (world, TASKS_COVER_CLAIMED);
}

static void
steps_take_answer (TasksWorld *world, TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  record->has_lease = FALSE;
  tasks_claims_forget_token (record);
  if (step->from == BUS_TASK_OFFERED && step->event != BUS_TASK_ON_BUSY)
    record->attempt++;
  if (step->to == BUS_TASK_DELAYED)
    steps_delay (world, record, input);
  if (step->event != BUS_TASK_ON_RESULT)
    return;
  record->accepted_run = input->frame->run;
  record->n_results++;
  world->history->sums.succeeded++;
  if (step->from == BUS_TASK_QUEUED)
    tasks_cover (world, TASKS_COVER_LATE_RESULT);
  if (record->is_adopted || record->is_finished)
    tasks_cover (world, record->is_finished ? TASKS_COVER_CLAIMED_FINISHED : TASKS_COVER_ADOPTED);
  if (tasks_record_spent (record) + record->interruptions > 0)
    {
      world->history->sums.recovered++;
      tasks_cover (world, TASKS_COVER_RECOVERED);
    }
}

static void
steps_release (TasksWorld *world, TasksRecord *record)
{
  const gint64 deadline_us
      = record->spec.deadline_us > 0 ? record->spec.deadline_us : (gint64) world->options.limits.task_deadline_us;

  record->failures = record->expiries = record->n_deaths = record->interruptions = 0;
  record->has_expired = FALSE;
  record->died_on = TASKS_ANY_SLOT;
  record->died_on_two = record->died_on_proven = record->is_suspect = FALSE;
  record->offers_lost = 0;
  record->alone_since_us = tasks_record_is_attached (record) ? 0 : world->now_us;
  record->due_us = world->now_us + deadline_us;
}

static gboolean
steps_drains (const TasksWorld *world, const TasksRecord *record)
{
  return world->clients[record->holder % TASKS_CLIENTS].is_draining;
}

/* Counts the scenarios of the design to which a step belongs. */
static void
steps_cover (TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  static const TasksSituation of_event[BUS_N_TASK_EVENTS] = {
    [BUS_TASK_ON_POISON] = TASKS_COVER_POISON,
    [BUS_TASK_ON_DRAIN] = TASKS_COVER_DRAIN_RETURNED,
    [BUS_TASK_ON_DRAIN_OVER] = TASKS_COVER_DRAIN_OVER,
    [BUS_TASK_ON_WITHDRAWN] = TASKS_COVER_WITHDRAWN,
  };

  if (of_event[step->event] != 0)
    tasks_cover (world, of_event[step->event]);
  if (step->event == BUS_TASK_ON_CANCEL && step->from == BUS_TASK_RUNNING && steps_drains (world, record))
    tasks_cover (world, TASKS_COVER_DRAIN_CANCEL);
  if (step->event == BUS_TASK_ON_RUN_OVER && record->renewed_us > record->begun_us)
    tasks_cover (world, TASKS_COVER_HANGS);
  if (step->event == BUS_TASK_ON_RUN_OVER && record->kept_due_us < record->begun_us + record->run_limit_us)
    tasks_cover (world, TASKS_COVER_KEPT_OVER);
  if (step->event == BUS_TASK_ON_RESULT && step->from == BUS_TASK_RUNNING && record->progress_limit_us == 0
      && world->now_us - record->begun_us > LONG_US)
    tasks_cover (world, TASKS_COVER_NO_PROGRESS);
  if (step->event == BUS_TASK_ON_RETRYABLE && input->frame->retry_us > 0)
    tasks_cover (world, TASKS_COVER_RETRY_AFTER);
}

/* Events that the expiry of a lease causes at once, before another timer. */
static gboolean
steps_follows_expiry (BusTaskEvent event)
{
  return event == BUS_TASK_ON_UNSAFE || event == BUS_TASK_ON_EXHAUSTED || event == BUS_TASK_ON_POISON;
}

/* The counters and the lease. */
static void
steps_take_event (TasksWorld *world, TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  switch ((guint) step->event)
    {
    case BUS_TASK_ON_OFFER:
      record->has_lease = record->lease_started = record->has_expired = record->is_over = FALSE; /* until it is read */
      record->is_adopted = record->is_finished = record->knows_holder = FALSE;
      break;
    case BUS_TASK_ON_STARTED:
    case BUS_TASK_ON_PROGRESS:
      steps_begin (world, record);
      break;
    case BUS_TASK_ON_CLAIM:
      steps_claim (world, record);
      break;
    case BUS_TASK_ON_RESULT:
    case BUS_TASK_ON_FAILURE:
    case BUS_TASK_ON_RETRYABLE:
    case BUS_TASK_ON_STOPPED:
    case BUS_TASK_ON_BUSY:
      steps_take_answer (world, record, input, step);
      break;
    case BUS_TASK_ON_EOF:
      record->has_lease = FALSE;
      if (step->from == BUS_TASK_RUNNING)
        steps_note_death (world, record);
      else if (step->from == BUS_TASK_OFFERED)
        record->is_suspect |= ++record->offers_lost >= OFFERS_LOST_MAX;
      break;
    case BUS_TASK_ON_CLOSED:
    case BUS_TASK_ON_DEREGISTER:
      record->has_lease = FALSE;
      if (step->from == BUS_TASK_RUNNING)
        steps_interrupt (world, record);
      break;
    case BUS_TASK_ON_DRAIN_OVER:
      steps_interrupt (world, record);
      break;
    case BUS_TASK_ON_SILENT:
      tasks_members_struck (world, record->holder);
      break;
    case BUS_TASK_ON_PROGRESS_OVER:
    case BUS_TASK_ON_RUN_OVER:
      record->expiries++;
      record->has_expired = record->is_over = TRUE;
      tasks_members_struck (world, record->holder);
      break;
    case BUS_TASK_ON_RELEASE:
      steps_release (world, record);
      break;
    case BUS_TASK_ON_GRACE_OVER:
      tasks_cover (world, TASKS_COVER_UNCONFIRMED);
      break;
    default:
      break;
    }
}

void
tasks_steps_apply (TasksWorld *world, TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  steps_take_event (world, record, input, step);
  steps_cover (world, record, input, step);
  if (input->kind == TASKS_INPUT_TICK && !steps_follows_expiry (step->event))
    tasks_leases_due (world, record);
  tasks_leases_stepped (world, record, step);
  if (step->to == BUS_TASK_QUEUED && (step->from == BUS_TASK_OFFERED || step->from == BUS_TASK_RUNNING))
    tasks_fair_returned (world, record);
  if (record->claimed_by != 0)
    tasks_claims_missed (world, record, &world->clients[record->holder % TASKS_CLIENTS]);
  record->state = step->to;
  record->since_us = world->now_us;
  record->held_until_us = record->awaits = 0;
  record->claimed_by = 0;
  if (bus_task_state_is_live (record->state))
    return;
  g_array_set_size (record->deaths, 0);
  record->alone_since_us = 0;
}
