/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "base/bus-types.h"

/*
 * The timers of the core: a table that has for each kind of timer the module that handles it.
 *
 * A timer that is due has left the set of deadlines; its handler may start it again. Invariant: every kind has a row.
 */
void bus_due_handle (BusCore *core, BusTimer *timer, gint64 now_us);
