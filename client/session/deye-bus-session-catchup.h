/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Catching up: a client that connects waits for the retained messages of its subscriptions before it is ready.
 *
 * The reply to a subscribe request announces whether the broker looks for retained messages, and the broker sends an end marker
 * behind the last of them. Until then the channel is catching up. The wait does not depend on the program: the client stops
 * waiting for a channel whose receive window is used up, because its other messages only follow when the program has handled
 * some. It also stops waiting for a channel that ends, and the whole wait has a deadline. A wait that reaches the deadline
 * succeeds; only the end of the connection makes it fail.
 *
 * An older broker sends no end marker and announces none: then there is no wait.
 *
 * Invariant: when the wait is over, each channel has its retained messages as far as its window reaches, or the deadline has
 * passed.
 */

#define DEYE_BUS_RETAINED_WAIT_US (2 * G_TIME_SPAN_SECOND)

/* Begins the wait, when every subscribe request has its answer. @whole: of the kind RESTORE; ends with the wait, at its
 * deadline at the latest. FALSE: no channel is catching up, and @whole is untouched. */
gboolean deye_bus_session_await_retained (DeyeBusSession *session, DeyeBusPending *whole);
/* Checks, after frames have arrived or channels have ended, whether the wait is over. No effect if there is no wait. */
void deye_bus_session_advance_retained (DeyeBusSession *session);
/* The deadline of @pending has passed. TRUE: @pending was the wait, and has ended with success. */
gboolean deye_bus_session_end_overdue_retained (DeyeBusSession *session, const DeyeBusPending *pending);
/* The connection has ended: forgets the wait, whose pending call is ended by the table of pending calls. */
void deye_bus_session_forget_retained (DeyeBusSession *session);
