/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * The end of a block: limits the time for which a subscription under the policy block may withhold its publishers' credit.
 *
 * The block timer begins with the first ticket of the subscription (bus-withheld). The block ends when the client returns no credit
 * for longest_block_us, or when one message is held for BUS_BLOCK_PATIENCE times that. So peers that block each other in a circle
 * do not do so forever, and a client that is slow but alive may hold its publishers back for longer than one that hangs.
 *
 * At the end of a block the subscription is demoted: its policy is drop-oldest until its queue has drained. Messages that wait
 * with a ticket are dropped with a gap, unless another member of the group takes them first (bus-reroute) or they are delivered
 * at least once (bus-unsettled). Then all tickets are given up. bus-demote notifies the publishers; this module only counts the
 * messages that each of them lost.
 *
 * While it blocks, the windows of its publishers bound the queue of the subscription; its own bounds do not apply (bus-room).
 *
 * Invariant: after bus_block_drop() or bus_block_end() the subscription holds no ticket.
 */

#define BUS_BLOCK_PATIENCE 12

/* The block timer expired. FALSE: the block may continue, and the timer is armed again; or the subscription holds no ticket.
 * TRUE: the subscription is demoted now. The caller hands messages on to other members of the group, and then calls
 * bus_block_drop(). */
gboolean bus_block_expire (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* The subscription was demoted: drops the messages that still wait with a ticket, and gives up every ticket. @publishers:
 * (element-type BusLedger): receives the ledgers of their publishers; block_lost of each is the number of its messages that were
 * dropped, which the caller sets to 0 again. */
void bus_block_drop (BusFlow *flow, BusSubscription *subscription, GPtrArray *publishers, gint64 now_us);

/* TRUE if a message may be handed on together with this ticket: at least longest_block_us is left of the time for which it may
 * be held, so the new member has time to handle it before it can be demoted. Otherwise it is handed on without its ticket. */
gboolean bus_block_may_hand_on (const BusFlow *flow, const BusTicket *ticket, gint64 now_us);

/* Gives up every ticket: the subscription ends, or gets another policy. */
void bus_block_end (BusFlow *flow, BusSubscription *subscription);

/* Ends the demotion, if there is one, and reports it in system.slow, which has also reported its beginning. */
void bus_block_restore (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Ends the demotion if the subscription has drained: no message waits for it, no retained message is ahead, its client holds at
 * most half of the window, and if it holds a message, it has returned credit since the demotion. */
void bus_block_check_drained (BusFlow *flow, BusSubscription *subscription, gint64 now_us);
