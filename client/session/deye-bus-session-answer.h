/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-types.h"
#include "session/deye-bus-stream.h"

#include <gio/gio.h>

/*
 * Answers in both directions: replies to the requests that this client serves (see deye-bus-route), and several answers to one
 * request of this client (see deye-bus-stream).
 *
 * Invariant: a cancellable is cancelled, and a task is notified, by an event of the ring, and so from a dispatch.
 */

/* --- as responder --- */

/* TRUE if @request still waits for an answer. answered() notes that its last reply was sent. */
gboolean deye_bus_session_is_open (const DeyeBusSession *session, const DeyeBusMessage *request);
void deye_bus_session_answered (DeyeBusSession *session, const DeyeBusMessage *request);

/* A cancellable that a dispatch cancels when the requester of @request stops waiting; it is already cancelled if the requester
 * does not wait now. Transfer full. */
GCancellable *deye_bus_session_watch_request (DeyeBusSession *session, const DeyeBusMessage *request);

/* Handle the CANCEL of one route, with the reason @status (a WireStatus), and the end of the connection, which cancels all
 * routes. */
void deye_bus_session_cancel_route (DeyeBusSession *session, guint64 id, guint32 status);
void deye_bus_session_cancel_routes (DeyeBusSession *session);

/* TRUE if CANCEL of the task that @request gave to this client has arrived; its event may not be dispatched yet. @status:
 * (out): the reason, a WireStatus, if TRUE. */
gboolean
deye_bus_session_is_task_cancelled (const DeyeBusSession *session, const DeyeBusMessage *request, guint32 *status);
/* Handles DELIVERED of a route: the submitter of the task has the result. */
void deye_bus_session_note_delivered (DeyeBusSession *session, guint64 route);

/* --- as requester --- */

/* Takes the oldest answer and returns its credit to the broker. NULL: there is none now. Transfer full. */
DeyeBusMessage *deye_bus_session_take_answer (DeyeBusSession *session, DeyeBusStream *stream, gint64 now_us);
