/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "agent-child.h"
#include "agent-module.h"
#include "job-report.h"

/*
 * The demonstration: the bus does its real work once, on this machine's processes, and every claim is checked.
 *
 * Two procmonds are started as processes of their own; tasks, events, direct requests and broadcasts go over the bus. A
 * step that does not hold is shown as failed, and the job ends with a status above zero.
 */

typedef struct
{
  AgentModule *module;
  DeyeBusClient *client; /* the agent's own */
  JobReport report;
  char *procmond; /* path of the program */
  AgentChild *collectors[2];
  GHashTable *connected; /* ids seen on system.peer.connected */
  GPtrArray *lifecycle;  /* of DeyeBusMessage: events.process.# */
  GPtrArray *results;    /* of DeyeBusMessage: results.procmond */
  guint64 missed;        /* by the slow subscriber */
  gboolean interrupted;  /* SIGINT or SIGTERM came */
} Job;

#define JOB_COLLECTORS 2u

/* The process' exit status. @keep: when all went well, it goes on until it is interrupted. */
int job_run (AgentModule *module, DeyeBusClient *client, gboolean json, gboolean keep);

/* Waits in the default context until @done says so. FALSE: @timeout_us passed or the job was interrupted; then the step failed
 * with "what did not come". */
typedef gboolean (*JobDone) (Job *job, gpointer data);
gboolean job_wait (Job *job, JobDone done, gpointer data, gint64 timeout_us, const char *step, const char *what);

/* The steps, each in a file of its own group. FALSE: the next ones make no sense. */
gboolean job_start_collectors (Job *job);
gboolean job_enumerate (Job *job);
gboolean job_watch_child (Job *job);
gboolean job_ask_health (Job *job);
gboolean job_reload (Job *job);
gboolean job_show_slow (Job *job);
gboolean job_round_trips (Job *job);
gboolean job_check_idle (Job *job);
