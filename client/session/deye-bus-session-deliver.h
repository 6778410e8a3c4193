/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-channel.h"
#include "session/deye-bus-session-types.h"
#include "wire-frame.h"

/*
 * Messages on their way to subscriptions: the channel's credit, and the event or the inbox.
 *
 * The usual delivery (see wire-delivery.h) is read and delivered here. All other frames are for session-receive.
 */

/* Returns @message, a new one of this connection. NULL: there was no memory for it, and the session ends. */
DeyeBusMessage *deye_bus_session_adopt_message (DeyeBusSession *session, DeyeBusMessage *message);
/* @message: (transfer full) (nullable). FALSE: the session has ended. */
gboolean deye_bus_session_deliver (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message);
/* FALSE: @frame is no usual delivery, and nothing was done. */
gboolean deye_bus_session_deliver_usual (DeyeBusSession *session, const WireFrame *frame);
