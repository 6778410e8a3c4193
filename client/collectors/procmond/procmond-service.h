/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/* The service description of procmond, and its method ListProcesses. Tasks are in procmond-task. */

#define PROCMOND_LIFECYCLE_TOPIC "events.process.lifecycle"

/* @shard, @shards: the part of the processes whose events it publishes. (transfer full) */
DeyeBusService *procmond_service_new (guint64 interval_ms, guint shard, guint shards);
