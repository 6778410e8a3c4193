/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-admit.h"
#include "queue/bus-run.h"

/*
 * Admission of a run (bus-run) for one subscription: encodes the messages that its window allows now, and queues the others as
 * waiting runs (bus-fifo-run) if they have to wait for credit and no bound of the queue is near.
 *
 * Window, lane, gaps and bounds are checked once for all of these messages. This module refuses nothing and drops nothing: the
 * caller passes each remaining message to bus_admit(), which implements all rules.
 *
 * Invariant: messages are taken from the front, so the order of a subscription stays that of the run.
 */

/* Delivers up to @n messages, beginning with number @from; returns how many it delivered. @is_shared: several subscriptions get
 * the run, so it is encoded once and copied for each of them */
guint bus_admit_run (BusFlow *flow,
                     BusRun *run,
                     guint from,
                     guint n,
                     BusSubscription *subscription,
                     gboolean is_shared,
                     gint64 now_us);

/* Queues the messages from @from on as waiting runs, and returns their number: 0 if they may not wait together, or fewer than all
 * if memory is missing. @ticket: (transfer none): of the run; each waiting run gets a reference to it if the subscription
 * withholds the credit of the publisher */
guint bus_admit_run_wait (BusFlow *flow,
                          const BusRun *run,
                          guint from,
                          BusSubscription *subscription,
                          BusTicket *ticket,
                          gint64 now_us);
