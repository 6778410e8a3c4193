/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-request.h"

#include "peer/bus-state.h"
#include "route/bus-routes.h"

#define ROUTE_CLASS_BITS BUS_ROUTE_CLASS_BITS

/* --- state --- */

static void
request_set_state (BusRequest *request, BusRequestState state)
{
  g_assert (state > 0 && state < BUS_N_REQUEST_STATES);
  request->state = state;
}

guint
bus_request_step (BusCore *core, BusRequest *request, BusRequestEvent event)
{
  guint verdict;

  /* The queue only sets a mark when it has encoded the request; the state follows here. */
  if (request->state == BUS_REQUEST_QUEUED && request->mark.is_sent)
    request_set_state (request, bus_request_transition (request->state, BUS_REQUEST_ON_SENT));
  verdict = bus_request_transition (request->state, event);
  g_assert (verdict != 0 && verdict != BUS_REQUEST_NEVER);
  if (verdict == BUS_REQUEST_IGNORED)
    core->routes->ignored_events++;
  if (verdict < BUS_N_REQUEST_STATES)
    request_set_state (request, verdict);
  return verdict;
}

/* --- lists --- */

static void
request_list_asked (BusRequest *request, GQueue *queue)
{
  request->asked_in = queue;
  g_queue_push_tail_link (queue, &request->asked_link);
}

static void
request_unlist_asked (BusRequest *request)
{
  if (request->asked_in != NULL)
    g_queue_unlink (g_steal_pointer (&request->asked_in), &request->asked_link);
}

static void
request_list_answering (BusCore *core, BusRequest *request)
{
  g_queue_push_tail_link (&bus_peer_need_calls (request->responder)->answering, &request->answering_link);
  g_hash_table_insert (core->routes->requests, &request->route_id, request);
  request->is_answering = TRUE;
}

static void
request_unlist_answering (BusCore *core, BusRequest *request)
{
  if (!request->is_answering)
    return;
  g_queue_unlink (&bus_peer_need_calls (request->responder)->answering, &request->answering_link);
  g_hash_table_remove (core->routes->requests, &request->route_id);
  request->is_answering = FALSE;
}

/* --- life --- */

/* The bytes that the requester is charged for. */
static gsize
request_size (const BusRequest *request)
{
  return sizeof (BusRequest) + (request->members != NULL ? sizeof (BusMembers) : 0);
}

/* Lists the request at its requester, arms its deadline and charges it. A task and standing tasks are charged elsewhere. */
static void
request_register_asked (BusCore *core, BusRequest *request)
{
  const BusRequester *requester = &request->requester;
  BusPeerCalls *calls;

  switch (requester->kind)
    {
    case BUS_REQUESTER_QUESTION:
      request_list_asked (request, &requester->question->members->requests);
      bus_peer_need_calls (requester->peer)->n_asked_members++;
      break;
    case BUS_REQUESTER_PEER:
      calls = bus_peer_need_calls (requester->peer);
      request_list_asked (request, &calls->asked);
      if (calls->asked_by_id == NULL)
        calls->asked_by_id = g_hash_table_new (g_int64_hash, g_int64_equal);
      g_hash_table_insert (calls->asked_by_id, &request->requester.id, request);
      bus_deadline_arm (&core->deadlines, &request->timer.deadline, request->due_us);
      break;
    case BUS_REQUESTER_STANDING:
      bus_deadline_arm (&core->deadlines, &request->timer.deadline, request->due_us);
      return;
    case BUS_REQUESTER_TASK:
      return;
    }
  bus_quota_keep (&core->quota, &requester->peer->ledger.usage, request_size (request));
}

static void
request_unregister_asked (BusCore *core, BusRequest *request)
{
  const BusRequester *requester = &request->requester;

  request_unlist_asked (request);
  switch (requester->kind)
    {
    case BUS_REQUESTER_QUESTION:
      bus_peer_need_calls (requester->peer)->n_asked_members--;
      break;
    case BUS_REQUESTER_PEER:
      g_hash_table_remove (requester->peer->calls->asked_by_id, &request->requester.id);
      break;
    case BUS_REQUESTER_STANDING:
    case BUS_REQUESTER_TASK:
      return;
    }
  bus_quota_unkeep (&core->quota, &requester->peer->ledger.usage, request_size (request));
}

static WireClass
request_class_of_route (guint64 route_id)
{
  return (WireClass) (route_id & ((1u << ROUTE_CLASS_BITS) - 1));
}

/* The features of the peer that sends the answers, which determine their credit class. A question has no responder. */
static guint64
request_features (const BusRequester *requester, const BusPeer *responder)
{
  return responder != NULL ? responder->features : requester->peer->features;
}

