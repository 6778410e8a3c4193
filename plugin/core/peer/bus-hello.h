/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * The handshake: HELLO is checked and a version is agreed on; the answer is WELCOME, or GOODBYE with the reason.
 *
 * Nothing else is accepted before it. The role of the agent cannot be requested: it comes with the connection that
 * the module itself opened.
 */

#define BUS_VERSION_OLDEST (1u << 16)
#define BUS_VERSION_NEWEST (1u << 16)

/* TRUE: the peer is ready. FALSE: it was closed with a reason. */
gboolean bus_hello_accept (BusPeer *peer, const WireFrame *frame);

/* The status for a first frame that is not HELLO, by its kind. */
WireStatus bus_hello_status_of_stranger (guint8 kind);
