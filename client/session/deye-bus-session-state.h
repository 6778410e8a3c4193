/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-outbuf.h"
#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"
#include "session/deye-bus-session-unsent.h"

/*
 * The state of a session, and its end, which is always deye_bus_session_fail().
 *
 * Invariant: when the session ends and no other connection follows, each pending call ends with an error and each channel is
 * cut. If another connection follows, the channels and the calls that can wait for it are kept. The first reason for the end
 * counts.
 */

DeyeBusSessionState deye_bus_session_state (const DeyeBusSession *session);
/* The reason for its end; NULL before. */
const GError *deye_bus_session_reason (const DeyeBusSession *session);
const DeyeBusWelcome *deye_bus_session_welcome (const DeyeBusSession *session);
const DeyeBusCounts *deye_bus_session_counts (const DeyeBusSession *session);
/* A number that distinguishes this connection from others, also of other clients. */
guint64 deye_bus_session_origin (const DeyeBusSession *session);
/* The number of calls that have not ended; and of calls that wait for credit. */
guint deye_bus_session_n_pending (const DeyeBusSession *session);
guint deye_bus_session_n_waiting (const DeyeBusSession *session);
DeyeBusOutbuf *deye_bus_session_out (DeyeBusSession *session);

/* @keeps: another connection follows when this one ends, so the channels are kept then, and reopen() continues with them.
 * FALSE: no connection follows; the channels of a session that has already ended end now. */
void deye_bus_session_set_keeps (DeyeBusSession *session, gboolean keeps);
/* TRUE if the session has ended and its channels wait for reopen(). */
gboolean deye_bus_session_is_kept (const DeyeBusSession *session);
/* TRUE if the reason @status (a WireStatus) would also end the next connection: the broker refuses this client, or another client
 * has taken over its id. @handshake: the status came in place of WELCOME. */
gboolean deye_bus_session_status_is_final (guint32 status, gboolean handshake);
/* The status that the broker gave as the reason for the end; OK: it gave none. */
guint32 deye_bus_session_reason_status (const DeyeBusSession *session);
/* The delay before the next attempt that the broker asked for; 0: it did not ask. */
gint64 deye_bus_session_retry_us (const DeyeBusSession *session);
/* TRUE if the reason for which the session ended is final. */
gboolean deye_bus_session_is_final (const DeyeBusSession *session);

/* Ends the session. Takes @reason. Has no effect on a session that has ended. */
void deye_bus_session_fail (DeyeBusSession *session, GError *reason);
/* Ends the session: the broker closed the connection, or the socket failed. */
void deye_bus_session_lost (DeyeBusSession *session, const char *why);
/* Ends the session: the broker violated the protocol. @how: a description in English. */
void deye_bus_session_misbehaved (DeyeBusSession *session, const char *how);

/* --- channels --- */

guint32 deye_bus_session_new_channel_id (DeyeBusSession *session);
void deye_bus_session_add_channel (DeyeBusSession *session, DeyeBusChannel *channel);
/* The session delivers no more to the channel, and appends its event ENDED. Has no effect on a channel that was removed before. */
void deye_bus_session_remove_channel (DeyeBusSession *session, DeyeBusChannel *channel);
/* Borrowed DeyeBusChannel, sorted by id. */
GPtrArray *deye_bus_session_list_channels (const DeyeBusSession *session);
