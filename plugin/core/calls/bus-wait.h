/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method control.bus.wait: reports the peers that are connected, and then every change, as the answers to one call.
 *
 * A client that asks for the state first and subscribes to system.peer.* afterwards, or the other way round, would have to merge
 * the two. Here the asker gets the state and then the changes. Each reply has an accept sequence: events about peers up to that
 * sequence are already contained. A peer is part of the state until the change about its end is sent, also while it is being
 * disconnected. The agent and tools may watch all peers; every peer may wait for one id, or watch one id.
 *
 * An asker that does not read its answers is not disconnected for that. While its control lane is half full, or there is no memory
 * for a reply, changes are left out; when there is room again, it gets the whole state anew. So an asker costs the broker a
 * bounded amount of memory.
 *
 * Invariant: the replies since the last one with `restart`, applied in order, are the state of the peers up to the cursor of the
 * asker; unless the asker is behind, the cursor is past all peers.
 */

void bus_wait_answer (const BusCall *call);

/* A peer is ready, or an id has no connection any more. Call these functions after the event about it was published. */
void bus_wait_connected (BusPeer *peer);
void bus_wait_gone (BusPeer *peer);

/* The timer of an asker that is behind: checks whether it has room again. @owner: of the timer */
void bus_wait_due (gpointer owner);
