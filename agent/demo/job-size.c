/* SPDX-License-Identifier: Apache-2.0 */
#include "job-size.h"

#define WORK_MS     5400u /* of all collectors together */
#define PACE_MS     10u   /* at most */
#define SHARD_LEAST 4u    /* processes */
#define SHARDS_MIN  3u
#define SHARDS_MAX  256u

guint
job_size_pace_ms (guint n_processes)
{
  return CLAMP (WORK_MS / MAX (n_processes, 1), 1, PACE_MS);
}

JobSize
job_size_of (guint n_processes)
{
  guint table_ms = MAX (n_processes, 1) * job_size_pace_ms (n_processes);

  return (JobSize){ .tables = MAX (WORK_MS / table_ms, 1),
                    .shards = CLAMP (n_processes / SHARD_LEAST, SHARDS_MIN, SHARDS_MAX) };
}
