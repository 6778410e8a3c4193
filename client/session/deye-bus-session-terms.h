/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-data.h"

/*
 * The terms of a subscription that the broker grants: window, policy and bounds of the queue. They come with the reply to a
 * subscription, and with the reply to a change of them. The channel keeps them, also for the next connection.
 *
 * A malformed reply ends the session.
 */

/* @pending has its reply, and the channel that was subscribed. */
void deye_bus_session_read_subscribed (DeyeBusSession *session, DeyeBusPending *pending);
/* @pending has its reply, the channel, and what was asked for. */
void deye_bus_session_read_adjusted (DeyeBusSession *session, DeyeBusPending *pending);
