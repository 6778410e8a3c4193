/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-many.h"

#include "peer/bus-state.h"
#include "route/bus-answer.h"
#include "route/bus-router.h"
#include "route/bus-routes.h"

/* --- asking --- */

static gboolean
many_ask_member (BusCore *core, BusRequest *question, BusInbound *inbound, BusSubscription *server, gint64 now_us)
{
  const BusRequester requester
      = { BUS_REQUESTER_QUESTION, bus_request_peer (question), question->requester.id, question, NULL, NULL };
  BusRequest *member = bus_request_new (core, BUS_PENDING_REPLY, &requester, server->owner, inbound->envelope->topic,
                                        question->due_us);

  question->members->asked++;
  return bus_answer_send_request (core, member, inbound, server, now_us);
}

guint
bus_many_ask (BusCore *core,
              const BusRequester *requester,
              BusInbound *inbound,
              GPtrArray *servers,
              gint64 due_us,
              gint64 now_us)
{
  const BusSubscription *first = g_ptr_array_index (servers, 0);
  BusRequest *question
      = bus_request_new (core, BUS_PENDING_QUESTION, requester, NULL, inbound->envelope->topic, due_us);
  guint queued = 0;

  question->members->wanted = inbound->envelope->expect;
  bus_answer_prepare (question, inbound->envelope);
  bus_router_count_request (core, inbound, first->serving.servers, now_us);
  for (guint i = 0; i < servers->len; i++)
    queued += many_ask_member (core, question, inbound, g_ptr_array_index (servers, i), now_us) ? 1 : 0;
  return queued;
}

/* --- the end --- */

static BusDelivery
many_delivery (const BusRequest *question, guint8 flags)
{
  const BusMembers *members = question->members;

  return (BusDelivery){ .kind = WIRE_KIND_REPLY,
                        .flags = flags,
                        .matched = members->asked,
                        .queued = members->answered,
                        .refused = members->failed };
}

static BusAnswerResult
many_send_end (BusCore *core, BusRequest *question, WireStatus status, gint64 now_us)
{
  const BusDelivery delivery = many_delivery (question, WIRE_FLAG_FINAL);
  WireEnvelope fields;

  wire_envelope_init (&fields);
  fields.status = status;
  return bus_answer_own (core, question, core->name, &fields, &delivery, now_us);
}

static void
many_end (BusCore *core, BusRequest *question, WireStatus status, gint64 now_us)
{
  if (!bus_request_answered (core, question))
    return;
  bus_request_withdraw_members (core, question);
  if (many_send_end (core, question, status, now_us) == BUS_ANSWER_PASSED)
    bus_request_complete (core, question);
}

/* Ends the question if enough members have answered, or no member is left. */
static void
many_check (BusCore *core, BusRequest *question, gint64 now_us)
{
  const BusMembers *members = question->members;
  gboolean has_enough = members->answered >= members->wanted;
  gboolean has_all = members->wanted == BUS_MANY_ALL && members->failed == 0;

  if (has_enough || members->answered + members->failed == members->asked)
    many_end (core, question, has_enough || has_all ? WIRE_STATUS_OK : WIRE_STATUS_PARTIAL, now_us);
}

/* Discards replies that wait for the window of the requester. Their members do not count as answered or failed any more. */
static void
many_drop_waiting (BusRequest *question)
{
  BusMembers *members = question->members;

  if (question->stream == NULL)
    return;
  for (const GList *link = question->stream->waiting.head; link != NULL; link = link->next)
    {
      const BusStreamFrame *frame = &((const BusStreamItem *) link->data)->frame;

      if (frame->delivery.matched == 0 || (frame->delivery.flags & WIRE_FLAG_FINAL))
        continue;
      if (frame->is_failure)
        members->failed--;
      else
        members->answered--;
    }
  bus_stream_drop (question->stream);
}

/* At the deadline the end frame is sent at once: replies that wait for the window are discarded. */
void
bus_many_expire (BusCore *core, BusRequest *question, gint64 now_us)
{
  if (question->state == BUS_REQUEST_SENT && bus_request_answered (core, question))
    bus_request_withdraw_members (core, question);
  many_drop_waiting (question);
  if (many_send_end (core, question, WIRE_STATUS_TIMEOUT, now_us) == BUS_ANSWER_PASSED)
    bus_request_complete (core, question);
}

void
bus_many_stall (BusCore *core, BusRequest *question, gint64 now_us)
{
  many_end (core, question, WIRE_STATUS_PARTIAL, now_us);
}

/* --- members --- */

gboolean
bus_many_reply (BusCore *core, BusRequest *member, BusInbound *inbound, guint8 flags, gint64 now_us)
{
  BusRequest *question = member->requester.question;
  BusDelivery delivery = { .kind = WIRE_KIND_REPLY, .flags = flags & (guint8) ~WIRE_FLAG_FINAL };
  guint64 route;

  if (!(flags & WIRE_FLAG_FINAL))
    {
      if (bus_request_step (core, member, BUS_REQUEST_ON_PART) != BUS_REQUEST_SENT)
        return FALSE;
      bus_answer_pass (core, question, member->route_id, inbound, &delivery, now_us);
      return TRUE;
    }
  if (!bus_request_answered (core, member))
    return FALSE;
  route = member->route_id;
  bus_request_complete (core, member);
  if (inbound->envelope->status == WIRE_STATUS_OK)
    question->members->answered++;
  else
    question->members->failed++;
  delivery = many_delivery (question, delivery.flags);
  if (bus_answer_pass (core, question, route, inbound, &delivery, now_us) != BUS_ANSWER_FULL)
    many_check (core, question, now_us);
  return TRUE;
}

static void
many_report_failure (BusCore *core, BusRequest *member, gint64 now_us)
{
  BusRequest *question = member->requester.question;
  const BusRequestEnd *end = &member->end;
  WireEnvelope fields;
  BusDelivery delivery;

  question->members->failed++;
  delivery = many_delivery (question, 0);
  wire_envelope_init (&fields);
  fields.status = end->status;
  fields.detail = wire_span_str (end->detail);
  if (end->has_excess)
    {
      fields.limit = end->excess.most;
      fields.value = end->excess.value;
      fields.setting = wire_span_str (bus_limit_name (end->excess.limit));
    }
  if (bus_answer_own (core, question, member->responder->id, &fields, &delivery, now_us) != BUS_ANSWER_FULL)
    many_check (core, question, now_us);
}

gboolean
bus_many_settle (BusCore *core, gint64 now_us)
{
  BusRequest *member = bus_request_next_ended (core, BUS_REQUESTER_QUESTION);

  if (member == NULL)
    return FALSE;
  for (; member != NULL; member = bus_request_next_ended (core, BUS_REQUESTER_QUESTION))
    {
      many_report_failure (core, member, now_us);
      bus_request_free (core, member);
    }
  return TRUE;
}
