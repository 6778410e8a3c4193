/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-types.h"

/*
 * Bytes in: one handler for each kind of frame, in a table.
 *
 *   bytes -> frame -> envelope -> handler of the kind -> event
 *
 * The broker is trusted with decisions, not with memory safety: a frame that makes no sense ends the connection, an
 * unknown or late one is skipped.
 */

void deye_bus_session_received (DeyeBusSession *session, const guint8 *bytes, gsize len, gint64 now_us);
/* The place to which a large frame that has begun may be read directly (0: none), and the number of bytes that were read there. */
gsize deye_bus_session_place (DeyeBusSession *session, guint8 **where);
void deye_bus_session_placed (DeyeBusSession *session, gsize n, gint64 now_us);
