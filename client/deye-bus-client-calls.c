/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-publish.h"
#include "wire-hot.h"

#include <glib/gi18n-lib.h>

/*
 * The calls that send a message: publish, direct, broadcast; deye-bus-client-request.c has request.
 *
 * Each function only describes a frame and the kind of its pending call. deye_bus_client_run_sync(), -run_async() and
 * -run_unheard() send the frame and wait for the end of the call.
 */

/* --- the common way --- */

static gboolean
call_start (DeyeBusClient *self, const DeyeBusCall *call, DeyeBusPending *pending, GError **error)
{
  if (pending != NULL && pending->waits_until_ready && deye_bus_client_may_wait (self))
    return deye_bus_session_keep_call (self->session, call, pending, error);
  return deye_bus_client_check_ready (self, error) && deye_bus_session_call (self->session, call, pending, error);
}

gboolean
deye_bus_client_start_call (DeyeBusClient *self, const DeyeBusCall *call, DeyeBusPending *pending, GError **error)
{
  DeyeBusCall numbered;

  if (!call->is_numbered)
    return call_start (self, call, pending, error);
  /* The client has been entered, so no other thread takes a number at the same time. */
  numbered = *call;
  numbered.message_id = ++self->last_message_id;
  return call_start (self, &numbered, pending, error);
}

DeyeBusPending *
deye_bus_client_new_pending (DeyeBusClient *self, DeyeBusPendingKind kind, const DeyeBusOptions *options)
{
  gint64 now_us = g_get_monotonic_time ();
  DeyeBusPending *pending
      = deye_bus_pending_take (self->spare_calls, kind, now_us + deye_bus_options_timeout_us (options));

  pending->waits_until_ready = deye_bus_options_waits_until_ready (options);
  pending->since_us = now_us;
  return pending;
}

/* The call is freed before another thread can own the client: its reference count and its pool have no lock. */
gboolean
deye_bus_client_run_sync (DeyeBusClient *self,
                          const DeyeBusCall *call,
                          DeyeBusPendingKind kind,
                          DeyeBusCallOutcome *outcome,
                          GCancellable *cancellable,
                          GError **error)
{
  DeyeBusPending *pending;
  gboolean ok;

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !deye_bus_client_enter (self, error))
    return FALSE;
  pending = deye_bus_client_new_pending (self, kind, call->options);
  ok = deye_bus_client_start_call (self, call, pending, error)
       && deye_bus_client_wait_pending (self, pending, cancellable, error);
  if (ok && outcome != NULL)
    *outcome = (DeyeBusCallOutcome){ pending->result, g_steal_pointer (&pending->reply) };
  deye_bus_pending_unref (pending);
  deye_bus_client_leave (self);
  return ok;
}

/* Ends a publish that entered the stash: like any publish without an acknowledgement it has succeeded when it is queued. */
static void
call_end_stashed (DeyeBusClient *self, DeyeBusPending *pending)
{
  pending->done = TRUE;
  deye_bus_events_push (&self->events,
                        (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_DONE, .subject = deye_bus_pending_ref (pending) });
}

void
deye_bus_client_run_async (DeyeBusClient *self,
                           const DeyeBusCall *call,
                           DeyeBusPendingKind kind,
                           GTask *task,
                           DeyeBusPendingFunc complete)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  GError *error = NULL;

  if (!deye_bus_client_enter_task (self, task, g_task_get_cancellable (task)))
    return;
  pending = deye_bus_client_new_pending (self, kind, call->options);
  pending->complete = complete; /* set first, since starting the call may end it at once */
  if (kind != DEYE_BUS_PENDING_SENT || !deye_bus_client_stashes (self))
    (void) deye_bus_client_start_call (self, call, pending, &error);
  else if (deye_bus_client_stash (self, call, &error))
    call_end_stashed (self, pending);
  deye_bus_client_leave_task (self, task, g_steal_pointer (&pending), complete, error);
}

/* --- publish --- */

