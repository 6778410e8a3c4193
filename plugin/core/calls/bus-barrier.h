/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method Barrier of control.bus.collectors: answered when all expected collectors are READY, or at the deadline of the
 * request, and then with those that are missing. So an agent begins monitoring once, with what is there.
 *
 * The ids stay known to the broker: a question to many expects their answers (bus-roster).
 *
 * A collector that was READY and is not any more counts as missing again. Without a deadline the call waits until it is
 * answered or cancelled.
 */

#define BUS_BARRIER_MAX 64u /* ids of one call */

void bus_barrier_answer (const BusCall *call);

/* Answers the barriers that are met, if the state of a member has changed; the end of an input call. */
void bus_barrier_settle (BusCore *core);
