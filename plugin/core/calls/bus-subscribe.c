/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-subscribe.h"

#include "calls/bus-budget.h"
#include "calls/bus-drain.h"
#include "calls/bus-join.h"
#include "news/bus-slow.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "queue/bus-trim.h"
#include "route/bus-hold.h"
#include "route/bus-catchup.h"
#include "route/bus-reroute.h"
#include "route/bus-routes.h"
#include "work/bus-standing.h"
#include "work/bus-trust.h"
#include "control.pb-c.h"
#include "wire-feature.h"
#include "wire-topic.h"

typedef Daemoneye__Eventbus__V1__AdjustRequest AdjustRequest;
typedef Daemoneye__Eventbus__V1__SubscribeRequest SubscribeRequest;
typedef Daemoneye__Eventbus__V1__UnsubscribeRequest UnsubscribeRequest;

static gboolean
subscribe_refuse (const BusCall *call, WireStatus status, const char *detail)
{
  bus_peer_error (call->peer, call->id, status, detail);
  return FALSE;
}

static BusSubscription *
subscribe_find (const BusCall *call, guint32 subscription)
{
  BusSubscription *found = bus_subscriptions_find (&call->peer->subscriptions, subscription);

  if (found == NULL)
    subscribe_refuse (call, WIRE_STATUS_NOT_SUBSCRIBED, "you have no subscription with this number");
  return found;
}

/* --- checks --- */

static gboolean
subscribe_check_ceiling (const BusCall *call, BusLimit limit, guint64 value)
{
  if (value <= bus_limit_spec (limit)->ceiling)
    return TRUE;
  bus_peer_error_ceiling (call->peer, call->id, limit, value);
  return FALSE;
}

static gboolean
subscribe_check_numbers (const BusCall *call, const SubscribeRequest *request)
{
  BusPeer *peer = call->peer;
  guint n = bus_subscriptions_size (&peer->subscriptions);

  if (request->subscription == 0)
    return subscribe_refuse (call, WIRE_STATUS_BAD_MESSAGE,
                             "subscription must be a number above zero, chosen by the client");
  if (bus_subscriptions_find (&peer->subscriptions, request->subscription) != NULL)
    return subscribe_refuse (call, WIRE_STATUS_DUPLICATE_ID, "you have a subscription with this number");
  if (n >= call->core->limits.max_subscriptions)
    {
      bus_peer_error_limit (peer, call->id, BUS_LIMIT_max_subscriptions, n + 1);
      return FALSE;
    }
  return subscribe_check_ceiling (call, BUS_LIMIT_receive_window_messages, request->window_messages)
         && subscribe_check_ceiling (call, BUS_LIMIT_receive_window_bytes, request->window_bytes);
}

/* FALSE: the request uses fields of the feature DELIVERY, which the peer was not granted. */
static gboolean
subscribe_check_feature (const BusCall *call, const SubscribeRequest *request)
{
  gboolean uses_delivery
      = request->strategy != 0 || request->weight != 0 || request->in_flight != 0 || request->filter != NULL;

  if (!uses_delivery || (call->peer->features & WIRE_FEATURE_DELIVERY))
    return TRUE;
  return subscribe_refuse (
      call, WIRE_STATUS_UNSUPPORTED,
      "strategy, weight, in_flight and filter need the feature DELIVERY, which WELCOME did not grant");
}

static gboolean
subscribe_check_words (const BusCall *call, const SubscribeRequest *request)
{
  WireSpan pattern = wire_span_str (request->pattern);
  WireSpan group = wire_span_str (request->group);
  WireTopicCheck check = wire_pattern_check (pattern, &call->core->topic_limits);

  if (check.status != WIRE_STATUS_OK)
    return subscribe_refuse (call, check.status, check.problem);
  if (request->serve && check.wildcard)
    return subscribe_refuse (call, WIRE_STATUS_BAD_PATTERN, "a served topic must not contain wildcards");
  if (group.len > 0 && !wire_segment_is_valid (group, (guint) call->core->limits.segment_bytes))
    return subscribe_refuse (call, WIRE_STATUS_BAD_PATTERN, "the name of a group must be one segment of a-z 0-9 - _");
  return TRUE;
}

/* The own methods of a peer are served on one topic, control.collector.{its id}. */
static gboolean
subscribe_check_serves_methods (const BusCall *call, const SubscribeRequest *request)
{
  g_autofree char *own = g_strconcat ("control.collector.", call->peer->id, NULL);

  if (!request->methods)
    return TRUE;
  if (!request->serve || request->group[0] != '\0' || strcmp (request->pattern, own) != 0)
    return subscribe_refuse (call, WIRE_STATUS_BAD_MESSAGE,
                             "methods is allowed with serve, without a group, on control.collector.{your id} only");
  return TRUE;
}

