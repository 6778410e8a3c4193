/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-types.h"

/*
 * Frames that are sent on a later connection than the one on which they were made.
 *
 * They are those of the stash, of calls that waited until the client is ready, and of numbered calls that were sent before and
 * have no answer. A numbered call is sent again only where the broker recognises it: in the same epoch, within the time and the
 * numbers for which it remembers what it accepted. Otherwise its outcome is UNKNOWN, and the call ends with that.
 *
 * Invariant: a call that was sent is not sent again to a broker that may accept it a second time.
 */

#define DEYE_BUS_RESEND_US                                                                                             \
  (60 * G_TIME_SPAN_SECOND)            /* the broker remembers for so long after the end of a connection */
#define DEYE_BUS_RESEND_MESSAGES 1024u /* ... and so many messages */

/* WELCOME came from a broker that was started again, or that does not recognise messages: ends the calls that were sent. */
void deye_bus_session_end_tried (DeyeBusSession *session, gboolean new_epoch);

/* The connection is restored: sends the kept calls in their order. Messages that the stash can't send count as lost
 * there. */
void deye_bus_session_send_kept (DeyeBusSession *session, gint64 now_us);

/* For HELLO: the number up to which no message will be sent again. @newest: the last number that was given. */
guint64 deye_bus_session_last_settled (const DeyeBusSession *session, guint64 newest);
