/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The collector of the demonstration's steps about tasks. It is a separate process, which the agent starts from its own
 * program.
 *
 * It counts processes in /proc, in rounds, and reports progress after each round. One payload ends its process; this simulates a
 * bug that one input triggers. The result of a task is a JSON object (JobWorkerResult).
 */

#define JOB_WORKER_TYPE   "demo"
#define JOB_WORKER_CENSUS "census" /* counts all processes, in JOB_WORKER_ROUNDS rounds */
#define JOB_WORKER_CHECK  "check"  /* checks one process; the payload is its key, see job_proc_key() */
#define JOB_WORKER_POISON "0:0"    /* the key that ends the collector */
#define JOB_WORKER_ROUNDS 20u

typedef struct
{
  guint pid;
  guint run;       /* number of tasks that this process has begun so far */
  guint attempt;   /* as the broker counts it */
  guint rounds;    /* number of finished rounds */
  guint processes; /* number of processes found in the last round */
} JobWorkerResult;

/* FALSE: @bytes are not such a result. */
gboolean job_worker_result_read (GBytes *bytes, JobWorkerResult *result);

/* Runs until a stop request. */
gboolean job_worker_run (const char *address, const char *id, GError **error);
