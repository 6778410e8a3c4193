/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-state.h"
#include "work/bus-operation.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"

/*
 * Fairness, per operation: priority, then round robin over accounts, and every 8th lease to the oldest task that can have it.
 *
 * The leases of one input are checked together at its end: a task was passed over if it could have had a lease, and waited before
 * and after the input. The order of leases within an input is not known, so the model assumes the order that is best for the
 * core.
 */

#define LEASES_BY_AGE 8u
#define TURNS_MAX     3u    /* leases in a row to the other account: its turn, one by age, and one of a returned task */
#define LONG_AGO      1000u /* leases */
#define AGED_SOONEST  (LEASES_BY_AGE - 1) /* the documents promise a lease after at most this many, not a minimum */

/* --- tasks that could have had the lease --- */

static gboolean
fair_waits (const TasksWorld *world, const TasksRecord *record, guint operation)
{
  return record->spec.operation == operation && !record->is_forgotten && record->state == BUS_TASK_QUEUED
         && record->since_us != world->now_us && record->task != NULL && record->task->place.where == BUS_TASK_WAITS;
}

static gboolean
fair_can_have (const TasksRecord *record, const TasksClient *holder)
{
  return !record->spec.exclusive && !record->is_suspect && record->deaths->len == 0
         && tasks_members_can_take (record, holder);
}

/* A task that waits and could have had the lease. NULL: there is none. @account: TASKS_ACCOUNTS: of any account */
static const TasksRecord *
fair_find_waiting (const TasksWorld *world, const TasksOffer *offer, guint account, guint priority)
{
  const TasksModel *model = world->model;

  for (guint i = model->first; i < model->records->len; i++)
    {
      const TasksRecord *record = g_ptr_array_index (model->records, i);

      if (fair_waits (world, record, offer->record->spec.operation) && record->spec.priority == priority
          && (account == TASKS_ACCOUNTS || record->account == account) && fair_can_have (record, offer->holder))
        return record;
    }
  return NULL;
}

/* The oldest waiting task, even if no member can run it. NULL: none. */
static const TasksRecord *
fair_find_oldest (const TasksWorld *world, guint operation)
{
  const TasksModel *model = world->model;
  const TasksRecord *oldest = NULL;

  for (guint i = model->first; i < model->records->len; i++)
    {
      const TasksRecord *record = g_ptr_array_index (model->records, i);

      if (fair_waits (world, record, operation)
          && (oldest == NULL || record->task->place.age < oldest->task->place.age))
        oldest = record;
    }
  return oldest;
}

/* --- age --- */

static void
fair_check_age (TasksWorld *world, TasksFairness *fairness, const TasksOffer *offer)
{
  const guint operation = offer->record->spec.operation;
  const TasksRecord *oldest = fair_find_oldest (world, operation);

  if (oldest == NULL || oldest != fairness->oldest || !fair_can_have (oldest, offer->holder) || offer->runs_alone
      || offer->age < oldest->task->place.age)
    {
      fairness->oldest = oldest;
      fairness->n_passed = 0;
      return;
    }
  if (++fairness->n_passed >= LEASES_BY_AGE)
    tasks_fail (world, "S23: t%u is the oldest task of %s, but %u others were leased before it", oldest->number,
                tasks_operations[operation], fairness->n_passed);
}

/* --- priority --- */

static gboolean
fair_is_before_its_time (const TasksWorld *world, const TasksOffer *offer)
{
  for (guint priority = offer->record->spec.priority + 1; priority <= BUS_TASK_PRIORITY_MAX; priority++)
    if (fair_find_waiting (world, offer, TASKS_ACCOUNTS, priority) != NULL)
      return TRUE;
  return FALSE;
}

/* An exclusive task may have been reserved for a member by age, and have returned from there. */
static gboolean
fair_has_task_that_runs_alone (const TasksWorld *world, guint operation)
{
  for (guint i = world->model->first; i < world->model->records->len; i++)
    {
      const TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (record->spec.operation == operation && tasks_record_is_live (record)
          && (record->spec.exclusive || record->is_suspect))
        return TRUE;
    }
  return FALSE;
}

