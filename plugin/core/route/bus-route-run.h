/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-run.h"
#include "route/bus-router.h"

/*
 * Routing of a run (queue/bus-run): each receiver gets at once the part of the run for which it has credit and room, and the
 * rest message by message.
 *
 * This is done receiver by receiver only if broker and accounts stay far from their limits even with the whole run. Then no
 * message is shed because of it, so the order of the receivers has no effect. Otherwise, and for a run of one message, each
 * message is published by bus_router_publish(). Plain subscriptions get all messages of a run; in a group, bus_pick() picks a
 * member for each.
 *
 * Invariant: every message of the run is offered to the same subscriptions as by bus_router_publish(), in the same order.
 */

/* TRUE if messages to these receivers may be collected: no subscription has a filter, and the receivers are either plain
 * subscriptions or one group. */
gboolean bus_route_run_suits (const BusMatch *match);

/* Gives the messages of a complete run their accept sequences, and routes them. Sets `held` and `held_cost` of the run. */
void bus_route_run (BusCore *core, BusRun *run, BusMatch *match, gint64 now_us);
