/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/* The method timeline: the outcomes of the messages of one root, in pages. Agent and tool may ask. */
void bus_timeline_page_answer (const BusCall *call);