BusRequest *
bus_request_new (BusCore *core,
                 BusPendingKind kind,
                 const BusRequester *requester,
                 BusPeer *responder,
                 WireSpan topic,
                 gint64 due_us)
{
  BusRequest *request = g_new0 (BusRequest, 1);
  WireClassOf class_of = wire_class_of (WIRE_KIND_REQUEST, topic, 0, request_features (requester, responder));

  g_assert ((responder == NULL) == (kind == BUS_PENDING_QUESTION));
  request->kind = kind;
  request->state = kind == BUS_PENDING_REPLY ? BUS_REQUEST_QUEUED : BUS_REQUEST_SENT;
  request->requester = *requester;
  request->lane = class_of.lane;
  request->responder = responder;
  request->due_us = due_us;
  request->timer.kind = BUS_TIMER_REQUEST;
  request->timer.owner = request;
  request->stall_timer.kind = BUS_TIMER_STALL;
  request->stall_timer.owner = request;
  request->asked_link.data = request;
  request->answering_link.data = request;
  if (kind == BUS_PENDING_QUESTION)
    request->members = g_new0 (BusMembers, 1);
  else
    {
      request->route_id = bus_routes_new_id (core->routes, class_of.credit_class);
      request_list_answering (core, request);
    }
  request_register_asked (core, request);
  return request;
}

static void
request_send_cancel (BusRequest *request, WireStatus status)
{
  WireEnvelope cancel;

  wire_envelope_init (&cancel);
  cancel.route_id = request->route_id;
  cancel.status = status;
  bus_peer_put_in_lane (request->responder, request->lane, WIRE_KIND_CANCEL, 0, &cancel);
}

/* Ends the part of the responder: takes the request out of its queue, or sends CANCEL behind it. @cancels: FALSE: no CANCEL is
 * needed, because the responder has answered or is gone */
static void
request_release_responder (BusCore *core, BusRequest *request, gboolean cancels)
{
  BusPeer *responder = request->responder;

  if (!request->is_answering)
    return;
  request_unlist_answering (core, request);
  if (request->mark.slot != NULL)
    bus_flow_discard_request (&responder->flow, request->mark.slot, core->now_us);
  else if (cancels && request->mark.is_sent && bus_peer_is_ready (responder))
    request_send_cancel (request, WIRE_STATUS_OK);
  bus_peer_touch (responder);
}

/* Frees a request that has no members. */
static void
request_free_one (BusCore *core, BusRequest *request)
{
  g_assert (request->state == BUS_REQUEST_ENDED);
  request_release_responder (core, request, FALSE);
  request_unregister_asked (core, request);
  bus_deadline_disarm (&core->deadlines, &request->timer.deadline);
  bus_deadline_disarm (&core->deadlines, &request->stall_timer.deadline);
  g_clear_pointer (&request->stream, bus_stream_free);
  g_free (request->members);
  g_free (request);
}

/* A request that has ended already, and is still in its list, is not cancelled again. */
static void
request_cancel (BusCore *core, BusRequest *request)
{
  if (bus_request_step (core, request, BUS_REQUEST_ON_CANCEL) == BUS_REQUEST_ENDED)
    request_release_responder (core, request, TRUE);
}

void
bus_request_withdraw_members (BusCore *core, BusRequest *question)
{
  BusRequest *member;

  while (question->members->requests.head != NULL)
    {
      member = question->members->requests.head->data;
      request_cancel (core, member);
      request_free_one (core, member);
    }
}

/* Withdraws the members that have not ended, and frees those that are still in the list of ended requests. */
static void
request_free_members (BusCore *core, BusRequest *question)
{
  GList *next;

  bus_request_withdraw_members (core, question);
  for (GList *link = core->routes->ended_requests[BUS_REQUESTER_QUESTION].head; link != NULL; link = next)
    {
      next = link->next;
      if (((BusRequest *) link->data)->requester.question == question)
        request_free_one (core, link->data);
    }
}

void
bus_request_free (BusCore *core, BusRequest *request)
{
  if (request->members != NULL)
    request_free_members (core, request);
  request_free_one (core, request);
}

void
bus_request_move (BusCore *core, BusRequest *request, BusPeer *responder, WireSpan topic)
{
  WireClassOf class_of = wire_class_of (WIRE_KIND_REQUEST, topic, 0, responder->features);

  bus_request_step (core, request, BUS_REQUEST_ON_MOVED);
  request_unlist_answering (core, request);
  if (class_of.credit_class != request_class_of_route (request->route_id))
    request->route_id = bus_routes_new_id (core->routes, class_of.credit_class);
  request->responder = responder;
  request_list_answering (core, request);
}

gboolean
bus_request_answered (BusCore *core, BusRequest *request)
{
  if (bus_request_step (core, request, BUS_REQUEST_ON_FINAL) != BUS_REQUEST_ANSWERED)
    return FALSE;
  bus_deadline_disarm (&core->deadlines, &request->stall_timer.deadline);
  request_release_responder (core, request, FALSE);
  return TRUE;
}

