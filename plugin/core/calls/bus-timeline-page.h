/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/* The method control.bus.timeline: the records of the messages of one root (route/bus-timeline), in pages. For the agent and
 * tools. */
void bus_timeline_page_answer (const BusCall *call);
