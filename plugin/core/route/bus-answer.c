/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-answer.h"

#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "queue/bus-admit.h"
#include "route/bus-router.h"
#include "route/bus-routes.h"

#define OWN_BODY_MAX 512u /* status, numbers, a setting and a detail of the broker */

void
bus_answer_send_request (BusCore *core,
                         BusRequest *request,
                         BusInbound *inbound,
                         BusSubscription *server,
                         gint64 now_us)
{
  const BusNeed need = { .len = inbound->frame.body.len, .lane = inbound->class_of.lane, .now_us = now_us };
  const BusDelivery delivery
      = { .kind = WIRE_KIND_REQUEST,
          .route_id = request->route_id,
          .due_us = request->due_us,
          .to_each = request->requester.kind == BUS_REQUESTER_QUESTION || inbound->envelope->target.len > 0,
          .mark = &request->mark };
  BusExcess excess;

  request->lane = inbound->class_of.lane;
  if (!bus_router_request (core, inbound, server, &delivery, now_us))
    bus_request_fail_full (core, request, WIRE_STATUS_WOULD_BLOCK, "the responder's queue is full: try again later",
                           bus_admit_excess (&server->owner->flow, server, &need, &excess) ? &excess : NULL);
}

/* Making room may close the requester. */
static gboolean
answer_make_room (BusCore *core, BusPeer *requester, gsize len, gint64 now_us)
{
  return bus_shed_reserve (core, bus_message_size (len), now_us)
         && bus_shed_fit_account (requester->account, bus_message_size (len), now_us) && bus_peer_is_ready (requester);
}

static void
answer_fail_full (BusCore *core, BusRequest *question, const BusInbound *inbound, gint64 now_us)
{
  const BusNeed need = { .len = inbound->frame.body.len, .lane = inbound->class_of.lane, .now_us = now_us };
  BusExcess excess;
  gboolean is_over = bus_admit_excess (&bus_request_peer (question)->flow, NULL, &need, &excess);

  bus_request_fail_full (core, question, WIRE_STATUS_SLOW_CONSUMER,
                         "the answer arrived, but your queue is full: read faster", is_over ? &excess : NULL);
}

BusAnswerResult
bus_answer_pass (BusCore *core, BusRequest *question, BusInbound *inbound, const BusDelivery *delivery, gint64 now_us)
{
  BusPeer *requester = bus_request_peer (question);
  BusDelivery own = *delivery;
  BusAnswerResult result = BUS_ANSWER_PASSED;

  own.answers = question->requester.id;
  if (inbound->class_of.lane == WIRE_LANE_DATA)
    question->reply_lane = WIRE_LANE_DATA;
  if (!answer_make_room (core, requester, inbound->frame.body.len, now_us)
      || !bus_admit_plain (&requester->flow, inbound, question->reply_lane, &own, now_us))
    {
      answer_fail_full (core, question, inbound, now_us);
      result = BUS_ANSWER_FULL;
    }
  bus_peer_touch (requester);
  return result;
}

BusAnswerResult
bus_answer_own (BusCore *core,
                BusRequest *question,
                const char *sender,
                const WireEnvelope *fields,
                const BusDelivery *delivery,
                gint64 now_us)
{
  gsize size = wire_envelope_size (fields);
  guint8 body[OWN_BODY_MAX];
  BusInbound inbound = {
    .frame = { .kind = WIRE_KIND_REPLY, .body = wire_span (body, size) },
    .envelope = fields,
    .copy_max = BUS_OUTQ_COPY_MAX,
    .class_of = { .lane = question->reply_lane, .credit_class = WIRE_CLASS_NONE },
    .quota = &core->quota,
  };
  BusAnswerResult result;

  g_assert (size <= sizeof body && fields->topic.len == 0 && fields->payload.len == 0);
  wire_envelope_write (fields, body);
  bus_inbound_stamp (&inbound, sender, ++core->routes->accept_seq, now_us + core->wall_us);
  result = bus_answer_pass (core, question, &inbound, delivery, now_us);
  bus_inbound_clear (&inbound);
  return result;
}

gboolean
bus_answer_reply (BusCore *core, BusRequest *request, BusInbound *inbound, guint8 flags, gint64 now_us)
{
  const BusDelivery delivery = { .kind = WIRE_KIND_REPLY, .flags = flags };
  gboolean is_final = (flags & WIRE_FLAG_FINAL) != 0;
  gboolean is_legal = is_final ? bus_request_answered (core, request)
                               : bus_request_step (core, request, BUS_REQUEST_ON_PART) == BUS_REQUEST_SENT;

  if (!is_legal)
    return FALSE;
  if (bus_answer_pass (core, request, inbound, &delivery, now_us) == BUS_ANSWER_PASSED && is_final)
    bus_request_complete (core, request);
  return TRUE;
}
