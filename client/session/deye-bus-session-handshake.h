/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-types.h"
#include "wire-frame.h"

/*
 * The first and the last frames of a connection: HELLO and WELCOME, and GOODBYE from either side.
 *
 * WELCOME makes the session ready. It names the broker's epoch, which changes when the broker is restarted, the features that both
 * sides can use, and the publish windows. A GOODBYE of the broker ends the session with the broker's reason.
 *
 * Invariant: a session accepts one WELCOME on each connection.
 */

void deye_bus_session_send_hello (DeyeBusSession *session, const DeyeBusHello *hello);
void deye_bus_session_send_goodbye (DeyeBusSession *session);

void deye_bus_session_handle_welcome (DeyeBusSession *session, const WireFrame *frame);
void deye_bus_session_handle_goodbye (DeyeBusSession *session, const WireFrame *frame);
