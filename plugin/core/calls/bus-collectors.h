/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The methods List and Drain of control.bus.collectors. (bus-barrier has the method Barrier.)
 *
 * List returns the records of registered collectors in pages, in the order of their ids. The agent and tools see all of them, a
 * collector sees itself. Drain lets a collector take no more tasks; it is for the agent and tools.
 */

void bus_collectors_list (const BusCall *call);
void bus_collectors_drain (const BusCall *call);
