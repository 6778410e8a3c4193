/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.bus.subscribe, adjust and unsubscribe: what a client requests for its subscriptions is checked here and
 * carried out by bus-router and bus-admit.
 *
 * Invariant: after the answer the subscription is filed in both indexes, or in neither.
 */
void bus_subscribe_answer (const BusCall *call);
void bus_subscribe_adjust (const BusCall *call);
void bus_subscribe_end (const BusCall *call);
