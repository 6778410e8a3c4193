/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-subscription-private.h"
#include "session/deye-bus-session-catchup.h"
#include "session/deye-bus-session-republish.h"
#include "session/deye-bus-session-restore.h"
#include "session/deye-bus-steps.h"
#include "wire-feature.h"
#include "wire-hot.h"

/*
 * One attempt to connect: a table of steps, from opening the socket to a client that is ready.
 *
 * The pump of the client runs the steps, so the first connection and all later ones are made in the same way. Calls of
 * connect() only wait for the result (deye-bus-client-connect-calls.c), and deye-bus-client-reconnect.c decides whether another
 * attempt follows. The handshake step includes the socket: the pump opens it, and tries again while the broker's queue of new
 * connections is full.
 *
 * Invariant: there is at most one attempt, and while there is one the state is CONNECTING or CONNECTED.
 */

#define RETRY_US (5 * G_TIME_SPAN_MILLISECOND)

struct DeyeBusClientAttempt
{
  DeyeBusSteps steps;
  DeyeBusClient *client;        /* borrowed: it owns the attempt */
  DeyeBusSubscription *methods; /* owned; of the step that serves them, while it runs */
};

/* --- the socket --- */

void
deye_bus_client_close_socket (DeyeBusClient *self)
{
  deye_bus_client_take_back (self);
  deye_bus_client_unwatch_socket (self);
  deye_bus_socket_close (&self->socket);
  self->retry_us = 0;
}

static DeyeBusSocket
connect_open_socket (DeyeBusClient *self, gboolean *again, GError **error)
{
  g_autofree char *address = deye_bus_client_dup_address (self);
  gintptr given = self->given_fd;

  *again = FALSE;
  if (!self->is_for_fd)
    return deye_bus_socket_open (address, again, error);
  self->given_fd = -1;
  return deye_bus_socket_adopt (given, error);
}

static void
connect_try_socket (DeyeBusClient *self, gint64 now_us)
{
  GError *error = NULL;
  gboolean again;

  if (self->attempt == NULL || self->state != DEYE_BUS_CLIENT_STATE_CONNECTING || self->socket != DEYE_BUS_SOCKET_NONE
      || now_us < self->retry_us || deye_bus_session_state (self->session) == DEYE_BUS_SESSION_ENDED)
    return;
  self->retry_us = 0;
  self->socket = connect_open_socket (self, &again, &error);
  if (self->socket != DEYE_BUS_SOCKET_NONE)
    deye_bus_client_watch_socket (self);
  else if (again)
    self->retry_us = now_us + RETRY_US;
  else
    deye_bus_session_fail (self->session, error);
}

/* --- step: handshake --- */

static DeyeBusPending *
connect_run_handshake (gpointer owner, GError **error)
{
  DeyeBusClient *self = ((DeyeBusClientAttempt *) owner)->client;
  gint64 limit_us
      = deye_bus_client_reconnects (self) ? DEYE_BUS_RECONNECT_ATTEMPT_US : (gint64) DEYE_BUS_TIMEOUT_DEFAULT_US;
  DeyeBusHello hello = {
    self->id,         self->type,         self->wanted_role,     self->incarnation,
    DEYE_BUS_VERSION, ++self->n_sessions, self->last_message_id, self->features,
  };
  DeyeBusPending *pending = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, g_get_monotonic_time () + limit_us);

  if (self->session != NULL && deye_bus_session_is_kept (self->session))
    deye_bus_session_reopen (self->session, &hello, pending);
  else
    {
      g_clear_pointer (&self->session, deye_bus_session_free);
      self->session = deye_bus_session_new (&hello, &self->events, pending);
    }
  deye_bus_session_set_stash (self->session, &self->stash);
  deye_bus_session_hold (self->session);
  deye_bus_session_set_keeps (self->session, deye_bus_client_reconnects (self));
  self->write_dead = FALSE;
  return pending;
}

/* --- step: register the collector --- */

static DeyeBusPending *
connect_run_register (gpointer owner, GError **error)
{
  DeyeBusClient *self = ((DeyeBusClientAttempt *) owner)->client;

  return self->collector_hooks != NULL ? self->collector_hooks->begin_register (self->collector) : NULL;
}

