/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-preread.h"
#include "peer/bus-peer.h"

/*
 * Dispatch of one frame of a ready peer: it reads the envelope, takes publish credit, and calls the handler of the frame's kind
 * from a table. The handlers check the rights to publish and to request; bus-subscribe checks those to subscribe and to serve.
 *
 * Malformed bytes get one ERROR with the offset, and the connection is closed. A frame that is well-formed but unknown to the
 * broker gets an ERROR, and the connection stays open until it has BUS_STRIKES_MAX of them.
 *
 * Invariant: a frame that can be read costs the credit that its sender counted for it, also when it is refused.
 */

/* @preread: the values of this frame if its member body is the body of @frame; otherwise the function reads the frame into it. */
void bus_dispatch_frame (BusPeer *peer, WireFrame *frame, BusPreread *preread, gint64 now_us);