static DeyeBusCall
call_for_publish (const char *topic, GBytes *payload, DeyeBusOptions *options, guint8 flags)
{
  return (DeyeBusCall){
    .kind = WIRE_KIND_PUBLISH, .flags = flags, .topic = topic, .target = "", .payload = payload, .options = options
  };
}

/* The message gets a number, by which the broker recognises it if the library sends it again after a reconnect. */
static void
call_number (DeyeBusCall *call)
{
  call->is_numbered = (call->flags & WIRE_FLAG_WANT_DELIVERED) != 0 || deye_bus_options_must_be_acked (call->options);
}

static void
call_on_published (DeyeBusPending *pending)
{
  g_autoptr (GTask) task = deye_bus_pending_steal_task_on_success (pending);

  if (task != NULL)
    g_task_return_pointer (task, g_memdup2 (&pending->result, sizeof pending->result), g_free);
}

static gboolean
call_finish_publish (GAsyncResult *async_result, DeyeBusPublishResult *result, GError **error)
{
  g_autofree DeyeBusPublishResult *got = g_task_propagate_pointer (G_TASK (async_result), error);

  if (got != NULL && result != NULL)
    *result = *got;
  return got != NULL;
}

/* @tag: the asynchronous function. */
static void
call_publish_later (DeyeBusClient *self,
                    const DeyeBusCall *call,
                    DeyeBusPendingKind kind,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data,
                    gpointer tag)
{
  g_autoptr (GTask) task = NULL;

  if (callback == NULL)
    {
      deye_bus_client_run_unheard (self, call, kind, cancellable);
      return;
    }
  task = g_task_new (self, cancellable, callback, user_data);
  (g_task_set_source_tag) (task, tag); /* the macro would copy a name for each message */
  deye_bus_client_run_async (self, call, kind, task, call_on_published);
}

/* If there is credit, the call ends at once, so a pending call is only allocated without credit. */
static gboolean
call_send_unasked (DeyeBusClient *self, const DeyeBusCall *call, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusPending) pending = NULL;

  if (deye_bus_client_stashes (self))
    {
      gboolean ok = deye_bus_client_stash (self, call, error);

      deye_bus_client_pump_now (self);
      return ok;
    }
  if (!deye_bus_client_check_ready (self, error))
    return FALSE;
  if (!deye_bus_session_has_credit (self->session, call))
    pending = deye_bus_client_new_pending (self, DEYE_BUS_PENDING_SENT, call->options);
  if (!deye_bus_session_call (self->session, call, pending, error))
    return FALSE;
  if (pending != NULL)
    return deye_bus_client_wait_pending (self, pending, cancellable, error);
  deye_bus_client_pump_if_due (self);
  return TRUE;
}

/* Not inlined, so that a plain publish does not initialise a DeyeBusCall. */
static G_NO_INLINE gboolean
call_send_general (DeyeBusClient *self,
                   const char *topic,
                   GBytes *payload,
                   DeyeBusOptions *options,
                   GCancellable *cancellable,
                   GError **error)
{
  DeyeBusCall call = call_for_publish (topic, payload, options, 0);

  return call_send_unasked (self, &call, cancellable, error);
}

static gboolean
call_send_plain (DeyeBusClient *self, const char *topic, GBytes *payload, const DeyeBusOptions *options)
{
  if (self->state != DEYE_BUS_CLIENT_STATE_READY || !deye_bus_session_publish (self->session, topic, payload, options))
    return FALSE;
  deye_bus_client_pump_if_due (self);
  return TRUE;
}

WIRE_HOT gboolean
deye_bus_client_send_unasked (DeyeBusClient *self,
                              const char *topic,
                              GBytes *payload,
                              DeyeBusOptions *options,
                              GCancellable *cancellable,
                              GError **error)
{
  if (cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  return call_send_plain (self, topic, payload, options)
         || call_send_general (self, topic, payload, options, cancellable, error);
}

static gboolean
call_publish_unasked (DeyeBusClient *self,
                      const char *topic,
                      GBytes *payload,
                      DeyeBusOptions *options,
                      GCancellable *cancellable,
                      GError **error)
{
  gboolean ok;

  if ((cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error))
      || !deye_bus_client_enter (self, error))
    return FALSE;
  ok = deye_bus_client_send_unasked (self, topic, payload, options, cancellable, error);
  deye_bus_client_leave (self);
  return ok;
}

