/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-channel.h"
#include "session/deye-bus-session-types.h"

/*
 * Credit that is returned to the broker for handled messages.
 *
 * Credit is returned when a quarter of the channel's window was handled, or about a second later. Two kinds of channels return it
 * earlier, as soon as no message is left to handle: members of a group and servers, because the broker prefers members that return
 * credit early, and channels with the policy Block, because publishers may wait for the credit.
 *
 * With the policy Block a CREDIT frame for each message would be too expensive if messages arrive one by one at a high rate. So a
 * leaky bucket (ITU-T I.371) limits the rate: after a burst of a few CREDIT frames the next one is sent DEYE_BUS_CREDIT_EVERY_US
 * later. The session sends it earlier if it owes so much credit that a publisher with the smallest window could be blocked.
 */

#define DEYE_BUS_CREDIT_EVERY_US (10 * G_TIME_SPAN_MILLISECOND)
/* The interval of return_early(). In a long dispatch publishers are to get credit after at most 50 ms; the interval is shorter,
 * because the coarse clock may lag by a tick, and by more on a busy host. */
#define DEYE_BUS_CREDIT_EARLY_US (25 * G_TIME_SPAN_MILLISECOND)

void deye_bus_session_init_credit (DeyeBusSession *session);
/* A new connection begins: forgets the credit that is owed, which belonged to the connection before. */
void deye_bus_session_reset_credit (DeyeBusSession *session);
void deye_bus_session_clear_credit (DeyeBusSession *session);

/* @message was handled for @channel. @called: a callback was called, or next() returned it. Sends DELIVERED if the sender
 * asked for it. TRUE: a channel, this one or another, owes credit for which the caller has to call return_early(). */
gboolean
deye_bus_session_handled (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message, gboolean called);
/* Returns all credit of a channel with the policy Block, in a group or of a server, even if it is less than a quarter of the
 * window. No effect on other channels. */
void deye_bus_session_return_credit (DeyeBusSession *session, DeyeBusChannel *channel);
/* For the middle of a dispatch: does the same for all channels that have handled messages since their credit was last returned, at
 * most once in DEYE_BUS_CREDIT_EARLY_US. TRUE: the caller writes. FALSE: the interval is not over, and nothing was done. */
gboolean deye_bus_session_return_early (DeyeBusSession *session, gint64 now_us);

/* The time at which tick_credit() has to be called to return credit; 0: at the next tick; G_MAXINT64: no credit is owed. */
gint64 deye_bus_session_credit_due_us (const DeyeBusSession *session);
/* Returns credit that has been owed for long enough at @now_us. */
void deye_bus_session_tick_credit (DeyeBusSession *session, gint64 now_us);
