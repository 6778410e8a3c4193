/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method List of control.bus.health: pages of the health of connected peers, in the order of their ids. The agent and tools
 * see all of them, a collector sees itself. The broker does not watch the health of tools, so they are not listed.
 */
void bus_health_calls_list (const BusCall *call);
