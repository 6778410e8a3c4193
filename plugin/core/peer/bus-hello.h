/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * The handshake: HELLO is checked, a version is agreed on, WELCOME is answered, or GOODBYE says why not.
 *
 * Nothing else is accepted before it. The agent's role can't be asked for: it comes with the connection that the module
 * itself opened.
 */

#define BUS_VERSION_OLDEST (1u << 16)
#define BUS_VERSION_NEWEST (1u << 16)

/* TRUE: the peer is ready. FALSE: it was closed with a reason. */
gboolean bus_hello_accept (BusPeer *peer, const WireFrame *frame);

/* Status for a first frame that is no HELLO, by its kind. */
WireStatus bus_hello_status_of_stranger (guint8 kind);
