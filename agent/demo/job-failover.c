/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-process.h"
#include "job-survey.h"

#include <glib/gi18n.h>

/*
 * The step of the demonstration with failing collectors. It repeats the tasks of the previous step. When a third of them is left,
 * procmond-1 is killed and procmond-2 is suspended, each while it works on a task. The other collectors take over these tasks, and
 * the tables are complete.
 *
 * The takeovers and their times are read from the events system.task.*; the times begin with the signal to the victim.
 */

#define WAIT_US     (120 * G_TIME_SPAN_SECOND)
#define AT_MOST     3.0 /* largest ratio to the duration of the undisturbed tasks */
#define RECOVERY_US (20 * G_TIME_SPAN_SECOND)

#define VICTIMS 2u

typedef struct
{
  Job *job;
  JobTasks tasks;
  JobSurvey survey;
  gint64 failed_us[VICTIMS]; /* when the collector of the same index failed; 0: not yet */
  guint seen;                /* events that were examined */
  const char *lost[VICTIMS]; /* a task of the collector that another one has taken over; NULL: none */
  JsonArray *list;           /* the takeovers, for programs */
} FailoverStep;

/* --- the failures --- */

static gboolean
failover_kill (AgentChild *child, GError **error)
{
  g_subprocess_force_exit (child->process);
  return TRUE;
}

static gboolean
failover_suspend (AgentChild *child, GError **error)
{
  return agent_process_suspend (child->process, error);
}

static gboolean (*const failures[VICTIMS]) (AgentChild *child, GError **error) = { failover_kill, failover_suspend };

static void
failover_cause_failure (FailoverStep *self, guint i)
{
  AgentChild *child = self->job->collectors[i];
  g_autoptr (GError) error = NULL;

  self->failed_us[i] = g_get_monotonic_time ();
  if (!failures[i](child, &error))
    job_report_step (&self->job->report, "failover", FALSE, NULL, "%s: %s", child->name, error->message);
}

static gboolean
failover_is_start (const JobTaskEvent *event, const char *victim)
{
  return g_str_equal (event->name, "started") && event->task->attempt == 1 && g_str_equal (event->task->holder, victim);
}

/* TRUE: the collector has started a task since the last call, and there is no event that it has ended it. */
static gboolean
failover_has_started (const FailoverStep *self, const char *victim)
{
  for (guint i = self->seen; i < self->tasks.events->len; i++)
    {
      const JobTaskEvent *event = self->tasks.events->pdata[i];

      if (failover_is_start (event, victim)
          && job_tasks_find_event (&self->tasks, "done", event->task->id, event) == NULL)
        return TRUE;
    }
  return FALSE;
}

/* When a third of the tasks is left: lets a collector fail right after it has started a task that no collector had before. */
static void
failover_watch (FailoverStep *self)
{
  const guint next = self->failed_us[0] == 0 ? 0 : 1;

  if (self->failed_us[next] == 0 && self->survey.ended >= self->survey.list->len / 3 * 2
      && failover_has_started (self, self->job->collectors[next]->name))
    failover_cause_failure (self, next);
  self->seen = self->tasks.events->len;
}

static gboolean
failover_has_ended (Job *job, gpointer data)
{
  FailoverStep *self = data;

  failover_watch (self);
  return job_survey_has_ended (&self->survey);
}

/* --- the collectors that took over --- */

static gboolean
failover_is_loss (const JobTaskEvent *event, const char *victim)
{
  return (g_str_equal (event->name, "retry") || g_str_equal (event->name, "expired"))
         && g_str_equal (event->task->holder, victim);
}

static void
failover_add_takeover (FailoverStep *self, guint i, const JobTaskEvent *lost, const JobTaskEvent *started)
{
  JsonObject *one = json_object_new ();

  self->lost[i] = self->lost[i] != NULL ? self->lost[i] : lost->task->id;
  json_object_set_string_member (one, "task", lost->task->id);
  json_object_set_string_member (one, "from", lost->task->holder);
  json_object_set_string_member (one, "to", started->task->holder);
  json_object_set_string_member (one, "cause", lost->cause);
  json_object_set_int_member (one, "noticed_us", lost->at_us - self->failed_us[i]);
  json_object_set_int_member (one, "started_us", started->at_us - self->failed_us[i]);
  json_array_add_object_element (self->list, one);
}

/* Finds the tasks that a victim had when it failed, and that another collector has started. */
static void
failover_find_takeovers (FailoverStep *self, guint i)
{
  const char *victim = self->job->collectors[i]->name;

  for (guint n = 0; n < self->tasks.events->len; n++)
    {
      const JobTaskEvent *lost = self->tasks.events->pdata[n];
      const JobTaskEvent *started;

      if (lost->at_us < self->failed_us[i] || !failover_is_loss (lost, victim))
        continue;
      started = job_tasks_find_event (&self->tasks, "started", lost->task->id, lost);
      if (started != NULL && !g_str_equal (started->task->holder, victim))
        failover_add_takeover (self, i, lost, started);
    }
}

