/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-request.h"

#include "peer/bus-state.h"
#include "route/bus-routes.h"

#define ROUTE_CLASS_BITS BUS_ROUTE_CLASS_BITS

BusRequest *
bus_request_new (BusCore *core,
                 BusPendingKind kind,
                 const BusRequester *requester,
                 BusPeer *responder,
                 WireSpan topic,
                 gint64 due_us)
{
  BusRequest *request = g_new0 (BusRequest, 1);
  guint64 small_class = wire_class_of (WIRE_KIND_REQUEST, topic, 0).credit_class;

  request->kind = kind;
  request->route_id = bus_routes_new_id (core->routes, small_class);
  request->requester = *requester;
  request->responder = responder;
  request->timer.kind = BUS_TIMER_REQUEST;
  request->timer.owner = request;
  request->asked_link.data = request;
  request->answering_link.data = request;
  g_queue_push_tail_link (&bus_request_peer (request)->asked, &request->asked_link);
  g_queue_push_tail_link (&responder->answering, &request->answering_link);
  g_hash_table_insert (core->routes->requests, &request->route_id, request);
  bus_deadline_arm (&core->deadlines, &request->timer.deadline, due_us);
  bus_quota_keep (&core->quota, &bus_request_peer (request)->ledger.usage, sizeof (BusRequest));
  return request;
}

void
bus_request_free (BusCore *core, BusRequest *request)
{
  bus_quota_forgo (&core->quota, &bus_request_peer (request)->ledger.usage, sizeof (BusRequest));
  bus_deadline_disarm (&core->deadlines, &request->timer.deadline);
  g_hash_table_remove (core->routes->requests, &request->route_id);
  g_queue_unlink (&bus_request_peer (request)->asked, &request->asked_link);
  g_queue_unlink (&request->responder->answering, &request->answering_link);
  g_free (request);
}

void
bus_request_move (BusRequest *request, BusPeer *responder)
{
  g_queue_unlink (&request->responder->answering, &request->answering_link);
  request->responder = responder;
  g_queue_push_tail_link (&responder->answering, &request->answering_link);
}

BusRequest *
bus_request_find (BusCore *core, const BusPeer *responder, guint64 route_id)
{
  BusRequest *request = g_hash_table_lookup (core->routes->requests, &route_id);

  return request != NULL && request->responder == responder ? request : NULL;
}

BusRequest *
bus_request_find_asked (const BusPeer *requester, guint64 id)
{
  for (GList *link = requester->asked.head; link != NULL; link = link->next)
    if (((BusRequest *) link->data)->requester.id == id)
      return link->data;
  return NULL;
}

WireClassOf
bus_request_class (guint64 route_id, gsize payload_len)
{
  WireClass small_class = (WireClass) (route_id & ((1u << ROUTE_CLASS_BITS) - 1));
  gboolean stays_control = payload_len <= WIRE_CONTROL_PAYLOAD_MAX;

  if (small_class == WIRE_CLASS_CONTROL)
    return stays_control ? (WireClassOf){ WIRE_LANE_CONTROL, WIRE_CLASS_CONTROL }
                         : (WireClassOf){ WIRE_LANE_DATA, WIRE_CLASS_MAY_DROP };
  /* A made-up route with no class in it costs like everything else. */
  return (WireClassOf){ WIRE_LANE_DATA,
                        small_class == WIRE_CLASS_MUST_KEEP ? WIRE_CLASS_MUST_KEEP : WIRE_CLASS_MAY_DROP };
}

/* @excess: (nullable) */
static void
request_send_error (const BusRequest *request, WireStatus status, const char *detail, const BusExcess *excess)
{
  BusPeer *requester = bus_request_peer (request);

  if (bus_peer_is_ready (requester))
    bus_peer_error_excess (requester, request->requester.id, status, detail, excess);
}

void
bus_request_fail (BusCore *core, BusRequest *request, WireStatus status, const char *detail)
{
  bus_request_fail_full (core, request, status, detail, NULL);
}

void
bus_request_fail_full (BusCore *core,
                       BusRequest *request,
                       WireStatus status,
                       const char *detail,
                       const BusExcess *excess)
{
  request_send_error (request, status, detail, excess);
  bus_request_free (core, request);
}

void
bus_request_withdraw (BusCore *core, BusRequest *request)
{
  WireEnvelope cancel;

  if (request->kind == BUS_PENDING_REPLY && bus_peer_is_ready (request->responder))
    {
      wire_envelope_init (&cancel);
      cancel.route_id = request->route_id;
      bus_peer_put (request->responder, WIRE_KIND_CANCEL, 0, &cancel);
    }
  bus_request_free (core, request);
}

void
bus_request_expire (BusCore *core, BusRequest *request)
{
  if (request->kind == BUS_PENDING_DELIVERED)
    {
      bus_request_fail (core, request, WIRE_STATUS_UNKNOWN,
                        "the receiver did not confirm in time that it handled the message; it may have handled it");
      return;
    }
  request_send_error (request, WIRE_STATUS_TIMEOUT, "no answer within the time given", NULL);
  bus_request_withdraw (core, request);
}

void
bus_request_forget_peer (BusPeer *peer)
{
  BusCore *core = peer->core;

  while (peer->asked.head != NULL)
    bus_request_withdraw (core, peer->asked.head->data);
  while (peer->answering.head != NULL)
    {
      BusRequest *request = peer->answering.head->data;

      if (request->kind == BUS_PENDING_DELIVERED)
        bus_request_fail (core, request, WIRE_STATUS_UNKNOWN,
                          "the receiver disconnected; it may have handled the message");
      else
        bus_request_fail (core, request, WIRE_STATUS_RESPONDER_GONE, "the responder disconnected before it answered");
    }
}
