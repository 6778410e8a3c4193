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
 * Invariant: tickets > 0 exactly while the block timer is armed.
 */

gint64 bus_withheld_longest_us (const BusFlow *flow);

/* The subscription took a ticket, for a message that waits or is sent at once. */
void bus_withheld_note_ticket (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Counts one more ticket: a message that leaves a run gets a reference of its own to the ticket of the run. */
void bus_withheld_share (BusSubscription *subscription);

/* Releases a ticket. @ticket: (transfer full) */
void bus_withheld_release (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket);

/* Stops counting a ticket. The caller releases it, or another subscription gets it with its message. */
void bus_withheld_hand_on (BusFlow *flow, BusSubscription *subscription);
