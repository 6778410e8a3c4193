/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Flushes: pending calls that end when everything that was queued before them has left the process.
 *
 * A flush waits for two things, one after the other: first until no call waits for credit that waited when the flush
 * began, in any class; then until the socket has taken all bytes that are in the out-buffer at that moment. If the
 * broker's confirmation is wanted, the flush then adds a PING behind these bytes. The broker handles the frames of a
 * connection in order, so its PONG means that it has accepted or refused every message in front of the PING, and that
 * its refusals have arrived.
 *
 * Messages that are published later may be written earlier, but a flush never waits for them once its PING is queued.
 *
 * A flush that began while the client was not ready, or that only waits until everything is written, survives the end of the
 * connection: what it waits for is sent on the next one. One that waits for the confirmation of messages that were written
 * ends with the connection.
 *
 * Invariant: a flush is in the session's list until its pending call is done.
 */

/* Begins a flush. @pending: of the kind FLUSH; if it is patient, it waits for the next connection when there is none. FALSE:
 * not connected; @pending is untouched. */
gboolean
deye_bus_session_flush (DeyeBusSession *session, gboolean want_accepted, DeyeBusPending *pending, GError **error);

/* Bytes were written, credit arrived, or a waiting call was given up: ends the flushes that waited for that. */
void deye_bus_session_advance_flushes (DeyeBusSession *session);
/* The broker answered the PING of @pending. */
void deye_bus_session_flush_answered (DeyeBusSession *session, DeyeBusPending *pending);
/* A message was refused or dropped for which no call waits: for the flushes, and for the signal "error". Takes @refusal. */
void deye_bus_session_push_refused (DeyeBusSession *session, GError *refusal);

/* The error of a flush whose deadline came. */
GError *deye_bus_session_flush_error_overdue (DeyeBusSession *session, const DeyeBusPending *pending);

void deye_bus_session_clear_flushes (DeyeBusSession *session);
/* The connection ended: forgets flushes that ended with it. */
void deye_bus_session_sort_out_flushes (DeyeBusSession *session);
/* The next connection is restored: flushes that survived continue, for everything that waits now. */
void deye_bus_session_resume_flushes (DeyeBusSession *session);
