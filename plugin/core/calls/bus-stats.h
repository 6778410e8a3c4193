/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "control.pb-c.h"

/*
 * control.bus.stats: what the counters of all rooms say now, as far as the asker may see it.
 *
 * The sums of the broker are everybody's. Peers, subscriptions and groups are those that the asker may see; what does not
 * fit a payload is left out, the least urgent first, and the answer says so.
 */
void bus_stats_answer (BusPeer *asker, guint64 id, const Daemoneye__Eventbus__V1__StatsRequest *request, gint64 now_us);
