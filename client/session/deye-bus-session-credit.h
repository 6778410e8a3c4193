/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-channel.h"
#include "session/deye-bus-session-types.h"

/*
 * Credit that is returned to the broker for handled messages.
 *
 * It is returned when a quarter of the channel's window has come together, or a second later at the latest. In a group or
 * for a served topic, where the broker prefers members that return it, it is also returned when the channel has nothing left
 * to handle. So it is with the policy Block, where publishers may wait for it; but messages that come one by one at a high
 * rate share one CREDIT: after a few were sent, the next one follows DEYE_BUS_CREDIT_EVERY_US later, or as soon as the session
 * owes as much as a publisher with the smallest window could wait for. (A leaky bucket as a meter, ITU-T I.371.)
 */

#define DEYE_BUS_CREDIT_EVERY_US (10 * G_TIME_SPAN_MILLISECOND)
/* In a long dispatch publishers get it after 50 ms at the latest. The coarse clock may be behind by a tick, and later on a busy
 * host. */
#define DEYE_BUS_CREDIT_EARLY_US (25 * G_TIME_SPAN_MILLISECOND)

void deye_bus_session_init_credit (DeyeBusSession *session);
/* A new connection begins: what was owed belonged to the one before. */
void deye_bus_session_reset_credit (DeyeBusSession *session);
void deye_bus_session_clear_credit (DeyeBusSession *session);

/* @message was handled for @channel (@called: by a callback or by next()). Sends DELIVERED when it is wanted. TRUE: credit of a
 * channel waits, this one or another, for which return_early() has to be called. */
gboolean
deye_bus_session_handled (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message, gboolean called);
/* With the policy Block, or in a group: returns all credit, however little it is. No effect otherwise. */
void deye_bus_session_return_credit (DeyeBusSession *session, DeyeBusChannel *channel);
/* In the middle of a dispatch: the same for all channels that handled messages since credit was last returned. It is one
 * clock for all of them, so that messages for many channels do not cause a write each. FALSE: it is too soon. */
gboolean deye_bus_session_return_early (DeyeBusSession *session, gint64 now_us);

/* When credit that is owed has to be returned; 0: at the next tick; G_MAXINT64: none is owed. */
gint64 deye_bus_session_credit_due_us (const DeyeBusSession *session);
/* Returns credit that has been owed for long enough at @now_us. */
void deye_bus_session_tick_credit (DeyeBusSession *session, gint64 now_us);
