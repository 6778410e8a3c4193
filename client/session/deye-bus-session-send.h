/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-call.h"
#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-flush.h"
#include "session/deye-bus-session-types.h"

/*
 * Frames out. A call is encoded once: into the out-buffer when its class has credit, else into a block that waits.
 *
 * Ids on the wire are even for a call whose answer is awaited or ignored, and odd for a publish without an acknowledgement, so
 * that the refusal of such a publish differs from a late answer.
 */

/* TRUE if a call like this would be sent now. */
gboolean deye_bus_session_has_credit (const DeyeBusSession *session, const DeyeBusCall *call);

/* The same, and at least half of the window of its class is left. */
gboolean deye_bus_session_has_spare_credit (const DeyeBusSession *session, const DeyeBusCall *call);

/* Encodes and sends, or lets it wait for credit. @pending: (nullable): NULL when nobody waits; a failure that the
 * broker reports is an event REFUSED then. FALSE: nothing was sent, @pending is untouched. */
gboolean
deye_bus_session_call (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending, GError **error);

/* As call() for a publish without options that nobody waits for. FALSE: call() has to do it; nothing was done. */
gboolean
deye_bus_session_publish (DeyeBusSession *session, const char *topic, GBytes *payload, const DeyeBusOptions *options);

/* As call(), while there is no connection or it is being restored: @pending, which is patient, is sent by the next release().
 * FALSE: nothing is kept, @pending is untouched. */
gboolean
deye_bus_session_keep_call (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending, GError **error);

/* Sends @frame, which stays the caller's, as call() does. @pending: (nullable): not in the table. @ahead: as in a call. */
gboolean deye_bus_session_send_frame (DeyeBusSession *session,
                                      const DeyeBusKeptFrame *frame,
                                      DeyeBusPending *pending,
                                      gboolean ahead,
                                      gint64 now_us,
                                      GError **error);

/* The number of a call that is made now: greater than those before it. */
guint64 deye_bus_session_new_number (DeyeBusSession *session);

/* FALSE: WELCOME did not grant all of the features @needed, bits of wire-feature. A call that needs one asks before it
 * sends anything. */
gboolean deye_bus_session_check_features (const DeyeBusSession *session, guint64 needed, GError **error);

/* Gives a call up: it ends with @reason, which is taken. The broker is notified when it may be working on the call. */
void deye_bus_session_cancel (DeyeBusSession *session, DeyeBusPending *pending, GError *reason);

/* The broker granted credit, in cumulative totals: sends what waits for it. */
void deye_bus_session_grant (DeyeBusSession *session, WireClass credit_class, guint64 messages, guint64 bytes);

/* The socket took the first @n bytes of the out-buffer. */
void deye_bus_session_sent (DeyeBusSession *session, gsize n);
