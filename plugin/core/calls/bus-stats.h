/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method control.bus.stats: the counters of all modules, as far as the asker may see them.
 *
 * Every asker sees the totals of the broker. Peers, subscriptions and groups are listed if the asker may see them. If the answer
 * exceeds max_payload, entries are left out, the least urgent first, and the answer is marked as truncated. An asker that needs
 * all entries requests pages (bus-stats-page).
 */
void bus_stats_answer (const BusCall *call);

/* The totals of the broker as a plain struct. */
void bus_stats_count (const BusCore *core, BusCoreStats *stats);
