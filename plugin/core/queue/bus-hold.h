/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Holds: the tickets of a subscription under the policy block.
 *
 * A message that such a subscription accepts holds a ticket until its client has acknowledged it: first in a slot of
 * the FIFO, then, sent but not yet acknowledged, in a *hold*. Holds stand in sending order, which is also the order
 * of acknowledgement. While the subscription has any ticket its block timer is armed; bus-block acts when it expires.
 *
 * Invariant: tickets > 0 exactly while the block timer is armed.
 */

struct BusHold
{
  BusHold *next;
  BusTicket *ticket;
  guint64 index; /* of the delivery: acknowledged when the client has returned so many messages */
};

gint64 bus_hold_longest_us (const BusFlow *flow);

/* A ticket was put into the FIFO. */
void bus_hold_took (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Gives up a ticket. (transfer full) */
void bus_hold_release (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket);

/* A ticket leaves the subscription without being given up: another subscription gets it. */
void bus_hold_hand_on (BusFlow *flow, BusSubscription *subscription);

/* The message that was delivered last was encoded: holds its ticket until it is acknowledged. (transfer full) */
void bus_hold_sent (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket);

/* The client returned credit: releases the holds of what it acknowledged. */
void bus_hold_returned (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Gives up every ticket of a message that was sent. */
void bus_hold_release_sent (BusFlow *flow, BusSubscription *subscription);
