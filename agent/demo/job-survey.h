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

/* How much a survey asks for. procmond waits before each process that it reads, so a survey takes about the same time on each machine. */
typedef struct
{
  guint tables;
  guint shards; /* of each table */
} JobSurveySize;

typedef struct
{
  JobTasks *tasks;
  JobSurveySize size;
  GPtrArray *list;    /* of DeyeBusTask, table after table */
  guint ended;        /* tasks */
  GHashTable *before; /* the processes at the start */
  guint64 since;      /* the start, as a start time */
  gint64 start_us;
  gint64 duration_us; /* until the last task had ended */
} JobSurvey;

/* What came of a survey. */
typedef struct
{
  guint complete;     /* tables in which no process is missing, unknown or listed twice */
  guint failed;       /* tasks without a table */
  JobVerdict verdict; /* the sum of all tables; stayed: of the last one */
} JobSurveyResult;

/* The pace of procmond and the size of a survey that suit the number of processes. */
guint job_survey_pace_ms (guint n_processes);
JobSurveySize job_survey_size (guint n_processes);

/* Submits the tasks; their ids begin with @name. FALSE: it is reported why not. In any case job_survey_clear() has to be called. */
gboolean job_survey_start (JobSurvey *self, JobTasks *tasks, const char *name, JobSurveySize size);
void job_survey_clear (JobSurvey *self);

gboolean job_survey_has_ended (const JobSurvey *self);
/* After the end: compares the tables with /proc. */
JobSurveyResult job_survey_check (const JobSurvey *self);
/* How many tasks a collector did. */
guint job_survey_count_by (const JobSurvey *self, const char *collector);
