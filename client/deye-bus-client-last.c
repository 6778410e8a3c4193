/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-publish.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "session/deye-bus-session-flush.h"
#include "session/deye-bus-session-send.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * The last message (last will) of a client: a message that the broker publishes when the connection ends without a close by the
 * client. The client gives it to the broker with a request to control.bus.will, and again on each new connection.
 *
 * The client keeps the packed request. A call stores the new request before the broker has answered, so that a reconnect meanwhile
 * sends the newest one. If the broker refuses it, the request that was accepted last is stored again. Requests have numbers,
 * because several may be in progress, and their answers are not always handled in the order of the requests.
 *
 * Invariant: the broker of the present connection has the message that the client keeps, or a request for it is in progress.
 */

#define LAST_TOPIC "control.bus.will"

static void
last_request_set (DeyeBusLastRequest *self, GBytes *request, guint64 number)
{
  g_clear_pointer (&self->request, g_bytes_unref);
  self->request = request != NULL ? g_bytes_ref (request) : NULL;
  self->number = number;
}

static void
last_request_free (DeyeBusLastRequest *self)
{
  last_request_set (self, NULL, 0);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusLastRequest, last_request_free)

static void
last_store (DeyeBusClient *self, GBytes *request)
{
  g_clear_pointer (&self->last_message, g_bytes_unref);
  self->last_message = request != NULL ? g_bytes_ref (request) : NULL;
}

void
deye_bus_client_clear_last_message (DeyeBusClient *self)
{
  last_store (self, NULL);
  last_request_set (&self->last_accepted, NULL, 0);
  last_request_set (&self->last_restored, NULL, 0);
}

/* The broker has @request from now on, unless it has accepted a later one. @request: NULL: it has no last message */
static void
last_accept (DeyeBusClient *self, GBytes *request, guint64 number)
{
  if (number > self->last_accepted.number)
    last_request_set (&self->last_accepted, request, number);
}

/* --- the request --- */

static gboolean
last_check (const DeyeBusOptions *options, GError **error)
{
  if (!deye_bus_options_check (options, error))
    return FALSE;
  if (options == NULL || options->retain != DEYE_BUS_RETAIN_CONNECTED)
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                       _ ("A last message can't be retained until its connection ends: use DEYE_BUS_RETAIN_LAST"));
  return FALSE;
}

/* Packs the request. @topic: NULL: the request that removes the last message */
static GBytes *
last_pack (const char *topic, GBytes *payload, const DeyeBusOptions *options)
{
  Daemoneye__Eventbus__V1__WillRequest request = DAEMONEYE__EVENTBUS__V1__WILL_REQUEST__INIT;
  const char *type_name = options != NULL && options->type_name != NULL ? options->type_name : "";

  /* protobuf-c has no const in its structs, and does not write to them when it packs. */
  request.topic = (char *) (gsize) (topic != NULL ? topic : "");
  request.type_name = (char *) (gsize) type_name;
  request.retain = options != NULL && options->retain != DEYE_BUS_RETAIN_NONE;
  if (payload != NULL)
    request.payload.data = (guint8 *) (gsize) g_bytes_get_data (payload, &request.payload.len);
  return deye_bus_pack (&request.base);
}

static guint64
last_features (GBytes *request)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__will_request__descriptor,
                           wire_span (g_bytes_get_data (request, NULL), g_bytes_get_size (request)), 0, NULL);
  const Daemoneye__Eventbus__V1__WillRequest *will = guard != NULL ? wire_guard_message (guard) : NULL;

  return WIRE_FEATURE_DELIVERY | (will != NULL && will->retain ? WIRE_FEATURE_RETAIN : 0);
}

static gboolean
last_ask (DeyeBusClient *self, GBytes *request, gboolean ahead, DeyeBusPending *pending, GError **error)
{
  const DeyeBusCall call = { .kind = WIRE_KIND_REQUEST,
                             .topic = LAST_TOPIC,
                             .type_name = DEYE_BUS_TYPE_PREFIX "WillRequest",
                             .payload = request,
                             .ahead = ahead,
                             .own = TRUE };

  return deye_bus_session_check_features (self->session, last_features (request), error)
         && deye_bus_session_call (self->session, &call, pending, error);
}

/* --- a new connection --- */

/* The broker has no last message. If the program has set another one meanwhile, the client keeps that one. */
static void
last_report_refused (DeyeBusClient *self, GError *error)
{
  last_accept (self, NULL, self->last_restored.number);
  if (self->last_message == self->last_restored.request)
    last_store (self, NULL);
  deye_bus_session_push_refused (self->session, error);
}

