/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-question.h"

/*
 * The list of processes: the method ListProcesses, and tasks of the operation list_processes.
 *
 * The query is a ProcessQuery: all processes, those of one shard, or those with a number or a name. If an agent submits one task
 * for each shard, the broker distributes the tasks to all collectors that have the operation. The answer is a ProcessTable with
 * as many processes as fit.
 */

#define PROCMOND_TABLE_TYPE "daemoneye.eventbus.v1.ProcessTable"

extern const CollectorQuestion procmond_query_question;

#define PROCMOND_STEP 64u /* processes that are read in one step, which takes a few milliseconds */

/* Texts of refusals; procmond-request uses them, too. */
#define PROCMOND_BAD_SHARD    "shard must be below shards, and shards at most 65536"
#define PROCMOND_NO_PROCESSES "the processes can't be listed now: try again"
gboolean procmond_shard_is_valid (guint32 shard, guint32 shards);
