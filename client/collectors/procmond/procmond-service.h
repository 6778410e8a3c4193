/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/* What procmond says of itself, and its method ListProcesses. What it does for tasks is procmond-task's. */

#define PROCMOND_LIFECYCLE_TOPIC "events.process.lifecycle"

/* @shard, @shards: of which it publishes events. (transfer full) */
DeyeBusService *procmond_service_new (guint64 interval_ms, guint shard, guint shards);
