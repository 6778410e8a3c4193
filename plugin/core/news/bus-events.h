/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "route/bus-reroute.h"

/*
 * The events system.peer.connected and system.peer.gone: a peer has connected or disconnected. The agent and tools may subscribe
 * to them, by a pattern that begins with `system`.
 *
 * Invariant: every peer that is reported as connected is later reported as gone, or as replaced by the next connection of its id.
 */

/* Subscriptions and messages of a connection that ended. */
typedef struct
{
  guint subscriptions;
  BusLeave leave; /* the outcome of its messages */
} BusEnd;

/* @replaced: (nullable): the connection whose id the peer took over; it is not reported as gone. @end: its subscriptions and
 * messages. */
void bus_events_connected (BusPeer *peer, const BusPeer *replaced, const BusEnd *end, gint64 now_us);
void bus_events_gone (BusPeer *peer, const BusEnd *end, gint64 now_us);
