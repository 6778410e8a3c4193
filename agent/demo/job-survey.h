/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "job-compare.h"
#include "job-tasks.h"

/*
 * A survey: tables of this machine's processes that procmonds create as tasks, one task for each shard of each table.
 *
 * All tasks are submitted at once. A survey reports when they have ended, which collectors executed them, and whether each table
 * is complete. The same code is used with and without failing collectors.
 */

typedef struct
{
  JobTasks *tasks;
  JobSize size;
  GPtrArray *list;    /* of DeyeBusTask, table after table */
  guint ended;        /* tasks */
  GHashTable *before; /* the processes at the start */
  guint64 since;      /* the start, as a start time */
  gint64 start_us;
  gint64 duration_us; /* from the start to the end of the last task */
} JobSurvey;

/* The outcome of a survey. */
typedef struct
{
  guint complete;     /* tables in which no process is missing, unknown or listed twice */
  guint failed;       /* tasks without a table */
  JobVerdict verdict; /* the sum of all tables; stayed: only of the last one */
} JobSurveyResult;

/* Submits the tasks; their ids begin with @name. FALSE: failed, and the reason was printed. Call job_survey_clear() in any case.
 * */
gboolean job_survey_start (JobSurvey *self, JobTasks *tasks, const char *name, JobSize size);
void job_survey_clear (JobSurvey *self);

gboolean job_survey_has_ended (const JobSurvey *self);
/* Compares the tables with /proc, after all tasks have ended. */
JobSurveyResult job_survey_check (const JobSurvey *self);
/* Prints the faults of the tables, if there are any. */
void job_survey_explain (const JobSurvey *self, const JobSurveyResult *result);
/* Returns the number of tasks that a collector has executed. */
guint job_survey_count_by (const JobSurvey *self, const char *collector);
