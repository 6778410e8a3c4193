/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "queue/bus-subscription.h"

/*
 * Draining: a member of a group, or a server of a topic, gets no new messages, and finishes those that it has.
 *
 * Messages that were not sent to the member yet are handed on to other members that have room; the rest stays and is delivered.
 * The call is answered later: when no message waits for the member any more and its client has settled everything that was sent to
 * it. The subscription stays, without new messages, until it ends or until a call with `resume` lets it take part again. A peer
 * may drain its own subscriptions; the agent and tools may drain those of other peers, too.
 *
 * The member gets a notice when it begins to drain, when it has finished, and when it takes part again. A notice is an ACK that
 * acknowledges no frame and names the subscription. All subscriptions of a peer in a group drain together, also one that joins
 * later.
 *
 * At the end of each input call, waiting calls and members that may have finished are checked, if there are any.
 *
 * Invariant: between two input calls, each call that waits names a subscription of a connected peer that still drains.
 */

void bus_drain_answer (const BusCall *call);

/* A subscription was made: lets it drain if the other subscriptions of its peer in the same group do. */
void bus_drain_joined (const BusCall *call, BusSubscription *subscription);

/* Notifies members that have finished, and answers the calls whose members have all finished. */
void bus_drain_settle (BusCore *core);
