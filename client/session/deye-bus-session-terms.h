/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-data.h"

/*
 * The terms of a subscription that the broker grants: window, policy and bounds of the queue. They come with the reply to a
 * subscription, and with the reply to a change of them. The channel keeps them, also for the next connection.
 *
 * A malformed reply ends the session.
 */

/* Reads the reply of @pending, and sets the terms of its channel, which was subscribed. */
void deye_bus_session_read_subscribed (DeyeBusSession *session, DeyeBusPending *pending);
/* Reads the reply of @pending, and sets the changed terms of its channel. */
void deye_bus_session_read_adjusted (DeyeBusSession *session, DeyeBusPending *pending);
