/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method control.bus.health List: the health of the connected peers that the broker watches, in the order of their ids, in
 * pages. Agent and tool see all of them, a collector sees itself. Tools are not watched.
 */
void bus_health_calls_list (const BusCall *call);
