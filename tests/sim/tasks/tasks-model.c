/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-lease.h"
#include "work/bus-work.h"

#define HOLD_UNNAMED_US (2 * G_TIME_SPAN_SECOND) /* a task that is submitted again, whose last holder is not known */

/* --- records --- */

static void
model_record_free (gpointer data)
{
  TasksRecord *record = data;

  g_array_unref (record->deaths);
  g_free (record);
}

TasksModel *
tasks_model_new (void)
{
  TasksModel *model = g_new0 (TasksModel, 1);

  model->records = g_ptr_array_new_with_free_func (model_record_free);
  model->tokens = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  return model;
}

void
tasks_model_free (TasksModel *model)
{
  g_hash_table_unref (model->tokens);
  g_ptr_array_unref (model->records);
  g_free (model);
}

TasksRecord *
tasks_model_find (const TasksModel *model, guint account, guint number)
{
  return model->current[account][number];
}

static TasksRecord *
model_record_of (const TasksModel *model, guint64 sequence)
{
  return sequence <= model->records->len ? g_ptr_array_index (model->records, sequence - 1) : NULL;
}

static TasksRecord *
model_record_of_token (const TasksModel *model, const guint8 *token)
{
  g_autoptr (GBytes) key = g_bytes_new (token, BUS_TOKEN_LEN);

  return g_hash_table_lookup (model->tokens, key);
}

/* --- submits --- */

/* What the broker has to say to one task of a call. @n_new: tasks that the call has added before. */
static WireStatus
model_expect_verdict (const TasksWorld *world, const TasksClient *client, const TasksItem *item, guint n_new)
{
  const TasksRecord *record = tasks_model_find (world->model, client->account, item->number);
  const BusTaskStore *store = &world->core->work->tasks;

  if (record != NULL && record->is_forgotten)
    return WIRE_STATUS_PAYLOAD_GONE;
  if (record != NULL && record->is_other != item->is_other)
    return WIRE_STATUS_DUPLICATE_ID;
  if (record != NULL)
    return record->state == BUS_TASK_QUARANTINED ? WIRE_STATUS_QUARANTINED : WIRE_STATUS_OK;
  if (item->is_repeated && world->now_us >= world->started_us + (gint64) world->options.limits.task_recovery_us)
    return WIRE_STATUS_UNKNOWN;
  if (store->shelves[BUS_SHELF_LIVE].length + n_new + 1 > world->options.limits.task_queue
      || client->peer->account->live_tasks + n_new + 1 > world->options.limits.task_queue_per_account)
    return WIRE_STATUS_LIMIT;
  return WIRE_STATUS_OK;
}

