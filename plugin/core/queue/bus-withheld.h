/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Withheld credit: the tickets that a subscription under the policy block holds, and the timer that bounds them.
 *
 * A message that such a subscription accepts holds a ticket until its client has settled it: first in a slot of the FIFO
 * (bus-fifo), then, sent but not settled, in a record (bus-unsettled). This module counts them together. The outcome when
 * the timer expires is decided by bus-block.
 *
 * Invariant: tickets > 0 exactly while the block timer is armed.
 */

gint64 bus_withheld_longest_us (const BusFlow *flow);

/* A ticket was put into the FIFO. */
void bus_withheld_took (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Gives up a ticket. (transfer full) */
void bus_withheld_release (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket);

/* A ticket leaves the subscription without being given up: another subscription gets it. */
void bus_withheld_hand_on (BusFlow *flow, BusSubscription *subscription);