DeyeBusPending *
deye_bus_client_restore_last_message (DeyeBusClient *self)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  GError *error = NULL;

  if (self->last_message == NULL)
    return NULL;
  pending = deye_bus_client_new_broker_pending ();
  last_request_set (&self->last_restored, self->last_message, ++self->last_asked);
  if (last_ask (self, self->last_message, TRUE, pending, &error))
    return g_steal_pointer (&pending);
  last_report_refused (self, error);
  return NULL;
}

void
deye_bus_client_end_last_message (DeyeBusClient *self, DeyeBusPending *pending)
{
  if (pending->error == NULL)
    last_accept (self, self->last_restored.request, self->last_restored.number);
  else if (deye_bus_session_state (self->session) == DEYE_BUS_SESSION_READY)
    last_report_refused (self, g_steal_pointer (&pending->error));
}

/* --- the calls --- */

/* Stores @request, and asks the broker. Returns the call, which waits for @pending. NULL: it failed, if @error is set;
 * otherwise the client is not connected, and the next connection sends the request.
 *
 * A client that is connected but not ready asks too: the step of its connection may have sent the earlier request already. */
static DeyeBusLastRequest *
last_begin (DeyeBusClient *self, const char *topic, GBytes *request, DeyeBusPending *pending, GError **error)
{
  g_autoptr (DeyeBusLastRequest) call = g_new0 (DeyeBusLastRequest, 1);
  gboolean asks = deye_bus_client_is_connected (self);

  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED)
    {
      deye_bus_client_check_ready (self, error);
      return NULL;
    }
  last_request_set (call, topic != NULL ? request : NULL, ++self->last_asked);
  if (asks && !last_ask (self, request, self->state != DEYE_BUS_CLIENT_STATE_READY, pending, error))
    return NULL;
  last_store (self, call->request);
  if (asks)
    return g_steal_pointer (&call);
  last_accept (self, call->request, call->number);
  return NULL;
}

/* If the broker refused the request, it keeps the message that it has accepted last. So does the client. */
static void
last_end (DeyeBusClient *self, const DeyeBusLastRequest *call, gboolean ok)
{
  if (ok)
    last_accept (self, call->request, call->number);
  else if (self->last_message == call->request)
    last_store (self, self->last_accepted.request);
}

gboolean
deye_bus_client_set_last_message (DeyeBusClient *self,
                                  const char *topic,
                                  GBytes *payload,
                                  DeyeBusOptions *options,
                                  GCancellable *cancellable,
                                  GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GBytes) request = NULL;
  g_autoptr (DeyeBusLastRequest) call = NULL;
  g_autoptr (GError) local = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!last_check (options, error) || g_cancellable_set_error_if_cancelled (cancellable, error)
      || !deye_bus_client_enter (self, error))
    return FALSE;
  request = last_pack (topic, payload, options);
  pending = deye_bus_client_new_broker_pending ();
  call = last_begin (self, topic, request, pending, &local);
  if (call != NULL)
    last_end (self, call, deye_bus_client_wait_pending (self, pending, cancellable, &local));
  deye_bus_client_leave (self);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static void
last_on_answer (DeyeBusPending *pending)
{
  GTask *held = g_object_ref (pending->data);

  last_end (g_task_get_source_object (held), g_task_get_task_data (held), pending->error == NULL);
  deye_bus_pending_return_true (pending);
  g_object_unref (held);
}

void
deye_bus_client_set_last_message_async (DeyeBusClient *self,
                                        const char *topic,
                                        GBytes *payload,
                                        DeyeBusOptions *options,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GBytes) request = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  DeyeBusLastRequest *call;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_set_last_message_async);
  if (!last_check (options, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (!deye_bus_client_enter_task (self, task, cancellable))
    return;
  request = last_pack (topic, payload, options);
  pending = deye_bus_client_new_broker_pending ();
  pending->complete = last_on_answer;
  call = last_begin (self, topic, request, pending, &error);
  if (call != NULL)
    g_task_set_task_data (task, call, (GDestroyNotify) last_request_free);
  if (call != NULL || error != NULL)
    deye_bus_client_leave_task (self, task, g_steal_pointer (&pending), last_on_answer, error);
  else
    {
      g_task_return_boolean (task, TRUE);
      deye_bus_client_leave (self);
    }
}

gboolean
deye_bus_client_set_last_message_finish (DeyeBusClient *self, GAsyncResult *async_result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, async_result, deye_bus_client_set_last_message_async, error)
         && g_task_propagate_boolean (G_TASK (async_result), error);
}
