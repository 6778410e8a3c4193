/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent-child.h"
#include "agent-module.h"
#include "deye-bus.h"
#include "job-report.h"
#include "job-size.h"

/*
 * The demonstration: a job that uses the bus to observe the processes of this machine, and verifies every claim that it prints.
 *
 * It starts three procmonds as separate processes, and exchanges tasks, events, direct requests and broadcasts with them over the
 * bus. A step whose claim is false is reported as failed, and then the exit status of the job is above zero.
 */

#define JOB_COLLECTORS 3u

typedef struct
{
  AgentModule *module;
  DeyeBusClient *client; /* the agent's own client */
  JobReport report;
  const char *module_path;
  char *procmond; /* path of the program */
  AgentChild *collectors[JOB_COLLECTORS];
  GHashTable *connected; /* ids seen on system.peer.connected */
  GPtrArray *lifecycle;  /* of DeyeBusMessage: events.process.# */
  GPtrArray *results;    /* of DeyeBusMessage: results.procmond */
  guint64 missed;        /* messages that the slow subscriber missed */
  JobSize size;          /* amount of work in the steps about tasks */
  gint64 undisturbed_us; /* duration of this work while no collector failed */
  gboolean interrupted;  /* a stop request was received */
} Job;

/* Runs all steps. Returns the exit status of the process. @module_path: path of @module. @keep: after success, runs until a stop
 * request. */
int job_run (AgentModule *module, const char *module_path, DeyeBusClient *client, gboolean json, gboolean keep);

/* Iterates the default context until @done returns TRUE. FALSE: @timeout_us has passed or a stop request was received, and the
 * step was reported as failed. @what: the awaited event, for the report. */
typedef gboolean (*JobDone) (Job *job, gpointer data);
gboolean job_wait (Job *job, JobDone done, gpointer data, gint64 timeout_us, const char *step, const char *what);

/* Starts collector @i, procmond-(@i + 1). FALSE: failed, and the reason was printed. */
gboolean job_start_collector (Job *job, guint i);

/* The steps. FALSE: the following steps can't run. */
gboolean job_start_collectors (Job *job);
gboolean job_enumerate (Job *job);
gboolean job_watch_child (Job *job);
gboolean job_ask_health (Job *job);
gboolean job_reload (Job *job);
gboolean job_show_slow (Job *job);
gboolean job_round_trips (Job *job);
gboolean job_check_idle (Job *job);
gboolean job_show_shards (Job *job);
gboolean job_show_failover (Job *job);
gboolean job_quarantine (Job *job);
gboolean job_adopt (Job *job);
gboolean job_ask_all (Job *job);
