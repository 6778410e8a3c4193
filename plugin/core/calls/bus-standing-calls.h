/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "route/bus-request.h"

/*
 * Standing tasks: the requests on control.bus.standing, for agent and tool, and the answer of a collector to Apply.
 */

void bus_standing_calls_set (const BusCall *call);
/* Also for a collector about itself. */
void bus_standing_calls_get (const BusCall *call);

/* An answer to Apply. FALSE: the responder may not answer now. @flags: of its frame */
gboolean
bus_standing_calls_take_answer (BusCore *core, BusRequest *request, const WireEnvelope *envelope, guint8 flags);
