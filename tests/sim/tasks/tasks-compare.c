/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-lease.h"
#include "work/bus-work.h"

/*
 * The comparison after an input: applies the input to the members and operations of the model, and checks the steps that the
 * core added to the history of each task.
 */

static TasksRecord *
compare_record_of (const TasksModel *model, guint64 sequence)
{
  const guint64 index = model->first + sequence - 1; /* each core counts from 1 */

  return index < model->records->len ? g_ptr_array_index (model->records, (guint) index) : NULL;
}

/* --- the effect of an input on members and operations --- */

static void
compare_registered (TasksWorld *world, TasksClient *client, const TasksFrame *frame)
{
  if (client->peer->member == NULL)
    return;
  client->registration = frame->registration;
  client->claims = frame->claims;
  client->is_registered = TRUE;
  client->is_draining = client->expects_exit = FALSE;
  client->n_completed = 0;
  tasks_claims_registered (world, client);
  tasks_standing_registered (world, client);
}

static void
compare_drains (TasksWorld *world, TasksClient *client, gint64 drain_us, gboolean expects_exit)
{
  client->expects_exit |= expects_exit;
  if (client->is_draining)
    return;
  client->is_draining = TRUE;
  client->drain_until_us = world->now_us + (drain_us > 0 ? drain_us : (gint64) world->options.limits.task_drain_us);
}

static void
compare_updated (TasksWorld *world, TasksClient *client, const TasksFrame *frame)
{
  if (!client->is_registered)
    return;
  if (frame->changes_operations)
    memcpy (client->registration.abilities, frame->registration.abilities, sizeof frame->registration.abilities);
  if (frame->changes_slots)
    client->registration.slots = frame->registration.slots;
  if (frame->drains)
    compare_drains (world, client, frame->drain_us, FALSE);
}

