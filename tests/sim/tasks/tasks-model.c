/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-work.h"

#define SUSPECTS_MAX    16u
#define HOLD_UNNAMED_US (2 * G_TIME_SPAN_SECOND) /* a task that is submitted again, whose last holder is not known */

/* --- records --- */

static void
model_record_free (gpointer data)
{
  TasksRecord *record = data;

  g_array_unref (record->deaths);
  g_array_unref (record->leases);
  g_queue_clear_full (&record->news, g_free);
  g_free (record);
}

TasksModel *
tasks_model_new (void)
{
  TasksModel *model = g_new0 (TasksModel, 1);

  model->records = g_ptr_array_new_with_free_func (model_record_free);
  model->stops = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_array_unref);
  model->details = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  model->offers = g_array_new (FALSE, FALSE, sizeof (TasksOffer));
  tasks_fair_restart (model);
  model->given = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  model->tokens = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  return model;
}

void
tasks_model_free (TasksModel *model)
{
  g_hash_table_unref (model->tokens);
  g_array_unref (model->offers);
  g_hash_table_unref (model->given);
  g_hash_table_unref (model->stops);
  g_hash_table_unref (model->details);
  g_ptr_array_unref (model->records);
  g_free (model);
}

TasksRecord *
tasks_model_find (const TasksModel *model, guint account, guint number)
{
  return model->current[account][number];
}

void
tasks_model_restart (TasksWorld *world)
{
  TasksModel *model = world->model;

  for (guint i = model->first; i < model->records->len; i++)
    {
      TasksRecord *record = g_ptr_array_index (model->records, i);

      record->is_forgotten = TRUE;
      record->has_lease = FALSE;
      record->task = NULL;
      g_queue_clear_full (&record->news, g_free);
      model->earlier[record->account][record->number] = record;
    }
  memset (model->current, 0, sizeof model->current);
  g_hash_table_remove_all (model->stops);
  g_hash_table_remove_all (model->details);
  g_hash_table_remove_all (model->given);
  model->first = model->records->len;
  tasks_fair_restart (model);
}

/* --- submits --- */

/* TRUE if the connection is not attached to the task, but another one is. */
static gboolean
model_is_another (const TasksRecord *record, const TasksClient *client)
{
  return record->attached[client->slot] != client->number && tasks_record_is_attached (record);
}

/* Each connection after the first one needs room. Tasks whose result was taken have a bound of their own. */
static gboolean
model_has_room_to_attach (const TasksWorld *world, const TasksRecord *record, const TasksClient *client)
{
  const guint64 bytes = world->core->work->tasks.bytes[BUS_SHELF_LIVE];

  return !model_is_another (record, client) || record->task->shelf != BUS_SHELF_LIVE
         || bytes + BUS_ATTACHMENT_BYTES <= world->options.limits.task_bytes;
}

/* The required answer to a submission of a known task. */
static WireStatus
model_expect_attached (const TasksWorld *world, const TasksClient *client, const TasksRecord *record)
{
  if (record->state == BUS_TASK_QUARANTINED)
    return WIRE_STATUS_QUARANTINED;
  return model_has_room_to_attach (world, record, client) ? WIRE_STATUS_OK : WIRE_STATUS_LIMIT;
}

/* TRUE if there is no room for another task. */
static gboolean
model_is_full (const TasksWorld *world, const TasksClient *client, guint n_new)
{
  const BusTaskStore *store = &world->core->work->tasks;
  const BusLimits *limits = &world->options.limits;

  return store->shelves[BUS_SHELF_LIVE].length + n_new + 1 > limits->task_queue
         || client->peer->account->live_tasks + n_new + 1 > limits->task_queue_per_account
         || store->bytes[BUS_SHELF_LIVE] + sizeof (BusTask) > limits->task_bytes;
}

