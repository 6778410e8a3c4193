/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The call control.bus.clear: the agent or a tool clears the retained messages whose topics a pattern matches.
 *
 * Subscribers are not notified, and a client that publishes its values again after a restart of the broker brings them back.
 */

void bus_clear_answer (const BusCall *call);
