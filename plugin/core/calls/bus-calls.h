/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "queue/bus-message.h"

/*
 * The broker's own methods: requests to control.bus.*, answered at once or later (bus-later).
 *
 * The broker is itself a peer that serves: subscribe, adjust, unsubscribe, ping, stats, introspect, describe. Each is a
 * row of the table in bus-calls.c, which is the only place that lists them.
 */

/* TRUE if the broker itself answers requests of @asker to this topic. */
gboolean bus_calls_serves (const BusPeer *asker, WireSpan topic);

void bus_calls_answer (BusPeer *peer, const BusInbound *inbound, gint64 now_us);
