/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-dispatch-call.h"
#include "route/bus-routes.h"

/*
 * Collecting a run (bus-run): plain messages of one read that follow each other on one topic.
 *
 * The first message passes every check. Those that join need none of them again: nothing that the checks depend on can
 * change before the run ends. A run ends before any other frame is handled, of whatever kind, topic or wishes; when it is full;
 * and at the end of the input. Only messages of the data lane are collected. Those of the control lane are few, and some of
 * them are read by the broker itself.
 *
 * A message takes its credit when it arrives, so a publisher that exceeds its credit is noticed at the same frame as without runs.
 */

/* The bytes that the core is about to read frames from. */
void dispatch_run_set_input (BusCore *core, WireSpan input);

/* The first message of a run, whose checks it has passed. FALSE: it is not collected. */
gboolean dispatch_begin_run (DispatchCall *call, BusMatch *match);

/* Takes the credit of a message that was read, and adds it. FALSE: it does not belong to the run; the run has to end first. */
gboolean dispatch_join_run (const DispatchCall *call);

/* Routes what was collected, and returns its credit as far as no receiver withholds it. */
void dispatch_end_run_now (BusPeer *peer);

static inline void
dispatch_end_run (BusPeer *peer)
{
  if (peer->core->routes->run->n > 0)
    dispatch_end_run_now (peer);
}