/* A refused registration does not end the attempt: the client can do everything except work as a collector. */
static void
connect_end_register (gpointer owner, DeyeBusPending *pending)
{
  DeyeBusClient *self = ((DeyeBusClientAttempt *) owner)->client;

  if (self->collector_hooks != NULL)
    self->collector_hooks->end_register (self->collector, pending);
  if (deye_bus_session_state (self->session) == DEYE_BUS_SESSION_READY)
    g_clear_error (&pending->error);
}

/* --- step: restore subscriptions --- */

static DeyeBusPending *
connect_run_restore (gpointer owner, GError **error)
{
  DeyeBusClient *self = ((DeyeBusClientAttempt *) owner)->client;
  g_autoptr (DeyeBusPending) whole
      = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, g_get_monotonic_time () + DEYE_BUS_TIMEOUT_DEFAULT_US);

  return deye_bus_session_restore (self->session, whole) ? g_steal_pointer (&whole) : NULL;
}

/* --- step: serve the client's methods --- */

/* TRUE if the attempt continues although the client's methods are not served: the client can do everything else. */
static gboolean
connect_can_do_without_methods (const DeyeBusClient *self, const GError *why)
{
  if (deye_bus_session_state (self->session) != DEYE_BUS_SESSION_READY)
    return FALSE;
  g_debug ("methods not served: %s", why->message);
  return TRUE;
}

/* TRUE if the client's methods are among the subscriptions that were restored. */
static gboolean
connect_serves_methods (const DeyeBusClient *self)
{
  g_autoptr (GPtrArray) channels = deye_bus_session_list_channels (self->session);

  for (guint i = 0; i < channels->len; i++)
    {
      const DeyeBusChannel *channel = channels->pdata[i];
      const DeyeBusSubscription *owner = channel->owner;

      if (owner != NULL && owner->callback == G_CALLBACK (deye_bus_client_on_method))
        return TRUE;
    }
  return FALSE;
}

static DeyeBusPending *
connect_run_methods (gpointer owner, GError **error)
{
  DeyeBusClientAttempt *attempt = owner;
  DeyeBusClient *self = attempt->client;
  g_autoptr (DeyeBusPending) pending = NULL;
  GError *local = NULL;

  if ((deye_bus_session_welcome (self->session)->features & WIRE_FEATURE_PEER_METHODS) == 0
      || connect_serves_methods (self))
    return NULL;
  pending = deye_bus_client_new_broker_pending ();
  attempt->methods = deye_bus_client_begin_methods (self, TRUE, pending, &local);
  if (attempt->methods != NULL)
    return g_steal_pointer (&pending);
  if (connect_can_do_without_methods (self, local))
    g_error_free (local);
  else
    g_propagate_error (error, local);
  return NULL;
}

static void
connect_end_methods (gpointer owner, DeyeBusPending *pending)
{
  DeyeBusClientAttempt *attempt = owner;
  g_autoptr (DeyeBusSubscription) methods = g_steal_pointer (&attempt->methods);

  if (pending->error == NULL)
    return;
  deye_bus_client_give_up_methods (attempt->client, methods, pending, pending->error);
  if (connect_can_do_without_methods (attempt->client, pending->error))
    g_clear_error (&pending->error);
}

/* --- step: leave the last message --- */

static DeyeBusPending *
connect_run_last_message (gpointer owner, GError **error)
{
  return deye_bus_client_restore_last_message (((DeyeBusClientAttempt *) owner)->client);
}

static void
connect_end_last_message (gpointer owner, DeyeBusPending *pending)
{
  deye_bus_client_end_last_message (((DeyeBusClientAttempt *) owner)->client, pending);
}

/* --- step: publish the client's retained messages again --- */

static DeyeBusPending *
connect_run_republish (gpointer owner, GError **error)
{
  DeyeBusClient *self = ((DeyeBusClientAttempt *) owner)->client;
  gint64 now_us = g_get_monotonic_time ();
  g_autoptr (DeyeBusPending) whole
      = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, now_us + DEYE_BUS_TIMEOUT_DEFAULT_US);

  return deye_bus_session_republish (self->session, whole, now_us) ? g_steal_pointer (&whole) : NULL;
}

/* --- step: receive retained messages --- */

static DeyeBusPending *
connect_run_catch_up (gpointer owner, GError **error)
{
  DeyeBusClient *self = ((DeyeBusClientAttempt *) owner)->client;
  g_autoptr (DeyeBusPending) whole
      = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, g_get_monotonic_time () + DEYE_BUS_RETAINED_WAIT_US);

  return deye_bus_session_await_retained (self->session, whole) ? g_steal_pointer (&whole) : NULL;
}

