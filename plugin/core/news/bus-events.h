/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "route/bus-router.h"

/*
 * What the broker publishes about its peers: system.peer.connected and system.peer.gone. Agent and tool may read it, by
 * name.
 */
void bus_events_connected (BusPeer *peer, gint64 now_us);
void bus_events_gone (BusPeer *peer, guint subscriptions, const BusLeave *leave, gint64 now_us);
