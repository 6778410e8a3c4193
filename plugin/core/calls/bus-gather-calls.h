/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method Gather of control.bus.gather, for agent and tool: checks the question, and ends the call when bus-gather has sent the
 * manifest.
 *
 * The asker has to say which answers it accepts: a question without a requirement is refused. Where the deadline of the request is
 * earlier than that of the question it counts for both, so that what has come until then is not lost. The end of the call, by CANCEL
 * or with the connection, ends the question.
 */

void bus_gather_calls_answer (const BusCall *call);

/* Ends the calls whose manifest was sent; the end of an input call. */
void bus_gather_calls_settle (BusCore *core);