/* The required answer of the broker to one task of a call. @n_new: tasks that the call has added before. */
static WireStatus
model_expect_verdict (const TasksWorld *world, const TasksClient *client, const TasksItem *item, guint n_new)
{
  const TasksRecord *record = tasks_model_find (world->model, client->account, item->number);

  if (item->has_none)
    return WIRE_STATUS_BAD_MESSAGE;
  if (record != NULL && record->is_forgotten)
    return WIRE_STATUS_PAYLOAD_GONE;
  if (record != NULL && record->is_other != item->is_other)
    return WIRE_STATUS_DUPLICATE_ID;
  if (record != NULL)
    return model_expect_attached (world, client, record);
  if (item->is_repeated && world->now_us >= world->started_us + (gint64) world->options.limits.task_recovery_us)
    return WIRE_STATUS_UNKNOWN;
  return model_is_full (world, client, n_new) ? WIRE_STATUS_LIMIT : WIRE_STATUS_OK;
}

/* The required answer for a task that was submitted before. */
static void
model_repeat (TasksWorld *world, TasksRecord *record, const TasksItem *item)
{
  TasksRecord *before = world->model->earlier[record->account][record->number];

  record->attempt = item->last_attempt;
  if (before == NULL)
    return;
  record->origin = before->origin;
  tasks_cover (world, TASKS_COVER_RESUBMITTED);
}

/* The last holder may still have the task, so it is held. */
static void
model_hold (TasksWorld *world, TasksRecord *record, const TasksItem *item)
{
  const gint64 end_us = world->started_us + (gint64) world->options.limits.task_recovery_us;

  record->held_until_us = item->last_holder != 0 ? end_us : MIN (end_us, world->now_us + HOLD_UNNAMED_US);
  if (item->last_holder == 0)
    return;
  record->awaits = record->holder = item->last_holder;
  record->lease_started = record->knows_holder = TRUE;
}

static TasksRecord *
model_add (TasksWorld *world, guint account, const TasksItem *item)
{
  TasksModel *model = world->model;
  TasksRecord *record = g_new0 (TasksRecord, 1);
  const BusLimits *limits = &world->options.limits;

  record->sequence = model->records->len + 1;
  record->epoch = world->options.epoch;
  record->origin = record;
  record->account = account;
  record->number = item->number;
  record->is_other = item->is_other;
  tasks_spec (world, account, item->number, &record->spec);
  record->spec.priority ^= item->is_other ? 1 : 0;
  record->deaths = g_array_new (FALSE, FALSE, sizeof (TasksDeath));
  record->leases = g_array_new (FALSE, FALSE, sizeof (TasksLease));
  record->died_on = record->holder = TASKS_ANY_SLOT;
  record->kept_due_us = G_MAXINT64;
  record->submitted_us = record->since_us = world->now_us;
  record->attempts = record->spec.attempts > 0 ? record->spec.attempts : (guint) limits->task_attempts;
  record->due_us
      = world->now_us + (record->spec.deadline_us > 0 ? record->spec.deadline_us : (gint64) limits->task_deadline_us);
  record->state = BUS_TASK_QUEUED;
  if (item->is_repeated)
    model_repeat (world, record, item);
  if (record->spec.not_before_us > 0 && !(item->is_repeated && item->last_holder != 0))
    {
      record->state = BUS_TASK_DELAYED;
      record->wait_us = record->wait_most_us = record->spec.not_before_us;
    }
  else if (item->is_repeated)
    model_hold (world, record, item);
  model->current[account][item->number] = record;
  g_ptr_array_add (model->records, record);
  world->history->sums.accepted++;
  tasks_news_expect (world, record, &(const TasksStep){ BUS_TASK_ON_SUBMIT, record->state, record->state });
  return record;
}

static void
model_before_submit (TasksWorld *world, const TasksClient *client, const TasksFrame *frame)
{
  TasksFrame *call = g_hash_table_lookup (client->calls, &frame->id);
  guint n_new = 0;

  for (guint i = 0; i < frame->n_items; i++)
    {
      TasksItem *item = &call->items[i];
      TasksRecord *record;

      item->expected = model_expect_verdict (world, client, item, n_new);
      if (item->expected != WIRE_STATUS_OK)
        continue;
      record = tasks_model_find (world->model, client->account, item->number);
      if (record == NULL)
        {
          record = model_add (world, client->account, item);
          tasks_claims_resubmitted (world, record);
          n_new++;
        }
      record->attached[client->slot] = client->number;
      record->alone_since_us = 0;
    }
}

