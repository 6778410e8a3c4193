/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Withheld credit: the tickets that a subscription under the policy block holds, and the timer that bounds them.
 *
 * A message that such a subscription accepts holds a reference to its ticket until the client has settled the message: first in a
 * slot of the FIFO (bus-fifo), then, while it is sent and not settled, in a record (bus-unsettled). This module counts both. It
 * does not decide what happens when the block timer expires; bus-block does.
 *
 * The first ticket arms the timer, and releasing the last one leaves it armed, because most subscriptions hold a ticket only for
 * the short time until their client has settled the message. A timer that expires without a ticket has no effect.
 *
 * Invariant: while tickets > 0, the timer is armed, and it is due at most longest_block_us after the last progress.
 */

gint64 bus_withheld_longest_us (const BusFlow *flow);

/* The subscription took a ticket, for a message that waits or is sent at once. */
void bus_withheld_note_ticket (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Counts one more ticket: a message that leaves a run gets a reference of its own to the ticket of the run. */
void bus_withheld_share (BusSubscription *subscription);

/* Releases a ticket. @ticket: (transfer full) */
void bus_withheld_release (BusSubscription *subscription, BusTicket *ticket);

/* Stops counting a ticket. The caller releases it, or another subscription gets it with its message. */
void bus_withheld_hand_on (BusSubscription *subscription);

/* Disarms the timer. The subscription must hold no ticket. */
void bus_withheld_end (BusFlow *flow, BusSubscription *subscription);
