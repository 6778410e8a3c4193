/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-call.h"
#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-flush.h"
#include "session/deye-bus-session-types.h"

/*
 * Sends frames. A call is encoded once: into the out-buffer if its class has credit, otherwise into a block that waits for
 * credit.
 *
 * Ids on the wire are even for a call with an answer (which may be ignored), and odd for a publish without an acknowledgement.
 * So the refusal of such a publish can be distinguished from a late answer.
 *
 * Invariant: a frame that costs credit is added to the out-buffer only if its class has credit.
 */

/* TRUE if a call like this would be sent now. */
gboolean deye_bus_session_has_credit (const DeyeBusSession *session, const DeyeBusCall *call);

/* TRUE if a call like this would be sent now, and at least half of the window of its class is left. */
gboolean deye_bus_session_has_spare_credit (const DeyeBusSession *session, const DeyeBusCall *call);

/* Encodes @call and sends it, or lets it wait for credit. @pending: (nullable): NULL: no caller waits for a result, and a
 * refusal by the broker becomes an event REFUSED. FALSE: nothing was sent, @pending is untouched. */
gboolean
deye_bus_session_call (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending, GError **error);

/* The fast path for a plain publish without a pending call. FALSE: nothing was done, and the caller has to use call(). */
gboolean
deye_bus_session_publish (DeyeBusSession *session, const char *topic, GBytes *payload, const DeyeBusOptions *options);

/* Like call(), while there is no connection or it is being restored: the next release() sends @pending, which has
 * waits_until_ready set. FALSE: nothing is kept, @pending is untouched. */
gboolean
deye_bus_session_keep_call (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending, GError **error);

/* Sends @frame, which stays the caller's, like call(). @pending: (nullable): not in the table yet. @ahead: as in DeyeBusCall. */
gboolean deye_bus_session_send_frame (DeyeBusSession *session,
                                      const DeyeBusKeptFrame *frame,
                                      DeyeBusPending *pending,
                                      gboolean ahead,
                                      gint64 now_us,
                                      GError **error);

/* The number of a call that is made now; it is greater than the numbers of earlier calls. */
guint64 deye_bus_session_new_number (DeyeBusSession *session);

/* FALSE: WELCOME did not grant all of the features @needed, bits of wire-feature. A call that needs a feature checks this
 * before it sends anything. */
gboolean deye_bus_session_check_features (const DeyeBusSession *session, guint64 needed, GError **error);

/* Gives a call up: it ends with @reason, which is taken. The broker gets CANCEL if it may be working on the call. */
void deye_bus_session_cancel (DeyeBusSession *session, DeyeBusPending *pending, GError *reason);

/* The broker granted credit, in cumulative totals: sends calls that were waiting for it. */
void deye_bus_session_grant (DeyeBusSession *session, WireClass credit_class, guint64 messages, guint64 bytes);

/* The socket took the first @n bytes of the out-buffer. */
void deye_bus_session_sent (DeyeBusSession *session, gsize n);
