/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-events.h"
#include "fsmond-options.h"

/*
 * Watches the directories of the command line and of the standing tasks, publishes their events, and reports gaps in the coverage
 * as degraded health.
 *
 * A standing task with the operation watch has a WatchDirectory as payload. A new set of standing tasks replaces the previous
 * one; directories of the command line are always watched. A directory that does not exist is accepted: it is watched as soon
 * as it exists, and until then the unit watching is degraded.
 *
 * Events that do not fit into the queue of events are refused, so a scan finds the changes later.
 */

#define FSMOND_EVENTS_TOPIC    "events.filesystem.operations"
#define FSMOND_WATCH_OPERATION "watch"
#define FSMOND_UNIT_WATCHING   "watching"
#define FSMOND_UNIT_REPAIRING  "events"

typedef struct FsmondMonitor FsmondMonitor;

/* @collector: borrowed. NULL with @error: the collector can't accept standing tasks. */
FsmondMonitor *fsmond_monitor_new (DeyeBusCollector *collector, const FsmondOptions *options, GError **error);
void fsmond_monitor_free (FsmondMonitor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsmondMonitor, fsmond_monitor_free)

void fsmond_monitor_set_max_directories (FsmondMonitor *self, guint max_directories);

/* TRUE: @path is a configured directory or below one. @path: in the form of fs_path_parse(). */
gboolean fsmond_monitor_covers (const FsmondMonitor *self, const char *path);

/* A WatchCoverage. */
GBytes *fsmond_monitor_pack_coverage (const FsmondMonitor *self);
