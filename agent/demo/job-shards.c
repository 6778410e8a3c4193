/* SPDX-License-Identifier: Apache-2.0 */
#include "job-proc.h"
#include "job-survey.h"

#include <glib/gi18n.h>

/*
 * The step of the demonstration that lists processes with tasks: several tables of this machine's processes, each divided into
 * shards, which the broker assigns to the procmonds. No collector fails; the next step repeats it with failing procmonds and
 * compares the times.
 */

#define WAIT_US (120 * G_TIME_SPAN_SECOND)

static gboolean
shards_have_ended (Job *job, gpointer data)
{
  return job_survey_has_ended (data);
}

/* Lists the collectors with the number of their tasks in @facts and @text. Returns the number of collectors without a task. */
static guint
shards_describe_shares (const Job *job, const JobSurvey *survey, JsonObject *facts, GString *text)
{
  JsonArray *list = json_array_new ();
  guint idle = 0;

  for (guint i = 0; i < JOB_COLLECTORS; i++)
    {
      const char *name = job->collectors[i]->name;
      guint n = job_survey_count_by (survey, name);
      JsonObject *one = json_object_new ();

      json_object_set_string_member (one, "collector", name);
      json_object_set_int_member (one, "tasks", n);
      json_array_add_object_element (list, one);
      g_string_append_printf (text, _ ("%s%s completed %u"), text->len > 0 ? ", " : "", name, n);
      idle += n == 0 ? 1 : 0;
    }
  json_object_set_array_member (facts, "shares", list);
  return idle;
}

static gboolean
shards_report (Job *job, const JobSurvey *survey)
{
  const JobSurveyResult result = job_survey_check (survey);
  g_autoptr (GString) shares = g_string_new (NULL);
  JsonObject *facts = json_object_new ();
  guint idle = shards_describe_shares (job, survey, facts, shares);
  gboolean ok = result.complete == survey->size.tables && idle == 0;

  json_object_set_int_member (facts, "tasks", survey->list->len);
  json_object_set_int_member (facts, "tables", survey->size.tables);
  json_object_set_int_member (facts, "complete", result.complete);
  json_object_set_int_member (facts, "duration_us", survey->duration_us);
  job_report_step (&job->report, "shards", ok, facts,
                   _ ("%u tasks for %u tables of about %u processes, of which %u are complete, in %.2f s: %s"),
                   survey->list->len, survey->size.tables, result.verdict.stayed, result.complete,
                   (double) survey->duration_us / 1e6, shares->str);
  job_survey_explain (survey, &result);
  return ok;
}

gboolean
job_show_shards (Job *job)
{
  g_autoptr (GHashTable) processes = job_proc_snapshot ();
  JobTasks tasks;
  JobSurvey survey = { 0 };
  gboolean ok;

  job->size = job_size_of (g_hash_table_size (processes));
  ok = job_tasks_init (&tasks, job, "shards", job->client) && job_survey_start (&survey, &tasks, "calm", job->size)
       && job_wait (job, shards_have_ended, &survey, WAIT_US, "shards", _ ("the end of all tasks"))
       && shards_report (job, &survey);
  job->undisturbed_us = survey.duration_us;
  job_survey_clear (&survey);
  job_tasks_clear (&tasks);
  return ok;
}
