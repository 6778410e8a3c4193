/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-message-private.h"
#include "deye-bus-methods.h"

#include <glib/gi18n-lib.h>

/*
 * Publish, direct, broadcast, request, respond. Each is the description of a frame and of what ends it; run_sync() and
 * run_async() do the rest for all of them.
 */

/* --- tasks --- */

typedef struct
{
  DeyeBusClient *client; /* borrowed: the pending call's task holds it */
  DeyeBusPending *pending;
} Watch;

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  deye_bus_pending_unref (watch->pending);
  g_free (watch);
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  Watch *watch = data;
  g_autoptr (DeyeBusClient) client = g_object_ref (watch->client);
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    {
      deye_bus_session_cancel (client->session, watch->pending, error);
      deye_bus_client_settle (client);
      deye_bus_client_flush (client);
    }
  return G_SOURCE_REMOVE;
}

void
deye_bus_client_run_task (DeyeBusClient *self,
                          DeyeBusPending *pending,
                          GTask *task,
                          GCancellable *cancellable,
                          DeyeBusPendingFunc complete)
{
  Watch *watch;

  pending->complete = complete;
  pending->data = g_object_ref (task);
  /* What ends in the very dispatch it was begun in comes from an idle source. It has to come before our own source has its
   * next turn, or later ends would overtake it. */
  g_task_set_priority (task, G_PRIORITY_DEFAULT - 1);
  if (cancellable == NULL)
    return;
  watch = g_new0 (Watch, 1);
  watch->client = self;
  watch->pending = deye_bus_pending_ref (pending);
  pending->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_static_name (pending->cancelled, "DeyeBusCancelled");
  g_source_set_callback (pending->cancelled, G_SOURCE_FUNC (on_cancelled), watch, watch_free);
  g_source_attach (pending->cancelled, self->context);
}

GTask *
deye_bus_pending_steal_task (DeyeBusPending *pending, GError **error)
{
  GSource *cancelled = g_steal_pointer (&pending->cancelled);

  if (cancelled != NULL)
    {
      g_source_destroy (cancelled);
      g_source_unref (cancelled);
    }
  if (error != NULL)
    *error = g_steal_pointer (&pending->error);
  return g_steal_pointer (&pending->data);
}

/* --- the common way --- */

static gboolean
start (DeyeBusClient *self, const DeyeBusCall *call, DeyeBusPending *pending, GError **error)
{
  return deye_bus_client_check_ready (self, error) && deye_bus_session_call (self->session, call, pending, error);
}

static DeyeBusPending *
pending_for (DeyeBusPendingKind kind, const DeyeBusOptions *options)
{
  return deye_bus_pending_new (kind, g_get_monotonic_time () + deye_bus_options_timeout_us (options));
}

/* NULL on failure. */
static DeyeBusPending *
run_sync (DeyeBusClient *self,
          const DeyeBusCall *call,
          DeyeBusPendingKind kind,
          GCancellable *cancellable,
          GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  gboolean ok;

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !deye_bus_client_enter (self, error))
    return NULL;
  pending = pending_for (kind, call->options);
  ok = start (self, call, pending, error) && deye_bus_client_wait_pending (self, pending, cancellable, error);
  deye_bus_client_leave (self);
  return ok ? g_steal_pointer (&pending) : NULL;
}

static void
run_async (DeyeBusClient *self,
           const DeyeBusCall *call,
           DeyeBusPendingKind kind,
           GTask *task,
           DeyeBusPendingFunc complete)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  GCancellable *cancellable = g_task_get_cancellable (task);
  GError *error = NULL;

  g_task_set_check_cancellable (task, FALSE);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !deye_bus_client_enter (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  pending = pending_for (kind, call->options);
  pending->complete = complete; /* before the call, which may end it at once */
  if (start (self, call, pending, &error))
    deye_bus_client_run_task (self, pending, task, cancellable, complete);
  else
    g_task_return_error (task, error);
  deye_bus_client_leave (self);
}

/* --- publish --- */

static DeyeBusCall
publish_call (const char *topic, GBytes *payload, DeyeBusOptions *options, guint8 flags)
{
  return (DeyeBusCall){
    .kind = WIRE_KIND_PUBLISH, .flags = flags, .topic = topic, .target = "", .payload = payload, .options = options
  };
}

static void
on_published (DeyeBusPending *pending)
{
  GError *error = NULL;
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_memdup2 (&pending->result, sizeof pending->result), g_free);
}

static gboolean
published_finish (GAsyncResult *async_result, DeyeBusPublishResult *result, GError **error)
{
  g_autofree DeyeBusPublishResult *got = g_task_propagate_pointer (G_TASK (async_result), error);

  if (got != NULL && result != NULL)
    *result = *got;
  return got != NULL;
}

/* Nobody asked for the end of it, but a message that did not go out is never lost silently: the signal of those that the
 * broker refuses tells it. One's own cancelling is no news. */
