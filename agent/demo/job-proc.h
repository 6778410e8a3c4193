/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collection.pb-c.h"

#include <glib.h>

/*
 * The processes of this machine as the agent itself sees them, (pid, start time) each. The demonstration compares the
 * collectors' table with them, so this module uses none of the collectors' code. linux/job-proc.c reads /proc.
 */

typedef Daemoneye__Eventbus__V1__ProcessRecord JobRecord;

/* A snapshot of all processes: a set of "pid:start_time". */
GHashTable *job_proc_snapshot (void);
/* The current time as a start time: a process that starts later has no smaller one. */
guint64 job_proc_now (void);
/* The key of a record in the set. (transfer full) */
char *job_proc_key (guint32 pid, guint64 start_time);
