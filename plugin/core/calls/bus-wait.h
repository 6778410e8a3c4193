/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.bus.wait: which peers are there, and every change of it, in one answer.
 *
 * A client that asked for the state first and subscribed to system.peer.* afterwards, or the other way round, would have to
 * merge the two. Here the asker gets the state and then the changes, each with the accept sequence up to which it holds:
 * an event about a peer with a smaller or the same sequence is contained. A peer is in the state until the change about its end
 * is sent, also while it is being disconnected. Agent and tool may watch all peers; every peer may wait for one id, or watch it.
 *
 * An asker that does not read its answers is not disconnected for them. Changes are left out while its control lane is half
 * full, or without memory for a reply, and when there is room again it gets the whole state once more. So an asker costs
 * the broker a bounded amount.
 *
 * Invariant: what an asker was sent since the last reply with `restart`, applied in order, is the state of the peers up to its
 * cursor; unless it is behind, the cursor is past all of them.
 */

void bus_wait_answer (const BusCall *call);

/* A peer is ready, or an id has no connection any more. Call them after the event has been published. */
void bus_wait_connected (BusPeer *peer);
void bus_wait_gone (BusPeer *peer);

/* An asker that is behind may have room again. @owner: of the timer. */
void bus_wait_due (gpointer owner);
