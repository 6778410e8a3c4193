/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-run.h"
#include "route/bus-router.h"

/*
 * Routing of a run: each receiver gets the run at once, as far as it surely can take it, and the rest message by message.
 *
 * First it is compared whether broker and accounts stay far from their limits with all of the run; then nothing is shed because
 * of it, so it does not matter which receiver comes first. Otherwise, and for a run of one message, every message is published by
 * bus_router_publish(). Plain subscriptions get all of a run; of a group one member gets each message, as bus_pick() decides.
 *
 * Invariant: every message of the run is offered to the same subscriptions as by bus_router_publish(), in the same order.
 */

/* TRUE if messages to these receivers may be collected: no filter looks into them, and there are plain subscriptions or one group,
 * not both. */
gboolean bus_route_run_suits (const BusMatch *match);

/* Routes a run that is complete but for its places in the order. Sets what is held of its credit. */
void bus_route_run (BusCore *core, BusRun *run, BusMatch *match, gint64 now_us);
