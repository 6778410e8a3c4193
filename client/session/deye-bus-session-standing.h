/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Standing calls: requests to the broker that survive the end of a connection, such as waiting for a peer.
 *
 * An ordinary request whose connection ends has failed. A standing one asks for a state, and asking again does no harm, so it
 * keeps its payload and is sent again on each connection, after everything else is restored. A standing call that is started
 * while there is no connection waits for the next one. It carries no deadline to the broker: that of the pending call counts
 * while there is no connection as well, and CANCEL ends the call at the broker.
 *
 * Invariant: while the session is ready and not held, each standing call of the table was sent on this connection, or waits
 * for credit.
 */

/* Starts @pending, whose standing request is set. FALSE: it was not started. */
gboolean deye_bus_session_stand (DeyeBusSession *session, DeyeBusPending *pending, GError **error);
/* The connection is restored: sends the standing calls that wait for it. */
void deye_bus_session_stand_again (DeyeBusSession *session);
