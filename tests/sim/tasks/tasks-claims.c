/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

/*
 * Claims: the tasks that a member, when it registers, reports as running or finished.
 *
 * In the epoch of its lease a claim needs the newest token. A new broker does not know the tokens of the previous one: there a
 * claim is valid if its id, attempt and member are those that the submitter named, and only while the task waits for it. A task
 * waits until its holder registers without a claim, or until the recovery window is over. A claimed task waits until the member
 * serves its task topic. A member that was asked to stop, because its run limit was over, cannot claim to work on the task.
 */

static gint64
claims_window_end_us (const TasksWorld *world)
{
  return world->started_us + (gint64) world->options.limits.task_recovery_us;
}

TasksRecord *
tasks_claims_record_of (const TasksModel *model, const guint8 *token)
{
  g_autoptr (GBytes) key = g_bytes_new (token, BUS_TOKEN_LEN);

  return g_hash_table_lookup (model->tokens, key);
}

/* A member has the token of its claim until it gets Execute{adopt}, which may be lost with the connection. */
static gboolean
claims_is_newest (const TasksRecord *record, const TasksClaim *claim)
{
  return memcmp (record->token, claim->token, BUS_TOKEN_LEN) == 0
         || memcmp (record->claimed_token, claim->token, BUS_TOKEN_LEN) == 0;
}

/* The holder was asked to stop, because the run limit was over. */
static gboolean
claims_is_stopped (const TasksWorld *world, const TasksRecord *record)
{
  return record->state == BUS_TASK_QUEUED && record->is_over && tasks_record_run_due_us (record) <= world->now_us;
}

void
tasks_claims_forget_token (TasksRecord *record)
{
  memset (record->token, 0, BUS_TOKEN_LEN);
  memset (record->claimed_token, 0, BUS_TOKEN_LEN);
}

gboolean
tasks_claims_match (const TasksWorld *world,
                    const TasksRecord *record,
                    const TasksClient *client,
                    const TasksClaim *claim)
{
  const TasksRecord *of = claim->record;

  if (of == NULL || of->account != record->account || of->number != record->number
      || claim->token_attempt != claim->attempt)
    return FALSE;
  if (claims_is_newest (record, claim))
    return record->holder == client->slot && (claim->is_finished || !claims_is_stopped (world, record));
  return claim->token_epoch != world->options.epoch && record->awaits == client->slot
         && record->attempt == claim->attempt;
}

TasksClaim *
tasks_claims_find (const TasksWorld *world, const TasksRecord *record, TasksClient *client)
{
  for (guint i = 0; i < client->claims.n; i++)
    if (!client->claims.list[i].is_settled && tasks_claims_match (world, record, client, &client->claims.list[i]))
      return &client->claims.list[i];
  return NULL;
}

gboolean
tasks_claims_taken (TasksWorld *world, TasksRecord *record, TasksClient *holder)
{
  const TasksClaim *first = tasks_claims_find (world, record, holder);
  guint8 token[BUS_TOKEN_LEN];

  if (first == NULL || record->has_lease)
    return FALSE; /* it continues with its present lease */
  record->taken_by = holder->registrations;
  memcpy (token, first->token, BUS_TOKEN_LEN);
  for (TasksClaim *claim; (claim = tasks_claims_find (world, record, holder)) != NULL;)
    claim->is_settled = TRUE;
  memcpy (record->claimed_token, token, BUS_TOKEN_LEN);
  return first->is_finished;
}

void
tasks_claims_missed (TasksWorld *world, const TasksRecord *record, TasksClient *holder)
{
  for (TasksClaim *claim; (claim = tasks_claims_find (world, record, holder)) != NULL;)
    claim->is_settled = TRUE;
}

/* --- holds --- */

/* The holder has registered: the task waits until it serves its topic, or does not wait for it any more. */
static void
claims_hold (TasksWorld *world, TasksRecord *record, TasksClient *client)
{
  if (tasks_claims_find (world, record, client) == NULL)
    {
      record->awaits = 0;
      record->held_until_us = 0;
      return;
    }
  if (record->claimed_by == 0)
    record->held_until_us = MAX (record->held_until_us, world->now_us + (gint64) world->options.limits.task_offer_us);
  record->claimed_by = client->number;
  record->awaits = client->slot;
  if (tasks_trace)
    g_print ("# step %u, %" G_GINT64_FORMAT " us: %s claims t%u of account %u, held until %" G_GINT64_FORMAT " us\n",
             world->step, world->now_us, client->id, record->number, record->account, record->held_until_us);
}

static gboolean
claims_can_hold (const TasksRecord *record, const TasksClient *client)
{
  return record->state == BUS_TASK_QUEUED && !record->is_forgotten && !record->has_lease
         && record->holder == client->slot;
}

/* The task of this epoch that the claim is about; NULL: there is none. */
static TasksRecord *
claims_task (const TasksWorld *world, const TasksClaim *claim)
{
  return claim->record != NULL ? tasks_model_find (world->model, claim->record->account, claim->record->number) : NULL;
}

