/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-types.h"

/*
 * Bytes in: one handler for each kind of frame, in a table.
 *
 *   bytes -> frame -> envelope -> handler of the kind -> event
 *
 * The broker is trusted to make decisions, but its bytes are checked like those of any peer: a malformed frame ends the
 * connection. A frame of an unknown kind is skipped, and so is a frame that arrives too late, for example the answer to a call
 * that has ended.
 *
 * Invariant: handlers call no code of the program. They append events to the ring, and frames to the out-buffer.
 */

void deye_bus_session_received (DeyeBusSession *session, const guint8 *bytes, gsize len, gint64 now_us);
/* If a large frame has begun: place() returns the room into which the rest may be read directly, without a copy (0: there is
 * none), and placed() handles the @n bytes that were read there. */
gsize deye_bus_session_place (DeyeBusSession *session, guint8 **where);
void deye_bus_session_placed (DeyeBusSession *session, gsize n, gint64 now_us);
