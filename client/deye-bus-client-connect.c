/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "session/deye-bus-steps.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * Connecting: a table of steps, from the socket to a client that answers its methods.
 *
 * The synchronous call waits for each step by pumping, the asynchronous one goes on from a dispatch; both run the
 * same table. The handshake step includes the socket: the pump opens it, and tries again while the broker's queue of
 * new connections is full.
 *
 * An asynchronous attempt learns from an event that a step has ended. The state of the client changes before that
 * event is dispatched, and in between the user may connect again. So an attempt keeps the number of the session that
 * it made.
 *
 * Invariant: an attempt that failed leaves no connection of its own, so that the next connect() begins anew; it never
 * ends the connection of another attempt.
 */

#define RETRY_US (5 * G_TIME_SPAN_MILLISECOND)

/* --- the socket --- */

void
deye_bus_client_close_socket (DeyeBusClient *self)
{
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

void
deye_bus_client_step_connect (DeyeBusClient *self, gint64 now_us)
{
  GError *error = NULL;
  gboolean again;

  if (self->state != DEYE_BUS_CLIENT_STATE_CONNECTING || self->socket != DEYE_BUS_SOCKET_NONE || now_us < self->retry_us
      || deye_bus_session_state (self->session) == DEYE_BUS_SESSION_ENDED)
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

static void
connect_report_end (DeyeBusClient *self)
{
  deye_bus_client_end_unsent (self, deye_bus_client_unsent_ended);
  deye_bus_events_push (&self->events,
                        (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_CLOSED,
                                        .subject = g_error_copy (deye_bus_session_reason (self->session)) });
}

void
deye_bus_client_settle (DeyeBusClient *self)
{
  gboolean was_connected = self->state == DEYE_BUS_CLIENT_STATE_CONNECTED;

  if (self->session == NULL || (self->state != DEYE_BUS_CLIENT_STATE_CONNECTING && !was_connected))
    return;
  switch (deye_bus_session_state (self->session))
    {
    case DEYE_BUS_SESSION_HELLO:
      break;
    case DEYE_BUS_SESSION_READY:
      if (!was_connected)
        self->connected_us = g_get_monotonic_time ();
      deye_bus_client_set_state (self, DEYE_BUS_CLIENT_STATE_CONNECTED);
      break;
    case DEYE_BUS_SESSION_ENDED:
      deye_bus_client_close_socket (self);
      deye_bus_client_set_state (self, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
      if (was_connected)
        connect_report_end (self);
      break;
    }
}

/* --- checks --- */

gboolean
deye_bus_client_check_ready (DeyeBusClient *self, GError **error)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_CONNECTED)
    return TRUE;
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED,
                         _ ("This client has been closed: create a new one"));
  else
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not connected: connect first"));
  return FALSE;
}

/* Checks the properties that the object was constructed with. The broker checks the form of id and type. */
static gboolean
connect_check_made (const DeyeBusClient *self, GError **error)
{
  const char *problem = NULL;

  if (self->id == NULL)
    problem = _ ("This client has no id: construct it with one (property “id”)");
  else if (self->wanted_role < DEYE_BUS_ROLE_COLLECTOR || self->wanted_role > DEYE_BUS_ROLE_AGENT)
    problem = _ ("This client has no valid role: construct it as a collector, a tool or an agent (property “role”)");
  else if (self->is_for_fd && self->given_fd < 0 && self->n_sessions == 0)
    problem = _ ("This client was constructed for something that is not a file descriptor");
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
  if (self->state == DEYE_BUS_CLIENT_STATE_CONNECTING)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING, _ ("This client is already connecting"));
      return FALSE;
    }
  if (self->is_for_fd && self->given_fd < 0)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED,
                           _ ("The connection that this client was created for has ended: create a new client"));
      return FALSE;
    }
  return TRUE;
}

/* --- one attempt --- */

typedef struct
{
  DeyeBusSteps steps;
  DeyeBusClient *client;        /* borrowed: the caller or the task holds it */
  GCancellable *cancellable;    /* nullable; borrowed */
  DeyeBusSubscription *methods; /* owned; of the step that serves them, while it runs */
  guint64 session;              /* number of the session that it made; 0: none yet */
} ConnectAttempt;

/* TRUE if the client has the connection that this attempt made, and not a later one or none. */
static gboolean
connect_owns_connection (const ConnectAttempt *attempt)
{
  const DeyeBusClient *self = attempt->client;

  return self->state == DEYE_BUS_CLIENT_STATE_CONNECTED && attempt->session == self->n_sessions;
}

/* --- step: handshake --- */

static DeyeBusPending *
connect_run_handshake (gpointer owner, GError **error)
{
  ConnectAttempt *attempt = owner;
  DeyeBusClient *self = attempt->client;
  gint64 now_us = g_get_monotonic_time ();
  DeyeBusHello hello = { self->id, self->type, self->wanted_role, self->incarnation, DEYE_BUS_VERSION };
  DeyeBusPending *pending;

  if (!connect_check_allowed (self, error))
    return NULL;
  pending = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, now_us + DEYE_BUS_TIMEOUT_DEFAULT_US);
  g_clear_pointer (&self->session, deye_bus_session_free);
  self->session = deye_bus_session_new (&hello, &self->events, pending);
  attempt->session = ++self->n_sessions;
  self->write_dead = FALSE;
  deye_bus_client_attach (self);
  deye_bus_client_set_state (self, DEYE_BUS_CLIENT_STATE_CONNECTING);
  return pending;
}