static gboolean
call_publish_asked (DeyeBusClient *self,
                    const DeyeBusCall *call,
                    DeyeBusPublishResult *result,
                    GCancellable *cancellable,
                    GError **error)
{
  DeyeBusCallOutcome outcome;

  if (!deye_bus_client_run_sync (self, call, DEYE_BUS_PENDING_ACK, &outcome, cancellable, error))
    return FALSE;
  if (result != NULL)
    *result = outcome.result;
  return TRUE;
}

/* Not inlined, like call_send_general(). */
static G_NO_INLINE gboolean
call_publish_acked (DeyeBusClient *self,
                    const char *topic,
                    GBytes *payload,
                    DeyeBusOptions *options,
                    DeyeBusPublishResult *result,
                    GCancellable *cancellable,
                    GError **error)
{
  DeyeBusCall call = call_for_publish (topic, payload, options, WIRE_FLAG_WANT_ACK);

  call_number (&call);
  return call_publish_asked (self, &call, result, cancellable, error);
}

WIRE_HOT gboolean
deye_bus_client_publish (DeyeBusClient *self,
                         const char *topic,
                         GBytes *payload,
                         DeyeBusOptions *options,
                         DeyeBusPublishResult *result,
                         GCancellable *cancellable,
                         GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);

  if (result == NULL && !deye_bus_options_must_be_acked (options))
    return call_publish_unasked (self, topic, payload, options, cancellable, error);
  return call_publish_acked (self, topic, payload, options, result, cancellable, error);
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
  gboolean wants_ack = want_ack || deye_bus_options_must_be_acked (options);
  DeyeBusCall call = call_for_publish (topic, payload, options, wants_ack ? WIRE_FLAG_WANT_ACK : 0);

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (topic != NULL);

  call_number (&call);
  call_publish_later (self, &call, wants_ack ? DEYE_BUS_PENDING_ACK : DEYE_BUS_PENDING_SENT, cancellable, callback,
                      user_data, deye_bus_client_publish_async);
}

gboolean
deye_bus_client_publish_finish (DeyeBusClient *self,
                                GAsyncResult *async_result,
                                DeyeBusPublishResult *result,
                                GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, async_result, deye_bus_client_publish_async, error)
         && call_finish_publish (async_result, result, error);
}

gboolean
deye_bus_client_post_call (DeyeBusClient *self, const DeyeBusCall *call, GError **error)
{
  gboolean ok;

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  ok = deye_bus_client_start_call (self, call, NULL, error);
  deye_bus_client_leave (self);
  return ok;
}

gboolean
deye_bus_client_post (DeyeBusClient *self,
                      const char *topic,
                      GBytes *payload,
                      const char *type_name,
                      const DeyeBusOptions *options,
                      GError **error)
{
  const DeyeBusCall call
      = { .kind = WIRE_KIND_PUBLISH, .topic = topic, .type_name = type_name, .payload = payload, .options = options };

  return deye_bus_client_post_call (self, &call, error);
}

/* --- publish and wait until it was handled --- */

static DeyeBusCall
call_for_confirmed (const char *topic, GBytes *payload, DeyeBusOptions *options)
{
  DeyeBusCall call = call_for_publish (topic, payload, options, WIRE_FLAG_WANT_ACK | WIRE_FLAG_WANT_DELIVERED);

  call.deadline_us = (guint64) deye_bus_options_timeout_us (options);
  call_number (&call);
  return call;
}

gboolean
deye_bus_client_publish_confirmed (DeyeBusClient *self,
                                   const char *topic,
                                   GBytes *payload,
                                   DeyeBusOptions *options,
                                   GCancellable *cancellable,
                                   GError **error)
{
  DeyeBusCall call;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);

  call = call_for_confirmed (topic, payload, options);
  return deye_bus_client_run_sync (self, &call, DEYE_BUS_PENDING_DELIVERED, NULL, cancellable, error);
}

