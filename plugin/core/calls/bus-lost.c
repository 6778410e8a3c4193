/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-lost.h"

#include "calls/bus-budget.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "queue/bus-fifo.h"
#include "queue/bus-flow.h"
#include "route/bus-router.h"
#include "control.pb-c.h"
#include "wire-class.h"
#include "wire-topic.h"

#define LOST_MAX         64u         /* topics of one call */
#define LOST_TOPIC_BYTES 514u        /* longer than the longest topic */
#define COUNT_MAX        G_MAXUINT32 /* messages of one topic, so that sums do not overflow */

typedef Daemoneye__Eventbus__V1__Lost Lost;
typedef Daemoneye__Eventbus__V1__LostReply LostReply;
typedef Daemoneye__Eventbus__V1__LostRequest LostRequest;

/* A loss for the receivers of one topic. */
typedef struct
{
  const BusCall *call;
  BusLostAt at;
  guint64 count;
  LostReply *reply;
} LostTopic;

static void
lost_report (const LostTopic *topic, BusSubscription *subscription)
{
  BusPeer *receiver = subscription->owner;

  if (!bus_peer_is_ready (receiver))
    return;
  bus_fifo_lose (&receiver->flow, subscription, &topic->at, topic->count, BUS_LOSS_UNSENT, topic->call->now_us);
  if (bus_subscription_is_open (subscription))
    bus_flow_send_gaps (&receiver->flow, subscription, topic->call->now_us);
  bus_peer_touch (receiver);
  topic->reply->subscriptions++;
}

/* Reports the loss to the first member that takes part; one that drains would not have got the messages. */
static void
lost_report_group (const LostTopic *topic, const BusGroupMatch *group)
{
  for (guint i = 0; i < group->n; i++)
    if (bus_subscription_takes_part (group->candidates[i]) && bus_peer_is_ready (group->candidates[i]->owner))
      {
        lost_report (topic, group->candidates[i]);
        return;
      }
}

static void
lost_report_all (const LostTopic *topic, const BusMatch *match)
{
  for (guint i = 0; i < match->n_receivers; i++)
    for (guint k = 0; k < match->receivers[i].n_plain; k++)
      lost_report (topic, match->receivers[i].subscriptions[k]);
  for (guint i = 0; i < match->n_filtered; i++)
    lost_report (topic, match->filtered[i].subscription);
  for (guint i = 0; i < match->n_groups; i++)
    lost_report_group (topic, &match->groups[i]);
}

/* The topic of a report. A client may report "a.b.#" for many topics below a.b together: that counts as the topic a.b.{id of the
 * asker}, to which it may publish if it may publish below a.b at all. @text: (out): room for a topic. A longer topic is cut, and
 * refused for its length. */
static WireSpan
lost_topic_of (const BusCall *call, const char *topic, char text[LOST_TOPIC_BYTES])
{
  const char *id = "";
  gsize len = strlen (topic);

  if (g_str_has_suffix (topic, ".#"))
    {
      len--;
      id = call->peer->id;
    }
  g_snprintf (text, LOST_TOPIC_BYTES, "%.*s%s", (int) MIN (len, LOST_TOPIC_BYTES), topic, id);
  return wire_span_str (text);
}

static gboolean
lost_is_allowed (const BusCall *call, WireSpan topic)
{
  const WireTopicLimits *limits = &call->core->topic_limits;

  return wire_topic_check (topic, limits).status == WIRE_STATUS_OK
         && bus_policy_authorize (&call->peer->principal, BUS_OP_PUBLISH, topic).allowed;
}

static void
lost_take (const BusCall *call, const Lost *lost, LostReply *reply)
{
  char text[LOST_TOPIC_BYTES];
  WireSpan topic = lost_topic_of (call, lost->topic, text);
  LostTopic report = { call, { .accept_seq = call->accept_seq }, MIN (lost->count, COUNT_MAX), reply };
  BusMatch *match;

  if (!lost_is_allowed (call, topic))
    {
      reply->denied++;
      return;
    }
  match = bus_router_match (call->core, topic);
  report.at.lane = wire_class_of (WIRE_KIND_PUBLISH, topic, 0, call->peer->features).lane;
  report.at.domain = match->domain;
  if (report.count > 0)
    lost_report_all (&report, match);
}

void
bus_lost_answer (const BusCall *call)
{
  const LostRequest *request = call->request;
  LostReply reply;

  if (request->n_lost > LOST_MAX)
    {
      bus_peer_error (call->peer, call->id, WIRE_STATUS_LIMIT, "at most 64 topics in one call");
      return;
    }
  if (!bus_budget_admit_work (call->peer, call->id, call->now_us))
    return;
  daemoneye__eventbus__v1__lost_reply__init (&reply);
  for (gsize i = 0; i < request->n_lost; i++)
    lost_take (call, request->lost[i], &reply);
  bus_budget_spend (call->peer, request->n_lost * BUS_WORK_MATCH + reply.subscriptions * BUS_WORK_MEMBER, &reply.base);
  bus_reply_message (call->peer, call->id, &reply.base);
}
