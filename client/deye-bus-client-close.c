/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-connection.h"

#include "deye-bus-answers-private.h"
#include "deye-bus-senders.h"
#include "deye-bus-subscription-private.h"

#include <glib/gi18n-lib.h>

/*
 * Closes a client, in two phases. First the pump sends the messages that still wait for credit. Then it queues GOODBYE, writes
 * the bytes that the socket has not taken yet, and closes the socket. If the time is up, the socket is closed at once.
 *
 * The call reports how many messages were not sent. A client without a connection can also be closed.
 *
 * Invariant: a closed client is never connected again. While @linger_us is not 0, it is still closing.
 */

#define LINGER_DEFAULT_US G_TIME_SPAN_SECOND

#define UNSENT_CLOSED                                                                                                  \
  N_ ("they could not be sent within the timeout of the close: flush the client before you close it, or pass a "       \
      "longer timeout")

/* An error for the messages that were lost when the connection ended; the signal does not report them any more. NULL: no
 * message was lost, or the loss was reported. */
static GError *
client_take_loss (DeyeBusClient *self)
{
  guint64 messages = self->lost;

  if (messages == 0 || self->close_unheard)
    return NULL;
  self->lost = 0;
  self->loss_reported = TRUE;
  return deye_bus_client_new_unsent_error (messages, deye_bus_client_unsent_ended);
}

/* The number of unsent messages, without those that were dropped and reported when an earlier connection ended. */
static guint64
client_count_unsent (DeyeBusClient *self)
{
  return self->closed_connection ? deye_bus_client_get_unsent (self) : deye_bus_client_count_kept (self);
}

/* NULL: everything was sent, or its loss was reported when an earlier connection ended. */
static GError *
client_close_error (DeyeBusClient *self)
{
  guint64 messages = client_count_unsent (self);

  if (!self->closed_connection && messages == 0)
    return client_take_loss (self);
  return messages > 0 ? deye_bus_client_new_unsent_error (messages, UNSENT_CLOSED) : NULL;
}

static GError *
client_error_closed (void)
{
  return deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The client has been closed"));
}

/* The close is over: ends the calls that wait for it. A forked child does not know which messages its parent sends. */
static void
client_end_closings (DeyeBusClient *self)
{
  gboolean is_forked = deye_bus_client_is_forked (self);
  DeyeBusPending *closing;

  self->linger_us = 0;
  while ((closing = g_queue_pop_head (&self->closings)) != NULL)
    {
      closing->done = TRUE;
      closing->error = is_forked ? client_error_closed () : client_close_error (self);
      deye_bus_events_push (&self->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_DONE, .subject = closing });
    }
}

static void
client_end_close (DeyeBusClient *self)
{
  g_autoptr (GError) closed = client_error_closed ();

  if (self->session != NULL)
    deye_bus_session_close (self->session);
  deye_bus_client_close_socket (self);
  deye_bus_socket_close_handle (&self->given_fd);
  if (self->close_unheard && self->closed_connection)
    deye_bus_client_end_unsent (self, UNSENT_CLOSED);
  if (self->close_unheard)
    deye_bus_client_report_unsent (self, deye_bus_client_count_kept (self), UNSENT_CLOSED);
  deye_bus_client_report_closed (self, closed);
  client_end_closings (self);
}

static gboolean
client_owes_bytes (DeyeBusClient *self)
{
  return self->socket != DEYE_BUS_SOCKET_NONE && !self->write_dead
         && deye_bus_outbuf_bytes (deye_bus_session_out (self->session)) > 0;
}

/* TRUE if messages wait for credit, and the broker may still grant it. */
static gboolean
client_waits_for_credit (DeyeBusClient *self)
{
  return !self->write_dead && deye_bus_session_state (self->session) == DEYE_BUS_SESSION_READY
         && deye_bus_session_n_waiting (self->session) > 0;
}

static void
client_send_goodbye (DeyeBusClient *self)
{
  if (deye_bus_session_state (self->session) == DEYE_BUS_SESSION_ENDED)
    return;
  deye_bus_session_close (self->session);
  deye_bus_client_write (self);
}

