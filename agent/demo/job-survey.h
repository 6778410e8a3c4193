/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "job-compare.h"
#include "job-tasks.h"

/*
 * A survey: tables of this machine's processes that procmonds make as tasks, one task for each shard of each table.
 *
 * All tasks are submitted at once. A survey says when they have ended, who did them, and whether each table is complete. It does not
 * know that a collector may be killed meanwhile.
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
  gint64 duration_us; /* until the last task had ended */
} JobSurvey;

/* The outcome of a survey. */
typedef struct
{
  guint complete;     /* tables in which no process is missing, unknown or listed twice */
  guint failed;       /* tasks without a table */
  JobVerdict verdict; /* the sum of all tables; stayed: of the last one */
} JobSurveyResult;

/* Submits the tasks; their ids begin with @name. FALSE: it is reported why not. In any case job_survey_clear() has to be called. */
gboolean job_survey_start (JobSurvey *self, JobTasks *tasks, const char *name, JobSize size);
void job_survey_clear (JobSurvey *self);

gboolean job_survey_has_ended (const JobSurvey *self);
/* After the end: compares the tables with /proc. */
JobSurveyResult job_survey_check (const JobSurvey *self);
/* Prints what is wrong with the tables, if anything is. */
void job_survey_explain (const JobSurvey *self, const JobSurveyResult *result);
/* The number of tasks that a collector did. */
guint job_survey_count_by (const JobSurvey *self, const char *collector);
