/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The amount of work in the steps about tasks. procmond waits before each process that it reads, so that the work takes about the
 * same time on each machine, independent of the number of processes: long enough to compare a run with failures to one without.
 */

typedef struct
{
  guint tables; /* of this machine's processes */
  guint shards; /* of each table; each shard is a task */
} JobSize;

JobSize job_size_of (guint n_processes);
/* Returns the time that procmond waits before each process. */
guint job_size_pace_ms (guint n_processes);
