/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-outbuf.h"
#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"
#include "session/deye-bus-session-unsent.h"

/*
 * State of a session, and the one way in which it ends.
 *
 * Invariant: when the session ends, each pending call ends with an error and each channel is cut; the first reason counts.
 */

DeyeBusSessionState deye_bus_session_state (const DeyeBusSession *session);
/* The reason for its end; NULL before. */
const GError *deye_bus_session_reason (const DeyeBusSession *session);
const DeyeBusWelcome *deye_bus_session_welcome (const DeyeBusSession *session);
const DeyeBusCounts *deye_bus_session_counts (const DeyeBusSession *session);
/* Calls that wait for their end; and calls that wait for credit. */
/* Distinguishes what belongs to this connection from what belongs to another one. */
guint64 deye_bus_session_origin (const DeyeBusSession *session);
guint deye_bus_session_n_pending (const DeyeBusSession *session);
guint deye_bus_session_n_waiting (const DeyeBusSession *session);
DeyeBusOutbuf *deye_bus_session_out (DeyeBusSession *session);

/* Another connection follows when this one ends: channels are kept then, and reopen() continues with them. FALSE: the
 * channels of a session that has ended already end now. */
void deye_bus_session_set_keeps (DeyeBusSession *session, gboolean keeps);
/* It has ended, and its channels wait for reopen(). */
gboolean deye_bus_session_is_kept (const DeyeBusSession *session);
/* TRUE if a reason of @status (of the wire) would end the next connection as well: the broker refuses this client, or another
 * client has taken over the id. @handshake: it came in place of WELCOME. */
gboolean deye_bus_session_status_is_final (guint32 status, gboolean handshake);
/* Status that the broker gave as the reason; OK: it gave none. */
guint32 deye_bus_session_reason_status (const DeyeBusSession *session);
/* Time for which the broker asked this client to stay away; 0: it did not ask. */
gint64 deye_bus_session_retry_us (const DeyeBusSession *session);
/* TRUE if the reason for which the session ended is final. */
gboolean deye_bus_session_is_final (const DeyeBusSession *session);

/* Ends it. Takes @reason. Has no effect on an ended session. */
void deye_bus_session_fail (DeyeBusSession *session, GError *reason);
/* The other side closed, or the socket failed. */
void deye_bus_session_lost (DeyeBusSession *session, const char *why);
/* The broker broke the protocol: @how, in English. */
void deye_bus_session_misbehaved (DeyeBusSession *session, const char *how);

/* --- channels --- */

guint32 deye_bus_session_new_channel_id (DeyeBusSession *session);
void deye_bus_session_add_channel (DeyeBusSession *session, DeyeBusChannel *channel);
/* Nothing more comes in for it; appends ENDED. Has no effect on a channel that was removed before. */
void deye_bus_session_remove_channel (DeyeBusSession *session, DeyeBusChannel *channel);
/* Borrowed DeyeBusChannel, sorted by id. */
GPtrArray *deye_bus_session_list_channels (const DeyeBusSession *session);
