/* SPDX-License-Identifier: Apache-2.0 */
#include "job-tasks.h"
#include "job-worker.h"

#include <glib/gi18n.h>

/*
 * The step of the demonstration in which the broker is killed while a task runs. Another broker starts at the same address, the
 * submitter and the collector report the task to it, and the collector continues its work: the task runs only once.
 *
 * This broker runs in a separate agent, because the broker of the demonstration is in this process. It stores no data on disk.
 */

#define TASK_ID   "census-1"
#define WORKER_ID "worker-4"
#define CLIENT_ID "demo-submitter"
#define WAIT_US   (30 * G_TIME_SPAN_SECOND)

typedef struct
{
  JobTasks tasks;
  char *address;
  AgentChild *broker;
  AgentChild *worker;
  DeyeBusClient *client;
  DeyeBusTask *task;
  guint64 epoch;      /* of the first broker */
  guint32 killed_pid; /* of the first broker */
  gint64 killed_us;
  guint64 rounds;    /* progress that the submitter had received by then */
  gint64 adopted_us; /* time until the second broker published that the task runs; 0: not yet */
} AdoptStep;

static gboolean
adopt_fail (AdoptStep *self, const char *detail)
{
  job_report_step (&self->tasks.job->report, "adoption", FALSE, NULL, "%s", detail);
  return FALSE;
}

static gboolean
adopt_start (AdoptStep *self, const char *name, const char *const *options, AgentChild **child)
{
  g_autoptr (GError) error = NULL;

  *child = agent_child_start_own_program (name, options, &error);
  return *child != NULL || adopt_fail (self, error->message);
}

static gboolean
adopt_start_broker (AdoptStep *self)
{
  const char *options[] = { "--address", self->address, "--module", self->tasks.job->module_path, NULL };

  return adopt_start (self, "broker", options, &self->broker);
}

static gboolean
adopt_start_worker (AdoptStep *self)
{
  const char *options[] = { "--demo-worker", WORKER_ID, "--address", self->address, NULL };

  return adopt_start (self, WORKER_ID, options, &self->worker);
}

static gboolean
adopt_is_connected (Job *job, gpointer data)
{
  return deye_bus_client_get_state (((AdoptStep *) data)->client) == DEYE_BUS_CLIENT_STATE_READY;
}

static gboolean
adopt_join_bus (AdoptStep *self)
{
  deye_bus_client_connect_async (self->client, NULL, NULL, NULL);
  return job_wait (self->tasks.job, adopt_is_connected, self, WAIT_US, "adoption", _ ("the broker"))
         && job_tasks_init (&self->tasks, self->tasks.job, "adoption", self->client);
}

/* TRUE: the task has made progress: the collector has reported a round. */
static gboolean
adopt_is_running (Job *job, gpointer data)
{
  AdoptStep *self = data;

  deye_bus_task_get_progress (self->task, &self->rounds, NULL);
  return deye_bus_task_get_state (self->task) == DEYE_BUS_TASK_STATE_RUNNING && self->rounds > 0;
}

static gboolean
adopt_run_task (AdoptStep *self)
{
  static const char *const ids[] = { WORKER_ID, NULL };

  if (!job_tasks_wait_for_collectors (&self->tasks, ids))
    return FALSE;
  self->task = job_tasks_submit (&self->tasks, JOB_WORKER_CENSUS, TASK_ID, NULL, NULL, 0);
  return self->task != NULL
         && job_wait (self->tasks.job, adopt_is_running, self, WAIT_US, "adoption", _ ("the start of the task"));
}

static gboolean
adopt_has_ended (Job *job, gpointer data)
{
  return ((const AgentChild *) data)->has_ended;
}

