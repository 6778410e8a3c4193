/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-admit.h"
#include "queue/bus-run.h"

/*
 * Admission of a run: the part of it that a subscription surely gets at once.
 *
 * Windows, lane and gaps are compared once, and the messages are encoded one behind the other. This module refuses nothing,
 * drops nothing and lets nothing wait: the caller offers every message that is left by bus_admit(), which finds out why.
 *
 * Invariant: messages are taken from the front, so the order of a subscription stays that of the run.
 */

/* Delivers up to @n messages from @from on; returns how many. @is_shared: others get the run as well, so what is encoded for one is
 * copied for the next one */
guint bus_admit_run (BusFlow *flow,
                     BusRun *run,
                     guint from,
                     guint n,
                     BusSubscription *subscription,
                     gboolean is_shared,
                     gint64 now_us);

/* The credit of what was delivered by the last call is withheld by @ticket (transfer none). */
void bus_admit_run_withhold (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket, gint64 now_us);
