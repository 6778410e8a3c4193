/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-dispatch-request.h"

#include "base/bus-unset.h"
#include "calls/bus-calls.h"
#include "calls/bus-later.h"
#include "calls/bus-standing-calls.h"
#include "calls/bus-task-answer.h"
#include "peer/bus-state.h"
#include "route/bus-answer.h"
#include "route/bus-confirm.h"
#include "route/bus-lineage.h"
#include "route/bus-many.h"
#include "route/bus-routes.h"
#include "work/bus-work.h"
#include "wire-feature.h"

/* @target: (out): the peer that the request names; NULL: it names none. FALSE: the target is not connected; answered. */
static gboolean
dispatch_find_request_target (const DispatchCall *call, BusPeer **target)
{
  *target = call->envelope->target.len > 0 ? dispatch_find_target (call) : NULL;
  if (call->envelope->target.len == 0 || *target != NULL)
    return TRUE;
  dispatch_fail (call, WIRE_STATUS_ABSENT, "the target is not connected");
  return FALSE;
}

static void
dispatch_fail_unserved (const DispatchCall *call)
{
  if (call->envelope->target.len > 0)
    dispatch_fail (call, WIRE_STATUS_NOT_SUBSCRIBED, "the target does not serve this topic");
  else
    dispatch_fail (call, WIRE_STATUS_NO_RESPONDERS, "no peer serves this topic");
}

static BusSubscription *
dispatch_find_server (DispatchCall *call)
{
  const BusNeed need = { .len = call->frame->body.len, .lane = call->class_of.lane, .now_us = call->now_us };
  BusPeer *target;
  BusSubscription *server;

  if (!dispatch_find_request_target (call, &target))
    return NULL;
  server = bus_router_pick_server (call->core, call->envelope->topic, target, &need);
  if (server != NULL && bus_peer_is_ready (server->owner))
    return server;
  dispatch_fail_unserved (call);
  return NULL;
}

static void
dispatch_request_peer (DispatchCall *call)
{
  const BusRequester requester = { BUS_REQUESTER_PEER, call->peer, call->envelope->id, NULL, NULL, NULL };
  BusSubscription *server = dispatch_find_server (call);
  BusRequest *request;
  BusInbound inbound BUS_UNSET;
  gboolean queued;

  if (server == NULL || !dispatch_may_wait (call))
    return;
  request = bus_request_new (call->core, BUS_PENDING_REPLY, &requester, server->owner, call->envelope->topic,
                             dispatch_due_us (call));
  bus_answer_prepare (request, call->envelope);
  dispatch_inbound (call, &inbound);
  bus_router_count_request (call->core, &inbound, server->serving.servers, call->now_us);
  queued = bus_answer_send_request (call->core, request, &inbound, server, call->now_us);
  dispatch_record_outcome (call, inbound.accept_seq, dispatch_outcome_of (1, queued ? 1 : 0));
  bus_inbound_clear (&inbound);
}

static gboolean
dispatch_may_ask_members (const DispatchCall *call, guint n)
{
  guint members = call->peer->calls->n_asked_members + n;

  if (members <= call->core->limits.max_request_members)
    return TRUE;
  dispatch_fail_limit (call, BUS_LIMIT_max_request_members, members);
  return FALSE;
}

static void
dispatch_request_many (DispatchCall *call)
{
  const BusRequester requester = { BUS_REQUESTER_PEER, call->peer, call->envelope->id, NULL, NULL, NULL };
  g_autoptr (GPtrArray) servers = NULL;
  BusPeer *target;
  BusInbound inbound BUS_UNSET;
  guint queued;

  if (!dispatch_find_request_target (call, &target))
    return;
  servers = bus_router_all_servers (call->core, call->envelope->topic, target);
  if (servers->len == 0)
    dispatch_fail_unserved (call);
  if (servers->len == 0 || !dispatch_may_wait (call) || !dispatch_may_ask_members (call, servers->len))
    return;
  dispatch_inbound (call, &inbound);
  queued = bus_many_ask (call->core, &requester, &inbound, servers, dispatch_due_us (call), call->now_us);
  dispatch_record_outcome (call, inbound.accept_seq, dispatch_outcome_of (servers->len, queued));
  bus_inbound_clear (&inbound);
}

static gboolean
dispatch_check_window_limit (const DispatchCall *call, BusLimit limit, guint64 value)
{
  if (value <= bus_limit_spec (limit)->ceiling)
    return TRUE;
  bus_peer_error_ceiling (call->peer, call->envelope->id, limit, value);
  return FALSE;
}

/* Checks the window of the replies, which only a peer with the feature STREAM may set. */
static gboolean
dispatch_check_answer_window (const DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;

  if ((envelope->credit_messages == 0) != (envelope->credit_bytes == 0))
    {
      dispatch_strike (call, "a window has messages and bytes: set both fields, or none");
      return FALSE;
    }
  return dispatch_check_window_limit (call, BUS_LIMIT_receive_window_messages, envelope->credit_messages)
         && dispatch_check_window_limit (call, BUS_LIMIT_receive_window_bytes, envelope->credit_bytes);
}

/* Clients without the feature may set `expect`; the broker ignored the field before the feature existed. */
static gboolean
dispatch_wants_many (const DispatchCall *call)
{
  return call->envelope->expect > 1 && (call->peer->features & WIRE_FEATURE_STREAM) != 0;
}

