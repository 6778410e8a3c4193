/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The amount of work that the steps about tasks ask for. procmond waits before each process that it reads, so that the work takes about the
 * same time on each machine, however many processes there are: long enough to compare a run with failures with one without.
 */

typedef struct
{
  guint tables; /* of this machine's processes */
  guint shards; /* of each table; each shard is a task */
} JobSize;

JobSize job_size_of (guint n_processes);
/* The time that procmond waits before each process. */
guint job_size_pace_ms (guint n_processes);
