/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

/*
 * Compares the records of tasks and members, in the answers to calls and in events, with the model.
 */

TasksRecord *
tasks_shown_find (const TasksWorld *world, const TaskRecord *shown)
{
  const guint account = strcmp (shown->account, "u0") == 0 ? 0 : 1;
  const guint64 number = g_ascii_strtoull (shown->id[0] != '\0' ? shown->id + 1 : "x", NULL, 10);

  return number < TASKS_IDS ? tasks_model_find (world->model, account, (guint) number) : NULL;
}

static gboolean
shown_is (const char *text, const char *expected)
{
  return strcmp (text, expected) == 0;
}

const char *
tasks_shown_problem (const TasksWorld *world, const TasksRecord *record, const TaskRecord *shown, gint64 at_us)
{
  const TasksSpec *spec = &record->spec;
  char account[16];

  g_snprintf (account, sizeof account, "u%u", record->account * 500);
  if (!shown_is (shown->account, account))
    return "another account";
  if (!shown_is (shown->operation, tasks_operations[spec->operation])
      || !shown_is (shown->type, tasks_types[spec->type]))
    return "another operation";
  if (!shown_is (shown->target, spec->target != TASKS_ANY_SLOT ? world->clients[spec->target].id : ""))
    return "another target";
  if (shown->priority != spec->priority)
    return "another priority";
  if (at_us != 0 && shown->age_us != (guint64) (at_us - record->submitted_us))
    return "another age";
  return NULL;
}

/* --- wait reasons --- */

static gboolean
shown_is_reason (const TasksWorld *world, const TasksRecord *record, const TaskRecord *shown)
{
  const BusWaitReason reason = (BusWaitReason) shown->reason;

  if (record->state == BUS_TASK_DELAYED)
    return reason == (record->n_steps > 0 ? BUS_WAIT_BACKOFF : BUS_WAIT_NOT_BEFORE);
  if (record->state != BUS_TASK_QUEUED)
    return reason == BUS_WAIT_NONE;
  if (record->held_until_us > world->now_us)
    return reason == BUS_WAIT_ADOPTION_HOLD;
  if (reason == BUS_WAIT_ADOPTION_HOLD || reason == BUS_WAIT_NOT_BEFORE || reason == BUS_WAIT_NONE)
    return FALSE;
  if (record->deaths->len > 0)
    return TRUE; /* the task may be held for a claim of a holder that ended */
  return (reason == BUS_WAIT_PAUSED) == world->is_paused[record->spec.operation];
}

/* --- one task --- */

static const char *
shown_counters_problem (const TasksRecord *record, const TaskRecord *shown)
{
  if (shown->failures != record->failures || shown->expiries != record->expiries || shown->deaths != record->n_deaths
      || shown->interruptions != record->interruptions)
    return "other counters";
  if (shown->attempt != record->attempt)
    return "another attempt";
  if ((shown->is_suspect != 0) != record->is_suspect)
    return "another suspicion";
  return NULL;
}

const char *
tasks_shown_task_problem (const TasksWorld *world, const TasksRecord *record, const TaskRecord *shown, gint64 at_us)
{
  const char *problem = tasks_shown_problem (world, record, shown, at_us);

  if (problem != NULL)
    return problem;
  if ((BusTaskState) shown->state != record->state)
    return "another state";
  if (record->knows_holder && !shown_is (shown->holder, world->clients[record->holder].id))
    return "another holder";
  if (!shown_is_reason (world, record, shown))
    return "another wait reason";
  if (tasks_record_is_live (record) && shown->remaining_us != (guint64) MAX (record->due_us - at_us, 0))
    return "another deadline";
  if (tasks_record_is_live (record))
    return shown_counters_problem (record, shown);
  if ((record->state == BUS_TASK_SUCCEEDED)
      != (shown->outcome != NULL && (BusOutcomeKind) shown->outcome->kind == BUS_OUTCOME_SUCCEEDED))
    return "another outcome";
  return NULL;
}

const char *
tasks_shown_details_problem (const TasksRecord *record, const TaskRecord *shown)
{
  guint details = 0;

  if (shown->progress != NULL && shown->progress->details.len == sizeof details)
    memcpy (&details, shown->progress->details.data, sizeof details);
  if (details != record->details)
    return "other details";
  /* A task that has ended and was settled does not keep its details. */
  if (shown->n_history != MIN (record->n_steps, BUS_TASK_HISTORY_MAX)
      && (tasks_record_is_live (record) || record->state == BUS_TASK_QUARANTINED || shown->n_history > 0))
    return "another history";
  for (gsize i = 1; i < shown->n_history; i++)
    if (shown->history[i]->ago_us > shown->history[i - 1]->ago_us)
      return "a history that is not in order";
  if (shown->n_history > 0 && (BusTaskState) shown->history[shown->n_history - 1]->state != record->state)
    return "a history that ends elsewhere";
  return NULL;
}

/* --- one member --- */

static guint
shown_count_abilities (const TasksRegistration *registration)
{
  guint n = 0;

  for (guint i = 0; i < TASKS_OPERATIONS; i++)
    n += registration->abilities[i].is_offered;
  return n;
}

static const char *
shown_abilities_problem (const TasksRegistration *registration, const CollectorRecord *shown)
{
  if (shown->n_operations != shown_count_abilities (registration))
    return "other operations";
  for (gsize k = 0; k < shown->n_operations; k++)
    for (guint i = 0; i < TASKS_OPERATIONS; i++)
      {
        const TasksAbility *ability = &registration->abilities[i];

        if (!shown_is (shown->operations[k]->name, tasks_operations[i]))
          continue;
        if (!ability->is_offered || (shown->operations[k]->idempotent != 0) != ability->idempotent
            || shown->operations[k]->run_limit_us != (guint64) ability->run_limit_us
            || shown->operations[k]->progress_us != (guint64) ability->progress_us)
          return "another operation";
      }
  return NULL;
}

const char *
tasks_shown_member_problem (const TasksClient *client, const CollectorRecord *shown)
{
  const TasksRegistration *registration = &client->registration;

  if (!client->is_registered)
    return "no registration";
  if (!shown_is (shown->type, client->type) || shown->incarnation != client->incarnation
      || !shown_is (shown->account, "u1000"))
    return "another identity";
  if ((shown->state == DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_DRAINING) != client->is_draining)
    return "another state";
  if (shown->max_concurrent != registration->slots || shown->priorities->lowest != registration->lowest
      || shown->priorities->highest != registration->highest || (shown->n_tags > 0) != registration->has_tag)
    return "another registration";
  if (shown->completed != client->n_completed)
    return "another number of completed tasks";
  return shown_abilities_problem (registration, shown);
}