static void
failover_show_takeovers (FailoverStep *self)
{
  JobReport *report = &self->job->report;

  job_report_detail (report, "%-14s %-11s %-11s %10s %10s  %s", _ ("TASK"), _ ("FROM"), _ ("TO"), _ ("NOTICED"),
                     _ ("STARTED"), _ ("CAUSE"));
  for (guint i = 0; i < json_array_get_length (self->list); i++)
    {
      JsonObject *one = json_array_get_object_element (self->list, i);

      job_report_detail (
          report, _ ("%-14s %-11s %-11s %7.1f ms %7.1f ms  %s"), json_object_get_string_member (one, "task"),
          json_object_get_string_member (one, "from"), json_object_get_string_member (one, "to"),
          (double) json_object_get_int_member (one, "noticed_us") / 1000,
          (double) json_object_get_int_member (one, "started_us") / 1000, json_object_get_string_member (one, "cause"));
    }
}

/* --- recovery --- */

static gboolean
failover_is_refused (Job *job, gpointer data)
{
  FailoverStep *self = data;

  return job_tasks_find_event (&self->tasks, "stale", self->lost[1], NULL) != NULL;
}

/* Restarts the killed collector, and resumes the suspended one, which then sends an answer with a lease that has expired. */
static gboolean
failover_recover (FailoverStep *self)
{
  Job *job = self->job;
  const char *ids[] = { job->collectors[0]->name, job->collectors[1]->name, job->collectors[2]->name, NULL };
  AgentChild *killed = g_steal_pointer (&job->collectors[0]);
  gboolean ok;

  agent_process_resume (job->collectors[1]->process);
  ok = job_start_collector (job, 0)
       && job_wait (job, failover_is_refused, self, RECOVERY_US, "recovery", _ ("the late answer"))
       && job_tasks_wait_for_collectors (&self->tasks, ids);
  if (ok)
    job_report_step (
        &job->report, "recovery", TRUE, NULL,
        _ ("%s continues, and its late answer for %s is refused: %s; %s is started again (pid %u), and all "
           "%u collectors are ready"),
        ids[1], self->lost[1], job_tasks_find_event (&self->tasks, "stale", self->lost[1], NULL)->cause, ids[0],
        job->collectors[0]->pid, JOB_COLLECTORS);
  agent_child_free (killed);
  return ok;
}

/* --- the whole --- */

static gboolean
failover_report (FailoverStep *self)
{
  const JobSurvey *survey = &self->survey;
  const JobSurveyResult result = job_survey_check (survey);
  double ratio = (double) survey->duration_us / (double) self->job->undisturbed_us;
  JsonObject *facts = json_object_new ();
  gboolean ok;

  for (guint i = 0; i < VICTIMS; i++)
    failover_find_takeovers (self, i);
  ok = result.complete == survey->size.tables && ratio <= AT_MOST && self->lost[0] != NULL && self->lost[1] != NULL;
  json_object_set_int_member (facts, "tables", survey->size.tables);
  json_object_set_int_member (facts, "complete", result.complete);
  json_object_set_int_member (facts, "undisturbed_us", self->job->undisturbed_us);
  json_object_set_int_member (facts, "duration_us", survey->duration_us);
  json_object_set_array_member (facts, "takeovers", json_array_ref (self->list));
  job_report_step (&self->job->report, "failover", ok, facts,
                   _ ("%s is killed and %s frozen, each in the middle of a task: %u of %u tables are complete, in %.2f "
                      "s, %.1f times the time without failures (at most %.0f)"),
                   self->job->collectors[0]->name, self->job->collectors[1]->name, result.complete, survey->size.tables,
                   (double) survey->duration_us / 1e6, ratio, AT_MOST);
  failover_show_takeovers (self);
  job_survey_explain (survey, &result);
  return ok;
}

static gboolean
failover_run (FailoverStep *self)
{
  return job_tasks_init (&self->tasks, self->job, "failover", self->job->client)
         && job_survey_start (&self->survey, &self->tasks, "rough", self->job->size)
         && job_wait (self->job, failover_has_ended, self, WAIT_US, "failover", _ ("the end of all tasks"))
         && failover_report (self) && failover_recover (self);
}

gboolean
job_show_failover (Job *job)
{
  FailoverStep self = { .job = job, .list = json_array_new () };
  gboolean ok = failover_run (&self);

  if (self.failed_us[1] != 0)
    agent_process_resume (job->collectors[1]->process);
  job_survey_clear (&self.survey);
  job_tasks_clear (&self.tasks);
  json_array_unref (self.list);
  return ok;
}
