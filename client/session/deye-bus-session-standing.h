/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Standing calls: requests to the broker that survive the end of a connection, such as waiting for a peer.
 *
 * An ordinary request fails when its connection ends. A standing call asks for a state, so it can be repeated without harm: it
 * keeps its payload and is sent again on each connection, after the subscriptions are restored. A standing call that is started
 * while there is no connection waits for the next one. Its request contains no deadline: the deadline of the pending call also
 * applies while there is no connection, and CANCEL ends the request at the broker.
 *
 * Invariant: while the session is ready and not held, each standing call in the table was sent on this connection, or waits for
 * credit.
 */

/* Starts the standing call @pending. FALSE: it was not started. */
gboolean deye_bus_session_start_standing (DeyeBusSession *session, DeyeBusPending *pending, GError **error);
/* The connection is restored: sends the standing calls of the table again. */
void deye_bus_session_restart_standing (DeyeBusSession *session);
