/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-answer.h"

#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "queue/bus-admit.h"
#include "queue/bus-room.h"
#include "route/bus-router.h"
#include "wire-feature.h"

#define OWN_BODY_MAX 512u /* a status, numbers, a setting and a detail text of the broker */

gboolean
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
          .to_each = request->requester.kind != BUS_REQUESTER_PEER || inbound->envelope->target.len > 0,
          .mark = &request->mark };
  BusExcess excess;

  request->lane = inbound->class_of.lane;
  if (bus_router_request (core, inbound, server, &delivery, now_us))
    return TRUE;
  bus_request_fail_full (core, request, WIRE_STATUS_WOULD_BLOCK, "the responder's queue is full: try again later",
                         bus_room_excess (&server->owner->flow, server, &need, &excess) ? &excess : NULL);
  return FALSE;
}

/* FALSE: there is no room, or the requester was closed to make room. */
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
  gboolean is_over = bus_room_excess (&bus_request_peer (question)->flow, NULL, &need, &excess);

  bus_request_fail_full (core, question, WIRE_STATUS_SLOW_CONSUMER,
                         "the answer arrived, but your queue is full: read faster", is_over ? &excess : NULL);
}

void
bus_answer_prepare (BusRequest *question, const WireEnvelope *envelope)
{
  BusPeer *requester = bus_request_peer (question);
  guint64 longest_us = requester->core->limits.max_request_timeout_us;

  if (!(requester->features & WIRE_FEATURE_STREAM))
    return;
  question->stall_us = (gint64) MIN (envelope->stall_us, longest_us);
  if (envelope->credit_messages > 0)
    question->stream = bus_stream_new (&requester->flow, envelope->credit_messages, envelope->credit_bytes, question);
}

static BusStreamResult
answer_offer (BusRequest *question, BusStreamFrame *frame, BusInbound *inbound, gint64 now_us)
{
  BusFlow *flow = &bus_request_peer (question)->flow;

  if (question->stream != NULL)
    return bus_stream_offer (question->stream, inbound, frame, now_us);
  return bus_admit_plain (flow, inbound, frame->lane, &frame->delivery, now_us) ? BUS_STREAM_PASSED : BUS_STREAM_FULL;
}

static BusAnswerResult
answer_pass_frame (BusCore *core, BusRequest *question, BusStreamFrame *frame, BusInbound *inbound, gint64 now_us)
{
  BusPeer *requester = bus_request_peer (question);
  BusStreamResult result = BUS_STREAM_FULL;

  frame->delivery.answers = question->requester.id;
  frame->is_failure = inbound->envelope->status != WIRE_STATUS_OK;
  if (inbound->class_of.lane == WIRE_LANE_DATA)
    question->reply_lane = WIRE_LANE_DATA;
  frame->lane = question->reply_lane;
  if (answer_make_room (core, requester, inbound->frame.body.len, now_us))
    result = answer_offer (question, frame, inbound, now_us);
  if (result == BUS_STREAM_FULL)
    answer_fail_full (core, question, inbound, now_us);
  bus_peer_touch (requester);
  switch (result)
    {
    case BUS_STREAM_PASSED:
      return BUS_ANSWER_PASSED;
    case BUS_STREAM_WAITS:
      return BUS_ANSWER_WAITS;
    case BUS_STREAM_FULL:
      break;
    }
  return BUS_ANSWER_FULL;
}

static void
answer_begin_pause (BusCore *core, BusRequest *question, gint64 now_us)
{
  if (question->stall_us > 0 && question->state == BUS_REQUEST_SENT)
    bus_deadline_arm (&core->deadlines, &question->stall_timer.deadline, now_us + question->stall_us);
}

BusAnswerResult
bus_answer_pass (BusCore *core,
                 BusRequest *question,
                 guint64 route,
                 BusInbound *inbound,
                 const BusDelivery *delivery,
                 gint64 now_us)
{
  gboolean is_progress = (inbound->frame.flags & (WIRE_FLAG_PROGRESS | WIRE_FLAG_FINAL)) == WIRE_FLAG_PROGRESS;
  BusStreamFrame frame
      = { .kind = is_progress ? BUS_STREAM_PROGRESS : BUS_STREAM_REPLY, .route = route, .delivery = *delivery };
  BusAnswerResult result = answer_pass_frame (core, question, &frame, inbound, now_us);

  if (result != BUS_ANSWER_FULL)
    answer_begin_pause (core, question, now_us);
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
  BusStreamFrame frame = { .kind = BUS_STREAM_OWN, .delivery = *delivery };
  BusAnswerResult result;

  g_assert (size <= sizeof body && fields->topic.len == 0 && fields->payload.len == 0);
  wire_envelope_write (fields, body);
  bus_inbound_stamp (&inbound, wire_span_str (sender), 0, 0); /* no accept sequence: the broker accepted no message */
  result = answer_pass_frame (core, question, &frame, &inbound, now_us);
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
  if (bus_answer_pass (core, request, request->route_id, inbound, &delivery, now_us) == BUS_ANSWER_PASSED && is_final)
    bus_request_complete (core, request);
  return TRUE;
}

/* --- the window of the requester --- */

/* No reply waits for the window any more. The pause until the next reply begins now, because the responders were not late while
 * replies waited. */
static void
answer_drained (BusCore *core, BusRequest *question, gint64 now_us)
{
  if (question->state == BUS_REQUEST_ANSWERED)
    bus_request_complete (core, question);
  else
    answer_begin_pause (core, question, now_us);
}

BusWindowResult
bus_answer_credit (BusCore *core, BusRequest *question, guint64 messages, guint64 bytes, gint64 now_us)
{
  BusWindowResult result = bus_stream_credit (question->stream, messages, bytes, now_us);
  BusPeer *requester = bus_request_peer (question);
  gboolean has_waited = bus_stream_waits (question->stream);

  if (result != BUS_WINDOW_GRANTED)
    return result;
  if (!bus_stream_advance (question->stream, now_us))
    bus_request_fail_full (core, question, WIRE_STATUS_SLOW_CONSUMER,
                           "an answer waited for its window, and your queue is full: read faster", NULL);
  else if (has_waited && !bus_stream_waits (question->stream))
    answer_drained (core, question, now_us);
  bus_peer_touch (requester);
  return result;
}

void
bus_answer_block_due (BusCore *core, BusRequest *question, gint64 now_us)
{
  const BusExcess excess = { BUS_LIMIT_longest_block_us, core->limits.longest_block_us,
                             (guint64) (now_us - question->stream->progress_us) };

  if (bus_stream_is_stuck (question->stream, now_us))
    bus_request_fail_full (core, question, WIRE_STATUS_SLOW_CONSUMER,
                           "answers waited for the window of the request for too long: return credit sooner", &excess);
}

gboolean
bus_answer_is_stalled (const BusRequest *question)
{
  return question->stream == NULL || !bus_stream_waits (question->stream);
}