/* Continues a close, in each turn of the pump.
 *
 * GOODBYE is the last frame of a connection: behind it nothing may be sent, and the broker grants no more credit. A close that
 * queues GOODBYE at once would therefore drop every message that waits for credit, and a program that publishes results and
 * closes would lose them. A flush in front of GOODBYE is no solution: close_async() must not block, and messages that callbacks
 * publish meanwhile would be dropped after all.
 *
 * So the state is CLOSED from the beginning, and new calls fail. In the first phase the session stays READY without
 * subscriptions, and the pump still reads, so that credit arrives. When no message waits for credit, the second phase queues
 * GOODBYE, which ends the session, and waits until the socket has taken all bytes. Both phases end at @linger_us; then the
 * socket is closed and the messages that are left are counted as unsent. */
void
deye_bus_client_step_close (DeyeBusClient *self, gint64 now_us)
{
  if (self->linger_us == 0)
    return;
  if (self->session != NULL && now_us < self->linger_us)
    {
      if (client_waits_for_credit (self))
        return;
      client_send_goodbye (self);
      if (client_owes_bytes (self))
        return;
    }
  client_end_close (self);
}

static gint64
client_linger_us (const DeyeBusOptions *options)
{
  return options != NULL && options->timeout_us > 0 ? options->timeout_us : LINGER_DEFAULT_US;
}

/* Ends attempts to connect, and the call of connect() that waits for them. An existing connection stays open, but no other one
 * follows it. */
static void
client_end_attempts (DeyeBusClient *self)
{
  g_autoptr (GError) closed = client_error_closed ();

  deye_bus_client_clear_attempt (self);
  deye_bus_client_close_watch (self);
  deye_bus_reconnect_reset (&self->schedule);
  if (self->session != NULL)
    deye_bus_session_set_keeps (self->session, FALSE);
  deye_bus_client_end_connect_call (self, closed);
}

/* The order matters. Tasks and messages of senders that wait are given to the session first, because new calls fail as soon as the
 * state is CLOSED. Then the session ends its subscriptions and the requests that wait for credit. After client_end_attempts() no
 * connection follows, so messages that cannot be written are counted as unsent and do not enter the stash.
 *
 * A client that only made synchronous calls may have no source, and close_async() continues in one, so a source is attached. The
 * first steps of the close are made at once: a close with nothing to write and nothing to wait for is over when this returns. */
static void
client_start_close (DeyeBusClient *self, const DeyeBusOptions *options)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    return;
  deye_bus_client_send_tasks (self);
  if (self->senders != NULL)
    deye_bus_senders_close (self->senders, FALSE);
  if (self->session != NULL)
    deye_bus_session_begin_close (self->session);
  self->closed_connection = deye_bus_client_is_connected (self);
  client_end_attempts (self);
  deye_bus_client_stop_heartbeat (self);
  deye_bus_client_stop_health (self);
  deye_bus_client_attach (self);
  deye_bus_client_apply_event (self, DEYE_BUS_CONNECTION_CLOSE);
  self->linger_us = g_get_monotonic_time () + client_linger_us (options);
  deye_bus_client_write (self);
  deye_bus_client_step_close (self, g_get_monotonic_time ());
}

static gboolean
client_is_closed (gconstpointer data)
{
  return ((const DeyeBusClient *) data)->linger_us == 0;
}

/* --- synchronous --- */

/* Returns the error of the close that ends here; NULL: it sent everything, or the client was closed before. */
static GError *
client_close_now (DeyeBusClient *self, DeyeBusOptions *options, GCancellable *cancellable)
{
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED && client_is_closed (self))
    return NULL;
  self->close_unheard = FALSE;
  client_start_close (self, options);
  /* A cancellation does not make the close fail: it only ends the wait for unsent messages. */
  if (!deye_bus_client_wait (self, client_is_closed, self, G_MAXINT64, cancellable))
    client_end_close (self);
  return client_close_error (self);
}

gboolean
deye_bus_client_close_full (DeyeBusClient *self, DeyeBusOptions *options, GCancellable *cancellable, GError **error)
{
  GError *local;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!deye_bus_options_check (options, error) || !deye_bus_client_enter (self, error))
    return FALSE;
  local = client_close_now (self, options, cancellable);
  deye_bus_client_leave (self);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

gboolean
deye_bus_client_close (DeyeBusClient *self, GCancellable *cancellable, GError **error)
{
  return deye_bus_client_close_full (self, NULL, cancellable, error);
}

/* --- asynchronous --- */

static gboolean
client_on_close_cancelled (GCancellable *cancellable, gpointer data)
{
  DeyeBusClient *self = data;

  if (!client_is_closed (self))
    client_end_close (self);
  return G_SOURCE_REMOVE;
}

