/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method Barrier of control.bus.collectors: waits until all collectors with the given ids are READY. At the deadline of the
 * request it is answered with the ids that are missing, so that an agent can begin with the collectors that are there. Without a
 * deadline the call waits until it is answered or cancelled.
 *
 * The broker remembers the ids after the call: a question to many collectors expects their answers (work/bus-roster).
 *
 * Invariant: before the deadline the call is answered only when all of its collectors are READY at the same time. A collector that
 * was READY and is not any more counts as missing.
 */

#define BUS_BARRIER_MAX 64u /* ids of one call */

void bus_barrier_answer (const BusCall *call);

/* At the end of an input call: if the state of a member has changed, answers the calls whose collectors are all READY. */
void bus_barrier_settle (BusCore *core);
