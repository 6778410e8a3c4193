/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collection.pb-c.h"

#include <glib.h>

/*
 * The processes of this machine as the agent itself reads them: (pid, start time) of each. The demonstration compares the table of
 * the collectors with this list, so this module shares no code with the collectors. linux/job-proc.c reads /proc.
 */

typedef Daemoneye__Eventbus__V1__ProcessRecord JobRecord;

/* Returns a snapshot of all processes: a set of "pid:start_time". */
GHashTable *job_proc_snapshot (void);
/* Returns the current time as a start time: a process that starts later does not have a smaller start time. */
guint64 job_proc_now (void);
/* Returns the key of a record in the set. (transfer full) */
char *job_proc_key (guint32 pid, guint64 start_time);
