/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-admit.h"
#include "queue/bus-run.h"

/*
 * Admission of a run (bus-run): encodes the messages of it that fit into the window of a subscription now.
 *
 * Window, lane and gaps are checked once for all of these messages, which are then encoded one after the other. This module
 * refuses nothing, drops nothing and lets nothing wait: the caller passes each remaining message to bus_admit(), which has all
 * rules.
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

/* Withholds the credit of the messages that the last call delivered by @ticket (transfer none), until the client settles them. */
void bus_admit_run_withhold (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket, gint64 now_us);
