/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-outbuf.h"
#include "session/deye-bus-session-types.h"
#include "session/deye-bus-stash.h"

/*
 * Messages that the program has sent and that are not written when the connection ends.
 *
 * If another connection follows, publishes without a pending call enter the stash, and calls that can wait for the next
 * connection keep their frame. Only frames of which no byte was written are kept. Two kinds of frames are dropped: replies,
 * because their requests end with the connection, and a frame that was written in part. The library's own frames (@own of a
 * DeyeBusCall) are no messages: they are not kept, and not counted, neither as unsent nor as uncertain. A publish that was written
 * may or may not have arrived if no later answer of the broker proves that it handled the publish: such publishes are counted as
 * uncertain.
 *
 * Invariant: a frame is written or kept, never both.
 */

/* Sets the stash that gets unsent publishes when the connection ends. @stash: borrowed; NULL: they are dropped. */
void deye_bus_session_set_stash (DeyeBusSession *session, DeyeBusStash *stash);

/* The number of messages that the program has sent and that are not written completely: those in the out-buffer, those that
 * wait for credit, and those that were dropped when the session ended, but not those in the stash. */
DeyeBusOutCount deye_bus_session_count_unsent (const DeyeBusSession *session);

/* The socket takes no more bytes: clears the out-buffer. Its messages are kept, or counted as unsent. */
void deye_bus_session_drop_out (DeyeBusSession *session);
/* The session ends: keeps the messages that the next connection can send, if one follows, and drops the others. */
void deye_bus_session_end_out (DeyeBusSession *session);

/* The number of publishes without a pending call that the broker may or may not have handled. It is set when the session ends and
 * another connection follows. */
guint64 deye_bus_session_n_uncertain (const DeyeBusSession *session);
