/* SPDX-License-Identifier: Apache-2.0 */
#include "job-proc.h"
#include "job-tasks.h"
#include "job-worker.h"

#include <glib/gi18n.h>
#include <string.h>

/*
 * The step of the demonstration with a poison task: each collector that works on it dies. The broker quarantines the task, and the
 * other tasks that were submitted together with it succeed.
 *
 * Each of the other tasks checks whether one process of this machine runs. This step restarts workers that die, as a service
 * manager would.
 */

#define WORKERS   3u
#define POISON_ID "check-poison"
#define CHECKS    60u /* at most */
#define WAIT_US   (60 * G_TIME_SPAN_SECOND)

typedef struct
{
  JobTasks tasks;
  AgentChild *workers[WORKERS];
  gboolean has_died; /* a worker has died */
  GPtrArray *others; /* of DeyeBusTask */
  DeyeBusTask *poison;
  guint done_before; /* other tasks that had ended when the first worker died */
} PoisonStep;

static const char *const worker_ids[] = { "worker-1", "worker-2", "worker-3", NULL };

G_STATIC_ASSERT (G_N_ELEMENTS (worker_ids) == WORKERS + 1);

static gboolean
poison_start_worker (PoisonStep *self, guint i)
{
  const char *options[]
      = { "--demo-worker", worker_ids[i], "--address", agent_module_address (self->tasks.job->module), NULL };
  g_autoptr (GError) error = NULL;

  self->workers[i] = agent_child_start_own_program (worker_ids[i], options, &error);
  if (self->workers[i] == NULL)
    job_report_step (&self->tasks.job->report, "poison", FALSE, NULL, "%s: %s", worker_ids[i], error->message);
  return self->workers[i] != NULL;
}

static gboolean
poison_start_workers (PoisonStep *self)
{
  for (guint i = 0; i < WORKERS; i++)
    if (!poison_start_worker (self, i))
      return FALSE;
  return job_tasks_wait_for_collectors (&self->tasks, worker_ids);
}

static DeyeBusTask *
poison_submit_check (PoisonStep *self, const char *id, const char *key)
{
  g_autoptr (GBytes) payload = g_bytes_new (key, strlen (key));

  return job_tasks_submit (&self->tasks, JOB_WORKER_CHECK, id, payload, NULL, 0);
}

static gboolean
poison_submit_other (PoisonStep *self, const char *key)
{
  g_autofree char *id = g_strdup_printf ("check-%u", self->others->len + 1);
  DeyeBusTask *task = poison_submit_check (self, id, key);

  if (task != NULL)
    g_ptr_array_add (self->others, task);
  return task != NULL;
}

/* Submits the poison task in the middle of the others. */
static gboolean
poison_submit (PoisonStep *self)
{
  g_autoptr (GHashTable) processes = job_proc_snapshot ();
  guint n = MIN (g_hash_table_size (processes), CHECKS);
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, processes);
  for (guint i = 0; i < n && g_hash_table_iter_next (&iter, &key, NULL); i++)
    {
      if (i == n / 2)
        self->poison = poison_submit_check (self, POISON_ID, JOB_WORKER_POISON);
      if ((i == n / 2 && self->poison == NULL) || !poison_submit_other (self, key))
        return FALSE;
    }
  return self->poison != NULL;
}

static guint
poison_count_others (const PoisonStep *self, gboolean (*matches) (DeyeBusTask *task))
{
  guint n = 0;

  for (guint i = 0; i < self->others->len; i++)
    n += matches (self->others->pdata[i]) ? 1 : 0;
  return n;
}

static gboolean
poison_is_success (DeyeBusTask *task)
{
  return deye_bus_task_get_state (task) == DEYE_BUS_TASK_STATE_SUCCEEDED;
}

static gboolean
poison_is_repeated (DeyeBusTask *task)
{
  return deye_bus_task_get_attempt (task) > 1;
}

/* Restarts workers that have died. */
static void
poison_supervise (PoisonStep *self)
{
  for (guint i = 0; i < WORKERS; i++)
    if (self->workers[i] != NULL && self->workers[i]->has_ended)
      {
        if (!self->has_died)
          self->done_before = poison_count_others (self, deye_bus_task_is_finished);
        self->has_died = TRUE;
        g_clear_pointer (&self->workers[i], agent_child_free);
        poison_start_worker (self, i);
      }
}

static gboolean
poison_all_ended (Job *job, gpointer data)
{
  PoisonStep *self = data;

  poison_supervise (self);
  return deye_bus_task_is_finished (self->poison)
         && poison_count_others (self, deye_bus_task_is_finished) == self->others->len;
}

static gboolean
poison_report (PoisonStep *self, const JobTaskRecord *poison)
{
  guint succeeded = poison_count_others (self, poison_is_success);
  guint repeated = poison_count_others (self, poison_is_repeated);
  gboolean ok = poison->state == DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_QUARANTINED && succeeded == self->others->len
                && poison->deaths >= 2;
  JsonObject *facts = json_object_new ();

  json_object_set_int_member (facts, "deaths", poison->deaths);
  json_object_set_int_member (facts, "others", self->others->len);
  json_object_set_int_member (facts, "succeeded", succeeded);
  json_object_set_int_member (facts, "repeated", repeated);
  job_report_step (
      &self->tasks.job->report, "poison", ok, facts,
      _ ("%s ended %u collectors and is quarantined; of the %u other tasks %u have succeeded, %u of them after "
         "the first death, %u with a second attempt"),
      poison->id, poison->deaths, self->others->len, succeeded, succeeded - MIN (succeeded, self->done_before),
      repeated);
  job_tasks_show_history (&self->tasks, poison);
  return ok;
}

static gboolean
poison_run (PoisonStep *self)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__TaskReply *reply;

  if (!poison_start_workers (self) || !poison_submit (self)
      || !job_wait (self->tasks.job, poison_all_ended, self, WAIT_US, "poison", _ ("the end of all tasks")))
    return FALSE;
  guard = job_tasks_get (&self->tasks, POISON_ID);
  if (guard == NULL)
    return FALSE;
  reply = wire_guard_message (guard);
  return poison_report (self, reply->task);
}

gboolean
job_quarantine (Job *job)
{
  PoisonStep self = { .others = g_ptr_array_new_with_free_func (g_object_unref) };
  gboolean ok = job_tasks_init (&self.tasks, job, "poison", job->client) && poison_run (&self);

  for (guint i = 0; i < WORKERS; i++)
    if (self.workers[i] != NULL)
      agent_child_ask_to_end (self.workers[i]);
  for (guint i = 0; i < WORKERS; i++)
    g_clear_pointer (&self.workers[i], agent_child_free);
  g_clear_pointer (&self.others, g_ptr_array_unref);
  g_clear_object (&self.poison);
  job_tasks_clear (&self.tasks);
  return ok;
}
