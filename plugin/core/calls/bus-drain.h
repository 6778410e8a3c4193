/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "queue/bus-subscription.h"

/*
 * Draining: a member of a group, or a server of a topic, gets nothing more and finishes what it has.
 *
 * Messages that were not sent to the member yet are handed on to other members that take them; the others stay and are
 * delivered. The call is answered later: when nothing waits for the member any more and its client has settled everything
 * that was sent to it. The subscription stays, and gets nothing, until it ends or until a call with resume lets it take part
 * again. A peer drains its own subscriptions; the agent and tools drain those of others, too.
 *
 * The member gets a notice (an ACK of no frame, with its subscription) when it begins to drain, when it has finished, and when
 * it takes part again. A member is all subscriptions of a peer in the group: one that joins later drains as well.
 *
 * The end of each input call checks the calls that wait and the members that may have finished; without them it costs
 * nothing.
 *
 * Invariant: a call that waits names at least one subscription of a connected peer.
 */

void bus_drain_answer (const BusCall *call);

/* A subscription was made: it drains if the peer's other subscriptions in its group do. */
void bus_drain_joined (const BusCall *call, BusSubscription *subscription);

/* Notifies members that have finished, and answers the calls that have nothing to wait for any more. */
void bus_drain_settle (BusCore *core);
