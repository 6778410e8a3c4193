/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "wire-span.h"

/*
 * Last messages: what a client leaves with the broker, to be published when its connection ends without GOODBYE.
 *
 * The call control.bus.will checks the message as a publish is checked, encodes it as the body of a PUBLISH and keeps it in the
 * peer, charged to it. A later call replaces it, one with an empty topic removes it. It is published in the name of the peer,
 * with its incarnation, right before the event system.peer.gone: so not after GOODBYE, not while the broker ends, and not when
 * another connection has taken over the id. The right to publish is checked again at that moment. A message that asks to be
 * retained and finds no room in the store is delivered all the same, and counted.
 *
 * Invariant: a peer has at most one, which is published at most once.
 */

#define BUS_WILL_PAYLOAD_MAX 4096u

void bus_will_answer (const BusCall *call);

/* The connection of @peer has ended, and nobody has its id: publishes its last message, if there is one and the end was not
 * announced. */
void bus_will_publish (BusPeer *peer, gint64 now_us);

/* Discards the last message of @peer. */
void bus_will_forget (BusPeer *peer);

/* The topic of the last message of @peer; empty: it left none. */
WireSpan bus_will_topic (const BusPeer *peer);
