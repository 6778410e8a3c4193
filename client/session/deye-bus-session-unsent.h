/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-outbuf.h"
#include "session/deye-bus-session-types.h"
#include "session/deye-bus-stash.h"

/*
 * Messages that were accepted from the program and not written when a connection ends.
 *
 * If another connection follows, publishes that nobody waits for go to the stash, and calls that can wait keep their frame.
 * Only frames of which no byte was written are kept. The rest is dropped: replies, whose requests end with the connection, and a
 * frame that was written in part. Nobody knows about publishes that were written and that no answer of the broker proves: they
 * are counted as uncertain.
 *
 * Invariant: a frame is written or kept, never both.
 */

/* The stash for publishes when the connection ends. Borrowed; (nullable): they are dropped. */
void deye_bus_session_set_stash (DeyeBusSession *session, DeyeBusStash *stash);

/* Messages that were accepted from the program and not written completely: those in the out-buffer, those that wait for
 * credit, and those that were dropped when the session ended. Those in the stash are not counted. */
DeyeBusOutCount deye_bus_session_count_unsent (const DeyeBusSession *session);

/* The socket takes no more bytes: clears the out-buffer. Its messages are kept, or stay counted as unsent. */
void deye_bus_session_drop_out (DeyeBusSession *session);
/* The session ends: keeps what the next connection can send (if one follows), and drops the rest. */
void deye_bus_session_end_out (DeyeBusSession *session);

/* Publishes that nobody waits for, of which it is not known whether the broker handled them: since the session ended, when
 * another connection follows. */
guint64 deye_bus_session_n_uncertain (const DeyeBusSession *session);
