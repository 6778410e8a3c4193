/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-types.h"

/*
 * Sends kept frames on a new connection: frames that were made on an earlier connection, or while there was none.
 *
 * They come from the stash, from calls that waited until the client is ready, and from numbered calls that were sent before and
 * have no answer. A numbered call is sent again only if the broker recognises its number: the epoch is the same, and the broker
 * still remembers the number, which it does for a limited time and a limited count of later messages. Otherwise it is not known
 * whether the broker handled the message, and the call ends with the error UNKNOWN.
 *
 * Invariant: a call that was sent is not sent again to a broker that might accept it a second time.
 */

#define DEYE_BUS_RESEND_US                                                                                             \
  (60 * G_TIME_SPAN_SECOND)            /* the broker remembers a number for this time after the end of a connection */
#define DEYE_BUS_RESEND_MESSAGES 1024u /* the broker remembers this number of messages */

/* WELCOME came from a broker that was restarted (@new_epoch), or that does not recognise numbers: ends the calls that were sent on
 * an earlier connection, with the error UNKNOWN. */
void deye_bus_session_end_sent_before (DeyeBusSession *session, gboolean new_epoch);

/* The connection is restored: sends the kept calls and the messages of the stash, in the order in which the program made them.
 * Messages of the stash that cannot be sent count as lost. */
void deye_bus_session_send_kept (DeyeBusSession *session, gint64 now_us);

/* For HELLO: the number up to which no message will be sent again, so that the broker can forget these numbers. @newest: the last
 * number that the client gave to a message. */
guint64 deye_bus_session_last_settled (const DeyeBusSession *session, guint64 newest);
