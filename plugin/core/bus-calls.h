/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-message.h"
#include "bus-peer.h"

/*
 * The broker's own methods: requests to control.bus.*, answered at once.
 *
 * The broker is itself a peer that serves: subscribe, unsubscribe, ping, stats. Each is a row in a table in bus-calls.c.
 */
gboolean bus_calls_serves (WireSpan topic);
void bus_calls_answer (BusPeer *peer, const BusInbound *inbound, gint64 now_us);

/* Answers a call with a packed message; used by the rooms that the table names. */
void bus_calls_reply (BusPeer *peer, guint64 id, const char *type_name, WireSpan payload);
