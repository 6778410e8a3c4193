/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "wire-span.h"

/*
 * Last messages (wills): a message that the broker stores for a client, and publishes if the connection of the client ends without
 * GOODBYE.
 *
 * The method control.bus.will checks the message like a publish, encodes it as the body of a PUBLISH and keeps it in the peer,
 * charged to the peer. A later call replaces it; a call with an empty topic removes it. The broker publishes it with the id and
 * the incarnation of the peer as its sender, right before the event system.peer.gone. It is not published after GOODBYE, while the
 * broker ends, or when another connection has taken over the id. The right to publish is checked again at that moment. A message
 * that has to be retained, but has no room in the store, is delivered without being retained, and counted.
 *
 * Invariant: a peer has at most one last message, which is published at most once.
 */

#define BUS_WILL_PAYLOAD_MAX 4096u

void bus_will_answer (const BusCall *call);

/* The connection of @peer has ended, and no other connection has its id: publishes its last message, if it has one and sent no
 * GOODBYE. */
void bus_will_publish (BusPeer *peer, gint64 now_us);

/* Discards the last message of @peer. */
void bus_will_forget (BusPeer *peer);

/* The topic of the last message of @peer. Empty: it has none. */
WireSpan bus_will_topic (const BusPeer *peer);
