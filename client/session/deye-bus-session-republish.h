/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Publishing the client's own retained messages again, after a reconnect and before any call of the user.
 *
 * The values of a broker end with it, so a broker with a new epoch gets all values of the session's store (session/retained);
 * after an interruption without a new epoch those that the broker cleared with the earlier connection. They are sent in the order
 * in which they were published, each with an acknowledgement; those beyond the credit of the connection wait for it. A refused
 * value is forgotten and reported by the signal "error"; the others are published.
 *
 * Invariant: while a republish is in progress, the store only loses values that the broker has refused.
 */

/* @whole: of the kind RESTORE; ends with the last answer. FALSE: there is nothing to publish, and @whole is untouched. */
gboolean deye_bus_session_republish (DeyeBusSession *session, DeyeBusPending *whole, gint64 now_us);
/* @pending, one of the values, has ended. */
void deye_bus_session_republish_answered (DeyeBusSession *session, const DeyeBusPending *pending);