/* --- the steps --- */

/* The order of the steps is part of the promises of a reconnect. The session is held during all of them, so calls of the program
 * are sent only after the last one.
 *
 * - register: a collector claims its running tasks before it serves its task topic again. Otherwise the broker could give it new
 *   tasks while it does not know how many slots are in use.
 * - restore, serve methods: all subscriptions exist before the client publishes anything. Otherwise an answer to a message could
 *   be routed before the subscription that has to receive it.
 * - last message: the broker has it before the first publish, so a crash after any publish is reported to others.
 * - republish: a new broker has no retained values. The client's own values come before the messages of the program, which may
 *   contain newer values of the same topics.
 * - catch up: waits for the retained values of others, so a client that is READY has the present state. This is the last step,
 *   because it has a short limit and does not fail: when the limit is over, the remaining values arrive later. */
static const DeyeBusStep connect_steps[] = {
  { "handshake", connect_run_handshake, NULL },
  { "register", connect_run_register, connect_end_register },
  { "restore", connect_run_restore, NULL },
  { "serve methods", connect_run_methods, connect_end_methods },
  { "last message", connect_run_last_message, connect_end_last_message },
  { "republish", connect_run_republish, NULL },
  { "catch up", connect_run_catch_up, NULL },
};

static void
connect_begin_attempt (DeyeBusClient *self)
{
  DeyeBusClientAttempt *attempt = g_new0 (DeyeBusClientAttempt, 1);

  deye_bus_steps_init (&attempt->steps, connect_steps, G_N_ELEMENTS (connect_steps), attempt);
  attempt->client = self;
  self->attempt = attempt;
}

void
deye_bus_client_clear_attempt (DeyeBusClient *self)
{
  DeyeBusClientAttempt *attempt = g_steal_pointer (&self->attempt);

  if (attempt == NULL)
    return;
  deye_bus_steps_clear (&attempt->steps);
  g_clear_object (&attempt->methods);
  g_free (attempt);
}

/* --- progress --- */

/* Changes the state to CONNECTED when WELCOME has arrived. */
static void
connect_note_welcome (DeyeBusClient *self)
{
  if (self->state != DEYE_BUS_CLIENT_STATE_CONNECTING || self->session == NULL
      || deye_bus_session_state (self->session) != DEYE_BUS_SESSION_READY)
    return;
  self->connected_us = g_get_monotonic_time ();
  deye_bus_client_apply_event (self, DEYE_BUS_CONNECTION_WELCOME);
  deye_bus_client_note_epoch (self);
}

static gboolean
connect_attempt_waits (const DeyeBusClientAttempt *attempt)
{
  return attempt->steps.pending != NULL && !attempt->steps.pending->done;
}

static void
connect_advance_attempt (DeyeBusClient *self)
{
  GError *error = NULL;

  if (self->attempt == NULL)
    return;
  if (self->session != NULL)
    {
      deye_bus_session_advance_restore (self->session);
      deye_bus_session_advance_retained (self->session);
    }
  if (connect_attempt_waits (self->attempt))
    return;
  switch (deye_bus_steps_advance (&self->attempt->steps, &error))
    {
    case DEYE_BUS_STEPS_WAIT:
      break;
    case DEYE_BUS_STEPS_DONE:
      deye_bus_client_clear_attempt (self);
      deye_bus_client_become_ready (self);
      break;
    case DEYE_BUS_STEPS_FAILED:
      deye_bus_client_end_connection (self, error);
      break;
    }
}

static gboolean
connect_has_ended (const DeyeBusClient *self)
{
  return self->session != NULL && self->attempt == NULL && deye_bus_client_is_connected (self)
         && deye_bus_session_state (self->session) == DEYE_BUS_SESSION_ENDED;
}

WIRE_HOT void
deye_bus_client_settle (DeyeBusClient *self)
{
  connect_note_welcome (self);
  connect_advance_attempt (self);
  if (connect_has_ended (self))
    deye_bus_client_end_connection (self, g_error_copy (deye_bus_session_reason (self->session)));
}

void
deye_bus_client_step_connect (DeyeBusClient *self, gint64 now_us)
{
  if (self->state != DEYE_BUS_CLIENT_STATE_CONNECTING)
    return;
  if (self->attempt == NULL && deye_bus_reconnect_begin (&self->schedule, now_us))
    {
      connect_begin_attempt (self);
      deye_bus_client_settle (self);
    }
  connect_try_socket (self, now_us);
}