/* --- the event of an input --- */

static BusTaskEvent
model_event_of (const TasksRecord *record, const TasksFrame *frame)
{
  static const BusTaskEvent events[BUS_N_OUTCOME_KINDS] = {
    [BUS_OUTCOME_UNSPECIFIED] = BUS_TASK_ON_FAILURE, [BUS_OUTCOME_SUCCEEDED] = BUS_TASK_ON_RESULT,
    [BUS_OUTCOME_FAILED] = BUS_TASK_ON_FAILURE,      [BUS_OUTCOME_RETRYABLE] = BUS_TASK_ON_RETRYABLE,
    [BUS_OUTCOME_CANCELLED] = BUS_TASK_ON_STOPPED,   [BUS_OUTCOME_BUSY] = BUS_TASK_ON_BUSY,
  };

  if (frame->kind == TASKS_FRAME_DECLINE)
    return BUS_TASK_ON_STOPPED;
  if (frame->kind == TASKS_FRAME_ANSWER)
    return events[frame->outcome];
  /* STARTED has no effect on a lease that has started, or whose holder was asked to stop. */
  if (record->state == BUS_TASK_QUEUED && (record->lease_started || tasks_leases_is_stopped (record)))
    return BUS_TASK_ON_PROGRESS;
  return frame->started ? BUS_TASK_ON_STARTED : BUS_TASK_ON_PROGRESS;
}

static gboolean
model_is_answer (const TasksFrame *frame)
{
  return frame->kind == TASKS_FRAME_REPORT || frame->kind == TASKS_FRAME_ANSWER || frame->kind == TASKS_FRAME_DECLINE;
}

/* The task whose newest lease has that route; NULL: none. */
static TasksRecord *
model_record_of_route (const TasksModel *model, const TasksClient *client, guint64 route)
{
  for (guint i = 0; i < model->records->len; i++)
    {
      TasksRecord *record = g_ptr_array_index (model->records, i);

      if (record->has_lease && record->route == route && record->holder_connection == client->number)
        return record;
    }
  return NULL;
}

static void
model_before_answer (TasksWorld *world, const TasksClient *client, const TasksFrame *frame)
{
  TasksModel *model = world->model;
  TasksRecord *record = model_record_of_route (model, client, frame->route);

  if (record == NULL)
    return;
  model->target = record;
  model->before = record->state;
  model->event = model_event_of (record, frame);
  model->is_valid = frame->kind == TASKS_FRAME_DECLINE || memcmp (record->token, frame->token, BUS_TOKEN_LEN) == 0;
}

static void
model_before_cancel (TasksWorld *world, const TasksFrame *frame)
{
  for (guint i = 0; i < frame->n_items; i++)
    {
      const TasksRecord *record = tasks_model_find (world->model, frame->account, frame->items[i].number);

      if (record != NULL && !record->is_forgotten && !bus_task_state_is_live (record->state))
        tasks_cover (world, TASKS_COVER_CANCEL_DONE);
    }
}

/* A death with several running tasks: each may be its cause. */
static void
model_before_death (TasksWorld *world, const TasksClient *client)
{
  TasksRecord *running[SUSPECTS_MAX];
  guint n = 0;

  if (client->has_left || client->expects_exit || !client->is_registered)
    return;
  for (guint i = 0; i < world->model->records->len && n < SUSPECTS_MAX; i++)
    {
      TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (record->state == BUS_TASK_RUNNING && record->has_lease && record->holder_connection == client->number)
        running[n++] = record;
    }
  for (guint i = 0; i < n && n > 1; i++)
    running[i]->is_suspect = TRUE;
  if (n > 1)
    tasks_cover (world, TASKS_COVER_SUSPECTS);
  for (guint i = 0; i < world->model->records->len && n > 0; i++)
    {
      const TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (record->state == BUS_TASK_QUEUED && record->spec.target == client->slot)
        tasks_cover (world, TASKS_COVER_TARGETS_WAIT);
    }
}

