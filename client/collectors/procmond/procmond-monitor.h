/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-collector.h"
#include "procmond-options.h"

/*
 * Watches the processes and publishes what changes, with the processes of one shard. It polls.
 *
 * The unit reading of the collector's health is degraded while processes can't be listed or read.
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
