/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * The policy block: for how long a subscription may withhold its publishers' credit.
 *
 * The clock runs while the subscription holds any ticket (bus-withheld). When its client returns nothing for
 * longest_block_us, or a message is held for BUS_BLOCK_PATIENCE times that, the block ends: messages that wait with a
 * ticket are dropped with a gap (unless another member of a group takes them first, see bus-reroute, or they are kept, see
 * bus-unsettled), every ticket is given up, and the subscription is demoted: it drops its oldest messages until it has drained. So no circle of blocked
 * peers lasts, and a receiver that is slow but alive may hold its publishers back longer than one that stands still.
 * Publishers are informed by bus-demote, which sends to peers; this module only counts what each of them lost.
 *
 * Publishers' windows bound what the subscription accepts, so the bounds of its queue do not (bus-admit).
 */

#define BUS_BLOCK_PATIENCE 12

/* The block timer expired. FALSE: the block may continue, and the timer is armed again. TRUE: the subscription is demoted
 * now. Messages that another member of its group takes are handed on next; then the caller calls bus_block_drop(). */
gboolean bus_block_expire (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* The subscription was demoted: drops what still waits with a ticket, and gives up every ticket. @publishers: (element-type
 * BusLedger): receives each ledger whose block_lost counts messages lost by this; the caller sets it to 0. */
void bus_block_drop (BusFlow *flow, BusSubscription *subscription, GPtrArray *publishers, gint64 now_us);

/* TRUE if a message with this ticket may be handed on with it: at least one longest block is left of its patience, so
 * that it cannot demote a member that has had no time for it. Otherwise it is handed on without its ticket. */
gboolean bus_block_may_go_on (const BusFlow *flow, const BusTicket *ticket, gint64 now_us);

/* Gives up every ticket: the subscription ends, or gets another policy. */
void bus_block_end (BusFlow *flow, BusSubscription *subscription);

/* Ends the demotion, if there is one, and reports it: watchers of system.slow were informed of its beginning. */
void bus_block_restore (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Ends the demotion of a subscription that has drained: nothing waits for it, no retained message is ahead, and its client has
 * returned credit since, if it holds anything. */
void bus_block_check_drained (BusFlow *flow, BusSubscription *subscription, gint64 now_us);