/* A run may report its result twice: to two brokers. */
static void
model_note_finished (TasksRecord *origin, guint run)
{
  origin->n_finished += origin->last_finished != run ? 1 : 0;
  origin->last_finished = run;
}

void
tasks_model_before (TasksWorld *world, const TasksInput *input)
{
  TasksModel *model = world->model;

  tasks_health_before (world);
  model->n_inputs++;
  model->target = NULL;
  model->is_valid = FALSE;
  model->n_steps = 0;
  if (input->kind == TASKS_INPUT_DISCONNECT)
    model_before_death (world, input->client);
  if (input->kind != TASKS_INPUT_FRAME)
    return;
  if (input->frame->kind == TASKS_FRAME_SUBMIT)
    model_before_submit (world, input->client, input->frame);
  if (input->frame->kind == TASKS_FRAME_CANCEL)
    model_before_cancel (world, input->frame);
  if (model_is_answer (input->frame))
    model_before_answer (world, input->client, input->frame);
  if (input->frame->kind == TASKS_FRAME_ANSWER || input->frame->kind == TASKS_FRAME_DECLINE)
    tasks_leases_answered (model, input->client, input->frame);
  if (input->frame->kind == TASKS_FRAME_ANSWER && input->frame->outcome == BUS_OUTCOME_SUCCEEDED)
    {
      TasksRecord *record = tasks_claims_record_of (model, input->frame->token);

      if (record != NULL)
        model_note_finished (record->origin, input->frame->run);
    }
}

/* --- submitters --- */

void
tasks_model_shown (TasksWorld *world, const TasksClient *client, guint number, BusTaskState state, guint run)
{
  TasksRecord *record = tasks_model_find (world->model, client->account, number);

  if (record == NULL)
    {
      tasks_fail (world, "I11: %s saw a task that it did not submit", client->id);
      return;
    }
  record->shown[client->slot] = state;
  if (state != BUS_TASK_SUCCEEDED || run == record->accepted_run)
    return;
  world->history->sums.unexpected++;
  tasks_fail (world, "unexpected: %s saw the result of run %u of t%u, but run %u was accepted", client->id, run, number,
              record->accepted_run);
}

static void
model_check_record_shown (TasksWorld *world, const TasksRecord *record)
{
  for (guint slot = 0; slot < TASKS_SUBMITTERS; slot++)
    if (record->attached[slot] != 0 && record->shown[slot] != record->state)
      tasks_fail (world, "O05: s%u has seen t%u as %s, but it is %s", slot, record->number,
                  bus_task_state_name (record->shown[slot]), bus_task_state_name (record->state));
}

void
tasks_model_check_shown (TasksWorld *world)
{
  for (guint i = 0; i < world->model->records->len; i++)
    {
      const TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (!record->is_forgotten && !bus_task_state_is_live (record->state)
          && world->now_us - record->since_us > G_TIME_SPAN_SECOND)
        model_check_record_shown (world, record);
    }
}

/* Each submitter knows the outcome of all its tasks, also after a restart of the broker. */
static void
model_check_remembered (TasksWorld *world)
{
  for (guint slot = 0; slot < TASKS_SUBMITTERS && world->restarts; slot++)
    for (guint number = 0; number < TASKS_IDS; number++)
      {
        const TasksClient *client = &world->clients[slot];

        if (!client->memory[number].is_open || tasks_model_find (world->model, client->account, number) != NULL)
          continue;
        world->history->sums.lost++;
        tasks_fail (world, "lost: %s never got the outcome of t%u", client->id, number);
      }
}

void
tasks_model_finish (TasksWorld *world)
{
  const TasksModel *model = world->model;
  TasksSums *sums = &world->history->sums;

  sums->runs = world->last_run;
  model_check_remembered (world);
  tasks_leases_finish (world);
  tasks_claims_finish (world);
  tasks_standing_finish (world);
  for (guint i = 0; i < model->records->len; i++)
    {
      const TasksRecord *record = g_ptr_array_index (model->records, i);

      sums->duplicated += record->n_finished > 1 ? 1 : 0;
      if (tasks_record_is_live (record))
        tasks_fail (world, "I20: t%u is %s still", record->number, bus_task_state_name (record->state));
    }
}
