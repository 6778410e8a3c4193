/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collection.pb-c.h"
#include "proc-table.h"

/*
 * The ProcessQuery of the method ListProcesses and of the operation list_processes: which processes it asks for, and what of a
 * table answers it.
 */

typedef Daemoneye__Eventbus__V1__ProcessQuery ProcmondQuery;

#define PROCMOND_QUERY_TYPE "daemoneye.eventbus.v1.ProcessQuery"
#define PROCMOND_TABLE_TYPE "daemoneye.eventbus.v1.ProcessTable"

#define PROCMOND_BAD_SHARD "shard must be below shards, and shards at most 65536"
gboolean procmond_shard_is_valid (guint32 shard, guint32 shards);

/* The processes to read for an answer with @room bytes. */
ProcRange procmond_query_range (const ProcmondQuery *query, gsize room);
/* The packed answer: the processes of @table that the query asks for, as far as they fit. */
GBytes *procmond_query_answer (const ProcmondQuery *query, ProcTable *table, gsize room);
