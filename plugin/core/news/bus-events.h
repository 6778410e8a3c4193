/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "route/bus-reroute.h"

/*
 * The events system.peer.connected and system.peer.gone: which peers connect and disconnect. Agent and tool may read
 * them, by name.
 */
void bus_events_connected (BusPeer *peer, gint64 now_us);
void bus_events_gone (BusPeer *peer, guint subscriptions, const BusLeave *leave, gint64 now_us);
