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
 * A session has no socket, clock, context or callback. Its user supplies the time and the received bytes. The session appends
 * events to the client's ring and bytes to its out-buffer. So the same code serves asynchronous use, driven by a GSource, and
 * synchronous calls, driven by poll().
 *
 *   bytes -> frame -> envelope -> handler of the kind -> event
 *   call  -> credit? -> out-buffer, else it waits in the queue of its credit class
 *
 * Its files, from the lowest: window, outbuf, events, route, call, losses; channel and its table, stream, kept-frame,
 * option-fields; retained, stash, pending and its table; restore, send-queue, session-ahead; session-data; then session-answer,
 * -catchup, -credit, -plain, -unsent, -state, -deliver, -flush, -terms, -send, -republish, -resend, -standing, -restore,
 * -handshake, -receive, and this one. A file includes only files before it. The files connection, reconnect and steps of this
 * folder belong to the client, and no session uses them.
 *
 * Invariant: a call is in the table of pending calls until it is done. It is done exactly once: at the latest when its deadline
 * passes, or when the connection ends and the call cannot wait for another one.
 */

/* Begins a connection with HELLO. @events: the client's, which outlive the session. @hello_pending: ends with WELCOME or with the
 * refusal. */
DeyeBusSession *deye_bus_session_new (const DeyeBusHello *hello, DeyeBusEvents *events, DeyeBusPending *hello_pending);
/* A session without a connection: calls that can wait for the next connection wait for reopen(). */
DeyeBusSession *deye_bus_session_new_kept (DeyeBusEvents *events);
/* Begins the next connection of a kept session with HELLO: its channels are subscribed again by restore(). */
void deye_bus_session_reopen (DeyeBusSession *session, const DeyeBusHello *hello, DeyeBusPending *hello_pending);
/* Ends the session, if it has not ended, and frees it. */
void deye_bus_session_free (DeyeBusSession *session);

/* The program closes the client, in two steps. begin_close() ends the subscriptions and the requests that still wait for
 * credit; other messages that wait for credit can still be sent. close() queues GOODBYE, which is the last frame, and ends
 * pending calls with CLOSED. The caller makes the second step when no message waits, or when the time is up; it may do so
 * without the first one. */
void deye_bus_session_begin_close (DeyeBusSession *session);
void deye_bus_session_close (DeyeBusSession *session);

/* The time at which tick() has to be called next, for deadlines and for credit that has to be returned; G_MAXINT64: never. It
 * may be called earlier. */
gint64 deye_bus_session_next_us (const DeyeBusSession *session);
void deye_bus_session_tick (DeyeBusSession *session, gint64 now_us);

/* Frees what an event owns. It is the DeyeBusEventFunc of the events that new() gets. */
void deye_bus_session_clear_event (DeyeBusEvent *event);
/* The same for an event MESSAGE. If the event had the last reference to the message, the session keeps the block for a later
 * message. */
void deye_bus_session_clear_message (DeyeBusSession *session, DeyeBusEvent *event);
