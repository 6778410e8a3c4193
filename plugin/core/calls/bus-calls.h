/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "queue/bus-message.h"

/*
 * The methods of the broker itself: requests to control.bus.*, and to the topics on which collectors register and submit tasks.
 *
 * The table in bus-calls.c is the only list of these methods: name, topic, types, documentation and the function that answers.
 * This module finds the method of a request, unpacks the request and calls that function, which answers at once or later
 * (bus-later).
 *
 * Invariant: the broker answers a request exactly if its topic and method have a row in the table; otherwise it sends an ERROR.
 */

/* TRUE if the broker itself answers requests of @asker to this topic. */
gboolean bus_calls_serves (const BusPeer *asker, WireSpan topic);

void bus_calls_answer (BusPeer *peer, const BusInbound *inbound, gint64 now_us);
