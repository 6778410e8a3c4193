/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-request.h"

#include "deye-bus-message-private.h"
#include "session/deye-bus-session-answer.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * Sends the replies to a request that this client serves.
 *
 * The call never waits for credit: a reply without credit is queued, behind the earlier replies to the same request. The last
 * reply closes the route. A responder that works for a long time can watch whether its requester still waits.
 */

/* The client need not be ready: a request may arrive as soon as its subscription is restored, and can be answered at once. */
static gboolean
respond_check_open (DeyeBusClient *self, const DeyeBusMessage *request, GError **error)
{
  if (self->state != DEYE_BUS_CLIENT_STATE_CONNECTED && !deye_bus_client_check_ready (self, error))
    return FALSE;
  if (deye_bus_session_is_open (self->session, request))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED,
                       _ ("The request has been answered already, or its requester has stopped waiting"));
  return FALSE;
}

static gboolean
respond_send (DeyeBusClient *self, DeyeBusMessage *request, DeyeBusCall *call, GError **error)
{
  call->kind = WIRE_KIND_REPLY;
  call->topic = deye_bus_message_get_topic (request);
  call->route = request->route_id;
  call->request_hops = request->hops;
  return respond_check_open (self, request, error) && deye_bus_session_call (self->session, call, NULL, error);
}

static gboolean
respond_send_last (DeyeBusClient *self, DeyeBusMessage *request, DeyeBusCall *call, GError **error)
{
  call->flags = WIRE_FLAG_FINAL;
  if (!respond_send (self, request, call, error))
    return FALSE;
  deye_bus_session_answered (self->session, request);
  return TRUE;
}

static DeyeBusCall
respond_call (DeyeBusClient *self, DeyeBusMessage *request, GBytes *payload, DeyeBusOptions *options)
{
  DeyeBusCall call = { .payload = payload, .options = options, .target = "" };

  if (options == NULL || options->type_name == NULL)
    call.type_name = deye_bus_client_reply_type (self, request);
  return call;
}

gboolean
deye_bus_client_respond (DeyeBusClient *self,
                         DeyeBusMessage *request,
                         GBytes *payload,
                         DeyeBusOptions *options,
                         GError **error)
{
  DeyeBusCall call;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (request != NULL, FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  call = respond_call (self, request, payload, options);
  ok = respond_send_last (self, request, &call, error);
  deye_bus_client_leave (self);
  return ok;
}

static gboolean
respond_send_unfinished (DeyeBusClient *self, DeyeBusMessage *request, DeyeBusCall *call, GError **error)
{
  return respond_check_open (self, request, error)
         && deye_bus_session_check_features (self->session, WIRE_FEATURE_STREAM, error)
         && respond_send (self, request, call, error);
}

/* @flags: PROGRESS or 0 */
static gboolean
respond_send_part (DeyeBusClient *self,
                   DeyeBusMessage *request,
                   GBytes *payload,
                   DeyeBusOptions *options,
                   guint8 flags,
                   GError **error)
{
  DeyeBusCall call;
  gboolean ok;

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  call = respond_call (self, request, payload, options);
  call.flags = flags;
  ok = respond_send_unfinished (self, request, &call, error);
  deye_bus_client_leave (self);
  return ok;
}

gboolean
deye_bus_client_respond_part (DeyeBusClient *self,
                              DeyeBusMessage *request,
                              GBytes *payload,
                              DeyeBusOptions *options,
                              GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (request != NULL, FALSE);

  return respond_send_part (self, request, payload, options, 0, error);
}

gboolean
deye_bus_client_respond_progress (DeyeBusClient *self,
                                  DeyeBusMessage *request,
                                  GBytes *payload,
                                  DeyeBusOptions *options,
                                  GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (request != NULL, FALSE);

  return respond_send_part (self, request, payload, options, WIRE_FLAG_PROGRESS, error);
}

gboolean
deye_bus_client_respond_own (DeyeBusClient *self, DeyeBusMessage *request, const DeyeBusReply *reply, GError **error)
{
  DeyeBusCall call = {
    .flags = reply->flags, .type_name = reply->type_name, .payload_front = reply->front, .payload = reply->payload
  };
  gboolean ok;

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  ok = (reply->flags & WIRE_FLAG_FINAL) != 0 ? respond_send_last (self, request, &call, error)
                                             : respond_send_unfinished (self, request, &call, error);
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
  ok = respond_send_last (self, request, &call, error);
  deye_bus_client_leave (self);
  return ok;
}

GCancellable *
deye_bus_client_watch_request (DeyeBusClient *self, DeyeBusMessage *request, GError **error)
{
  GCancellable *cancellable;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (request != NULL, NULL);

  if (!deye_bus_client_enter (self, error))
    return NULL;
  if (self->session != NULL)
    cancellable = deye_bus_session_watch_request (self->session, request);
  else
    {
      cancellable = g_cancellable_new ();
      g_cancellable_cancel (cancellable);
    }
  deye_bus_client_leave (self);
  return cancellable;
}