void
bus_request_complete (BusCore *core, BusRequest *request)
{
  if (bus_request_step (core, request, BUS_REQUEST_ON_DRAINED) == BUS_REQUEST_ENDED)
    bus_request_free (core, request);
}

/* --- finding --- */

BusRequest *
bus_request_find (BusCore *core, const BusPeer *responder, guint64 route_id)
{
  BusRequest *request = g_hash_table_lookup (core->routes->requests, &route_id);

  return request != NULL && request->responder == responder ? request : NULL;
}

BusRequest *
bus_request_find_asked (const BusPeer *requester, guint64 id)
{
  return requester->calls->asked_by_id != NULL ? g_hash_table_lookup (requester->calls->asked_by_id, &id) : NULL;
}

WireClassOf
bus_request_class (guint64 route_id, gsize payload_len)
{
  WireClass small_class = request_class_of_route (route_id);
  gboolean stays_control = payload_len <= WIRE_CONTROL_PAYLOAD_MAX;

  if (small_class == WIRE_CLASS_CONTROL)
    return stays_control ? (WireClassOf){ WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL }
                         : (WireClassOf){ WIRE_LANE_DATA, WIRE_CLASS_MAY_DROP };
  /* A route id that the sender invented, without a class, costs like other data. */
  return (WireClassOf){ WIRE_LANE_DATA,
                        small_class == WIRE_CLASS_MUST_KEEP ? WIRE_CLASS_MUST_KEEP : WIRE_CLASS_MAY_DROP };
}

/* --- ends --- */

/* A peer gets an ERROR, and the request is freed. For another kind of requester the request is listed until its module takes
 * it. */
static void
request_report_end (BusCore *core, BusRequest *request, const BusRequestEnd *end)
{
  BusPeer *peer = bus_request_peer (request);

  if (request->requester.kind == BUS_REQUESTER_PEER)
    {
      if (bus_peer_is_ready (peer))
        bus_peer_error_excess (peer, request->requester.id, end->status, end->detail,
                               end->has_excess ? &end->excess : NULL);
      bus_request_free (core, request);
      return;
    }
  request->end = *end;
  request_unlist_asked (request);
  request_list_asked (request, &core->routes->ended_requests[request->requester.kind]);
}

/* TRUE for an event after which the responder still works on the request, although no answer is wanted. */
static gboolean
request_is_cancelled_by (BusRequestEvent event)
{
  return event == BUS_REQUEST_ON_CANCEL || event == BUS_REQUEST_ON_EXPIRED || event == BUS_REQUEST_ON_FULL;
}

static void
request_end (BusCore *core, BusRequest *request, BusRequestEvent event, const BusRequestEnd *end)
{
  if (bus_request_step (core, request, event) != BUS_REQUEST_ENDED)
    return;
  request_release_responder (core, request, request_is_cancelled_by (event));
  request_report_end (core, request, end);
}

void
bus_request_fail (BusCore *core, BusRequest *request, BusRequestEvent event, WireStatus status, const char *detail)
{
  const BusRequestEnd end = { .status = status, .detail = detail };

  request_end (core, request, event, &end);
}

void
bus_request_fail_full (BusCore *core,
                       BusRequest *request,
                       WireStatus status,
                       const char *detail,
                       const BusExcess *excess)
{
  BusRequestEnd end = { .status = status, .detail = detail, .has_excess = excess != NULL };

  if (excess != NULL)
    end.excess = *excess;
  request_end (core, request, BUS_REQUEST_ON_FULL, &end);
}

void
bus_request_withdraw (BusCore *core, BusRequest *request)
{
  request_cancel (core, request);
  bus_request_free (core, request);
}

gboolean
bus_request_ask_to_stop (BusCore *core, BusRequest *request, WireStatus status)
{
  if (!request->is_answering || !request->mark.is_sent || !bus_peer_is_ready (request->responder))
    return FALSE;
  request_send_cancel (request, status);
  bus_peer_touch (request->responder);
  return TRUE;
}

void
bus_request_expire (BusCore *core, BusRequest *request)
{
  bus_request_fail (core, request, BUS_REQUEST_ON_EXPIRED, WIRE_STATUS_TIMEOUT, "no answer within the time given");
}

void
bus_request_forget_peer (BusPeer *peer)
{
  BusCore *core = peer->core;

  while (peer->calls->asked.head != NULL)
    bus_request_withdraw (core, peer->calls->asked.head->data);
  while (peer->calls->answering.head != NULL)
    bus_request_fail (core, peer->calls->answering.head->data, BUS_REQUEST_ON_GONE, WIRE_STATUS_RESPONDER_GONE,
                      "the responder disconnected before it answered");
}

BusRequest *
bus_request_next_ended (BusCore *core, BusRequesterKind kind)
{
  GList *link = g_queue_peek_head_link (&core->routes->ended_requests[kind]);
  BusRequest *request = link != NULL ? link->data : NULL;

  if (request != NULL)
    request_unlist_asked (request);
  return request;
}