/* In the epoch of its lease, a claim is valid only while its task is held. */
static void
claims_settle_current (const TasksWorld *world, TasksClient *client, TasksClaim *claim)
{
  const TasksRecord *record = claims_task (world, claim);

  if (claim->token_epoch != world->options.epoch && (record == NULL || !claims_is_newest (record, claim)))
    {
      claim->is_settled = world->now_us >= claims_window_end_us (world);
      return;
    }
  claim->is_settled
      = record == NULL || !tasks_claims_match (world, record, client, claim) || !claims_can_hold (record, client);
  /* The lease continues on its connection. */
  claim->is_answered = record != NULL && record->has_lease && record->holder == client->slot;
}

void
tasks_claims_registered (TasksWorld *world, TasksClient *client)
{
  for (guint i = 0; i < client->claims.n; i++)
    claims_settle_current (world, client, &client->claims.list[i]);
  for (guint i = world->model->first; i < world->model->records->len; i++)
    {
      TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (claims_can_hold (record, client)
          && (record->awaits != 0 || tasks_claims_find (world, record, client) != NULL))
        claims_hold (world, record, client);
    }
}

void
tasks_claims_resubmitted (TasksWorld *world, TasksRecord *record)
{
  TasksClient *holder = &world->clients[record->awaits];

  if (record->awaits != 0 && holder->is_registered)
    claims_hold (world, record, holder);
}

/* --- time --- */

static gboolean
claims_is_awaited (TasksWorld *world, TasksClient *client, const TasksClaim *claim)
{
  for (guint i = world->model->first; i < world->model->records->len; i++)
    {
      const TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (claims_can_hold (record, client) && record->awaits != 0 && tasks_claims_match (world, record, client, claim))
        return TRUE;
    }
  return FALSE;
}

static void
claims_end_window (TasksWorld *world, TasksClient *client)
{
  for (guint i = 0; i < client->claims.n; i++)
    {
      TasksClaim *claim = &client->claims.list[i];

      if (claim->token_epoch != world->options.epoch && !claims_is_awaited (world, client, claim))
        claim->is_settled = TRUE;
    }
}

void
tasks_claims_ticked (TasksWorld *world)
{
  for (guint i = world->model->first; i < world->model->records->len; i++)
    {
      TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (record->held_until_us == 0 || record->held_until_us > world->now_us)
        continue;
      if (record->awaits != 0)
        tasks_cover (world, TASKS_COVER_HOLD_OVER);
      record->held_until_us = record->awaits = 0;
    }
  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS && world->now_us >= claims_window_end_us (world); slot++)
    claims_end_window (world, &world->clients[slot]);
}

/* --- answers to claims --- */

void
tasks_claims_fenced (TasksWorld *world, TasksClient *client, const guint8 *token)
{
  gboolean is_claim = FALSE;

  for (guint i = 0; i < client->claims.n; i++)
    {
      TasksClaim *claim = &client->claims.list[i];

      if (memcmp (claim->token, token, BUS_TOKEN_LEN) != 0)
        continue;
      claim->is_settled = claim->is_answered = is_claim = TRUE;
    }
  if (is_claim)
    tasks_cover (world, TASKS_COVER_FENCED);
}

void
tasks_claims_given (TasksWorld *world, TasksClient *client, TasksRecord *record, guint32 attempt, gboolean is_finished)
{
  gboolean is_claimed = FALSE;

  record->is_finished = is_finished;
  for (guint i = 0; i < client->claims.n; i++)
    {
      TasksClaim *claim = &client->claims.list[i];

      if (claim->record == NULL || claim->record->account != record->account || claim->record->number != record->number
          || claim->attempt != attempt)
        continue;
      claim->is_settled = claim->is_answered = TRUE;
      is_claimed |= claim->is_finished == is_finished;
    }
  /* The member may have registered again before it received the task. */
  if (!is_claimed && record->taken_by == client->registrations)
    tasks_fail (world, "S20: %s got t%u again as %s, but claimed otherwise", client->id, record->number,
                is_finished ? "finished" : "running");
}

/* --- checks --- */

static void
claims_check_record (TasksWorld *world, const TasksRecord *record)
{
  TasksClient *holder = &world->clients[record->holder % TASKS_CLIENTS];

  if (record->holder >= TASKS_CLIENTS || !holder->is_registered || !claims_can_hold (record, holder))
    return;
  if (holder->is_serving && tasks_claims_find (world, record, holder) != NULL)
    tasks_fail (world, "S19: t%u waits although %s has claimed it", record->number, holder->id);
}

void
tasks_claims_check (TasksWorld *world)
{
  for (guint i = world->model->first; i < world->model->records->len && !tasks_failed (world); i++)
    claims_check_record (world, g_ptr_array_index (world->model->records, i));
}

void
tasks_claims_finish (TasksWorld *world)
{
  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS; slot++)
    {
      const TasksClient *client = &world->clients[slot];

      for (guint i = 0; i < client->claims.n && client->is_registered && world->keeps_outcomes; i++)
        if (!client->claims.list[i].is_answered)
          tasks_fail (world, "M14: %s got no answer to its claim of t%u", client->id, client->claims.list[i].number);
    }
}
