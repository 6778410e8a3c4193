/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The operation list_processes: a task with a ProcessQuery as payload, whose result is a ProcessTable.
 *
 * A query with shard and shards asks for one part of the processes, so an agent submits one task for each shard, and the
 * broker gives them to all collectors that have the operation. The processes are read in small steps of the main loop; between
 * them procmond reports progress and notices that the task was cancelled.
 *
 * Reading changes nothing, so the operation is idempotent.
 */

#define PROCMOND_LIST_OPERATION "list_processes"

typedef struct ProcmondList ProcmondList;

/* @pace_ms: time to wait before each process; 0: processes are read as fast as possible. */
ProcmondList *procmond_list_new (guint pace_ms);
/* Tasks that still run are given up. */
void procmond_list_free (ProcmondList *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcmondList, procmond_list_free)

/* @self: lives longer than the collector works. */
gboolean procmond_list_add (ProcmondList *self, DeyeBusCollector *collector, GError **error);