static void
compare_note_frame (TasksWorld *world, TasksClient *client, const TasksFrame *frame)
{
  switch ((guint) frame->kind)
    {
    case TASKS_FRAME_REGISTER:
      compare_registered (world, client, frame);
      break;
    case TASKS_FRAME_UPDATE:
      compare_updated (world, client, frame);
      break;
    case TASKS_FRAME_DEREGISTER:
      client->is_registered = client->is_draining = FALSE;
      break;
    case TASKS_FRAME_SERVE:
      client->is_serving = TRUE;
      tasks_standing_served (world, client);
      break;
    case TASKS_FRAME_UNSERVE:
      client->is_serving = FALSE;
      break;
    case TASKS_FRAME_STANDING_SERVE:
      client->serves_standing = TRUE;
      tasks_standing_served (world, client);
      break;
    case TASKS_FRAME_STANDING_SET:
      tasks_standing_set (world, frame);
      break;
    case TASKS_FRAME_APPLIED:
      tasks_standing_answered (world, client, frame);
      break;
    case TASKS_FRAME_GOODBYE:
      client->has_left = TRUE;
      break;
    case TASKS_FRAME_DRAIN:
      if (world->clients[frame->drained].is_registered)
        compare_drains (world, &world->clients[frame->drained], frame->drain_us, frame->expects_exit);
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
compare_note_gone (TasksWorld *world, TasksClient *client)
{
  if (client->is_collector)
    tasks_standing_gone (world, client);
}

static void
compare_note_input (TasksWorld *world, const TasksInput *input)
{
  TasksClient *client = input->client;

  if (input->kind == TASKS_INPUT_FRAME)
    compare_note_frame (world, client, input->frame);
  if (client != NULL && (client->peer == NULL || bus_peer_is_closing (client->peer)))
    {
      client->is_registered = FALSE;
      compare_note_gone (world, client);
    }
  if (client == NULL || client->is_registered || !client->is_collector)
    return;
  for (guint i = 0; i < world->model->records->len; i++)
    tasks_leases_remove_holder (g_ptr_array_index (world->model->records, i), client->number);
}

/* --- the end of an input: one task --- */

static void
compare_fail_step (TasksWorld *world, const TasksRecord *record, const TasksStep *step, const char *problem)
{
  if (step->event == BUS_TASK_ON_RESULT)
    world->history->sums.unexpected++;
  tasks_fail (world, "%s: t%u of account %u, %s in %s: %s", step->event == BUS_TASK_ON_RESULT ? "unexpected" : "K05",
              record->number, record->account, bus_task_event_name (step->event), bus_task_state_name (step->from),
              problem);
}

static void
compare_trace_step (const TasksWorld *world, const TasksRecord *record, const TasksStep *step)
{
  if (tasks_trace)
    g_print ("# step %u, %" G_GINT64_FORMAT " us: t%u of account %u, holder %u, %s: %s -> %s\n", world->step,
             world->now_us, record->number, record->account, record->holder, bus_task_event_name (step->event),
             bus_task_state_name (step->from), bus_task_state_name (step->to));
}

static void
compare_take_step (TasksWorld *world, TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  TasksModel *model = world->model;
  const char *problem;

  compare_trace_step (world, record, step);
  if (tasks_table_next (step->from, step->event) != step->to)
    compare_fail_step (world, record, step, "the documents do not have this transition");
  problem = tasks_justify (world, record, input, step);
  if (problem != NULL)
    compare_fail_step (world, record, step, problem);
  if (record == model->target && model->n_steps++ == 0 && model->is_valid
      && tasks_table_next (model->before, model->event) != 0 && step->event != model->event)
    compare_fail_step (world, record, step, "the answer of its holder was expected");
  if (!tasks_failed (world))
    {
      record->n_steps++;
      tasks_steps_apply (world, record, input, step);
      tasks_news_expect (world, record, step);
    }
  if (record->n_results > 1)
    {
      world->history->sums.unexpected++;
      tasks_fail (world, "unexpected: t%u of account %u has two results", record->number, record->account);
    }
}

/* Counts the deaths whose time has come. */
static void
compare_count_deaths (TasksWorld *world, TasksRecord *record)
{
  while (record->deaths->len > 0 && g_array_index (record->deaths, TasksDeath, 0).due_us <= world->now_us)
    {
      const TasksDeath death = g_array_index (record->deaths, TasksDeath, 0);
      const TasksClient *member = &world->clients[death.slot];

      g_array_remove_index (record->deaths, 0);
      if (member->is_registered && member->incarnation == death.incarnation)
        {
          record->interruptions++;
          record->n_returned++;
          tasks_cover (world, TASKS_COVER_RETURNED);
          continue;
        }
      record->n_deaths++;
      record->n_died++;
      record->died_on_two |= record->died_on != TASKS_ANY_SLOT && record->died_on != death.slot;
      if (record->died_on == TASKS_ANY_SLOT)
        record->died_on = death.slot;
      record->died_on_proven |= death.was_proven;
    }
}

static void
compare_walk (TasksWorld *world, TasksRecord *record, const BusTask *task, const TasksInput *input)
{
  for (guint i = 0; task->history != NULL && i < task->history->len && !tasks_failed (world); i++)
    {
      const BusTaskStep *step = &g_array_index (task->history, BusTaskStep, i);

      if (step->at_us == world->now_us)
        compare_take_step (world, record, input,
                           &(const TasksStep){ (BusTaskEvent) step->event, record->state, (BusTaskState) step->state });
    }
}

/* --- leases --- */

static void
compare_check_offer (TasksWorld *world, const TasksRecord *record, const TasksClient *holder)
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

/* A member that continues a task need not have its operation any more. */
static void
compare_read_limits (const TasksWorld *world, TasksRecord *record, const TasksAbility *ability)
{
  const BusLimits *limits = &world->options.limits;

  record->idempotent = ability->is_offered && ability->idempotent;
  record->progress_limit_us = ability->is_offered ? ability->progress_us : (gint64) limits->task_progress_us;
  record->run_limit_us = ability->is_offered ? ability->run_limit_us : (gint64) limits->task_run_limit_us;
  if (record->spec.run_limit_us > 0)
    record->run_limit_us = record->spec.run_limit_us;
}

static void
compare_read_lease (TasksWorld *world, TasksRecord *record, const BusTask *task)
{
  const BusLease *lease = task->lease;
  const TasksClient *holder = bus_peer_link (lease->member->peer);
  GBytes *key = g_bytes_new (lease->token, BUS_TOKEN_LEN);

  if (!g_hash_table_insert (world->model->tokens, key, record))
    tasks_fail (world, "K02: t%u has a token that another lease had", record->number);
  if (!lease->is_adopted)
    compare_check_offer (world, record, holder);
  record->has_lease = record->was_leased = record->knows_holder = TRUE;
  tasks_leases_add (world, record, task);
  record->route = lease->request->route_id;
  memcpy (record->token, lease->token, BUS_TOKEN_LEN);
  if (record->state == BUS_TASK_OFFERED)
    memcpy (record->claimed_token, lease->token, BUS_TOKEN_LEN);
  record->holder = holder->slot;
  record->holder_connection = holder->number;
  compare_read_limits (world, record, &holder->registration.abilities[record->spec.operation]);
  if (lease->run_limit_us != record->run_limit_us || lease->progress_us != record->progress_limit_us)
    tasks_fail (world, "M11: the limits of t%u are not those of its operation", record->number);
}

/* The effects of an answer besides the change of the state. */
static void
compare_settle_target (TasksWorld *world, const TasksInput *input)
{
  TasksModel *model = world->model;
  TasksRecord *record = model->target;
  BusTaskState next;

  /* The slot is free, even if the token was wrong. */
  if (record != NULL && !bus_task_state_is_live (model->before) && input->frame->kind != TASKS_FRAME_REPORT)
    {
      record->has_lease = FALSE;
    }
  if (record == NULL || !model->is_valid)
    return;
  next = tasks_table_next (model->before, model->event);
  if (next != 0 && model->n_steps == 0)
    tasks_fail (world, "K05: %s of the holder of t%u was not accepted in %s", bus_task_event_name (model->event),
                record->number, bus_task_state_name (model->before));
  if (input->frame->kind == TASKS_FRAME_REPORT && input->frame->has_details && bus_task_state_is_live (model->before)
      && model->before != BUS_TASK_DELAYED)
    record->details = input->frame->run;
  if (input->frame->kind != TASKS_FRAME_REPORT)
    {
      record->has_lease = record->has_lease && record->route != input->frame->route;
      if (record->route == input->frame->route)
        tasks_claims_forget_token (record);
    }
  else if (model->before == BUS_TASK_RUNNING && model->event == BUS_TASK_ON_PROGRESS)
    record->renewed_us = world->now_us;
  if (model->event == BUS_TASK_ON_RESULT && next != 0)
    input->client->n_completed++;
}

/* --- the end of an input: all tasks --- */

static void
compare_check_counts (TasksWorld *world, const TasksRecord *record, const BusTask *task)
{
  const BusTaskCounts *counts = &task->counts;

  if (task->state != record->state)
    tasks_fail (world, "K05: t%u is %s, but must be %s", record->number, bus_task_state_name (task->state),
                bus_task_state_name (record->state));
  else if (!tasks_record_is_live (record))
    return;
  else if (counts->failures != record->failures || counts->expiries != record->expiries
           || counts->deaths != record->n_deaths || counts->interruptions != record->interruptions
           || task->attempt != record->attempt)
    tasks_fail (world,
                "I10: t%u counts %u failures, %u expiries, %u deaths, %u interruptions, attempt %u, but must count "
                "%u, %u, %u, %u, %u",
                record->number, counts->failures, counts->expiries, counts->deaths, counts->interruptions,
                task->attempt, record->failures, record->expiries, record->n_deaths, record->interruptions,
                record->attempt);
  else if (task->is_suspect != record->is_suspect)
    tasks_fail (world, "S09: t%u is a suspect without reason, or should be one", record->number);
  else if (tasks_record_spent (record) >= record->attempts)
    tasks_fail (world, "I10: t%u continues without an attempt left", record->number);
}

/* A holder that has disconnected has no task. */
static void
compare_check_holder (TasksWorld *world, TasksRecord *record)
{
  const TasksClient *holder = &world->clients[record->holder % TASKS_CLIENTS];
  gboolean is_here = record->has_lease && holder->is_registered && holder->number == record->holder_connection;

  if (record->has_lease && !is_here)
    record->has_lease = FALSE;
  if (record->state == BUS_TASK_OFFERED && is_here && holder->is_draining)
    tasks_fail (world, "K14: t%u is offered to %s, which drains", record->number, holder->id);
  if (record->state >= BUS_TASK_OFFERED && record->state <= BUS_TASK_CANCELLING && !is_here)
    tasks_fail (world, "K03: t%u is %s, but its holder is disconnected", record->number,
                bus_task_state_name (record->state));
}

/* A broker that was late has added the lost time to the run limit, if it gave grace in this tick. */
static void
compare_take_grace (const TasksWorld *world, TasksRecord *record)
{
  const gint64 lag_us = world->now_us - tasks_record_run_due_us (record);

  if (record->state == BUS_TASK_RUNNING && lag_us >= BUS_GRACE_LAG_US
      && world->core->work->grace.given_us == world->now_us)
    record->graced_due_us = world->now_us + MIN (lag_us, record->run_limit_us);
}

static void
compare_record (TasksWorld *world, const BusTask *task, const TasksInput *input)
{
  TasksRecord *record = compare_record_of (world->model, task->sequence);
  const TasksRecord *target = world->model->target;
  guint64 route;

  if (record == NULL)
    {
      tasks_fail (world, "I11: the broker has a task that was not submitted");
      return;
    }
  record->seen = world->model->n_inputs;
  record->task = task;
  route = record->route;
  record->n_died = record->n_returned = 0;
  if (input->kind == TASKS_INPUT_TICK && tasks_record_is_live (record))
    {
      compare_count_deaths (world, record);
      compare_take_grace (world, record);
      tasks_leases_due (world, record);
    }
  compare_walk (world, record, task, input);
  if (tasks_failed (world))
    return;
  if (input->kind == TASKS_INPUT_TICK)
    tasks_leases_due (world, record);
  if ((record->state == BUS_TASK_OFFERED || record->state == BUS_TASK_RUNNING) && !record->has_lease
      && task->lease != NULL)
    compare_read_lease (world, record, task);
  if (record == target && route == record->route)
    compare_settle_target (world, input);
  compare_check_counts (world, record, task);
  if (!tasks_failed (world))
    compare_check_holder (world, record);
}

static void
compare_note_forgotten (TasksWorld *world)
{
  TasksModel *model = world->model;

  for (guint i = 0; i < model->records->len; i++)
    {
      TasksRecord *record = g_ptr_array_index (model->records, i);

      if (record->is_forgotten || record->seen == model->n_inputs)
        continue;
      record->is_forgotten = TRUE;
      record->has_lease = FALSE;
      record->task = NULL;
      if (!bus_task_state_is_live (record->state))
        continue;
      world->history->sums.lost++;
      tasks_fail (world, "lost: t%u of account %u was %s, and does not exist any more", record->number, record->account,
                  bus_task_state_name (record->state));
    }
}

static void
compare_note_submitter (TasksWorld *world, const TasksClient *client)
{
  if (client->is_collector || client->is_watcher || (client->peer != NULL && !bus_peer_is_closing (client->peer)))
    return;
  for (guint i = 0; i < world->model->records->len; i++)
    {
      TasksRecord *record = g_ptr_array_index (world->model->records, i);
      gboolean was_attached = record->attached[client->slot] != 0;

      record->attached[client->slot] = 0;
      if (was_attached && tasks_record_is_live (record) && !tasks_record_is_attached (record))
        record->alone_since_us = world->now_us;
    }
}

/* A tick may close connections (health-failed-action). */
static void
compare_note_submitters (TasksWorld *world, const TasksInput *input)
{
  if (input->client != NULL)
    compare_note_submitter (world, input->client);
  for (guint slot = 0; input->kind == TASKS_INPUT_TICK && slot < TASKS_SUBMITTERS; slot++)
    if (world->clients[slot].peer != NULL)
      compare_note_submitter (world, &world->clients[slot]);
}

/* The call had the requested effect. */
static void
compare_check_call (TasksWorld *world, const TasksFrame *frame)
{
  for (guint i = 0; i < frame->n_items; i++)
    {
      const TasksRecord *record = tasks_model_find (world->model, frame->account, frame->items[i].number);

      if (record == NULL || record->is_forgotten)
        continue;
      if (frame->kind == TASKS_FRAME_CANCEL && tasks_record_is_live (record) && record->state != BUS_TASK_CANCELLING)
        tasks_fail (world, "M11: t%u is %s after a cancel", record->number, bus_task_state_name (record->state));
      if ((frame->kind == TASKS_FRAME_RELEASE || frame->kind == TASKS_FRAME_DROP)
          && record->state == BUS_TASK_QUARANTINED)
        tasks_fail (world, "K06: t%u is still in quarantine", record->number);
    }
}

static void
compare_note_settled (TasksWorld *world, const TasksClient *client, const TasksFrame *frame)
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
  compare_note_input (world, input);
  if (input->kind == TASKS_INPUT_TICK)
    {
      tasks_claims_ticked (world);
      tasks_standing_ticked (world);
    }
  for (const GList *link = all->head; link != NULL && !tasks_failed (world); link = link->next)
    compare_record (world, link->data, input);
  if (tasks_failed (world))
    return;
  compare_note_forgotten (world);
  tasks_fair_check (world);
  compare_note_submitters (world, input);
  if (input->kind == TASKS_INPUT_FRAME)
    compare_check_call (world, input->frame);
  if (input->kind == TASKS_INPUT_FRAME && input->frame->kind == TASKS_FRAME_SETTLE)
    compare_note_settled (world, input->client, input->frame);
  tasks_health_after (world, input);
}