static TasksRecord *
model_add (TasksWorld *world, guint account, const TasksItem *item)
{
  TasksModel *model = world->model;
  TasksRecord *record = g_new0 (TasksRecord, 1);
  const BusLimits *limits = &world->options.limits;

  record->sequence = model->records->len + 1;
  record->account = account;
  record->number = item->number;
  record->is_other = item->is_other;
  tasks_spec (world, account, item->number, &record->spec);
  record->deaths = g_array_new (FALSE, FALSE, sizeof (TasksDeath));
  record->died_on = record->holder = TASKS_ANY_SLOT;
  record->submitted_us = record->since_us = world->now_us;
  record->attempts = record->spec.attempts > 0 ? record->spec.attempts : (guint) limits->task_attempts;
  record->due_us
      = world->now_us + (record->spec.deadline_us > 0 ? record->spec.deadline_us : (gint64) limits->task_deadline_us);
  record->state = BUS_TASK_QUEUED;
  if (item->is_repeated)
    record->held_until_us
        = MIN (world->started_us + (gint64) limits->task_recovery_us, world->now_us + HOLD_UNNAMED_US);
  else if (record->spec.not_before_us > 0)
    {
      record->state = BUS_TASK_DELAYED;
      record->wait_us = record->wait_most_us = record->spec.not_before_us;
    }
  model->current[account][item->number] = record;
  g_ptr_array_add (model->records, record);
  world->history->sums.accepted++;
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
  /* A lease that has started is not started again. */
  return frame->started && !(record->lease_started && record->state == BUS_TASK_QUEUED) ? BUS_TASK_ON_STARTED
                                                                                        : BUS_TASK_ON_PROGRESS;
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

void
tasks_model_before (TasksWorld *world, const TasksInput *input)
{
  TasksModel *model = world->model;

  model->n_inputs++;
  model->target = NULL;
  model->is_valid = FALSE;
  model->n_steps = 0;
  if (input->kind != TASKS_INPUT_FRAME)
    return;
  if (input->frame->kind == TASKS_FRAME_SUBMIT)
    model_before_submit (world, input->client, input->frame);
  if (input->frame->kind == TASKS_FRAME_CANCEL)
    model_before_cancel (world, input->frame);
  if (model_is_answer (input->frame))
    model_before_answer (world, input->client, input->frame);
  if (input->frame->kind == TASKS_FRAME_ANSWER && input->frame->outcome == BUS_OUTCOME_SUCCEEDED)
    {
      TasksRecord *record = model_record_of_token (model, input->frame->token);

      if (record != NULL)
        record->n_finished++;
    }
}

/* --- what an input says of members and operations --- */

static void
model_registered (TasksWorld *world, TasksClient *client, const TasksFrame *frame)
{
  if (client->peer->member == NULL)
    return;
  client->registration = frame->registration;
  client->is_registered = TRUE;
  client->is_draining = client->expects_exit = FALSE;
  client->n_completed = 0;
}

static void
model_drains (TasksWorld *world, TasksClient *client, gint64 drain_us, gboolean expects_exit)
{
  client->expects_exit |= expects_exit;
  if (client->is_draining)
    return;
  client->is_draining = TRUE;
  client->drain_until_us = world->now_us + (drain_us > 0 ? drain_us : (gint64) world->options.limits.task_drain_us);
}

static void
model_updated (TasksWorld *world, TasksClient *client, const TasksFrame *frame)
{
  if (!client->is_registered)
    return;
  if (frame->changes_operations)
    memcpy (client->registration.abilities, frame->registration.abilities, sizeof frame->registration.abilities);
  if (frame->changes_slots)
    client->registration.slots = frame->registration.slots;
  if (frame->drains)
    model_drains (world, client, frame->drain_us, FALSE);
}

static void
model_note_frame (TasksWorld *world, TasksClient *client, const TasksFrame *frame)
{
  switch ((guint) frame->kind)
    {
    case TASKS_FRAME_REGISTER:
      model_registered (world, client, frame);
      break;
    case TASKS_FRAME_UPDATE:
      model_updated (world, client, frame);
      break;
    case TASKS_FRAME_DEREGISTER:
      client->is_registered = client->is_draining = FALSE;
      break;
    case TASKS_FRAME_SERVE:
      client->is_serving = TRUE;
      break;
    case TASKS_FRAME_GOODBYE:
      client->has_left = TRUE;
      break;
    case TASKS_FRAME_DRAIN:
      if (world->clients[frame->drained].is_registered)
        model_drains (world, &world->clients[frame->drained], frame->drain_us, frame->expects_exit);
      break;
    case TASKS_FRAME_PAUSE:
      world->is_paused[frame->operation] = frame->is_paused;
      break;
    case TASKS_FRAME_LIMIT:
      world->limits[frame->operation] = frame->limit;
      break;
    default:
      break;
    }
}

static void
model_note_input (TasksWorld *world, const TasksInput *input)
{
  TasksClient *client = input->client;

  if (input->kind == TASKS_INPUT_FRAME)
    model_note_frame (world, client, input->frame);
  if (client != NULL && (client->peer == NULL || bus_peer_is_closing (client->peer)))
    client->is_registered = FALSE;
}

/* --- one step --- */

static void
model_delay (TasksWorld *world, TasksRecord *record, const TasksInput *input)
{
  const BusLimits *limits = &world->options.limits;
  gint64 backoff_us;

  record->failures++;
  backoff_us = (gint64) MIN (limits->task_retry_us << (record->failures - 1), limits->task_max_retry_us);
  record->wait_us = input->frame != NULL ? input->frame->retry_us : 0;
  record->wait_most_us = MAX (record->wait_us, backoff_us);
}

static void
model_note_death (TasksWorld *world, TasksRecord *record)
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
model_interrupt (TasksWorld *world, TasksRecord *record)
{
  record->interruptions++;
  tasks_cover (world, TASKS_COVER_INTERRUPTED);
}

static void
model_begin (TasksWorld *world, TasksRecord *record)
{
  record->attempt++;
  record->lease_started = TRUE;
  record->begun_us = record->renewed_us = world->now_us;
}

static void
model_take_answer (TasksWorld *world, TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  record->has_lease = FALSE;
  if (step->from == BUS_TASK_OFFERED && step->event != BUS_TASK_ON_BUSY)
    record->attempt++;
  if (step->to == BUS_TASK_DELAYED)
    model_delay (world, record, input);
  if (step->event != BUS_TASK_ON_RESULT)
    return;
  record->accepted_run = input->frame->run;
  record->n_results++;
  world->history->sums.succeeded++;
  if (step->from == BUS_TASK_QUEUED)
    tasks_cover (world, TASKS_COVER_LATE_RESULT);
  if (tasks_record_spent (record) + record->interruptions > 0)
    {
      world->history->sums.recovered++;
      tasks_cover (world, TASKS_COVER_RECOVERED);
    }
}

static void
model_release (TasksWorld *world, TasksRecord *record)
{
  const gint64 deadline_us
      = record->spec.deadline_us > 0 ? record->spec.deadline_us : (gint64) world->options.limits.task_deadline_us;

  record->failures = record->expiries = record->n_deaths = record->interruptions = 0;
  record->died_on = TASKS_ANY_SLOT;
  record->died_on_two = record->died_on_proven = FALSE;
  record->due_us = world->now_us + deadline_us;
}

static void
model_apply (TasksWorld *world, TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  switch ((guint) step->event)
    {
    case BUS_TASK_ON_OFFER:
      record->has_lease = record->lease_started = FALSE; /* until it is read */
      break;
    case BUS_TASK_ON_STARTED:
    case BUS_TASK_ON_PROGRESS:
      model_begin (world, record);
      break;
    case BUS_TASK_ON_RESULT:
    case BUS_TASK_ON_FAILURE:
    case BUS_TASK_ON_RETRYABLE:
    case BUS_TASK_ON_STOPPED:
    case BUS_TASK_ON_BUSY:
      model_take_answer (world, record, input, step);
      break;
    case BUS_TASK_ON_EOF:
      record->has_lease = FALSE;
      if (step->from == BUS_TASK_RUNNING)
        model_note_death (world, record);
      break;
    case BUS_TASK_ON_CLOSED:
    case BUS_TASK_ON_DEREGISTER:
      record->has_lease = FALSE;
      if (step->from == BUS_TASK_RUNNING)
        model_interrupt (world, record);
      break;
    case BUS_TASK_ON_DRAIN_OVER:
      model_interrupt (world, record);
      break;
    case BUS_TASK_ON_PROGRESS_OVER:
    case BUS_TASK_ON_RUN_OVER:
      record->expiries++;
      break;
    case BUS_TASK_ON_RELEASE:
      model_release (world, record);
      break;
    case BUS_TASK_ON_GRACE_OVER:
      tasks_cover (world, TASKS_COVER_UNCONFIRMED);
      break;
    default:
      break;
    }
  record->state = step->to;
  record->since_us = world->now_us;
  if (!bus_task_state_is_live (record->state))
    g_array_set_size (record->deaths, 0);
}

/* --- the end of an input: one task --- */

static void
model_fail_step (TasksWorld *world, const TasksRecord *record, const TasksStep *step, const char *problem)
{
  if (step->event == BUS_TASK_ON_RESULT)
    world->history->sums.unexpected++;
  tasks_fail (world, "%s: t%u of account %u, %s in %s: %s", step->event == BUS_TASK_ON_RESULT ? "unexpected" : "K05",
              record->number, record->account, bus_task_event_name (step->event), bus_task_state_name (step->from),
              problem);
}

static void
model_trace_step (const TasksWorld *world, const TasksRecord *record, const TasksStep *step)
{
  if (tasks_trace)
    g_print ("# step %u, %" G_GINT64_FORMAT " us: t%u of account %u, holder %u, %s: %s -> %s\n", world->step,
             world->now_us, record->number, record->account, record->holder, bus_task_event_name (step->event),
             bus_task_state_name (step->from), bus_task_state_name (step->to));
}

static void
model_take_step (TasksWorld *world, TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  TasksModel *model = world->model;
  const char *problem;

  model_trace_step (world, record, step);
  if (tasks_table_next (step->from, step->event) != step->to)
    model_fail_step (world, record, step, "the documents do not have this transition");
  problem = tasks_justify (world, record, input, step);
  if (problem != NULL)
    model_fail_step (world, record, step, problem);
  if (record == model->target && model->n_steps++ == 0 && model->is_valid
      && tasks_table_next (model->before, model->event) != 0 && step->event != model->event)
    model_fail_step (world, record, step, "the answer of its holder was expected");
  if (!tasks_failed (world))
    model_apply (world, record, input, step);
  if (record->n_results > 1)
    {
      world->history->sums.unexpected++;
      tasks_fail (world, "unexpected: t%u of account %u has two results", record->number, record->account);
    }
}

/* The deaths whose time is over. */
static void
model_count_deaths (TasksWorld *world, TasksRecord *record)
{
  while (record->deaths->len > 0 && g_array_index (record->deaths, TasksDeath, 0).due_us <= world->now_us)
    {
      const TasksDeath death = g_array_index (record->deaths, TasksDeath, 0);
      const TasksClient *member = &world->clients[death.slot];

      g_array_remove_index (record->deaths, 0);
      if (member->is_registered && member->incarnation == death.incarnation)
        {
          record->interruptions++;
          tasks_cover (world, TASKS_COVER_RETURNED);
          continue;
        }
      record->n_deaths++;
      record->died_on_two |= record->died_on != TASKS_ANY_SLOT && record->died_on != death.slot;
      if (record->died_on == TASKS_ANY_SLOT)
        record->died_on = death.slot;
      record->died_on_proven |= death.was_proven;
    }
}

static void
model_walk (TasksWorld *world, TasksRecord *record, const BusTask *task, const TasksInput *input)
{
  for (guint i = 0; task->history != NULL && i < task->history->len && !tasks_failed (world); i++)
    {
      const BusTaskStep *step = &g_array_index (task->history, BusTaskStep, i);

      if (step->at_us == world->now_us)
        model_take_step (world, record, input,
                         &(const TasksStep){ (BusTaskEvent) step->event, record->state, (BusTaskState) step->state });
    }
}

/* --- leases --- */

static void
model_check_offer (TasksWorld *world, const TasksRecord *record, const TasksClient *holder)
{
  const TasksSpec *spec = &record->spec;
  const TasksRegistration *registration = &holder->registration;
  const char *problem = NULL;

  if (!holder->is_registered || !holder->is_serving || holder->is_draining)
    problem = "it is not ready";
  else if (!registration->abilities[spec->operation].is_offered)
    problem = "it does not have the operation";
  else if (spec->type != 0 && strcmp (holder->type, tasks_types[spec->type]) != 0)
    problem = "it has another type";
  else if (spec->target != TASKS_ANY_SLOT && spec->target != holder->slot)
    problem = "another one is the target";
  else if (spec->priority < registration->lowest || spec->priority > registration->highest)
    problem = "it does not take the priority";
  else if (spec->has_tag && !registration->has_tag)
    problem = "it does not have the tag";
  if (problem != NULL)
    tasks_fail (world, "M10: t%u was offered to %s: %s", record->number, holder->id, problem);
}

static void
model_read_lease (TasksWorld *world, TasksRecord *record, const BusTask *task)
{
  const BusLease *lease = task->lease;
  const TasksClient *holder = bus_peer_link (lease->member->peer);
  const TasksAbility *ability = &holder->registration.abilities[record->spec.operation];
  GBytes *key = g_bytes_new (lease->token, BUS_TOKEN_LEN);

  if (!g_hash_table_insert (world->model->tokens, key, record))
    tasks_fail (world, "K02: t%u has a token that another lease had", record->number);
  model_check_offer (world, record, holder);
  record->has_lease = TRUE;
  record->route = lease->request->route_id;
  memcpy (record->token, lease->token, BUS_TOKEN_LEN);
  record->holder = holder->slot;
  record->holder_connection = holder->number;
  record->idempotent = ability->idempotent;
  record->progress_limit_us = ability->progress_us;
  record->run_limit_us = record->spec.run_limit_us > 0 ? record->spec.run_limit_us : ability->run_limit_us;
  if (lease->run_limit_us != record->run_limit_us || lease->progress_us != record->progress_limit_us)
    tasks_fail (world, "M11: the limits of t%u are not those of its operation", record->number);
}

/* What an answer does besides changing the state. */
static void
model_settle_target (TasksWorld *world, const TasksInput *input)
{
  TasksModel *model = world->model;
  TasksRecord *record = model->target;
  BusTaskState next;

  /* The slot is free, whatever the token was. */
  if (record != NULL && !bus_task_state_is_live (model->before) && input->frame->kind != TASKS_FRAME_REPORT)
    record->has_lease = FALSE;
  if (record == NULL || !model->is_valid)
    return;
  next = tasks_table_next (model->before, model->event);
  if (next != 0 && model->n_steps == 0)
    tasks_fail (world, "K05: %s of the holder of t%u was not taken in %s", bus_task_event_name (model->event),
                record->number, bus_task_state_name (model->before));
  if (input->frame->kind != TASKS_FRAME_REPORT)
    record->has_lease = record->has_lease && record->route != input->frame->route;
  else if (model->before == BUS_TASK_RUNNING && model->event == BUS_TASK_ON_PROGRESS)
    record->renewed_us = world->now_us;
  if (model->event == BUS_TASK_ON_RESULT && next != 0)
    input->client->n_completed++;
}

/* --- the end of an input: all tasks --- */

static void
model_check_counts (TasksWorld *world, const TasksRecord *record, const BusTask *task)
{
  const BusTaskCounts *counts = &task->counts;

  if (task->state != record->state)
    tasks_fail (world, "K05: t%u is %s, and has to be %s", record->number, bus_task_state_name (task->state),
                bus_task_state_name (record->state));
  else if (!tasks_record_is_live (record))
    return;
  else if (counts->failures != record->failures || counts->expiries != record->expiries
           || counts->deaths != record->n_deaths || counts->interruptions != record->interruptions
           || task->attempt != record->attempt)
    tasks_fail (world,
                "I10: t%u counts %u failures, %u expiries, %u deaths, %u interruptions, attempt %u, and has to count "
                "%u, %u, %u, %u, %u",
                record->number, counts->failures, counts->expiries, counts->deaths, counts->interruptions,
                task->attempt, record->failures, record->expiries, record->n_deaths, record->interruptions,
                record->attempt);
  else if (tasks_record_spent (record) >= record->attempts)
    tasks_fail (world, "I10: t%u goes on without an attempt left", record->number);
}

/* A holder that is gone has nothing. */
static void
model_check_holder (TasksWorld *world, TasksRecord *record)
{
  const TasksClient *holder = &world->clients[record->holder % TASKS_CLIENTS];
  gboolean is_here = record->has_lease && holder->is_registered && holder->number == record->holder_connection;

  if (record->has_lease && !is_here)
    record->has_lease = FALSE;
  if (record->state >= BUS_TASK_OFFERED && record->state <= BUS_TASK_CANCELLING && !is_here)
    tasks_fail (world, "K03: t%u is %s, and its holder is gone", record->number, bus_task_state_name (record->state));
}

static void
model_look (TasksWorld *world, const BusTask *task, const TasksInput *input)
{
  TasksRecord *record = model_record_of (world->model, task->sequence);
  const TasksRecord *target = world->model->target;
  guint64 route;

  if (record == NULL)
    {
      tasks_fail (world, "I11: the broker has a task that nobody submitted");
      return;
    }
  record->seen = world->model->n_inputs;
  route = record->route;
  if (input->kind == TASKS_INPUT_TICK && tasks_record_is_live (record))
    model_count_deaths (world, record);
  model_walk (world, record, task, input);
  if (tasks_failed (world))
    return;
  if (record->state == BUS_TASK_OFFERED && !record->has_lease && task->lease != NULL)
    model_read_lease (world, record, task);
  if (record == target && route == record->route)
    model_settle_target (world, input);
  model_check_counts (world, record, task);
  if (!tasks_failed (world))
    model_check_holder (world, record);
}

static void
model_note_forgotten (TasksWorld *world)
{
  TasksModel *model = world->model;

  for (guint i = 0; i < model->records->len; i++)
    {
      TasksRecord *record = g_ptr_array_index (model->records, i);

      if (record->is_forgotten || record->seen == model->n_inputs)
        continue;
      record->is_forgotten = TRUE;
      record->has_lease = FALSE;
      if (!bus_task_state_is_live (record->state))
        continue;
      world->history->sums.lost++;
      tasks_fail (world, "lost: t%u of account %u was %s, and is not there any more", record->number, record->account,
                  bus_task_state_name (record->state));
    }
}

static void
model_note_submitters (TasksWorld *world, const TasksInput *input)
{
  const TasksClient *client = input->client;

  if (client == NULL || client->is_collector || (client->peer != NULL && !bus_peer_is_closing (client->peer)))
    return;
  for (guint i = 0; i < world->model->records->len; i++)
    {
      TasksRecord *record = g_ptr_array_index (world->model->records, i);
      gboolean was_attached = record->attached[client->slot] != 0;

      record->attached[client->slot] = 0;
      if (was_attached && tasks_record_is_live (record)
          && record->attached[0] + record->attached[1] + record->attached[2] == 0)
        record->alone_since_us = world->now_us;
    }
}

static void
model_note_settled (TasksWorld *world, const TasksClient *client, const TasksFrame *frame)
{
  for (guint i = 0; i < frame->n_items; i++)
    {
      TasksRecord *record = tasks_model_find (world->model, frame->account, frame->items[i].number);

      if (record == NULL || tasks_record_is_live (record))
        continue;
      record->is_settled = TRUE;
      record->attached[client->slot] = 0;
    }
}

void
tasks_model_after (TasksWorld *world, const TasksInput *input)
{
  const GQueue *all = &world->core->work->tasks.all;

  if (tasks_failed (world))
    return;
  model_note_input (world, input);
  for (const GList *link = all->head; link != NULL && !tasks_failed (world); link = link->next)
    model_look (world, link->data, input);
  if (tasks_failed (world))
    return;
  model_note_forgotten (world);
  model_note_submitters (world, input);
  if (input->kind == TASKS_INPUT_FRAME && input->frame->kind == TASKS_FRAME_SETTLE)
    model_note_settled (world, input->client, input->frame);
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
  tasks_fail (world, "unexpected: %s saw the result of run %u of t%u, and run %u was accepted", client->id, run, number,
              record->accepted_run);
}

void
tasks_model_finish (TasksWorld *world)
{
  const TasksModel *model = world->model;
  TasksSums *sums = &world->history->sums;

  sums->runs = world->last_run;
  for (guint i = 0; i < model->records->len; i++)
    {
      const TasksRecord *record = g_ptr_array_index (model->records, i);

      sums->duplicated += record->n_finished > 1 ? 1 : 0;
      if (tasks_record_is_live (record))
        tasks_fail (world, "I20: t%u is %s still", record->number, bus_task_state_name (record->state));
      for (guint slot = 0; slot < TASKS_SUBMITTERS; slot++)
        if (record->attached[slot] != 0 && !record->is_forgotten && record->shown[slot] != record->state)
          tasks_fail (world, "O05: s%u has seen t%u as %s, and it is %s", slot, record->number,
                      bus_task_state_name (record->shown[slot]), bus_task_state_name (record->state));
    }
}