/* Kills the broker and starts another one. All later events are from the second broker. */
static gboolean
adopt_replace_broker (AdoptStep *self)
{
  self->epoch = deye_bus_client_get_broker_epoch (self->client);
  self->killed_pid = self->broker->pid;
  self->killed_us = g_get_monotonic_time ();
  g_subprocess_force_exit (self->broker->process);
  if (!job_wait (self->tasks.job, adopt_has_ended, self->broker, WAIT_US, "adoption", _ ("the end of the broker")))
    return FALSE;
  g_clear_pointer (&self->broker, agent_child_free);
  g_ptr_array_set_size (self->tasks.events, 0);
  return adopt_start_broker (self);
}

static gboolean
adopt_is_finished (Job *job, gpointer data)
{
  AdoptStep *self = data;
  const JobTaskEvent *adopted = job_tasks_find_event (&self->tasks, "started", TASK_ID, NULL);

  if (adopted == NULL) /* the collector had finished the task before the second broker started */
    adopted = job_tasks_find_event (&self->tasks, "done", TASK_ID, NULL);
  if (adopted != NULL)
    self->adopted_us = adopted->at_us - self->killed_us;
  return self->adopted_us != 0 && deye_bus_task_is_finished (self->task);
}

static gboolean
adopt_report (AdoptStep *self)
{
  GBytes *bytes = deye_bus_task_get_result (self->task);
  g_autoptr (GError) error = deye_bus_task_dup_error (self->task);
  JobWorkerResult result = { 0 };
  gboolean is_other = deye_bus_client_get_broker_epoch (self->client) != self->epoch;
  gboolean is_once;
  JsonObject *facts;

  if (bytes == NULL || !job_worker_result_read (bytes, &result))
    return adopt_fail (self, error != NULL ? error->message : _ ("the result can't be read"));
  is_once = result.run == 1 && result.attempt == 1 && deye_bus_task_get_attempt (self->task) == 1
            && result.pid == self->worker->pid && result.rounds == JOB_WORKER_ROUNDS;
  facts = json_object_new ();
  json_object_set_int_member (facts, "runs", result.run);
  json_object_set_int_member (facts, "attempt", deye_bus_task_get_attempt (self->task));
  json_object_set_int_member (facts, "rounds", result.rounds);
  json_object_set_int_member (facts, "of_rounds", JOB_WORKER_ROUNDS);
  json_object_set_int_member (facts, "adopted_us", self->adopted_us);
  job_report_step (&self->tasks.job->report, "adoption", is_once && is_other, facts,
                   _ ("the broker (pid %u) is killed while %s works on %s; %.1f ms later the next broker (pid %u) has "
                      "adopted the task, which ends after %u of %u rounds: attempt %u, run %u"),
                   self->killed_pid, WORKER_ID, TASK_ID, (double) self->adopted_us / 1000, self->broker->pid,
                   result.rounds, JOB_WORKER_ROUNDS, deye_bus_task_get_attempt (self->task), result.run);
  return TRUE;
}

static gboolean
adopt_run (AdoptStep *self)
{
  return adopt_start_broker (self) && adopt_start_worker (self) && adopt_join_bus (self) && adopt_run_task (self)
         && adopt_replace_broker (self)
         && job_wait (self->tasks.job, adopt_is_finished, self, WAIT_US, "adoption", _ ("the result"))
         && adopt_report (self);
}

static void
adopt_clear (AdoptStep *self)
{
  deye_bus_client_close (self->client, NULL, NULL);
  job_tasks_clear (&self->tasks);
  g_clear_object (&self->task);
  g_clear_object (&self->client);
  g_clear_pointer (&self->worker, agent_child_free);
  g_clear_pointer (&self->broker, agent_child_free);
  g_free (self->address);
}

gboolean
job_adopt (Job *job)
{
  g_autofree char *dir = g_path_get_dirname (agent_module_address (job->module));
  AdoptStep self = { .tasks.job = job, .address = g_build_filename (dir, "second.sock", NULL) };
  gboolean ok;

  self.client = deye_bus_client_new_tool (self.address, CLIENT_ID);
  ok = adopt_run (&self);
  adopt_clear (&self);
  return ok;
}
