/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The methods control.bus.subscribe, adjust and unsubscribe: this module checks the requests of a client for its subscriptions;
 * route/bus-router, queue/bus-trim and route/bus-reroute carry them out.
 *
 * Invariant: when the answer is sent, the subscription is in the table of its owner and in the index (one that serves: in the
 * servers of its topic), or in neither of them.
 */
void bus_subscribe_answer (const BusCall *call);
void bus_subscribe_adjust (const BusCall *call);
void bus_subscribe_end (const BusCall *call);
