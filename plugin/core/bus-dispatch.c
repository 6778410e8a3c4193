/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-dispatch.h"

#include "base/bus-unset.h"
#include "bus-dispatch-call.h"
#include "bus-dispatch-publish.h"
#include "bus-dispatch-request.h"
#include "bus-dispatch-run.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "route/bus-catchup.h"
#include "route/bus-answer.h"
#include "route/bus-router.h"
#include "work/bus-health-watch.h"
#include "wire-credit.h"
#include "wire-feature.h"
#include "wire-hot.h"

typedef void (*DispatchHandler) (DispatchCall *call);

/* Lane and credit class under which the sender counted this frame. */
static WireClassOf
dispatch_class_of_frame (const DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;

  if (call->frame->kind == WIRE_KIND_REPLY)
    return bus_request_class (envelope->route, envelope->payload.len);
  return wire_class_of (call->frame->kind, envelope->topic, envelope->payload.len, call->peer->features);
}

/* Takes the credit before any other check, so that a refused frame costs what its sender counted. FALSE: the frame was sent
 * without credit, and the peer is closed. */
static gboolean
dispatch_take_credit (const DispatchCall *call)
{
  if (bus_credit_take (&call->peer->ledger, call->class_of.credit_class, call->cost, call->now_us))
    return TRUE;
  dispatch_malformed (call->peer, WIRE_STATUS_CREDIT_EXCEEDED, "sent without credit: wait for CREDIT", 0);
  return FALSE;
}

static void
dispatch_check_window (BusPeer *peer, BusWindowResult result)
{
  switch (result)
    {
    case BUS_WINDOW_GRANTED:
      break;
    case BUS_WINDOW_BACKWARDS:
      dispatch_malformed (peer, WIRE_STATUS_BAD_MESSAGE, "credit totals cannot decrease", 0);
      break;
    case BUS_WINDOW_TOO_FAR:
      dispatch_malformed (peer, WIRE_STATUS_CREDIT_EXCEEDED, "more credit was granted than the window allows", 0);
      break;
    }
}

/* Credit for a request that has ended is ignored: the frames crossed. (So is credit for a subscription that has ended, below.) */
static void
dispatch_handle_answer_credit (DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;
  BusRequest *request = bus_request_find_asked (call->peer, envelope->id);

  if (request != NULL && request->stream != NULL)
    dispatch_check_window (call->peer, bus_answer_credit (call->core, request, envelope->credit_messages,
                                                          envelope->credit_bytes, call->now_us));
}

WIRE_HOT static void
dispatch_grant (BusPeer *peer, const WireCredit *credit, gint64 now_us)
{
  BusSubscription *subscription = bus_subscriptions_find (&peer->subscriptions, credit->subscription);
  BusWindowResult result;

  if (subscription == NULL)
    return;
  result = bus_window_set_granted (&subscription->window, credit->messages, credit->bytes, subscription->delivered);
  dispatch_check_window (peer, result);
  if (result != BUS_WINDOW_GRANTED)
    return;
  bus_flow_credit (&peer->flow, subscription, now_us);
  if (subscription->cursor != NULL)
    bus_catchup_credit (subscription, now_us);
  bus_peer_touch (peer);
}

static void
dispatch_handle_credit (DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;
  const WireCredit credit = { envelope->credit_messages, envelope->credit_bytes, envelope->subscription };

  if (envelope->subscription == 0 && envelope->id != 0)
    dispatch_handle_answer_credit (call);
  else
    dispatch_grant (call->peer, &credit, call->now_us);
}

/* Handles the usual CREDIT of a client. It needs no feature, and costs no credit itself. */
static void
dispatch_grant_usual (BusPeer *peer, const WireFrame *frame, const WireCredit *credit, gint64 now_us)
{
  peer->received_bytes += WIRE_FRAME_HEADER_LEN + frame->body.len;
  dispatch_grant (peer, credit, now_us);
}

static void
dispatch_handle_ping (DispatchCall *call)
{
  WireEnvelope pong BUS_UNSET;

  wire_envelope_init (&pong);
  pong.answers = call->envelope->id;
  bus_peer_put (call->peer, WIRE_KIND_PONG, 0, &pong);
}

static void
dispatch_handle_pong (DispatchCall *call)
{
  bus_health_watch_answered (call->peer);
}

static void
dispatch_handle_misplaced (DispatchCall *call)
{
  dispatch_malformed (call->peer, WIRE_STATUS_PROTOCOL_ORDER, "a client may not send this kind of frame now", 0);
}