/* A lease of a lower priority was by age, and the next lease by age is 8 leases later. @n: leases of this input */
static void
fair_check_priority (TasksWorld *world, TasksFairness *fairness, const TasksOffer *offer, guint n)
{
  if (offer->runs_alone || !fair_is_before_its_time (world, offer))
    {
      fairness->n_since_aged++;
      return;
    }
  if (fairness->n_since_aged + n < AGED_SOONEST)
    tasks_fail (world, "S23: t%u was leased before a task of a higher priority, as was one %u leases before",
                offer->record->number, fairness->n_since_aged);
  fairness->n_since_aged = 0;
  tasks_cover (world, TASKS_COVER_BY_AGE);
}

/* --- accounts --- */

static void
fair_check_turn (TasksWorld *world, TasksFairness *fairness, const TasksOffer *offer)
{
  const guint other = 1 - offer->record->account;
  const TasksRecord *waiting = fair_find_waiting (world, offer, other, offer->record->spec.priority);

  fairness->n_turns[offer->record->account] = 0;
  if (waiting == NULL || offer->runs_alone)
    fairness->n_turns[other] = 0;
  else if (++fairness->n_turns[other] > TURNS_MAX)
    tasks_fail (world, "S23: t%u of account %u waits, but the other account had %u leases of its priority in a row",
                waiting->number, other, fairness->n_turns[other]);
  else
    tasks_cover (world, TASKS_COVER_TURN);
}

/* --- all --- */

void
tasks_fair_offered (TasksWorld *world, const TasksRecord *record, const TasksClient *holder)
{
  const TasksOffer offer = { .record = record,
                             .holder = holder,
                             .age = record->task->place.age,
                             .runs_alone = record->spec.exclusive || record->is_suspect };

  g_array_append_val (world->model->offers, offer);
}

static void
fair_forget (TasksFairness *fairness)
{
  fairness->n_since_aged = LONG_AGO;
  fairness->n_passed = 0;
  memset (fairness->n_turns, 0, sizeof fairness->n_turns);
}

/* The task is at its former place, so the same rule applies to it again. */
void
tasks_fair_returned (TasksWorld *world, const TasksRecord *record)
{
  fair_forget (&world->model->fairness[record->spec.operation]);
}

static guint
fair_count (const TasksModel *model, guint operation)
{
  guint n = 0;

  for (guint i = 0; i < model->offers->len; i++)
    n += g_array_index (model->offers, TasksOffer, i).record->spec.operation == operation;
  return n;
}

/* A lease that could not be sent was counted, and its task is at its former place. */
static void
fair_note_operation (TasksWorld *world, const BusOperation *operation)
{
  for (guint i = 0; i < TASKS_OPERATIONS; i++)
    {
      TasksFairness *fairness = &world->model->fairness[i];

      if (strcmp (operation->name, tasks_operations[i]) != 0)
        continue;
      if (fairness->n_since_aged < LEASES_BY_AGE && fair_has_task_that_runs_alone (world, i))
        fairness->n_since_aged = LONG_AGO;
      if (operation->n_leases != fairness->n_leases + fair_count (world->model, i))
        fair_forget (fairness);
      fairness->n_leases = operation->n_leases;
    }
}

void
tasks_fair_check (TasksWorld *world)
{
  TasksModel *model = world->model;

  for (const GList *link = world->core->work->operations->list.head; link != NULL; link = link->next)
    fair_note_operation (world, link->data);
  for (guint i = 0; i < model->offers->len && !tasks_failed (world); i++)
    {
      const TasksOffer *offer = &g_array_index (model->offers, TasksOffer, i);
      TasksFairness *fairness = &model->fairness[offer->record->spec.operation];

      fair_check_age (world, fairness, offer);
      fair_check_priority (world, fairness, offer, fair_count (model, offer->record->spec.operation));
      fair_check_turn (world, fairness, offer);
    }
  g_array_set_size (model->offers, 0);
}

void
tasks_fair_restart (TasksModel *model)
{
  memset (model->fairness, 0, sizeof model->fairness);
  for (guint i = 0; i < TASKS_OPERATIONS; i++)
    model->fairness[i].n_since_aged = LONG_AGO;
  g_array_set_size (model->offers, 0);
}
