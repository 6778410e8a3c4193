/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "route/bus-reroute.h"

/*
 * The events system.peer.connected and system.peer.gone: which peers connect and disconnect. Agent and tool may read
 * them, by name.
 */

/* Subscriptions and messages of a connection that ended. */
typedef struct
{
  guint subscriptions;
  BusLeave leave; /* the outcome of its messages */
} BusEnd;

/* @replaced: (nullable): the connection that it took its id over from, which is not reported as gone; @end: what that had. */
void bus_events_connected (BusPeer *peer, const BusPeer *replaced, const BusEnd *end, gint64 now_us);
void bus_events_gone (BusPeer *peer, const BusEnd *end, gint64 now_us);
