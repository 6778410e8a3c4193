/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "work/bus-course.h"

/*
 * Seeds in which rare situations are frequent: one of five seeds, of four kinds. Without them some cells of the state tables would
 * almost never occur, because they need many interruptions of one task, or an answer within a short time.
 *
 * restless: members disconnect as soon as they have started a task, and reconnect at once. crossing: frames and calls about tasks
 * that are cancelled, have no submitter, or have ended, and claims on the connection of the lease. deadly: a death is counted
 * late, when another member already has the task and fails. lazy: members serve their task topic late, and unsubscribe from it
 * again.
 *
 * In one of eight seeds, of any kind, there is little room for tasks, so that tasks and their submitters are refused. The model
 * does not know the size of a new task, so each call then has one task.
 */

#define MILLISECOND G_TIME_SPAN_MILLISECOND

void
tasks_rare_draw (TasksWorld *world)
{
  world->rare = world->seed % 5 == 0 ? 1 + (TasksRare) (world->seed / 5 % (TASKS_N_RARE - 1)) : TASKS_RARE_NONE;
  world->has_little_room = world->seed % 8 == 3;
}

void
tasks_rare_set_limits (const TasksWorld *world, BusLimits *limits)
{
  if (world->rare == TASKS_RARE_RESTLESS)
    {
      limits->task_return_us = 60 * MILLISECOND;
      limits->task_hold_us = limits->task_max_hold_us = MILLISECOND;
      limits->task_retry_us = limits->task_max_retry_us = 20 * MILLISECOND;
      limits->task_deadline_us = 20 * G_TIME_SPAN_SECOND;
    }
  if (world->rare == TASKS_RARE_CROSSING)
    limits->task_submitter_us = 80 * MILLISECOND;
  if (world->has_little_room)
    limits->task_bytes = 12000 + world->seed % 7 * 4000;
  if (world->rare == TASKS_RARE_DEADLY)
    {
      limits->task_return_us = 400 * MILLISECOND;
      limits->task_hold_us = limits->task_max_hold_us = MILLISECOND;
      limits->task_retry_us = limits->task_max_retry_us = 100 * MILLISECOND;
    }
}

/* A job without an answer. NULL: there is none. */
static TasksJob *
rare_job (TasksWorld *world, const TasksClient *client)
{
  const guint start = client->jobs->len > 0 ? sim_below (&world->aside, client->jobs->len) : 0;

  for (guint i = 0; i < client->jobs->len; i++)
    {
      TasksJob *job = g_ptr_array_index (client->jobs, (start + i) % client->jobs->len);

      if (!job->is_answered)
        return job;
    }
  return NULL;
}

guint
tasks_rare_batch (const TasksWorld *world)
{
  return world->has_little_room ? 1 : TASKS_BATCH;
}

gboolean
tasks_rare_is_quick (const TasksWorld *world)
{
  return world->rare == TASKS_RARE_RESTLESS || world->rare == TASKS_RARE_DEADLY;
}

/* --- restless --- */

/* TRUE if the next counted death ends the task. */
static gboolean
rare_is_last (const TasksWorld *world, const TasksRecord *record)
{
  if (record->deaths->len == 0)
    return FALSE;
  return world->rare == TASKS_RARE_RESTLESS ? record->interruptions + record->deaths->len > BUS_INTERRUPTIONS_MAX
                                            : tasks_record_spent (record) + record->deaths->len >= record->attempts;
}

/* Returns a job that was started earlier. NULL: there is none, or the job is started by this call. */
static TasksJob *
rare_next_job (TasksWorld *world, TasksClient *client)
{
  TasksJob *job = rare_job (world, client);
  const TasksRecord *record = job != NULL ? tasks_claims_record_of (world->model, job->token) : NULL;

  if (record == NULL || client->is_frozen || job->is_stopped)
    return NULL;
  if (job->is_started)
    return rare_is_last (world, record) ? NULL : job;
  if (rare_is_last (world, record) && sim_chance (&world->aside, 60))
    return NULL;
  tasks_collector_report (client, job, TRUE);
  job->is_started = TRUE;
  return NULL;
}

/* The member starts its jobs, and disconnects. */
static void
rare_act_restless (TasksWorld *world, TasksClient *client)
{
  const TasksJob *job = rare_next_job (world, client);
  const TasksRecord *record = job != NULL ? tasks_claims_record_of (world->model, job->token) : NULL;

  if (record == NULL)
    return;
  if (record->interruptions < BUS_INTERRUPTIONS_MAX && sim_chance (&world->aside, 90))
    tasks_client_goodbye (client);
  else
    tasks_world_disconnect (world, client);
}

