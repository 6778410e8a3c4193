/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Entries: the messages in a lane of a peer's queue, in the order in which they will be encoded.
 *
 * An entry is one frame that is not encoded yet. It has a slot for each subscription of the peer that gets the message and has
 * credit for it, or no slots if it is for the peer itself (a reply). bus-fifo adds and removes the slots; an entry leaves its lane
 * with its last slot.
 *
 * Invariant: the bytes of a lane are the sum of the costs of its entries. A message counts in full for each of its slots, so that
 * dropping a slot always makes room, even if the entry has others.
 */

/* Appends an entry without slots. NULL: no memory. */
BusEntry *bus_lane_enter (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery);

/* Appends an entry that has no slots: it is for the peer itself. FALSE: no memory. */
gboolean bus_lane_enter_plain (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery);

/* Removes an entry without slots from its lane, and frees it. */
void bus_lane_leave (BusFlow *flow, BusEntry *entry);

/* There was no memory to encode the first entry of a lane, or to make an entry: arms the timer that tries again, if it is not
 * armed. */
void bus_lane_retry (BusFlow *flow, gint64 now_us);
