/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-data.h"

/*
 * The terms that the broker grants to a subscription: the window, the policy and the limits of the queue. The replies to a
 * subscribe request and to an adjust request contain them, and the channel keeps them.
 *
 * A malformed reply ends the session.
 */

/* Reads the reply of @pending, and sets the terms of its channel, which was subscribed. */
void deye_bus_session_read_subscribed (DeyeBusSession *session, DeyeBusPending *pending);
/* Reads the reply of @pending, and sets the changed terms of its channel. */
void deye_bus_session_read_adjusted (DeyeBusSession *session, DeyeBusPending *pending);
