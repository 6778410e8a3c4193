/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.bus.collectors: the registered collectors, and their drain. (Barrier is in bus-barrier.)
 *
 * List returns pages of records, in the order of the ids; agent and tool see all, a collector sees itself. Drain is for agent
 * and tool.
 */

void bus_collectors_list (const BusCall *call);
void bus_collectors_drain (const BusCall *call);
