/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-connection.h"

#include "deye-bus-subscription-private.h"
#include "session/deye-bus-session-catchup.h"
#include "session/deye-bus-session-republish.h"
#include "session/deye-bus-session-restore.h"
#include "session/deye-bus-steps.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * One attempt to connect: a table of steps, from opening the socket to a client that is ready.
 *
 * The pump of the client runs the steps, so the first connection and all later ones are made in the same way. Calls of
 * connect() only wait until the client is ready, or until no further attempt follows (deye-bus-client-reconnect.c decides
 * that). The handshake step includes the socket: the pump opens it, and tries again while the broker's queue of new connections
 * is full.
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

/* --- checks --- */

gboolean
deye_bus_client_check_ready (DeyeBusClient *self, GError **error)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_READY)
    return TRUE;
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED,
                         _ ("This client has been closed: create a new one"));
  else if (self->state == DEYE_BUS_CLIENT_STATE_DISCONNECTED)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not connected: connect first"));
  else
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED,
                         _ ("Not connected at the moment, the client is connecting: try again when it is ready"));
  return FALSE;
}

gboolean
deye_bus_client_may_wait (DeyeBusClient *self)
{
  return deye_bus_client_reconnects (self) && self->session != NULL
         && (deye_bus_session_state (self->session) != DEYE_BUS_SESSION_ENDED
             || deye_bus_session_is_kept (self->session))
         && (self->state == DEYE_BUS_CLIENT_STATE_CONNECTING || self->state == DEYE_BUS_CLIENT_STATE_CONNECTED);
}

/* Checks the properties that were set at construction. The broker checks the form of id and type. */
static gboolean
connect_check_made (const DeyeBusClient *self, GError **error)
{
  const char *problem = NULL;

  if (self->id == NULL)
    problem = _ ("This client has no id: construct it with one (property “id”)");
  else if (self->wanted_role < DEYE_BUS_ROLE_COLLECTOR || self->wanted_role > DEYE_BUS_ROLE_AGENT)
    problem = _ ("This client has no valid role: construct it as a collector, a tool or an agent (property “role”)");
  else if (self->is_for_fd && self->given_fd < 0 && self->n_sessions == 0)
    problem = _ ("This client was constructed with a value that is not a file descriptor");
  if (problem == NULL)
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, problem);
  return FALSE;
}

static gboolean
connect_check_allowed (DeyeBusClient *self, GError **error)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    return deye_bus_client_check_ready (self, error);
  if (!connect_check_made (self, error))
    return FALSE;
  if (self->connect_call != NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING, _ ("This client is already connecting"));
      return FALSE;
    }
  if (self->state == DEYE_BUS_CLIENT_STATE_DISCONNECTED && self->is_for_fd && self->given_fd < 0)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED,
                           _ ("The connection that this client was created for has ended: create a new client"));
      return FALSE;
    }
  return TRUE;
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
  deye_bus_client_apply (self, DEYE_BUS_CONNECTION_WELCOME);
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

void
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

/* --- calls of connect() --- */

/* If the client is disconnected, begins to connect, and makes the first attempt at once, without waiting for the pump. */
static void
connect_start (DeyeBusClient *self, DeyeBusPending *call)
{
  gint64 now_us = g_get_monotonic_time ();

  self->connect_call = deye_bus_pending_ref (call);
  if (self->state != DEYE_BUS_CLIENT_STATE_DISCONNECTED)
    return;
  self->connect_dialled = TRUE;
  deye_bus_client_attach (self);
  deye_bus_client_dial (self, now_us);
  deye_bus_client_step_connect (self, now_us);
  deye_bus_client_settle (self);
}

void
deye_bus_client_end_connect_call (DeyeBusClient *self, const GError *error)
{
  g_autoptr (DeyeBusPending) call = g_steal_pointer (&self->connect_call);

  self->connect_dialled = FALSE;
  if (call == NULL)
    return;
  call->done = TRUE;
  call->error = error != NULL ? g_error_copy (error) : NULL;
  if (call->complete != NULL)
    deye_bus_events_push (&self->events,
                          (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_DONE, .subject = g_steal_pointer (&call) });
}

/* If the call that made the client connect is cancelled, the attempts end. If another call is cancelled, only that call ends. */
static void
connect_cancel (DeyeBusClient *self, const DeyeBusPending *call, const GError *error)
{
  if (call->done)
    return;
  if (self->connect_dialled)
    deye_bus_client_stop_connecting (self, error);
  else
    deye_bus_client_end_connect_call (self, error);
}

/* --- synchronous --- */

static gboolean
connect_is_done (gconstpointer data)
{
  return ((const DeyeBusPending *) data)->done;
}

static gboolean
connect_sync (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusPending) call = deye_bus_pending_new (DEYE_BUS_PENDING_READY, G_MAXINT64);
  g_autoptr (GError) cancelled = NULL;

  connect_start (self, call);
  if (!deye_bus_client_wait (self, connect_is_done, call, G_MAXINT64, cancellable)
      && g_cancellable_set_error_if_cancelled (cancellable, &cancelled))
    connect_cancel (self, call, cancelled);
  if (call->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&call->error));
  return FALSE;
}

gboolean
deye_bus_client_connect (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  ok = self->state == DEYE_BUS_CLIENT_STATE_READY
       || (connect_check_allowed (self, error) && connect_sync (self, cancellable, error));
  deye_bus_client_leave (self);
  return ok;
}

/* --- asynchronous --- */

typedef struct
{
  DeyeBusClient *client; /* borrowed: the pending call's task holds it */
  DeyeBusPending *call;
} ConnectWatch;

static void
connect_watch_free (gpointer data)
{
  ConnectWatch *watch = data;

  deye_bus_pending_unref (watch->call);
  g_free (watch);
}

static gboolean
connect_on_cancelled (GCancellable *cancellable, gpointer data)
{
  ConnectWatch *watch = data;
  g_autoptr (DeyeBusClient) client = g_object_ref (watch->client);
  g_autoptr (GError) error = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    connect_cancel (client, watch->call, error);
  return G_SOURCE_REMOVE;
}

static void
connect_watch_cancellable (DeyeBusClient *self, DeyeBusPending *call, GCancellable *cancellable)
{
  ConnectWatch *watch = g_new0 (ConnectWatch, 1);

  watch->client = self;
  watch->call = deye_bus_pending_ref (call);
  call->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_static_name (call->cancelled, "DeyeBusConnectCancelled");
  g_source_set_callback (call->cancelled, G_SOURCE_FUNC (connect_on_cancelled), watch, connect_watch_free);
  g_source_attach (call->cancelled, self->context);
}

static void
connect_by_task (DeyeBusClient *self, GTask *task, GCancellable *cancellable)
{
  g_autoptr (DeyeBusPending) call = NULL;
  GError *error = NULL;

  if (self->state == DEYE_BUS_CLIENT_STATE_READY)
    g_task_return_boolean (task, TRUE);
  else if (!connect_check_allowed (self, &error))
    g_task_return_error (task, error);
  else
    {
      call = deye_bus_pending_new (DEYE_BUS_PENDING_READY, G_MAXINT64);
      deye_bus_client_run_task (self, call, task, NULL, deye_bus_pending_return_true);
      if (cancellable != NULL)
        connect_watch_cancellable (self, call, cancellable);
      connect_start (self, call);
    }
}

void
deye_bus_client_connect_async (DeyeBusClient *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_connect_async);
  if (!deye_bus_client_enter_task (self, task, NULL))
    return;
  connect_by_task (self, task, cancellable);
  deye_bus_client_leave (self);
}

gboolean
deye_bus_client_connect_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_client_connect_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}
