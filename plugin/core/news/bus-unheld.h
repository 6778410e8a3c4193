/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-hold.h"

/*
 * Reports messages that were held for a group and lost (route/bus-hold): no member took them before their time to live was over,
 * or their publisher lost the right to publish.
 *
 * The event system.drop reports them with the subscription 0, without a peer, and with the topic of the last one as the pattern,
 * at most once a second.
 *
 * Invariant: the sum of the counts in these events is the number of lost messages.
 */

/* The report timer has expired. */
void bus_unheld_due (BusCore *core, gint64 now_us);
