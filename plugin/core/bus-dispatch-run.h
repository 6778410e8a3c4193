/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-dispatch-call.h"
#include "route/bus-routes.h"

/*
 * Collecting a run (queue/bus-run): plain messages of one read that follow each other on one topic.
 *
 * The first message of a run passes every check. The messages that join it need none of these checks again, because nothing that
 * the checks depend on can change before the run ends. A run ends before any other frame of its publisher is handled (another
 * kind, another topic, or a message that is not plain), when it is full, and at the end of the input. Only messages of the data
 * lane are collected: those of the control lane are few, and the broker itself reads some of them.
 *
 * Each message takes its credit when it arrives, so a publisher that exceeds its credit is noticed at the same frame as without
 * runs.
 *
 * Invariant: a run is routed before its publisher's next frame that does not belong to it is handled.
 */

/* @input: the bytes from which the core reads frames next */
void dispatch_run_set_input (BusCore *core, WireSpan input);

/* Begins a run with a message that has passed its checks. FALSE: the message is not collected, and has to be routed alone. */
gboolean dispatch_begin_run (DispatchCall *call, BusMatch *match);

/* Adds a message to the run and takes its credit. FALSE: it does not belong to the run, which has to end before it is handled. */
gboolean dispatch_join_run (const DispatchCall *call);

/* Routes the collected messages, and returns the credit of those that no receiver withholds. */
void dispatch_end_run_now (BusPeer *peer);

static inline void
dispatch_end_run (BusPeer *peer)
{
  if (peer->core->routes->run->n > 0)
    dispatch_end_run_now (peer);
}