static void
on_unheard_end (GObject *source, GAsyncResult *async_result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!published_finish (async_result, NULL, &error) && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_signal_emit (source, deye_bus_client_signals[DEYE_BUS_SIGNAL_ERROR], 0, error);
}

static GTask *
publish_task (DeyeBusClient *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  return g_task_new (self, cancellable, callback != NULL ? callback : on_unheard_end, user_data);
}

/* With credit nothing has to be waited for, so nothing is allocated for it. */
static gboolean
publish_unasked (DeyeBusClient *self, const DeyeBusCall *call, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  gboolean ok;

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !deye_bus_client_enter (self, error))
    return FALSE;
  if (deye_bus_client_check_ready (self, error) && !deye_bus_session_has_credit (self->session, call))
    pending = pending_for (DEYE_BUS_PENDING_SENT, call->options);
  ok = self->state == DEYE_BUS_CLIENT_STATE_CONNECTED && deye_bus_session_call (self->session, call, pending, error);
  if (ok && pending != NULL)
    ok = deye_bus_client_wait_pending (self, pending, cancellable, error);
  else if (ok)
    deye_bus_client_look (self);
  deye_bus_client_leave (self);
  return ok;
}

static gboolean
publish_asked (DeyeBusClient *self,
               const DeyeBusCall *call,
               DeyeBusPublishResult *result,
               GCancellable *cancellable,
               GError **error)
{
  g_autoptr (DeyeBusPending) pending = run_sync (self, call, DEYE_BUS_PENDING_ACK, cancellable, error);

  if (pending != NULL && result != NULL)
    *result = pending->result;
  return pending != NULL;
}

gboolean
deye_bus_client_publish (DeyeBusClient *self,
                         const char *topic,
                         GBytes *payload,
                         DeyeBusOptions *options,
                         DeyeBusPublishResult *result,
                         GCancellable *cancellable,
                         GError **error)
{
  DeyeBusCall call = publish_call (topic, payload, options, result != NULL ? WIRE_FLAG_WANT_ACK : 0);

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);

  if (result == NULL)
    return publish_unasked (self, &call, cancellable, error);
  return publish_asked (self, &call, result, cancellable, error);
}

void
deye_bus_client_publish_async (DeyeBusClient *self,
                               const char *topic,
                               GBytes *payload,
                               DeyeBusOptions *options,
                               gboolean want_ack,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  DeyeBusCall call = publish_call (topic, payload, options, want_ack ? WIRE_FLAG_WANT_ACK : 0);
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (topic != NULL);

  task = publish_task (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_publish_async);
  run_async (self, &call, want_ack ? DEYE_BUS_PENDING_ACK : DEYE_BUS_PENDING_SENT, task, on_published);
}

gboolean
deye_bus_client_publish_finish (DeyeBusClient *self,
                                GAsyncResult *async_result,
                                DeyeBusPublishResult *result,
                                GError **error)
{
  g_return_val_if_fail (g_task_is_valid (async_result, self), FALSE);

  return published_finish (async_result, result, error);
}

gboolean
deye_bus_client_post (DeyeBusClient *self,
                      const char *topic,
                      GBytes *payload,
                      const char *type_name,
                      const DeyeBusOptions *options,
                      GError **error)
{
  DeyeBusCall call
      = { .kind = WIRE_KIND_PUBLISH, .topic = topic, .type_name = type_name, .payload = payload, .options = options };
  gboolean ok;

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  ok = start (self, &call, NULL, error);
  deye_bus_client_leave (self);
  return ok;
}

/* --- broadcast --- */

gboolean
deye_bus_client_broadcast (DeyeBusClient *self,
                           const char *topic,
                           GBytes *payload,
                           DeyeBusOptions *options,
                           DeyeBusPublishResult *result,
                           GCancellable *cancellable,
                           GError **error)
{
  DeyeBusCall call = publish_call (topic, payload, options, WIRE_FLAG_BROADCAST | WIRE_FLAG_WANT_ACK);

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);

  return publish_asked (self, &call, result, cancellable, error);
}

void
deye_bus_client_broadcast_async (DeyeBusClient *self,
                                 const char *topic,
                                 GBytes *payload,
                                 DeyeBusOptions *options,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  DeyeBusCall call = publish_call (topic, payload, options, WIRE_FLAG_BROADCAST | WIRE_FLAG_WANT_ACK);
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (topic != NULL);

  task = publish_task (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_broadcast_async);
  run_async (self, &call, DEYE_BUS_PENDING_ACK, task, on_published);
}

gboolean
deye_bus_client_broadcast_finish (DeyeBusClient *self,
                                  GAsyncResult *async_result,
                                  DeyeBusPublishResult *result,
                                  GError **error)
{
  g_return_val_if_fail (g_task_is_valid (async_result, self), FALSE);

  return published_finish (async_result, result, error);
}

/* --- direct --- */

