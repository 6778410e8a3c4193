/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-channel.h"
#include "session/deye-bus-session-types.h"
#include "wire-frame.h"

/*
 * Delivers received messages to channels: uses the credit of the channel, and appends an event or puts the message into the inbox.
 *
 * A usual delivery (see wire-delivery.h) is also decoded here, by a shorter way. All other frames are decoded by session-receive.
 *
 * Invariant: a message that arrives without credit ends the session. Before the reply to the subscribe request has arrived, the
 * size of the window is not known, and messages are accepted without this check.
 */

/* Sets the origin of @message, which has just been made, and returns it. NULL: there was no memory for it, and the session
 * ends. */
DeyeBusMessage *deye_bus_session_adopt_message (DeyeBusSession *session, DeyeBusMessage *message);
/* @message: (transfer full) (nullable). FALSE: the session has ended. */
gboolean deye_bus_session_deliver (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message);
/* Decodes and delivers @frame. FALSE: it is no usual delivery, and nothing was done. */
gboolean deye_bus_session_deliver_usual (DeyeBusSession *session, const WireFrame *frame);
