/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"
#include "session/deye-bus-session-types.h"

/*
 * Subscribes the channels of a session: for the first time, and again after a reconnect.
 *
 * A channel keeps its SubscribeRequest (with the values of later adjustments), so it is subscribed again with the same id and
 * the same terms. The requests for all channels are sent in one batch, in the order of their ids, before any call of the user.
 * A channel that the broker refuses ends with that reason; the other channels are not affected. A channel that the user
 * subscribes while there is no connection, or during the batch, becomes part of the batch.
 *
 * Invariant: on each connection one subscribe request is sent for each channel of the table.
 */

/* Subscribes the channel of @pending, the user's call; the channel has its request. The request is sent if the session is ready
 * and not held, otherwise by the next restore() or release(). @ahead: a call of the library, which is sent although the session
 * is held. FALSE: failed, and the caller must not add the channel to the table; otherwise it adds it. */
gboolean deye_bus_session_subscribe (DeyeBusSession *session, DeyeBusPending *pending, gboolean ahead, GError **error);

/* Calls of the user wait from now on until release(). Called before WELCOME arrives. */
void deye_bus_session_hold (DeyeBusSession *session);
/* The connection is restored: sends the calls that have waited, and continues flushes. */
void deye_bus_session_release (DeyeBusSession *session, gint64 now_us);

/* WELCOME has arrived: begins to subscribe all channels. @whole: of the kind RESTORE; ends with the last answer. FALSE: there is
 * nothing to wait for. */
gboolean deye_bus_session_restore (DeyeBusSession *session, DeyeBusPending *whole);
/* Continues the restore after credit has arrived, or channels or requests have ended. No effect if no restore is in progress. */
void deye_bus_session_advance_restore (DeyeBusSession *session);
/* @pending, one of the requests of the batch, has ended. */
void deye_bus_session_restore_answered (DeyeBusSession *session, DeyeBusPending *pending);
/* The number of channels. The broker has the same number of subscriptions while no subscribe or unsubscribe is in progress. */
guint deye_bus_session_n_subscribed (const DeyeBusSession *session);
/* Grows with each channel that is added or removed. */
guint64 deye_bus_session_channel_changes (const DeyeBusSession *session);