void
deye_bus_client_publish_confirmed_async (DeyeBusClient *self,
                                         const char *topic,
                                         GBytes *payload,
                                         DeyeBusOptions *options,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data)
{
  DeyeBusCall call;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (topic != NULL);

  call = call_for_confirmed (topic, payload, options);
  call_publish_later (self, &call, DEYE_BUS_PENDING_DELIVERED, cancellable, callback, user_data,
                      deye_bus_client_publish_confirmed_async);
}

gboolean
deye_bus_client_publish_confirmed_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_client_publish_confirmed_async, error)
         && call_finish_publish (result, NULL, error);
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
  DeyeBusCall call = call_for_publish (topic, payload, options, WIRE_FLAG_BROADCAST | WIRE_FLAG_WANT_ACK);

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);

  return call_publish_asked (self, &call, result, cancellable, error);
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
  DeyeBusCall call = call_for_publish (topic, payload, options, WIRE_FLAG_BROADCAST | WIRE_FLAG_WANT_ACK);

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (topic != NULL);

  call_publish_later (self, &call, DEYE_BUS_PENDING_ACK, cancellable, callback, user_data,
                      deye_bus_client_broadcast_async);
}

gboolean
deye_bus_client_broadcast_finish (DeyeBusClient *self,
                                  GAsyncResult *async_result,
                                  DeyeBusPublishResult *result,
                                  GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, async_result, deye_bus_client_broadcast_async, error)
         && call_finish_publish (async_result, result, error);
}

/* --- direct --- */

static DeyeBusCall
call_for_direct (const char *peer_id,
                 const char *topic,
                 GBytes *payload,
                 DeyeBusOptions *options,
                 gboolean want_delivered)
{
  DeyeBusCall call = call_for_publish (topic, payload, options, WIRE_FLAG_WANT_ACK);

  call.target = peer_id;
  if (want_delivered)
    {
      call.flags |= WIRE_FLAG_WANT_DELIVERED;
      call.deadline_us = (guint64) deye_bus_options_timeout_us (options);
    }
  return call;
}

/* Reports @error for a call that was not started. @error: (transfer full). */
static void
call_fail_publish (DeyeBusClient *self, GError *error, GAsyncReadyCallback callback, gpointer user_data, gpointer tag)
{
  if (callback != NULL)
    g_task_report_error (self, callback, user_data, tag, error);
  else
    deye_bus_client_fail_unheard (self, error);
}

/* An empty id is refused: a message without a target would be published to all subscribers. */
static gboolean
call_check_peer_id (const char *peer_id, GError **error)
{
  if (*peer_id != '\0')
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                       _ ("The id of the peer is empty: a direct message needs the id of its receiver"));
  return FALSE;
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
  DeyeBusCall call = call_for_direct (peer_id, topic, payload, options, want_delivered);

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (peer_id != NULL && topic != NULL, FALSE);

  if (!call_check_peer_id (peer_id, error))
    return FALSE;
  call_number (&call);
  return deye_bus_client_run_sync (self, &call, want_delivered ? DEYE_BUS_PENDING_DELIVERED : DEYE_BUS_PENDING_ACK,
                                   NULL, cancellable, error);
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
  DeyeBusCall call = call_for_direct (peer_id, topic, payload, options, want_delivered);
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (peer_id != NULL && topic != NULL);

  if (!call_check_peer_id (peer_id, &error))
    {
      call_fail_publish (self, error, callback, user_data, deye_bus_client_direct_async);
      return;
    }
  call_number (&call);
  call_publish_later (self, &call, want_delivered ? DEYE_BUS_PENDING_DELIVERED : DEYE_BUS_PENDING_ACK, cancellable,
                      callback, user_data, deye_bus_client_direct_async);
}

gboolean
deye_bus_client_direct_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_client_direct_async, error)
         && call_finish_publish (result, NULL, error);
}
