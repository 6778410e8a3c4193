/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "route/bus-request.h"

/*
 * Standing tasks, which a collector executes until further notice (work/bus-standing): the methods Set and Get of
 * control.bus.standing, and the answer of a collector to the request Apply of the broker. Set is for the agent and tools.
 */

void bus_standing_calls_set (const BusCall *call);
/* A collector may ask about itself only. */
void bus_standing_calls_get (const BusCall *call);

/* Takes an answer to Apply. FALSE: the responder may not answer now. @flags: of its frame */
gboolean
bus_standing_calls_take_answer (BusCore *core, BusRequest *request, const WireEnvelope *envelope, guint8 flags);
