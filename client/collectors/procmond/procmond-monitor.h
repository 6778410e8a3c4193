/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collection.pb-c.h"
#include "deye-bus-collector.h"
#include "procmond-options.h"

/*
 * Watches the processes and publishes what changes, with the processes of one shard.
 *
 * The kernel reports each start, exec and end, where it does (proc-feed). Otherwise procmond polls: it compares tables, and
 * misses a process that starts and ends between two of them. Also while the kernel reports, a table is read now and then as a
 * check, and at once when reports were lost.
 *
 * The unit reading of the collector's health is degraded while processes can't be listed or read; the unit watching, while
 * procmond polls although it should not, and for a time after reports were lost.
 */

typedef struct ProcmondMonitor ProcmondMonitor;

/* @collector: borrowed. Reads the processes that there are, which causes no events. */
ProcmondMonitor *procmond_monitor_new (DeyeBusCollector *collector, const ProcmondOptions *options);
void procmond_monitor_free (ProcmondMonitor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcmondMonitor, procmond_monitor_free)

/* Begins to publish. */
void procmond_monitor_start (ProcmondMonitor *self);
/* FALSE: it is out of range, and nothing changes. */
gboolean procmond_monitor_set_interval (ProcmondMonitor *self, guint64 interval_ms);

/* The packed ProcmondStatistics. */
GBytes *procmond_monitor_pack_statistics (const ProcmondMonitor *self);