void
dispatch_handle_request (DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;

  if (!dispatch_check_id (call) || !dispatch_check_payload (call) || !dispatch_check_topic (call)
      || !dispatch_authorize (call, BUS_OP_REQUEST, envelope->topic))
    return;
  if (bus_calls_serves (call->peer, envelope->topic))
    {
      BusInbound inbound BUS_UNSET;

      dispatch_inbound (call, &inbound);
      bus_calls_answer (call->peer, &inbound, call->now_us);
      bus_inbound_clear (&inbound);
    }
  else if (!dispatch_check_answer_window (call) || !dispatch_admit_lineage (call))
    return;
  else if (dispatch_wants_many (call))
    dispatch_request_many (call);
  else
    dispatch_request_peer (call);
}

/* A reply is never refused for its causes, because its requester waits for it. */
static void
dispatch_admit_reply (DispatchCall *call)
{
  const BusCore *core = call->core;

  call->leaves_record = bus_timeline_wants (call->envelope);
  if (call->leaves_record)
    bus_lineage_check (&core->routes->timeline, call->envelope, core->limits.cascade_depth, &call->depth);
}

static void
dispatch_fail_late (const DispatchCall *call)
{
  dispatch_fail (call, WIRE_STATUS_EXPIRED,
                 "no request waits for this answer: it has ended, or was sent to another responder");
}

/* A final answer about a task is kept for the submitter even when the store of tasks is above its bound. The collector then gets
 * the credit of the answer back later, so that it slows down. */
static void
dispatch_withhold_answer (DispatchCall *call)
{
  BusTaskStore *tasks = &call->core->work->tasks;
  BusTicket *ticket;

  if (!(call->frame->flags & WIRE_FLAG_FINAL) || call->class_of.credit_class == WIRE_CLASS_NONE
      || !bus_peer_is_ready (call->peer) || !bus_task_store_is_over (tasks))
    return;
  ticket = bus_ticket_new (&call->peer->ledger, call->class_of.credit_class, 1, call->cost, call->now_us);
  if (ticket == NULL)
    return; /* no memory: the credit returns at once */
  bus_task_store_withhold (tasks, ticket);
  call->is_held = TRUE;
}

/* Takes the answer to Execute. It is not passed on, because the broker itself sent the request. */
static void
dispatch_take_answer (DispatchCall *call, BusRequest *request)
{
  BusTaskReply reply = { call->frame, &call->peer->input->reader, call->envelope, NULL };
  char detail[BUS_TASK_ANSWER_TEXT];
  WireStatus status;

  dispatch_admit_reply (call);
  status = bus_task_answer_take (call->core, request, &reply, detail, call->now_us);
  if (status != WIRE_STATUS_OK)
    dispatch_fail (call, status, detail);
  else
    {
      dispatch_withhold_answer (call);
      dispatch_record_outcome (call, 0, dispatch_outcome_of (1, 1));
    }
  g_clear_pointer (&reply.kept, g_bytes_unref);
}

/* Takes the answer to Apply: standing tasks. */
static void
dispatch_take_applied (DispatchCall *call, BusRequest *request)
{
  dispatch_admit_reply (call);
  if (bus_standing_calls_take_answer (call->core, request, call->envelope, call->frame->flags))
    dispatch_record_outcome (call, 0, dispatch_outcome_of (1, 1));
  else
    dispatch_fail_late (call);
}

static void
dispatch_forward_reply (DispatchCall *call, BusRequest *request)
{
  BusInbound inbound BUS_UNSET;
  guint8 flags = call->frame->flags;
  gboolean is_forwarded;

  dispatch_inbound (call, &inbound);
  dispatch_admit_reply (call);
  if (request->requester.kind == BUS_REQUESTER_QUESTION)
    is_forwarded = bus_many_reply (call->core, request, &inbound, flags, call->now_us);
  else
    is_forwarded = bus_answer_reply (call->core, request, &inbound, flags, call->now_us);
  if (is_forwarded)
    dispatch_record_outcome (call, inbound.accept_seq, dispatch_outcome_of (1, 1));
  else
    dispatch_fail_late (call);
  dispatch_release_inbound (call, &inbound);
}

void
dispatch_handle_reply (DispatchCall *call)
{
  BusRequest *request = bus_request_find (call->core, call->peer, call->envelope->route);

  if (!dispatch_check_payload (call))
    return;
  if (request == NULL)
    dispatch_fail_late (call);
  else if (request->requester.kind == BUS_REQUESTER_TASK)
    dispatch_take_answer (call, request);
  else if (request->requester.kind == BUS_REQUESTER_STANDING)
    dispatch_take_applied (call, request);
  else
    dispatch_forward_reply (call, request);
}

void
dispatch_handle_delivered (DispatchCall *call)
{
  if (!bus_confirm_delivered (call->core, call->peer, call->envelope->route))
    dispatch_fail (call, WIRE_STATUS_EXPIRED,
                   "no message waits for this DELIVERED: it has ended, or was sent to another receiver");
}

void
dispatch_handle_cancel (DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;
  BusRequest *request;

  if (envelope->route != 0)
    {
      request = bus_request_find (call->core, call->peer, envelope->route);
      if (request != NULL)
        bus_request_fail (call->core, request, BUS_REQUEST_ON_DECLINED, WIRE_STATUS_CANCELLED,
                          "the responder cancelled the request");
      return;
    }
  /* It is not an error to cancel a request that has just ended: the frames crossed. */
  request = bus_request_find_asked (call->peer, envelope->id);
  if (request != NULL)
    bus_request_withdraw (call->core, request);
  else if (!bus_confirm_cancel (call->peer, envelope->id))
    bus_later_cancel (call->peer, envelope->id);
}
