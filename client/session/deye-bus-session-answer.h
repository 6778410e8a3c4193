/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-types.h"
#include "session/deye-bus-stream.h"

#include <gio/gio.h>

/*
 * Both sides of an answer: requests that this client serves and has not answered yet (see deye-bus-route), and answers to
 * its own requests that arrive one after the other (see deye-bus-stream).
 */

/* --- as responder --- */

/* TRUE if @request still waits for an answer; and: it is answered now. */
gboolean deye_bus_session_is_open (const DeyeBusSession *session, const DeyeBusMessage *request);
void deye_bus_session_answered (DeyeBusSession *session, const DeyeBusMessage *request);

/* Is cancelled by a dispatch when the requester of @request does not wait any more; it already is if it does not. Transfer
 * full. */
GCancellable *deye_bus_session_watch_request (DeyeBusSession *session, const DeyeBusMessage *request);

/* The CANCEL of a route arrived, with the reason @status, a WireStatus; and: the connection has ended. */
void deye_bus_session_cancel_route (DeyeBusSession *session, guint64 id, guint32 status);
void deye_bus_session_cancel_routes (DeyeBusSession *session);

/* CANCEL of the task that @request gave to this client has arrived, although its event may not be dispatched yet. @status: (out): the
 * reason, a WireStatus, if so. */
gboolean
deye_bus_session_is_task_cancelled (const DeyeBusSession *session, const DeyeBusMessage *request, guint32 *status);
/* DELIVERED of a route arrived: the submitter of the task has the result. */
void deye_bus_session_note_delivered (DeyeBusSession *session, guint64 route);

/* --- as requester --- */

/* Takes the oldest answer, and returns its credit. NULL: there is none now. Transfer full. */
DeyeBusMessage *deye_bus_session_take_answer (DeyeBusSession *session, DeyeBusStream *stream, gint64 now_us);
