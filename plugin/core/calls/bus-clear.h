/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method control.bus.clear: the agent or a tool clears the retained messages whose topics match a pattern.
 *
 * Subscribers are not notified. A value that is cleared is stored again when its publisher publishes it again.
 */

void bus_clear_answer (const BusCall *call);
