/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "base/bus-types.h"

/*
 * The timers of the core: a table from each kind of timer to the function that handles it.
 *
 * A timer that is due is not in the set of deadlines any more when its handler runs; the handler may arm it again.
 *
 * Invariant: every kind of timer has a row in the table.
 */
void bus_due_handle (BusCore *core, BusTimer *timer, gint64 now_us);
