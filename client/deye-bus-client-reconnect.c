/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "session/deye-bus-session-restore.h"

#include <glib/gi18n-lib.h>

/*
 * The end of a connection or of an attempt, and the decision whether another attempt follows.
 *
 * By default another attempt follows, without a limit. No attempt follows if the client was created for a given descriptor, if
 * set_reconnect() switched it off, or if the reason would also end the next connection: the broker refuses this client or its
 * version, another client has taken over its id, or an argument is wrong. The schedule (session/deye-bus-reconnect.h) computes the
 * time of the next attempt; a watch of the socket's directory brings it forward.
 *
 * Invariant: in the states CONNECTING to READY there is an attempt, a connection, or a planned attempt.
 */

gboolean
deye_bus_client_reconnects (const DeyeBusClient *self)
{
  return self->wants_reconnect && !self->is_for_fd;
}

/* --- the schedule --- */

/* A random number from 0 to @bound. */
static gint64
reconnect_random (gint64 bound, gpointer data)
{
  return bound > 0 ? (gint64) (g_random_double () * (gdouble) bound) : 0;
}

static void
reconnect_open_watch (DeyeBusClient *self)
{
  g_autofree char *address = NULL;

  if (self->watch != NULL)
    {
      deye_bus_watch_renew (self->watch);
      return;
    }
  address = deye_bus_client_dup_address (self);
  if (address != NULL)
    self->watch = deye_bus_watch_open (address);
  if (self->watch != NULL)
    deye_bus_client_poll_watch (self);
}

void
deye_bus_client_close_watch (DeyeBusClient *self)
{
  deye_bus_client_unpoll_watch (self);
  g_clear_pointer (&self->watch, deye_bus_watch_close);
}

void
deye_bus_client_step_watch (DeyeBusClient *self, gint64 now_us)
{
  gboolean changed = self->watch != NULL && deye_bus_watch_read (self->watch);

  if (changed)
    deye_bus_reconnect_wake (&self->schedule, now_us, reconnect_random, NULL);
}

/* Makes a session before there is a connection: calls that wait until the client is ready wait in it. */
static void
reconnect_make_session (DeyeBusClient *self)
{
  if (!deye_bus_client_reconnects (self) || (self->session != NULL && deye_bus_session_is_kept (self->session)))
    return;
  g_clear_pointer (&self->session, deye_bus_session_free);
  self->session = deye_bus_session_new_kept (&self->events);
  deye_bus_session_set_stash (self->session, &self->stash);
}

void
deye_bus_client_dial (DeyeBusClient *self, gint64 now_us)
{
  self->established = FALSE;
  self->is_closed_reported = FALSE;
  reconnect_make_session (self);
  deye_bus_client_apply_event (self, DEYE_BUS_CONNECTION_DIAL);
  deye_bus_reconnect_reset (&self->schedule);
  if (deye_bus_client_reconnects (self))
    {
      reconnect_open_watch (self);
      deye_bus_reconnect_plan (&self->schedule, now_us, 0, reconnect_random, NULL);
    }
  else
    self->schedule.due_us = now_us;
}

/* --- ready --- */

/* The order decides what subscribers and the program see. The state is READY first, because requests to the broker need that. Then
 * the broker gets the report of messages that the stash has dropped, so that subscribers get the gap in front of the messages that
 * were published later. Then the session is released, and sends the kept calls and the stash. A message whose time to live expires
 * at that moment is counted as dropped too, so the report to the program follows. The call of connect() returns last: when it
 * returns, all earlier messages are queued in front of those that the program publishes next. */
void
deye_bus_client_become_ready (DeyeBusClient *self)
{
  if (self->established)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "DEYE_BUS_PEER", self->id, "MESSAGE",
                      "client %s: connected again", self->id);
  self->established = TRUE;
  self->reported_code = 0;
  deye_bus_client_close_watch (self);
  deye_bus_reconnect_reset (&self->schedule);
  deye_bus_client_apply_event (self, DEYE_BUS_CONNECTION_RESTORED);
  deye_bus_client_report_losses (self);
  deye_bus_session_release (self->session, g_get_monotonic_time ());
  deye_bus_client_report_stash (self);
  deye_bus_client_end_connect_call (self, NULL);
}

void
deye_bus_client_note_epoch (DeyeBusClient *self)
{
  guint64 epoch = deye_bus_session_welcome (self->session)->epoch;

  if (self->epoch != 0 && self->epoch != epoch)
    deye_bus_events_push (&self->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_EPOCH });
  self->epoch = epoch;
}

/* --- the end --- */

static void
reconnect_push_error (DeyeBusClient *self, DeyeBusEventKind kind, const GError *error)
{
  deye_bus_events_push (&self->events, (DeyeBusEvent){ .kind = kind, .subject = g_error_copy (error) });
}

void
deye_bus_client_report_closed (DeyeBusClient *self, const GError *error)
{
  if (self->is_closed_reported)
    return;
  self->is_closed_reported = TRUE;
  reconnect_push_error (self, DEYE_BUS_EVENT_CLOSED, error);
}

/* TRUE if another attempt would fail as well. A server that the client does not trust is final at the first connect; a client
 * that was ready before waits until its own broker listens again. */