/* --- step: serve the client's methods --- */

/* A client whose methods the broker does not let it serve can do everything else. */
static gboolean
connect_can_do_without_methods (const DeyeBusClient *self, const GError *why)
{
  if (self->state != DEYE_BUS_CLIENT_STATE_CONNECTED || g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;
  g_debug ("methods not served: %s", why->message);
  return TRUE;
}

static DeyeBusPending *
connect_run_methods (gpointer owner, GError **error)
{
  ConnectAttempt *attempt = owner;
  DeyeBusClient *self = attempt->client;
  g_autoptr (DeyeBusPending) pending = NULL;
  GError *local = NULL;

  if ((deye_bus_session_welcome (self->session)->features & WIRE_FEATURE_PEER_METHODS) == 0
      || g_cancellable_set_error_if_cancelled (attempt->cancellable, error))
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
  ConnectAttempt *attempt = owner;
  g_autoptr (DeyeBusSubscription) methods = g_steal_pointer (&attempt->methods);

  if (pending->error == NULL)
    return;
  deye_bus_client_give_up_methods (attempt->client, methods, pending, pending->error);
  if (connect_can_do_without_methods (attempt->client, pending->error))
    g_clear_error (&pending->error);
}

/* --- the steps --- */

static const DeyeBusStep connect_steps[] = {
  { "handshake", connect_run_handshake, NULL },
  { "serve methods", connect_run_methods, connect_end_methods },
};

static ConnectAttempt *
connect_attempt_new (DeyeBusClient *client, GCancellable *cancellable)
{
  ConnectAttempt *attempt = g_new0 (ConnectAttempt, 1);

  deye_bus_steps_init (&attempt->steps, connect_steps, G_N_ELEMENTS (connect_steps), attempt);
  attempt->client = client;
  attempt->cancellable = cancellable;
  return attempt;
}

static void
connect_attempt_free (ConnectAttempt *attempt)
{
  deye_bus_steps_clear (&attempt->steps);
  g_clear_object (&attempt->methods);
  g_free (attempt);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConnectAttempt, connect_attempt_free)

static DeyeBusStepsResult
connect_advance (ConnectAttempt *attempt, GError **error)
{
  DeyeBusStepsResult result = deye_bus_steps_advance (&attempt->steps, error);
  DeyeBusClient *self = attempt->client;

  if (result != DEYE_BUS_STEPS_FAILED || !connect_owns_connection (attempt))
    return result;
  deye_bus_session_close (self->session);
  deye_bus_client_write (self);
  deye_bus_client_settle (self);
  return result;
}

/* The first try does not wait for the pump. */
static void
connect_try_now (DeyeBusClient *self)
{
  deye_bus_client_step_connect (self, g_get_monotonic_time ());
  deye_bus_client_settle (self);
}

/* --- synchronous --- */

static gboolean
connect_sync (ConnectAttempt *attempt, GError **error)
{
  DeyeBusStepsResult result = connect_advance (attempt, error);

  if (result == DEYE_BUS_STEPS_WAIT)
    connect_try_now (attempt->client);
  while (result == DEYE_BUS_STEPS_WAIT)
    {
      deye_bus_client_wait_done (attempt->client, attempt->steps.pending, attempt->cancellable);
      result = connect_advance (attempt, error);
    }
  return result == DEYE_BUS_STEPS_DONE;
}

gboolean
deye_bus_client_connect (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (ConnectAttempt) attempt = NULL;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  attempt = connect_attempt_new (self, cancellable);
  ok = self->state == DEYE_BUS_CLIENT_STATE_CONNECTED || connect_sync (attempt, error);
  deye_bus_client_leave (self);
  return ok;
}

/* --- asynchronous --- */

static void connect_on_step_done (DeyeBusPending *pending);

static DeyeBusStepsResult
connect_advance_task (ConnectAttempt *attempt, GTask *task)
{
  DeyeBusClient *self = attempt->client;
  GError *error = NULL;
  DeyeBusStepsResult result = connect_advance (attempt, &error);

  switch (result)
    {
    case DEYE_BUS_STEPS_WAIT:
      deye_bus_client_run_task (self, attempt->steps.pending, task, attempt->cancellable, connect_on_step_done);
      break;
    case DEYE_BUS_STEPS_DONE:
      g_task_return_boolean (task, TRUE);
      break;
    case DEYE_BUS_STEPS_FAILED:
      g_task_return_error (task, error);
      break;
    }
  return result;
}

static void
connect_on_step_done (DeyeBusPending *pending)
{
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending);
  ConnectAttempt *attempt = g_task_get_task_data (task);

  /* The connection may have ended since, or the user may have closed the client; it was made all the same. */
  if (pending->error == NULL && !connect_owns_connection (attempt))
    g_task_return_boolean (task, TRUE);
  else
    connect_advance_task (attempt, task);
}

void
deye_bus_client_connect_async (DeyeBusClient *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  ConnectAttempt *attempt;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_connect_async);
  if (!deye_bus_client_enter_task (self, task, NULL))
    return;
  attempt = connect_attempt_new (self, cancellable);
  g_task_set_task_data (task, attempt, (GDestroyNotify) connect_attempt_free);
  if (self->state == DEYE_BUS_CLIENT_STATE_CONNECTED)
    g_task_return_boolean (task, TRUE);
  else if (connect_advance_task (attempt, task) == DEYE_BUS_STEPS_WAIT)
    connect_try_now (self);
  deye_bus_client_leave (self);
}

gboolean
deye_bus_client_connect_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_client_connect_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}
