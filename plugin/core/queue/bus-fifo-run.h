/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-fifo.h"
#include "queue/bus-waiting-run.h"

/*
 * Runs that wait: a slot of a FIFO that stands for several messages in the state WAITING.
 *
 * Only the end of the FIFO and its front handle a run as a whole: bus-admit-run appends it, and bus-flow sends messages of it when
 * credit arrives. Everything else that handles messages of a FIFO - policies, trimming, the end of a block or of the subscription -
 * unpacks the run first: each of its messages becomes a slot of its own, at its place, and counts for the same sums as before. So
 * each policy exists once, and no message of a run is lost without a slot.
 *
 * A run has no time to live, no member delivery but its kind, and no route. It never waits for a member of a group, or under the
 * policy conflate. It holds at most one ticket, for all of its messages.
 *
 * Invariant: the memory of a waiting run is at most what its messages are charged.
 */

/* Appends a run. @run: (transfer full). @ticket: (transfer full) (nullable) */
void bus_fifo_append_run (BusFlow *flow,
                          BusSubscription *subscription,
                          BusWaitingRun *run,
                          BusTicket *ticket,
                          gint64 now_us);

/* Removes the first @n messages of a run, which were encoded. The slot is freed with the last one. */
void bus_fifo_sent_of_run (BusFlow *flow, BusSlot *slot, guint n);

/* Unpacks all runs of a subscription. */
void bus_fifo_unpack_all (BusFlow *flow, BusSubscription *subscription);

/* Unpacks a slot if it stands for a run. Returns the slot of its first message; @slot is then that of the last one. NULL: @slot is
 * NULL */
BusSlot *bus_fifo_unpack_slot (BusFlow *flow, BusSlot *slot);

/* bus_fifo_oldest(), unpacked. */
BusSlot *bus_fifo_unpack_oldest (BusFlow *flow, const BusSubscription *subscription);
