/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-credit.h"
#include "queue/bus-flow.h"

/*
 * The policy block: what a subscription holds back from publishers, and for how long at the most.
 *
 * A message that it took in holds a ticket until its client has returned the credit for it: first in the FIFO, then, sent,
 * among the holds. The clock runs while it holds any. When the client returns nothing for longest_block_us, or a message
 * is held for BUS_BLOCK_PATIENCE times that, the block is over: what waits is lost (told by GAP, and to its publishers),
 * every ticket is given up, and the subscription drops the oldest until it has drained. So no circle of blocked peers
 * lasts, and a receiver that is slow but alive may hold its publishers back longer than one that stands still.
 *
 * What it takes in its publishers' windows bound, so the bounds of its queue do not (bus-admit).
 *
 * Invariant: tickets > 0 exactly when the timer is armed.
 */

#define BUS_BLOCK_PATIENCE 12

/* A ticket of a message that was sent and is not acknowledged yet. In sending order, which is the order of acknowledgement. */
struct BusHold
{
  BusHold *next;
  BusTicket *ticket;
  guint64 index; /* of the delivery: the client has acknowledged it when it returned so many */
  gint64 since_us;
};

/* One ticket more is held: call it whenever one was put into the FIFO. */
void bus_block_took (BusFlow *flow, BusSubscription *subscription, gint64 now_us);
/* A ticket that was held is given up. (transfer full) */
void bus_block_release (BusSubscription *subscription, BusTicket *ticket);
/* It leaves the subscription's hands without being given up (it goes on to another one's). */
void bus_block_hand_on (BusSubscription *subscription);

/* The message, delivered last, was sent: its ticket is held until it is returned. (transfer full) */
void bus_block_sent (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket, gint64 now_us);
/* Its client returned credit. */
void bus_block_returned (BusFlow *flow, BusSubscription *subscription, gint64 now_us);
/* It holds nothing back any more: it goes, or has another policy. */
void bus_block_end (BusFlow *flow, BusSubscription *subscription);

/* A demoted one may be as before again when it has drained. */
void bus_block_look (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* The timer. */
void bus_block_due (BusSubscription *subscription, gint64 now_us);
