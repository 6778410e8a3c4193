/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.bus.stats: what the counters of all rooms say now, as far as the asker may see it.
 *
 * The sums of the broker are everybody's. Peers, subscriptions and groups are those that the asker may see; what does not
 * fit a payload is left out, the least urgent first, and the answer says so.
 */
void bus_stats_answer (const BusCall *call);

/* The sums of the broker, without protobuf. */
void bus_stats_count (const BusCore *core, BusCoreStats *stats);