/* Fills @filter from the request; it is empty if the request has none. Its texts belong to the request. */
static gboolean
subscribe_check_filter (const BusCall *call, const SubscribeRequest *request, BusFilter *filter)
{
  const Daemoneye__Eventbus__V1__Filter *wanted = request->filter;
  WireStatus status;
  const char *problem;

  *filter = (BusFilter){ .n_tags = 0 };
  if (wanted == NULL)
    return TRUE;
  if (wanted->n_tags > BUS_FILTER_TAGS_MAX)
    return subscribe_refuse (call, WIRE_STATUS_LIMIT, "a filter can have at most 8 tags");
  filter->correlation_id = wire_span_str (wanted->correlation_id);
  filter->root_id = wire_span_str (wanted->root_id);
  filter->stage = wire_span_str (wanted->stage);
  filter->n_tags = (guint) wanted->n_tags;
  for (guint i = 0; i < filter->n_tags; i++)
    filter->tags[i] = wire_span_str (wanted->tags[i]);
  problem = bus_filter_check (filter, &status);
  if (problem != NULL)
    return subscribe_refuse (call, status, problem);
  if (!bus_filter_is_empty (filter) && (request->serve || request->group[0] != '\0'))
    return subscribe_refuse (call, WIRE_STATUS_BAD_MESSAGE,
                             "a filter is for a subscription that is not in a group and does not serve");
  return TRUE;
}

static gboolean
subscribe_check_bounds (const BusCall *call, guint32 policy, guint64 messages, guint64 bytes)
{
  if (policy > BUS_OVERFLOW_LAST)
    return subscribe_refuse (
        call, WIRE_STATUS_UNSUPPORTED,
        "policy must be 1 block, 2 drop oldest, 3 drop newest, 4 error, 5 conflate, or 0 for the default");
  return subscribe_check_ceiling (call, BUS_LIMIT_subscription_queue_messages, messages)
         && subscribe_check_ceiling (call, BUS_LIMIT_subscription_queue_bytes, bytes);
}

static gboolean
subscribe_check_block (const BusCall *call, BusOverflow policy, WireSpan pattern)
{
  return policy != BUS_OVERFLOW_BLOCK || bus_peer_may (call->peer, call->id, BUS_OP_BLOCK, pattern);
}

/* --- subscribe --- */

/* Policy and bounds in force for a request; in a group, the first member sets them for all. */
static BusBounds
subscribe_bounds (const BusCall *call, const SubscribeRequest *request)
{
  const BusLimits *limits = &call->core->limits;
  BusBounds bounds = {
    .policy = (BusOverflow) request->policy,
    .messages
    = (guint32) (request->queue_messages != 0 ? request->queue_messages : limits->subscription_queue_messages),
    .bytes = request->queue_bytes != 0 ? request->queue_bytes : limits->subscription_queue_bytes,
  };

  if (request->serve)
    bounds.policy = BUS_OVERFLOW_ERROR;
  else if (bounds.policy == BUS_OVERFLOW_DEFAULT)
    bounds.policy = bus_overflow_of_pattern (wire_span_str (request->pattern));
  return bounds;
}

/* @group: (nullable): the group that it joins */
static gboolean
subscribe_check_policy (const BusCall *call, const SubscribeRequest *request, const BusGroup *group, BusBounds *bounds)
{
  if (!subscribe_check_bounds (call, request->policy, request->queue_messages, request->queue_bytes))
    return FALSE;
  if (request->serve && request->policy != BUS_OVERFLOW_DEFAULT && request->policy != BUS_OVERFLOW_ERROR)
    return subscribe_refuse (
        call, WIRE_STATUS_BAD_MESSAGE,
        "a subscription that serves has no policy: when its queue is full, requests are answered with WOULD_BLOCK");
  if (group != NULL && !request->serve && group->bounds.policy != BUS_OVERFLOW_DEFAULT)
    {
      if (request->policy != BUS_OVERFLOW_DEFAULT && (BusOverflow) request->policy != group->bounds.policy)
        return subscribe_refuse (
            call, WIRE_STATUS_UNSUPPORTED,
            "the group has another policy: leave the policy out, or change it with control.bus.adjust");
      *bounds = group->bounds;
    }
  else
    *bounds = subscribe_bounds (call, request);
  return subscribe_check_block (call, bounds->policy, wire_span_str (request->pattern));
}

