/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.bus.stats: the counters of all modules, as far as the asker may see them.
 *
 * The sums of the broker are visible to every asker. Peers, subscriptions and groups are those that the asker may
 * see. An answer that exceeds a payload leaves entries out, the least urgent first, and says so.
 */
void bus_stats_answer (const BusCall *call);

/* The sums of the broker, without protobuf. */
void bus_stats_count (const BusCore *core, BusCoreStats *stats);
