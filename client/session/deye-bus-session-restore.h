/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Subscribing the channels of a session: for the first time, and again after a reconnect.
 *
 * A channel keeps its request, so it is subscribed again with the same id and the same words. All channels are asked for in
 * one batch, in the order of their ids, before any call of the user is sent. A channel that the broker refuses ends with
 * that reason; the others live, and the refused one is not asked for again. A channel that is subscribed while there is no
 * connection, or during the batch, joins it.
 *
 * Invariant: the broker is asked for each channel of the table once per connection.
 */

/* @pending: the user's call, with its channel, which has its request. Sends the request if the session can, otherwise the call
 * waits for the next restore() or release(). @ahead: a call of the library, which is sent while the session is held. FALSE:
 * nothing was sent; otherwise the caller adds the channel to the table. */
gboolean deye_bus_session_subscribe (DeyeBusSession *session, DeyeBusPending *pending, gboolean ahead, GError **error);

/* Calls of the user wait from now on, until the connection has been restored: called before WELCOME comes. */
void deye_bus_session_hold (DeyeBusSession *session);
/* The connection is restored: sends waiting calls, and continues flushes. */
void deye_bus_session_release (DeyeBusSession *session, gint64 now_us);

/* The connection has its WELCOME: subscribes every channel. @whole: of the kind RESTORE; ends with the last answer. FALSE:
 * there is nothing to restore, and @whole is untouched. */
gboolean deye_bus_session_restore (DeyeBusSession *session, DeyeBusPending *whole);
/* Continues after credit has arrived. No effect if no restore is in progress. */
void deye_bus_session_advance_restore (DeyeBusSession *session);
/* @pending, one of the batch, has ended. */
void deye_bus_session_restore_answered (DeyeBusSession *session, DeyeBusPending *pending);
/* Number of channels: what the broker counts as well, while no call that changes it is under way. */
guint deye_bus_session_n_subscribed (const DeyeBusSession *session);
/* Grows with each channel that is added or removed. */
guint64 deye_bus_session_channel_changes (const DeyeBusSession *session);