/* NULL: refused and answered. */
static BusSubscription *
subscribe_make (const BusCall *call, const SubscribeRequest *request, const BusBounds *bounds, const BusFilter *filter)
{
  const BusLimits *limits = &call->core->limits;
  const gsize size = bus_subscription_size (wire_span_str (request->pattern)) + bus_filter_size (filter);
  BusSubscription *subscription;

  if (!bus_shed_fit_account (call->peer->account, size, call->core->now_us))
    {
      bus_peer_error_limit (call->peer, call->id, BUS_LIMIT_uid_bytes, call->peer->account->usage.charged + size);
      return NULL;
    }
  if (!bus_shed_reserve (call->core, size, call->core->now_us))
    {
      bus_peer_error_limit (call->peer, call->id, BUS_LIMIT_broker_bytes, call->core->quota.memory + size);
      return NULL;
    }
  subscription = bus_subscription_new (&call->core->quota.lasting, call->peer, request->subscription,
                                       wire_span_str (request->pattern), request->serve != 0);
  if (subscription == NULL || (!bus_filter_is_empty (filter) && !bus_subscription_set_filter (subscription, filter)))
    {
      if (subscription != NULL)
        bus_subscription_free (&call->core->quota.lasting, subscription);
      subscribe_refuse (call, WIRE_STATUS_NO_MEMORY, "no memory for a subscription");
      return NULL;
    }
  subscription->serves_methods = request->methods != 0;
  subscription->bounds = *bounds;
  bus_window_init (&subscription->window,
                   request->window_messages != 0 ? request->window_messages : limits->receive_window_messages,
                   request->window_bytes != 0 ? request->window_bytes : limits->receive_window_bytes);
  bus_join_settle (call, request, subscription);
  return subscription;
}

/* Fills the fields of the reply that belong to the feature DELIVERY. */
static void
subscribe_fill_share (const BusCall *call,
                      const BusSubscription *subscription,
                      Daemoneye__Eventbus__V1__SubscribeReply *reply)
{
  if (!(call->peer->features & WIRE_FEATURE_DELIVERY) || (subscription->group == NULL && !subscription->serves))
    return;
  if (!subscription->serves)
    reply->strategy = (Daemoneye__Eventbus__V1__Strategy) subscription->group->balance.strategy;
  reply->weight = subscription->share->weight;
  reply->in_flight = subscription->share->in_flight;
}

/* The asker may have begun or stopped serving its topic for tasks or standing tasks. */
static void
subscribe_note_served (const BusCall *call)
{
  if (call->peer->member == NULL)
    return;
  bus_trust_served (call->core, call->peer->member);
  bus_standing_offer (call->core, call->peer->member, call->now_us);
}

void
bus_subscribe_answer (const BusCall *call)
{
  const SubscribeRequest *request = call->request;
  const BusRight right = request->serve ? BUS_OP_SERVE : BUS_OP_SUBSCRIBE;
  Daemoneye__Eventbus__V1__SubscribeReply reply;
  BusSubscription *subscription;
  const BusGroup *group;
  BusBounds bounds;
  BusFilter filter;

  if (!subscribe_check_numbers (call, request) || !subscribe_check_feature (call, request)
      || !subscribe_check_words (call, request) || !subscribe_check_serves_methods (call, request)
      || !subscribe_check_filter (call, request, &filter)
      || !bus_peer_may (call->peer, call->id, right, wire_span_str (request->pattern))
      || !bus_join_check (call, request, &group) || !subscribe_check_policy (call, request, group, &bounds))
    return;
  subscription = subscribe_make (call, request, &bounds, &filter);
  if (subscription == NULL)
    return;
  bus_router_add (call->core, subscription, wire_span_str (request->group), (BusStrategy) request->strategy);
  daemoneye__eventbus__v1__subscribe_reply__init (&reply);
  reply.accept_seq = call->accept_seq;
  reply.window_messages = subscription->window.window_messages;
  reply.window_bytes = subscription->window.window_bytes;
  reply.policy = subscription->bounds.policy;
  reply.queue_messages = subscription->bounds.messages;
  reply.queue_bytes = subscription->bounds.bytes;
  subscribe_fill_share (call, subscription, &reply);
  reply.retained = bus_catchup_start (subscription, call->accept_seq);
  bus_reply_message (call->peer, call->id, &reply.base);
  if (reply.retained)
    bus_catchup_begin (call->peer, call->now_us);
  subscribe_note_served (call);
  bus_drain_joined (call, subscription);
  if (subscription->group != NULL && !subscription->serves)
    bus_hold_offer (call->core, subscription, call->now_us);
}

/* --- adjust --- */