/* --- deadly --- */

/* The member starts its jobs, fails, and sometimes dies. */
static void
rare_act_deadly (TasksWorld *world, TasksClient *client)
{
  TasksJob *job = rare_next_job (world, client);
  const guint dice = sim_below (&world->aside, 100);

  if (job == NULL)
    return;
  if (dice < 15)
    tasks_world_disconnect (world, client);
  else if (dice < 40)
    tasks_collector_give (client, job, DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_RETRYABLE);
}

/* --- crossing --- */

static void
rare_send_late (TasksWorld *world, TasksClient *client, TasksJob *job, BusTaskState state)
{
  const guint dice = sim_below (&world->aside, 100);

  if (dice < 25 && (state == BUS_TASK_CANCELLING || state == BUS_TASK_FAILED || state == BUS_TASK_TIMED_OUT))
    tasks_collector_break_protocol (client);
  else if (dice < 55 && state == BUS_TASK_FAILED)
    tasks_collector_report (client, job, TRUE);
  else if (dice < 85 && state == BUS_TASK_FAILED)
    tasks_collector_give (client, job,
                          dice < 70 ? DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_BUSY
                                    : DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_FAILED);
}

static void
rare_cross_answers (TasksWorld *world, TasksClient *client)
{
  TasksJob *job = rare_job (world, client);
  const TasksRecord *record = job != NULL ? tasks_claims_record_of (world->model, job->token) : NULL;

  if (record == NULL || client->is_frozen)
    return;
  if (!record->is_forgotten && (record->state == BUS_TASK_CANCELLING || !bus_task_state_is_live (record->state)))
    rare_send_late (world, client, job, record->state);
  else if (sim_chance (&world->aside, 6))
    tasks_registration_register (client);
}

static guint
rare_cancel_percent (const TasksWorld *world, const TasksRecord *record)
{
  if (tasks_rare_is_quick (world) && !rare_is_last (world, record))
    return 0;
  if (tasks_rare_is_quick (world))
    return world->rare == TASKS_RARE_RESTLESS ? 50 : 10;
  return record->spec.cancel_when_alone && record->alone_since_us != 0 ? 30 : 3;
}

/* A tool releases and drops tasks, whether or not they are in quarantine. */
static void
rare_call (TasksWorld *world)
{
  TasksClient *tool = &world->clients[1];

  for (guint i = world->model->first; i < world->model->records->len && tool->is_ready && !tool->is_frozen; i++)
    {
      const TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (record->is_forgotten)
        continue;
      if (record->state == BUS_TASK_CANCELLING && sim_chance (&world->aside, 20))
        tasks_submitter_call (tool, sim_chance (&world->aside, 50) ? TASKS_FRAME_RELEASE : TASKS_FRAME_DROP, record);
      else if (record->state == BUS_TASK_QUARANTINED && sim_chance (&world->aside, 10))
        tasks_submitter_call (tool, TASKS_FRAME_DROP, record);
      else if (record->state == BUS_TASK_RUNNING && sim_chance (&world->aside, rare_cancel_percent (world, record)))
        tasks_submitter_call (tool, TASKS_FRAME_CANCEL, record);
    }
}

/* --- lazy --- */

static void
rare_act_lazy (TasksWorld *world, TasksClient *client)
{
  if (client->is_frozen || g_hash_table_size (client->calls) > 0 || !sim_chance (&world->aside, 15))
    return;
  if (!client->is_serving)
    tasks_registration_serve (client);
  else if (sim_chance (&world->aside, 40))
    tasks_registration_unserve (client);
}

/* --- all --- */

static void
rare_act (TasksWorld *world, TasksClient *client)
{
  static void (*const acts[TASKS_N_RARE]) (TasksWorld * world, TasksClient * client)
      = { [TASKS_RARE_RESTLESS] = rare_act_restless,
          [TASKS_RARE_CROSSING] = rare_cross_answers,
          [TASKS_RARE_DEADLY] = rare_act_deadly,
          [TASKS_RARE_LAZY] = rare_act_lazy };

  if (client->peer == NULL && tasks_rare_is_quick (world))
    tasks_world_connect (world, client);
  else if (client->peer != NULL && client->is_ready && acts[world->rare] != NULL)
    acts[world->rare](world, client);
}

void
tasks_rare_step (TasksWorld *world)
{
  if (world->rare == TASKS_RARE_NONE)
    return;
  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS && !tasks_failed (world); slot++)
    rare_act (world, &world->clients[slot]);
  if (world->rare != TASKS_RARE_LAZY)
    rare_call (world);
}