static const DispatchHandler handlers[] = {
  [WIRE_KIND_HELLO] = dispatch_handle_misplaced,     [WIRE_KIND_WELCOME] = dispatch_handle_misplaced,
  [WIRE_KIND_PUBLISH] = dispatch_handle_publish,     [WIRE_KIND_DELIVER] = dispatch_handle_misplaced,
  [WIRE_KIND_REQUEST] = dispatch_handle_request,     [WIRE_KIND_REPLY] = dispatch_handle_reply,
  [WIRE_KIND_DELIVERED] = dispatch_handle_delivered, [WIRE_KIND_ACK] = dispatch_handle_misplaced,
  [WIRE_KIND_ERROR] = dispatch_handle_misplaced,     [WIRE_KIND_CREDIT] = dispatch_handle_credit,
  [WIRE_KIND_GAP] = dispatch_handle_misplaced,       [WIRE_KIND_CANCEL] = dispatch_handle_cancel,
  [WIRE_KIND_PING] = dispatch_handle_ping,           [WIRE_KIND_PONG] = dispatch_handle_pong,
};

static gboolean
dispatch_is_known (const WireFrame *frame)
{
  return frame->kind < G_N_ELEMENTS (handlers) && handlers[frame->kind] != NULL && !(frame->flags & ~WIRE_FLAGS_KNOWN);
}

/* TRUE if the frame needs a feature that this connection was not granted. */
static gboolean
dispatch_lacks_feature (const DispatchCall *call)
{
  return (wire_feature_of_frame (call->frame->kind, call->frame->flags, call->envelope) & ~call->peer->features) != 0;
}

static void
dispatch_strike_feature (const DispatchCall *call)
{
  guint64 lacking
      = wire_feature_of_frame (call->frame->kind, call->frame->flags, call->envelope) & ~call->peer->features;
  char detail[120];

  g_snprintf (detail, sizeof detail, "the frame needs the feature %s, which WELCOME did not grant",
              wire_feature_name (lacking));
  dispatch_strike (call, detail);
}

static WireReadResult
dispatch_read_usual (WireEnvelope *envelope, const WirePublish *publish)
{
  wire_envelope_set_publish (envelope, publish);
  return (WireReadResult){ .status = WIRE_STATUS_OK };
}

void
bus_dispatch_frame (BusPeer *peer, WireFrame *frame, BusPreread *preread, gint64 now_us)
{
  WireEnvelope *envelope = &peer->core->envelope;
  DispatchCall call = {
    .peer = peer, .core = peer->core, .frame = frame, .envelope = envelope, .preread = preread, .now_us = now_us
  };
  WireReadResult result BUS_UNSET;
  gboolean is_usual;

  peer->received++;
  peer->heard_us = now_us;
  /* a PONG is handled as an answer to PING */
  if (G_UNLIKELY (peer->health->is_silent && frame->kind != WIRE_KIND_PONG))
    bus_health_watch_note_frame (peer);
  if (frame->kind != WIRE_KIND_PUBLISH)
    dispatch_end_run (peer);
  is_usual = preread->body == frame->body.data || bus_preread_frame (preread, frame->kind, frame->body);
  if (is_usual && frame->kind == WIRE_KIND_CREDIT && frame->flags == 0)
    {
      dispatch_grant_usual (peer, frame, &preread->credit, now_us);
      return;
    }
  if (frame->kind == WIRE_KIND_GOODBYE)
    {
      bus_peer_close (peer, WIRE_STATUS_OK, "said goodbye");
      return;
    }
  if (dispatch_is_known (frame) && handlers[frame->kind] == dispatch_handle_misplaced)
    {
      wire_envelope_init (envelope);
      dispatch_handle_misplaced (&call);
      return;
    }

  result = is_usual && frame->kind == WIRE_KIND_PUBLISH
               ? dispatch_read_usual (envelope, &preread->publish)
               : wire_envelope_read_next (frame->body, frame->kind, WIRE_FROM_CLIENT, envelope);
  call.cost = WIRE_FRAME_HEADER_LEN + frame->body.len;
  if (result.status == WIRE_STATUS_OK && dispatch_join_run (&call))
    return;
  dispatch_end_run (peer);
  if (result.status == WIRE_STATUS_BAD_MESSAGE)
    {
      dispatch_malformed (peer, result.status, result.problem, result.offset);
      return;
    }
  call.class_of = dispatch_class_of_frame (&call);
  if (!dispatch_take_credit (&call))
    return;
  peer->received_bytes += call.cost;
  if (!dispatch_is_known (frame))
    dispatch_strike (&call, "the broker does not know this kind of frame, or one of its flags");
  else if (result.status == WIRE_STATUS_UNSUPPORTED)
    dispatch_strike (&call, result.problem);
  else if (result.status != WIRE_STATUS_OK)
    dispatch_fail_field (&call, &result);
  else if (G_UNLIKELY (!dispatch_is_plain (&call)) && dispatch_lacks_feature (&call))
    dispatch_strike_feature (&call);
  else
    handlers[frame->kind](&call);
  if (!call.is_held)
    bus_credit_return (&peer->ledger, call.class_of.credit_class, 1, call.cost);
}
