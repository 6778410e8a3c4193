/* SPDX-License-Identifier: Apache-2.0 */
#include "job-survey.h"

#include "collection.pb-c.h"
#include "deye-bus-pack.h"
#include "job-proc.h"

#include <glib/gi18n.h>

#define OPERATION  "list_processes"
#define QUERY_TYPE "daemoneye.eventbus.v1.ProcessQuery"
#define ATTEMPTS   20u /* on a busy machine procmond may report progress too late although it works */

/* --- submitting --- */

static void
survey_on_finished (DeyeBusTask *task, gpointer data)
{
  JobSurvey *self = data;

  if (++self->ended == self->list->len)
    self->duration_us = g_get_monotonic_time () - self->start_us;
}

static GBytes *
survey_pack_query (guint shard, guint shards)
{
  Daemoneye__Eventbus__V1__ProcessQuery query;

  daemoneye__eventbus__v1__process_query__init (&query);
  query.shard = shard;
  query.shards = shards;
  return deye_bus_pack (&query.base);
}

static gboolean
survey_submit (JobSurvey *self, const char *name, guint table, guint shard)
{
  g_autofree char *id = g_strdup_printf ("%s-%u-%u", name, table + 1, shard + 1);
  g_autoptr (GBytes) query = survey_pack_query (shard, self->size.shards);
  DeyeBusTask *task = job_tasks_submit (self->tasks, OPERATION, id, query, QUERY_TYPE, ATTEMPTS);

  if (task == NULL)
    return FALSE;
  g_signal_connect (task, "finished", G_CALLBACK (survey_on_finished), self);
  g_ptr_array_add (self->list, task);
  return TRUE;
}

gboolean
job_survey_start (JobSurvey *self, JobTasks *tasks, const char *name, JobSize size)
{
  *self = (JobSurvey){ .tasks = tasks, .size = size };
  self->list = g_ptr_array_new_with_free_func (g_object_unref);
  self->since = job_proc_now ();
  self->before = job_proc_snapshot ();
  self->start_us = g_get_monotonic_time ();
  for (guint table = 0; table < size.tables; table++)
    for (guint shard = 0; shard < size.shards; shard++)
      if (!survey_submit (self, name, table, shard))
        return FALSE;
  return TRUE;
}

/* Tasks that have not ended continue, but their results are not used. */
void
job_survey_clear (JobSurvey *self)
{
  for (guint i = 0; self->list != NULL && i < self->list->len; i++)
    g_signal_handlers_disconnect_by_data (self->list->pdata[i], self);
  g_clear_pointer (&self->list, g_ptr_array_unref);
  g_clear_pointer (&self->before, g_hash_table_unref);
}

gboolean
job_survey_has_ended (const JobSurvey *self)
{
  return self->ended == self->list->len;
}

/* --- results --- */

/* FALSE: the result of the task contains no table. */
static gboolean
survey_add_records (DeyeBusTask *task, GPtrArray *records, GPtrArray *guards)
{
  GBytes *result = deye_bus_task_get_result (task);
  const Daemoneye__Eventbus__V1__ProcessTable *table;
  WireGuard *guard;
  gconstpointer data;
  gsize len;

  if (result == NULL)
    return FALSE;
  data = g_bytes_get_data (result, &len);
  guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__process_table__descriptor, wire_span (data, len), 0, NULL);
  if (guard == NULL)
    return FALSE;
  g_ptr_array_add (guards, guard);
  table = wire_guard_message (guard);
  for (gsize i = 0; i < table->n_processes; i++)
    g_ptr_array_add (records, table->processes[i]);
  return TRUE;
}

static void
survey_check_table (const JobSurvey *self, guint table, GHashTable *after, JobSurveyResult *result)
{
  g_autoptr (GPtrArray) records = g_ptr_array_new ();
  g_autoptr (GPtrArray) guards = g_ptr_array_new_with_free_func ((GDestroyNotify) wire_guard_free);
  JobVerdict verdict;
  guint failed = 0;

  for (guint shard = 0; shard < self->size.shards; shard++)
    failed += survey_add_records (self->list->pdata[table * self->size.shards + shard], records, guards) ? 0 : 1;
  verdict = job_compare (records, self->before, after, self->since);
  result->complete
      += failed == 0 && verdict.missing == 0 && verdict.unknown == 0 && verdict.twice == 0 && verdict.stayed > 0 ? 1
                                                                                                                 : 0;
  result->failed += failed;
  result->verdict.missing += verdict.missing;
  result->verdict.unknown += verdict.unknown;
  result->verdict.twice += verdict.twice;
  result->verdict.stayed = verdict.stayed;
}

JobSurveyResult
job_survey_check (const JobSurvey *self)
{
  g_autoptr (GHashTable) after = job_proc_snapshot ();
  JobSurveyResult result = { 0 };

  for (guint table = 0; table < self->size.tables; table++)
    survey_check_table (self, table, after, &result);
  return result;
}

/* Prints one of the errors, as an example. */
static void
survey_explain_failures (const JobSurvey *self, guint failed)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < self->list->len && error == NULL; i++)
    error = deye_bus_task_dup_error (self->list->pdata[i]);
  job_report_detail (&self->tasks->job->report, _ ("(%u tasks have failed: %s)"), failed,
                     error != NULL ? error->message : _ ("the result can't be read"));
}

void
job_survey_explain (const JobSurvey *self, const JobSurveyResult *result)
{
  const JobVerdict *verdict = &result->verdict;

  if (result->failed > 0)
    survey_explain_failures (self, result->failed);
  if (verdict->missing > 0 || verdict->unknown > 0 || verdict->twice > 0)
    job_report_detail (&self->tasks->job->report,
                       _ ("(in all tables together %u processes are missing, %u are unknown, %u are listed twice)"),
                       verdict->missing, verdict->unknown, verdict->twice);
}

guint
job_survey_count_by (const JobSurvey *self, const char *collector)
{
  guint n = 0;

  for (guint i = 0; i < self->list->len; i++)
    n += g_strcmp0 (deye_bus_task_get_holder (self->list->pdata[i]), collector) == 0 ? 1 : 0;
  return n;
}
