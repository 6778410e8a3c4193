/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * One frame of a ready peer: envelope -> authorize -> route, by a table of kinds.
 *
 * Rights to publish and to request are checked here, and publish credit is taken here; rights to subscribe and serve
 * are checked by bus-subscribe. Malformed bytes get one ERROR with the offset, and the connection is closed; a frame
 * that is well-formed but not understood gets an ERROR, and the connection stays open, up to a number of strikes.
 */
void bus_dispatch_frame (BusPeer *peer, WireFrame *frame, gint64 now_us);
