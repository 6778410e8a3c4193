/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The methods control.bus.subscribe, adjust and unsubscribe: this module checks the requests of a client for its subscriptions;
 * route/bus-router, queue/bus-trim and route/bus-reroute carry them out.
 *
 * Invariant: when the answer is sent, the subscription is both in the index and in the table of its owner, or in neither.
 */
void bus_subscribe_answer (const BusCall *call);
void bus_subscribe_adjust (const BusCall *call);
void bus_subscribe_end (const BusCall *call);