static DeyeBusCall
direct_call (const char *peer_id, const char *topic, GBytes *payload, DeyeBusOptions *options, gboolean want_delivered)
{
  DeyeBusCall call = publish_call (topic, payload, options, WIRE_FLAG_WANT_ACK);

  call.target = peer_id;
  if (want_delivered)
    {
      call.flags |= WIRE_FLAG_WANT_DELIVERED;
      call.deadline_us = (guint64) deye_bus_options_timeout_us (options);
    }
  return call;
}

gboolean
deye_bus_client_direct (DeyeBusClient *self,
                        const char *peer_id,
                        const char *topic,
                        GBytes *payload,
                        DeyeBusOptions *options,
                        gboolean want_delivered,
                        GCancellable *cancellable,
                        GError **error)
{
  DeyeBusCall call = direct_call (peer_id, topic, payload, options, want_delivered);
  g_autoptr (DeyeBusPending) pending = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (peer_id != NULL && *peer_id != '\0' && topic != NULL, FALSE);

  pending
      = run_sync (self, &call, want_delivered ? DEYE_BUS_PENDING_DELIVERED : DEYE_BUS_PENDING_ACK, cancellable, error);
  return pending != NULL;
}

void
deye_bus_client_direct_async (DeyeBusClient *self,
                              const char *peer_id,
                              const char *topic,
                              GBytes *payload,
                              DeyeBusOptions *options,
                              gboolean want_delivered,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  DeyeBusCall call = direct_call (peer_id, topic, payload, options, want_delivered);
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (peer_id != NULL && *peer_id != '\0' && topic != NULL);

  task = publish_task (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_direct_async);
  run_async (self, &call, want_delivered ? DEYE_BUS_PENDING_DELIVERED : DEYE_BUS_PENDING_ACK, task, on_published);
}

gboolean
deye_bus_client_direct_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return published_finish (result, NULL, error);
}

/* --- request --- */

static DeyeBusCall
request_call (const char *topic, GBytes *payload, DeyeBusOptions *options)
{
  return (DeyeBusCall){ .kind = WIRE_KIND_REQUEST,
                        .topic = topic,
                        .payload = payload,
                        .options = options,
                        .deadline_us = (guint64) deye_bus_options_timeout_us (options) };
}

DeyeBusMessage *
deye_bus_client_request (DeyeBusClient *self,
                         const char *topic,
                         GBytes *payload,
                         DeyeBusOptions *options,
                         GCancellable *cancellable,
                         GError **error)
{
  DeyeBusCall call = request_call (topic, payload, options);
  g_autoptr (DeyeBusPending) pending = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (topic != NULL, NULL);

  pending = run_sync (self, &call, DEYE_BUS_PENDING_REPLY, cancellable, error);
  return pending != NULL ? g_steal_pointer (&pending->reply) : NULL;
}

static void
on_replied (DeyeBusPending *pending)
{
  GError *error = NULL;
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&pending->reply), (GDestroyNotify) deye_bus_message_unref);
}

void
deye_bus_client_request_async (DeyeBusClient *self,
                               const char *topic,
                               GBytes *payload,
                               DeyeBusOptions *options,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  DeyeBusCall call = request_call (topic, payload, options);
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (topic != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_request_async);
  run_async (self, &call, DEYE_BUS_PENDING_REPLY, task, on_replied);
}

DeyeBusMessage *
deye_bus_client_request_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- respond --- */

static gboolean
send_answer (DeyeBusClient *self, DeyeBusMessage *request, DeyeBusCall *call, GError **error)
{
  call->kind = WIRE_KIND_REPLY;
  call->flags = WIRE_FLAG_FINAL;
  call->topic = deye_bus_message_get_topic (request);
  call->route = request->route_id;
  if (!deye_bus_client_check_ready (self, error))
    return FALSE;
  if (!deye_bus_session_is_open (self->session, request))
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED,
                           _ ("The request was answered before, or the requester has given up"));
      return FALSE;
    }
  if (!deye_bus_session_call (self->session, call, NULL, error))
    return FALSE;
  deye_bus_session_answered (self->session, request);
  return TRUE;
}

gboolean
deye_bus_client_respond (DeyeBusClient *self,
                         DeyeBusMessage *request,
                         GBytes *payload,
                         DeyeBusOptions *options,
                         GError **error)
{
  DeyeBusCall call = { .payload = payload, .options = options, .target = "" };
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (request != NULL, FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  if (options == NULL || options->type_name == NULL)
    call.type_name = deye_bus_methods_reply_type (self, request);
  ok = send_answer (self, request, &call, error);
  deye_bus_client_leave (self);
  return ok;
}

gboolean
deye_bus_client_respond_error (DeyeBusClient *self,
                               DeyeBusMessage *request,
                               const char *error_name,
                               const char *detail,
                               GError **error)
{
  DeyeBusCall call = { .status = WIRE_STATUS_FAILED, .error_name = error_name, .detail = detail };
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (request != NULL, FALSE);
  g_return_val_if_fail (error_name != NULL, FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  ok = send_answer (self, request, &call, error);
  deye_bus_client_leave (self);
  return ok;
}
