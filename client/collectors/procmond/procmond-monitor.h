/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collection.pb-c.h"
#include "deye-bus-collector.h"
#include "procmond-options.h"

/*
 * Watches the processes of one shard and publishes their changes.
 *
 * If the system supports it, the kernel reports each start, exec and end (proc-feed). Otherwise procmond polls: it compares
 * tables, and misses a process that starts and ends between two of them. While the kernel reports, tables are still read now and
 * then as a check, and at once after reports were lost.
 *
 * The unit `reading` of the collector's health is degraded while processes can't be listed or read. The unit `watching` is
 * degraded while procmond polls although it should not, and for a time after reports were lost.
 */

typedef struct ProcmondMonitor ProcmondMonitor;

/* @collector: borrowed. Reads the present processes as the baseline, without events. */
ProcmondMonitor *procmond_monitor_new (DeyeBusCollector *collector, const ProcmondOptions *options);
void procmond_monitor_free (ProcmondMonitor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcmondMonitor, procmond_monitor_free)

/* Starts to publish events. */
void procmond_monitor_start (ProcmondMonitor *self);
/* FALSE: the value is out of range, and the interval is unchanged. */
gboolean procmond_monitor_set_interval (ProcmondMonitor *self, guint64 interval_ms);

/* Returns the packed ProcmondStatistics. */
GBytes *procmond_monitor_pack_statistics (const ProcmondMonitor *self);
