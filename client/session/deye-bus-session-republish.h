/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Publishes the client's own retained messages again, after a reconnect and before any call of the user.
 *
 * A broker that was restarted has lost its retained messages, so a broker with a new epoch gets all values of the session's store
 * (session/retained). A broker with the same epoch gets only the values that it has cleared because the earlier connection ended.
 * The values are sent in the order in which they were published, each with an acknowledgement; values for which the connection has
 * no credit wait for it. A refused value is forgotten and reported by the signal "error"; the others are not affected.
 *
 * Invariant: while a republish is in progress, the store only loses values that the broker or the library has refused.
 */

/* Begins to publish. @whole: of the kind RESTORE; ends with the last answer. FALSE: there is nothing to publish, and @whole is
 * untouched. */
gboolean deye_bus_session_republish (DeyeBusSession *session, DeyeBusPending *whole, gint64 now_us);
/* @pending, one of the values, has ended. */
void deye_bus_session_republish_answered (DeyeBusSession *session, const DeyeBusPending *pending);
