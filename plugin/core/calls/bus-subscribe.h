/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.bus.subscribe, adjust and unsubscribe: what a client asks of its subscriptions is checked here, then made, changed
 * or ended by bus-router and bus-admit.
 *
 * Invariant: after the answer the subscription is filed in both indexes, or in none.
 */
void bus_subscribe_answer (const BusCall *call);
void bus_subscribe_adjust (const BusCall *call);
void bus_subscribe_end (const BusCall *call);
