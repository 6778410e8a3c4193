/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Flushes: pending calls that end when all messages that were queued before them have been written, or handled by the broker.
 *
 * A flush waits for two things, one after the other. First it waits for the calls, of all classes, that were waiting for credit
 * when it began. Then it waits until the socket has taken all bytes that are in the out-buffer at that moment. If the caller
 * wants the broker's confirmation, the flush adds a PING behind these bytes. The broker handles the frames of a connection in
 * order, so its PONG proves that it has accepted or refused every message in front of the PING, and that its refusals have
 * arrived.
 *
 * Messages that are published after the flush began may be written before its PING, but the flush does not wait for messages
 * behind the PING.
 *
 * A flush that began while the client was not ready, or that only waits until the messages are written, survives the end of the
 * connection: the messages are sent on the next one. A flush that waits for the confirmation of written messages ends with the
 * connection.
 *
 * Invariant: a flush is in the session's list until its pending call is done.
 */

/* Begins a flush. @pending: of the kind FLUSH; with waits_until_ready it waits for the next connection when there is none. FALSE:
 * not connected; @pending is untouched. */
gboolean
deye_bus_session_flush (DeyeBusSession *session, gboolean want_accepted, DeyeBusPending *pending, GError **error);

/* Bytes were written, credit arrived, or a waiting call was given up: advances the flushes that waited for that. */
void deye_bus_session_advance_flushes (DeyeBusSession *session);
/* The broker answered the PING of @pending. */
void deye_bus_session_flush_answered (DeyeBusSession *session, DeyeBusPending *pending);
/* A message without a pending call was refused or dropped: notes that for the flushes, and for the signal "error". Takes
 * @refusal. */
void deye_bus_session_push_refused (DeyeBusSession *session, GError *refusal);

/* The error of a flush whose deadline has passed. */
GError *deye_bus_session_flush_error_overdue (DeyeBusSession *session, const DeyeBusPending *pending);

void deye_bus_session_clear_flushes (DeyeBusSession *session);
/* The connection ended: forgets flushes that ended with it. */
void deye_bus_session_forget_flushes (DeyeBusSession *session);
/* The next connection is restored: flushes that survived continue. They now wait for all messages that are queued at this
 * moment. */
void deye_bus_session_resume_flushes (DeyeBusSession *session);
