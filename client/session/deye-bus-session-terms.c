/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-terms.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "session/deye-bus-session-credit.h"
#include "session/deye-bus-session-state.h"

/* Sets the terms, and returns credit at once that was collected before the policy Block was known. */
static void
terms_set_policy (DeyeBusSession *session,
                  DeyeBusChannel *channel,
                  guint32 policy,
                  guint64 queue_messages,
                  guint64 queue_bytes)
{
  channel->policy = policy <= DEYE_BUS_POLICY_CONFLATE ? (DeyeBusPolicy) policy : DEYE_BUS_POLICY_DEFAULT;
  channel->queue_messages = queue_messages;
  channel->queue_bytes = queue_bytes;
  deye_bus_session_return_credit (session, channel);
}

void
deye_bus_session_read_subscribed (DeyeBusSession *session, DeyeBusPending *pending)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__subscribe_reply__descriptor, pending->reply);
  const Daemoneye__Eventbus__V1__SubscribeReply *reply = guard != NULL ? wire_guard_message (guard) : NULL;

  if (reply == NULL || reply->window_messages == 0 || reply->window_bytes == 0)
    {
      deye_bus_session_misbehaved (session, "malformed SubscribeReply");
      return;
    }
  deye_bus_window_open (&pending->channel->window, reply->window_messages, reply->window_bytes);
  pending->channel->catching_up = reply->retained;
  terms_set_policy (session, pending->channel, reply->policy, reply->queue_messages, reply->queue_bytes);
}

/* Changes the request of the channel, so that the adjusted values are asked for when it is subscribed again. */
static void
terms_adjust_request (DeyeBusChannel *channel, const DeyeBusAdjustment *adjustment)
{
  g_autoptr (WireGuard) guard = NULL;
  Daemoneye__Eventbus__V1__SubscribeRequest *request;

  if (channel->request == NULL)
    return;
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor,
                             wire_span (g_bytes_get_data (channel->request, NULL), g_bytes_get_size (channel->request)),
                             0, NULL);
  g_assert (guard != NULL); /* the client has packed it */
  request = (gpointer) wire_guard_message (guard);
  request->policy = adjustment->policy != 0 ? adjustment->policy : request->policy;
  request->queue_messages = adjustment->queue_messages != 0 ? adjustment->queue_messages : request->queue_messages;
  request->queue_bytes = adjustment->queue_bytes != 0 ? adjustment->queue_bytes : request->queue_bytes;
  g_bytes_unref (channel->request);
  channel->request = deye_bus_pack (&request->base);
}

void
deye_bus_session_read_adjusted (DeyeBusSession *session, DeyeBusPending *pending)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__adjust_reply__descriptor, pending->reply);
  const Daemoneye__Eventbus__V1__AdjustReply *reply;

  if (guard == NULL)
    {
      deye_bus_session_misbehaved (session, "malformed AdjustReply");
      return;
    }
  reply = wire_guard_message (guard);
  terms_adjust_request (pending->channel, &pending->adjustment);
  terms_set_policy (session, pending->channel, reply->policy, reply->queue_messages, reply->queue_bytes);
}