static guint64
subscribe_adjust_one (BusSubscription *subscription, const BusBounds *bounds, gint64 now_us)
{
  guint64 dropped = bus_trim_adjust (&subscription->owner->flow, subscription, bounds, now_us);

  bus_peer_touch (subscription->owner);
  return dropped;
}

/* Policy and bounds of a group apply to all of its members that do not serve. */
static guint64
subscribe_adjust_all (BusSubscription *subscription, const BusBounds *bounds, gint64 now_us)
{
  BusGroup *group = subscription->group;
  guint64 dropped = 0;

  if (group == NULL)
    return subscribe_adjust_one (subscription, bounds, now_us);
  group->bounds = *bounds;
  for (GList *link = group->members.head; link != NULL; link = link->next)
    if (!((const BusSubscription *) link->data)->serves)
      dropped += subscribe_adjust_one (link->data, bounds, now_us);
  return dropped;
}

/* The asker needs the right for the pattern of every member, so that joining a group does not bypass it. */
static gboolean
subscribe_check_block_of_all (const BusCall *call, BusOverflow policy, const BusSubscription *subscription)
{
  if (policy != BUS_OVERFLOW_BLOCK)
    return TRUE;
  if (subscription->group == NULL)
    return subscribe_check_block (call, policy, bus_subscription_pattern (subscription));
  for (const GList *link = subscription->group->members.head; link != NULL; link = link->next)
    {
      const BusSubscription *member = link->data;

      if (!member->serves && !subscribe_check_block (call, policy, bus_subscription_pattern (member)))
        return FALSE;
    }
  return TRUE;
}

/* The work of an adjust: each waiting message may be examined. */
static guint64
subscribe_adjust_work (const BusSubscription *subscription)
{
  guint64 work = 0;

  if (subscription->group == NULL)
    return BUS_WORK_MESSAGE * subscription->fifo->messages;
  for (const GList *link = subscription->group->members.head; link != NULL; link = link->next)
    work += BUS_WORK_ENTRY + BUS_WORK_MESSAGE * ((const BusSubscription *) link->data)->fifo->messages;
  return work;
}

void
bus_subscribe_adjust (const BusCall *call)
{
  const AdjustRequest *request = call->request;
  BusSubscription *subscription = subscribe_find (call, request->subscription);
  Daemoneye__Eventbus__V1__AdjustReply reply;
  BusBounds bounds;
  guint64 work;

  if (subscription == NULL || !bus_budget_admit_work (call->peer, call->id, call->now_us)
      || !subscribe_check_bounds (call, request->policy, request->queue_messages, request->queue_bytes))
    return;
  if (subscription->serves)
    {
      subscribe_refuse (call, WIRE_STATUS_UNSUPPORTED,
                        "a subscription that serves has no policy that could be changed");
      return;
    }
  bounds = subscription->bounds;
  if (request->policy != BUS_OVERFLOW_DEFAULT)
    bounds.policy = (BusOverflow) request->policy;
  if (request->queue_messages != 0)
    bounds.messages = (guint32) request->queue_messages;
  if (request->queue_bytes != 0)
    bounds.bytes = request->queue_bytes;
  if (!bus_join_may_adjust (call, subscription) || !subscribe_check_block_of_all (call, bounds.policy, subscription))
    return;
  work = subscribe_adjust_work (subscription);
  daemoneye__eventbus__v1__adjust_reply__init (&reply);
  reply.policy = bounds.policy;
  reply.queue_messages = bounds.messages;
  reply.queue_bytes = bounds.bytes;
  reply.dropped = subscribe_adjust_all (subscription, &bounds, call->now_us);
  bus_budget_spend (call->peer, work, &reply.base);
  bus_reply_message (call->peer, call->id, &reply.base);
}

/* --- unsubscribe --- */

void
bus_subscribe_end (const BusCall *call)
{
  const UnsubscribeRequest *request = call->request;
  BusSubscription *subscription = subscribe_find (call, request->subscription);
  Daemoneye__Eventbus__V1__UnsubscribeReply reply;
  BusLeave leave = { 0 };

  if (subscription == NULL)
    return;
  daemoneye__eventbus__v1__unsubscribe_reply__init (&reply);
  reply.delivered = subscription->delivered;
  reply.missed = subscription->extra->missed;
  bus_router_unlist (call->core, subscription);
  bus_reroute_ended (call->core, subscription, call->now_us, &leave);
  bus_slow_end (subscription, call->now_us);
  bus_router_free (call->core, subscription);
  reply.discarded = leave.discarded;
  reply.rerouted = leave.rerouted;
  reply.repeated_by_others = leave.repeated;
  reply.unacknowledged = leave.unacknowledged;
  bus_reply_message (call->peer, call->id, &reply.base);
  subscribe_note_served (call);
}
