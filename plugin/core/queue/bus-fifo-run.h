/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-fifo.h"
#include "queue/bus-waiting-run.h"

/*
 * Runs in a FIFO: one slot that stands for several messages in the state WAITING (bus-waiting-run).
 *
 * Only two modules handle a run as a whole: bus-admit-run appends it to the FIFO, and bus-flow-credit sends messages from its
 * front when credit arrives. All other code that handles single messages of a FIFO (policies, trimming, the end of a block or of
 * the subscription) unpacks the run first: each of its messages gets a slot of its own in the same place, and the sums of the FIFO
 * and of the queue do not change. So each policy has one implementation, and a message of a run that is lost has a slot, which
 * becomes a gap. If there is no memory to unpack a run, all of its messages are lost with the reason NO_MEMORY, and the slot of the
 * run becomes the gap, which needs no memory.
 *
 * The messages of a run have no time to live; of the members of BusDelivery only the kind is set, to DELIVER. A run never waits
 * for a member of a group, or for a subscription with the policy conflate. It holds at most one ticket, for all of its messages.
 *
 * Invariant: the memory of a waiting run is at most the charge of its messages.
 */

/* Appends a run. @run: (transfer full). @ticket: (transfer full) (nullable). FALSE: no memory; nothing was done, and both are still
 * the caller's. */
gboolean bus_fifo_append_run (BusFlow *flow,
                              BusSubscription *subscription,
                              BusWaitingRun *run,
                              BusTicket *ticket,
                              gint64 now_us);

/* Removes the first @n messages of a run, which were encoded. The slot is freed with the last one. */
void bus_fifo_sent_of_run (BusFlow *flow, BusSlot *slot, guint n, gint64 now_us);

/* The slot of the next message behind @after (NULL: of the oldest message), or of the next one in front of @before (NULL: of the
 * newest). If it is in a run, the run is unpacked first, and skipped if it is lost. NULL: there is none. */
BusSlot *bus_fifo_unpack_next (BusFlow *flow, const BusSubscription *subscription, BusSlot *after, gint64 now_us);
BusSlot *bus_fifo_unpack_previous (BusFlow *flow, const BusSubscription *subscription, BusSlot *before, gint64 now_us);

/* Unpacks all runs of a subscription. */
void bus_fifo_unpack_all (BusFlow *flow, BusSubscription *subscription, gint64 now_us);
