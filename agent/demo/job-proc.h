/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collection.pb-c.h"

#include <glib.h>

/*
 * The truth that the job's table is held against: (pid, start time) of every process, read from /proc by the agent itself,
 * with none of the collectors' code.
 */

typedef Daemoneye__Eventbus__V1__ProcessRecord JobRecord;

/* A set of "pid:start_time". */
GHashTable *job_proc_snapshot (void);
/* The moment now as a start time: what starts from here on has none below it. */
guint64 job_proc_now (void);
/* The key of a record. Transfer full. */
char *job_proc_key (guint32 pid, guint64 start_time);
