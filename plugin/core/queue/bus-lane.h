/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Entries: messages in a lane of a peer's queue, in the order in which they are encoded.
 *
 * An entry is one frame that is not encoded yet. It holds a slot for each subscription of the peer that has credit
 * for it, or none when it is for the peer itself (a reply). bus-fifo hangs slots in and takes them out; an entry
 * whose last slot is taken out leaves its lane.
 *
 * Invariant: the bytes of a lane are what its entries cost; each slot counts its message in full, so that taking one
 * out always makes room.
 */

/* Appends an entry without slots. */
BusEntry *bus_lane_enter (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery);

/* Appends an entry that has no slots: it is for the peer itself. */
void bus_lane_enter_plain (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery);

/* Takes an entry without slots out and frees it. */
void bus_lane_leave (BusFlow *flow, BusEntry *entry);