static gboolean
reconnect_is_final_error (const DeyeBusClient *self, const GError *error)
{
  if (error->domain == G_IO_ERROR)
    return TRUE;
  if (deye_bus_session_is_final (self->session))
    return TRUE;
  if (deye_bus_session_reason_status (self->session) != WIRE_STATUS_OK)
    return FALSE;
  return error->code == DEYE_BUS_ERROR_INVALID_ARGUMENT || error->code == DEYE_BUS_ERROR_LIMIT
         || (error->code == DEYE_BUS_ERROR_UNTRUSTED && !self->established);
}

/* Logs each reason once during an outage. */
static void
reconnect_log (DeyeBusClient *self, const GError *error)
{
  if (self->reported_code == error->code)
    return;
  self->reported_code = error->code;
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "DEYE_BUS_PEER", self->id, "MESSAGE",
                    "client %s: not connected, connecting again: %s", self->id, error->message);
}

static void
reconnect_plan_next (DeyeBusClient *self, const GError *error)
{
  gboolean was_connected = deye_bus_client_is_connected (self);

  reconnect_log (self, error);
  deye_bus_client_apply_event (self, DEYE_BUS_CONNECTION_LOST);
  deye_bus_stash_start_clock (&self->stash, g_get_monotonic_time ());
  if (was_connected)
    deye_bus_client_end_unsent (self, deye_bus_client_unsent_ended);
  if (was_connected)
    deye_bus_client_report_uncertain (self);
  if (was_connected && self->established)
    reconnect_push_error (self, DEYE_BUS_EVENT_INTERRUPTED, error);
  reconnect_open_watch (self);
  deye_bus_reconnect_plan (&self->schedule, g_get_monotonic_time (), deye_bus_session_retry_us (self->session),
                           reconnect_random, NULL);
}

static void
reconnect_give_up (DeyeBusClient *self, const GError *error)
{
  gboolean was_connected = deye_bus_client_is_connected (self);

  if (self->session != NULL)
    deye_bus_session_set_keeps (self->session, FALSE);
  deye_bus_client_close_watch (self);
  deye_bus_reconnect_reset (&self->schedule);
  deye_bus_client_apply_event (self, DEYE_BUS_CONNECTION_ENDED);
  if (was_connected)
    deye_bus_client_end_unsent (self, deye_bus_client_unsent_ended);
  if (was_connected || self->established)
    deye_bus_client_report_closed (self, error);
  deye_bus_client_end_stash (self);
  self->established = FALSE;
  deye_bus_client_end_connect_call (self, error);
}

/* Ends the session, if it has not ended: a step of the attempt may have failed while the connection is established. There is no
 * session before the first attempt.
 *
 * If another attempt follows (@again), the session ends without GOODBYE. GOODBYE means that the program closes the client: the
 * broker would not publish the client's last message, and deye_bus_session_close() would end the subscriptions and the calls that
 * wait for the next connection. */
static void
reconnect_end_session (DeyeBusClient *self, const GError *error, gboolean again)
{
  if (self->session == NULL || deye_bus_session_state (self->session) == DEYE_BUS_SESSION_ENDED)
    return;
  if (again || deye_bus_session_state (self->session) == DEYE_BUS_SESSION_HELLO)
    deye_bus_session_fail (self->session, g_error_copy (error));
  else
    {
      deye_bus_session_close (self->session);
      deye_bus_client_write (self);
    }
}

static void
reconnect_end (DeyeBusClient *self, const GError *error, gboolean again)
{
  deye_bus_client_clear_attempt (self);
  reconnect_end_session (self, error, again);
  deye_bus_client_close_socket (self);
  if (again)
    reconnect_plan_next (self, error);
  else
    reconnect_give_up (self, error);
}

void
deye_bus_client_end_connection (DeyeBusClient *self, GError *error)
{
  g_autoptr (GError) owned = error;

  reconnect_end (self, owned, deye_bus_client_reconnects (self) && !reconnect_is_final_error (self, owned));
}

void
deye_bus_client_stop_connecting (DeyeBusClient *self, const GError *error)
{
  if (self->session != NULL)
    deye_bus_session_set_keeps (self->session, FALSE);
  reconnect_end (self, error, FALSE);
}

/* --- the switch --- */

static void
reconnect_set (DeyeBusClient *self, gboolean reconnect)
{
  g_autoptr (GError) error = NULL;

  self->wants_reconnect = reconnect;
  if (self->session != NULL && deye_bus_session_state (self->session) != DEYE_BUS_SESSION_ENDED)
    deye_bus_session_set_keeps (self->session, deye_bus_client_reconnects (self));
  if (reconnect || self->state != DEYE_BUS_CLIENT_STATE_CONNECTING || self->attempt != NULL)
    return;
  error = deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, "%s", _ ("Not connected: connect first"));
  deye_bus_client_stop_connecting (self, error);
}

gboolean
deye_bus_client_set_reconnect (DeyeBusClient *self, gboolean reconnect)
{
  gboolean changes;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!deye_bus_client_enter (self, NULL))
    return FALSE;
  changes = self->wants_reconnect != !!reconnect;
  if (changes)
    reconnect_set (self, !!reconnect);
  deye_bus_client_leave (self);
  if (changes)
    g_object_notify (G_OBJECT (self), "reconnect");
  return TRUE;
}

gboolean
deye_bus_client_get_reconnect (DeyeBusClient *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return self->wants_reconnect;
}
