/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-answer.h"
#include "session/deye-bus-session-credit.h"
#include "session/deye-bus-session-plain.h"
#include "session/deye-bus-session-receive.h"
#include "session/deye-bus-session-send.h"
#include "session/deye-bus-session-state.h"

/*
 * One connection, sans-I/O: bytes in, events out; calls in, bytes out.
 *
 * A session has no socket, clock, context or callback. Its user supplies the time and the received bytes. The session
 * appends events to the client's ring and bytes to its out-buffer. So a GSource can drive it in asynchronous use, and a
 * plain poll during a synchronous call, with the same code.
 *
 *   bytes -> frame -> envelope -> handler of the kind -> event
 *   call  -> credit? -> out-buffer, else it waits in the queue of its credit class
 *
 * Its files, from the lowest: window, outbuf, events; channel and its table; route, stream; call, option-fields, kept-frame; losses, stash;
 * pending and its table; send-queue; then session-answer, -unsent, -state, -credit, -flush, -plain, -send, -standing, -resend, -restore, -handshake,
 * -deliver, -receive, and this one. A file includes only files before it.
 *
 * Invariant: a call is in the table of pending calls until it is done; it is done exactly once, at the latest when its
 * deadline comes or the connection ends.
 */

/* Sends HELLO. @events: the client's, outlive the session. @hello_pending: done with WELCOME or the refusal. */
DeyeBusSession *deye_bus_session_new (const DeyeBusHello *hello, DeyeBusEvents *events, DeyeBusPending *hello_pending);
/* There is no connection yet: calls that can wait for one wait for reopen(). */
DeyeBusSession *deye_bus_session_new_kept (DeyeBusEvents *events);
/* Begins the next connection of a kept session with HELLO: its channels are subscribed again by restore(). */
void deye_bus_session_reopen (DeyeBusSession *session, const DeyeBusHello *hello, DeyeBusPending *hello_pending);
/* Ends it first, when it has not. */
void deye_bus_session_free (DeyeBusSession *session);

/* The user's own wish to close, in two steps. The first ends the subscriptions, and the requests that still wait for
 * credit. Messages that wait for credit can still be sent until the second step, which is due at once if there are none:
 * GOODBYE is the last frame, and pending calls end with CLOSED. The second step may be called without the first. */
void deye_bus_session_begin_close (DeyeBusSession *session);
void deye_bus_session_close (DeyeBusSession *session);

/* When tick() has to be called next, for deadlines and for credit that is to be returned; G_MAXINT64: never. An early call
 * does no harm. */
gint64 deye_bus_session_next_us (const DeyeBusSession *session);
void deye_bus_session_tick (DeyeBusSession *session, gint64 now_us);

/* Frees what an event of a session owns: the DeyeBusEventFunc for the events that are handed to new(). */
void deye_bus_session_clear_event (DeyeBusEvent *event);
/* The same for a MESSAGE. The session keeps the message's block for another one if nobody else has a reference. */
void deye_bus_session_clear_message (DeyeBusSession *session, DeyeBusEvent *event);
