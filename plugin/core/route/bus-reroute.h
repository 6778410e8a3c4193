/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-router.h"

/*
 * Rerouting: what becomes of the messages that wait for a subscription when it ends or is demoted.
 *
 * In a group they are handed on to another member, and requests to another server of the topic. A message that was sent
 * stays where it is. Nobody gets a message that was meant for this member alone (broadcast, direct). A message that is
 * handed on stands behind what the other member has already, so the order of a member holds for messages that were first
 * offered to it. It keeps its ticket, and the ticket its time (bus-block). What nobody takes is discarded with an ended
 * subscription, and counted (BUS_LOSS_ENDED); a subscription that lives keeps it.
 *
 * Invariant: delivered + missed + rerouted of a subscription that ended = the messages that it was offered.
 */

/* What became of the messages of subscriptions that ended. */
typedef struct
{
  guint64 discarded;
  guint64 rerouted;
  guint64 unacknowledged; /* sent to a member of a group, and not acknowledged */
} BusLeave;

/* Empties the queue of a subscription that bus_router_unfile() took out. @leave: what became of its messages is added. */
void bus_reroute_ended (BusCore *core, BusSubscription *subscription, gint64 now_us, BusLeave *leave);

/* The member of a group was demoted: hands on what waits for it as far as members that are not demoted take it. No effect
 * outside of a group. */
void bus_reroute_demoted (BusCore *core, BusSubscription *subscription, gint64 now_us);