/* The source refers to the client without a reference: the task of the pending call has one. */
static void
client_watch_close_cancellable (DeyeBusClient *self, DeyeBusPending *closing, GCancellable *cancellable)
{
  GSource *source = g_cancellable_source_new (cancellable);

  g_source_set_static_name (source, "DeyeBusCloseCancelled");
  g_source_set_callback (source, G_SOURCE_FUNC (client_on_close_cancelled), self, NULL);
  g_source_attach (source, self->context);
  closing->cancelled = source;
}

static void
client_close_later (DeyeBusClient *self, DeyeBusOptions *options, GTask *task, GError *error)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  DeyeBusPending *closing;

  if (error != NULL)
    g_task_return_error (task, error);
  else if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED && client_is_closed (self))
    g_task_return_boolean (task, TRUE);
  else
    {
      closing = deye_bus_pending_new (DEYE_BUS_PENDING_SENT, 0);
      g_queue_push_tail (&self->closings, closing);
      deye_bus_client_run_task (self, closing, task, NULL, deye_bus_pending_return_true);
      if (cancellable != NULL)
        client_watch_close_cancellable (self, closing, cancellable);
      client_start_close (self, options);
    }
}

static void
client_close_by_task (DeyeBusClient *self, DeyeBusOptions *options, GTask *task, gboolean unheard)
{
  GError *error = NULL;

  if (!deye_bus_client_enter_task (self, task, NULL))
    return;
  if (deye_bus_options_check (options, &error))
    self->close_unheard = unheard && (self->state != DEYE_BUS_CLIENT_STATE_CLOSED || self->close_unheard);
  client_close_later (self, options, task, error);
  deye_bus_client_leave (self);
}

void
deye_bus_client_close_full_async (DeyeBusClient *self,
                                  DeyeBusOptions *options,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_close_full_async);
  client_close_by_task (self, options, task, callback == NULL);
}

gboolean
deye_bus_client_close_full_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_client_close_full_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}

void
deye_bus_client_close_async (DeyeBusClient *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_close_async);
  client_close_by_task (self, NULL, task, callback == NULL);
}

gboolean
deye_bus_client_close_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_client_close_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}

/* --- dispose --- */

static void
client_end_answers (const DeyeBusStream *stream)
{
  g_autoptr (DeyeBusAnswers) answers = stream->owner != NULL ? g_object_ref (stream->owner) : NULL;

  if (answers != NULL)
    deye_bus_answers_wake (answers);
}

/* Ends subscriptions and asynchronous calls, since no event is dispatched any more. A call has a reference to the client, so only
 * g_object_run_dispose() finds one here. */
static void
client_end_all (DeyeBusClient *self)
{
  DeyeBusEvent event;

  while (deye_bus_events_pop (&self->events, &event))
    {
      DeyeBusChannel *channel = event.subject;
      DeyeBusPending *pending = event.subject;

      if (event.kind == DEYE_BUS_EVENT_ENDED)
        deye_bus_subscription_end (channel->owner);
      else if (event.kind == DEYE_BUS_EVENT_DONE)
        pending->complete (pending);
      else if (event.kind == DEYE_BUS_EVENT_ANSWER)
        client_end_answers (event.subject);
      deye_bus_session_clear_event (&event);
    }
}

guint64
deye_bus_client_drop_connection (DeyeBusClient *self)
{
  gboolean owns_connection = !deye_bus_client_is_forked (self);
  gboolean closes_unheard = self->linger_us != 0 && self->close_unheard; /* no call reports the unsent messages */
  gboolean was_reported = self->state == DEYE_BUS_CLIENT_STATE_CLOSED && !closes_unheard;
  gboolean was_connected = deye_bus_client_is_connected (self) || (closes_unheard && self->closed_connection);

  if (self->senders != NULL)
    deye_bus_senders_close (self->senders, TRUE);
  client_end_attempts (self);
  if (owns_connection)
    deye_bus_client_write (self); /* messages that wait for credit are lost, since nothing reads credit any more */
  if (self->session != NULL)
    deye_bus_session_close (self->session);
  if (owns_connection)
    deye_bus_client_write (self);
  deye_bus_client_close_socket (self);
  deye_bus_socket_close_handle (&self->given_fd);
  deye_bus_client_apply_event (self, DEYE_BUS_CONNECTION_CLOSE);
  client_end_closings (self);
  client_end_all (self);
  if (!owns_connection)
    return 0;
  return self->lost + (was_reported ? 0 : deye_bus_client_count_kept (self))
         + (was_connected ? deye_bus_session_count_unsent (self->session).unwatched : 0);
}
