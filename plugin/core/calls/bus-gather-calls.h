/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method Gather of control.bus.gather, for the agent and tools: checks a question to many collectors, hands it to
 * work/bus-gather, and ends the call when the manifest, the summary of all answers, was sent.
 *
 * The asker has to state which answers it requires: a question without a requirement is refused. The question ends at the earlier
 * one of its own deadline and the deadline of the request, so that the manifest with the answers until then can still be sent. If
 * the call ends by CANCEL or with its connection, the question ends, too.
 */

void bus_gather_calls_answer (const BusCall *call);

/* At the end of an input call: ends the calls whose manifest was sent. */
void bus_gather_calls_settle (BusCore *core);
