/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-types.h"
#include "wire-frame.h"

/* The first and the last frames of a connection: HELLO and WELCOME, and GOODBYE from either side. */

void deye_bus_session_send_hello (DeyeBusSession *session, const DeyeBusHello *hello);
void deye_bus_session_send_goodbye (DeyeBusSession *session);

void deye_bus_session_handle_welcome (DeyeBusSession *session, const WireFrame *frame);
void deye_bus_session_handle_goodbye (DeyeBusSession *session, const WireFrame *frame);
