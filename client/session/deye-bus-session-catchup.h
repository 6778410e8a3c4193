/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Catching up: a client that connects waits for the retained messages of its subscriptions before it is ready.
 *
 * The answer to SUBSCRIBE says whether the broker looks for retained messages, and the broker sends an end behind the last of them.
 * Until then the channel is catching up. The wait does not depend on the program: a channel whose receive window is used up
 * is not waited for, because the rest follows only when messages are handled. A channel that ends is not waited for either, and the
 * whole wait is bounded. It never fails; only the end of the connection does.
 *
 * An older broker sends no end and does not say that one follows: then there is no wait.
 *
 * Invariant: when the wait is over, each channel has its retained messages as far as its window reaches, or the time is over.
 */

#define DEYE_BUS_RETAINED_WAIT_US (2 * G_TIME_SPAN_SECOND)

/* Every channel has its answer. @whole: of the kind RESTORE; ends with the wait, at its deadline at the latest. FALSE: no channel
 * has to be waited for, and @whole is untouched. */
gboolean deye_bus_session_await_retained (DeyeBusSession *session, DeyeBusPending *whole);
/* Continues after frames have arrived, or channels have ended. No effect if there is no wait. */
void deye_bus_session_advance_retained (DeyeBusSession *session);
/* The deadline has come: @pending is the wait if the result is TRUE, and has ended. */
gboolean deye_bus_session_end_overdue_retained (DeyeBusSession *session, const DeyeBusPending *pending);
/* The connection ends, and the table of pending calls ends the wait. */
void deye_bus_session_forget_retained (DeyeBusSession *session);
