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
 *
 * On a busy machine the tasks may take too long, or a victim gets no CPU and so has no task when it is its turn to fail. Such a
 * round proves nothing. It is repeated, and the time without failures is measured again before it, at most ROUNDS_MAX times.
 */

#define WAIT_US     (120 * G_TIME_SPAN_SECOND)
#define AT_MOST     3.0 /* largest ratio to the duration of the undisturbed tasks */
#define RECOVERY_US (20 * G_TIME_SPAN_SECOND)
#define ROUNDS_MAX  5u

#define VICTIMS 2u

typedef struct
{
  Job *job;
  guint round; /* from 1 */
  JobTasks tasks;
  JobSurvey survey;
  JobSurveyResult result;
  gint64 failed_us[VICTIMS]; /* when the collector of the same index failed; 0: not yet */
  guint seen;                /* events that were examined */
  const char *lost[VICTIMS]; /* a task that the collector had started, and another one has taken over; NULL: none */
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

static const struct
{
  gboolean (*run) (AgentChild *child, GError **error);
  const char *loss; /* the event about a task that runs at the collector then */
} failures[VICTIMS] = { { failover_kill, "retry" }, { failover_suspend, "expired" } };

static void
failover_cause_failure (FailoverStep *self, guint i)
{
  AgentChild *child = self->job->collectors[i];
  g_autoptr (GError) error = NULL;

  self->failed_us[i] = g_get_monotonic_time ();
  if (!failures[i].run (child, &error))
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

static gboolean
failover_has_none_left (Job *job, gpointer data)
{
  return job_survey_has_ended (&((FailoverStep *) data)->survey);
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

  if (self->lost[i] == NULL && g_str_equal (lost->name, failures[i].loss)
      && lost->before == DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_RUNNING)
    self->lost[i] = lost->task->id;
  json_object_set_string_member (one, "task", lost->task->id);
  json_object_set_string_member (one, "from", lost->task->holder);
  json_object_set_string_member (one, "to", started->task->holder);
  json_object_set_string_member (one, "cause", lost->cause);
  json_object_set_int_member (one, "noticed_us", lost->at_us - self->failed_us[i]);
  json_object_set_int_member (one, "started_us", started->at_us - self->failed_us[i]);
  json_array_add_object_element (self->list, one);
}

/* Finds the tasks that a victim had when it failed, and that another collector has started. No effect if it has not failed. */
static void
failover_find_takeovers (FailoverStep *self, guint i)
{
  const char *victim = self->job->collectors[i]->name;

  for (guint n = 0; self->failed_us[i] != 0 && n < self->tasks.events->len; n++)
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

/* Restarts the killed collector, resumes the suspended one, and waits until all are ready. FALSE: failed, and the reason was
 * printed. */
static gboolean
failover_restore (FailoverStep *self)
{
  Job *job = self->job;
  const char *ids[JOB_COLLECTORS + 1] = { NULL };

  if (self->failed_us[1] != 0)
    agent_process_resume (job->collectors[1]->process);
  if (self->failed_us[0] != 0)
    {
      g_clear_pointer (&job->collectors[0], agent_child_free);
      if (!job_start_collector (job, 0))
        return FALSE;
    }
  for (guint i = 0; i < JOB_COLLECTORS; i++)
    ids[i] = job->collectors[i]->name;
  return job_tasks_wait_for_collectors (&self->tasks, ids);
}

/* The suspended collector continues, and sends an answer with a lease that has expired. */
static gboolean
failover_recover (FailoverStep *self)
{
  Job *job = self->job;

  if (!failover_restore (self)
      || !job_wait (job, failover_is_refused, self, RECOVERY_US, "recovery", _ ("the late answer")))
    return FALSE;
  job_report_step (&job->report, "recovery", TRUE, NULL,
                   _ ("%s continues, and its late answer for %s is refused: %s; %s is started again (pid %u), and all "
                      "%u collectors are ready"),
                   job->collectors[1]->name, self->lost[1],
                   job_tasks_find_event (&self->tasks, "stale", self->lost[1], NULL)->cause, job->collectors[0]->name,
                   job->collectors[0]->pid, JOB_COLLECTORS);
  return TRUE;
}

/* --- rounds --- */

static void
failover_init (FailoverStep *self, Job *job, guint round)
{
  *self = (FailoverStep){ .job = job, .round = round, .list = json_array_new () };
}

static void
failover_clear (FailoverStep *self)
{
  if (self->failed_us[1] != 0)
    agent_process_resume (self->job->collectors[1]->process);
  job_survey_clear (&self->survey);
  job_tasks_clear (&self->tasks);
  json_array_unref (self->list);
}

static gboolean
failover_run_survey (FailoverStep *self, const char *prefix, JobDone has_ended)
{
  g_autofree char *name
      = self->round == 1 ? g_strdup (prefix) : g_strdup_printf ("%s%u", prefix, self->round); /* ids are unique */

  return job_survey_start (&self->survey, &self->tasks, name, self->job->size)
         && job_wait (self->job, has_ended, self, WAIT_US, "failover", _ ("the end of all tasks"));
}

static gboolean
failover_measure (FailoverStep *self)
{
  if (!failover_run_survey (self, "calm", failover_has_none_left))
    return FALSE;
  self->job->undisturbed_us = self->survey.duration_us;
  job_survey_clear (&self->survey);
  return TRUE;
}

static gboolean
failover_run_round (FailoverStep *self)
{
  if (!job_tasks_init (&self->tasks, self->job, "failover", self->job->client)
      || (self->round > 1 && !failover_measure (self)) || !failover_run_survey (self, "rough", failover_has_ended))
    return FALSE;
  self->result = job_survey_check (&self->survey);
  for (guint i = 0; i < VICTIMS; i++)
    failover_find_takeovers (self, i);
  return TRUE;
}

static double
failover_ratio (const FailoverStep *self)
{
  return (double) self->survey.duration_us / (double) self->job->undisturbed_us;
}

static gboolean
failover_is_complete (const FailoverStep *self)
{
  return self->result.complete == self->survey.size.tables;
}

static gboolean
failover_is_proven (const FailoverStep *self)
{
  return failover_ratio (self) <= AT_MOST && self->lost[0] != NULL && self->lost[1] != NULL;
}

static gboolean
failover_report (FailoverStep *self)
{
  const JobSurvey *survey = &self->survey;
  JsonObject *facts = json_object_new ();
  const gboolean ok = failover_is_complete (self) && failover_is_proven (self);

  json_object_set_int_member (facts, "round", self->round);
  json_object_set_int_member (facts, "tables", survey->size.tables);
  json_object_set_int_member (facts, "complete", self->result.complete);
  json_object_set_int_member (facts, "undisturbed_us", self->job->undisturbed_us);
  json_object_set_int_member (facts, "duration_us", survey->duration_us);
  json_object_set_array_member (facts, "takeovers", json_array_ref (self->list));
  job_report_step (&self->job->report, "failover", ok, facts,
                   _ ("%s is killed and %s frozen, each in the middle of a task: %u of %u tables are complete, in %.2f "
                      "s, %.1f times the time without failures (at most %.0f)"),
                   self->job->collectors[0]->name, self->job->collectors[1]->name, self->result.complete,
                   survey->size.tables, (double) survey->duration_us / 1e6, failover_ratio (self), AT_MOST);
  if (self->round > 1)
    job_report_detail (&self->job->report, _ ("(round %u: the machine was too busy during earlier rounds)"),
                       self->round);
  failover_show_takeovers (self);
  job_survey_explain (survey, &self->result);
  return ok;
}

gboolean
job_show_failover (Job *job)
{
  FailoverStep self;
  guint round = 1;
  gboolean ok;

  failover_init (&self, job, round);
  while ((ok = failover_run_round (&self)) && failover_is_complete (&self) && !failover_is_proven (&self)
         && round < ROUNDS_MAX && (ok = failover_restore (&self)))
    {
      failover_clear (&self);
      failover_init (&self, job, ++round);
    }
  ok = ok && failover_report (&self) && failover_recover (&self);
  failover_clear (&self);
  return ok;
}
