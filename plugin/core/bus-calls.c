/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-calls.h"

#include "bus-describe.h"
#include "bus-introspect.h"
#include "bus-router.h"
#include "bus-state.h"
#include "bus-stats.h"
#include "control.pb-c.h"
#include "introspection.pb-c.h"
#include "wire-guard.h"
#include "wire-topic.h"

#define PREFIX "control.bus."

typedef struct
{
  BusPeer *peer;
  BusCore *core;
  guint64 id;
  gconstpointer request; /* unpacked */
  guint64 accept_seq;
  gint64 now_us;
} BusCall;

void
bus_calls_reply (BusPeer *peer, guint64 id, const char *type_name, WireSpan payload)
{
  WireEnvelope reply;

  wire_envelope_init (&reply);
  reply.answers = id;
  reply.sender = wire_span_str (peer->core->name);
  reply.type_name = wire_span_str (type_name);
  reply.payload = payload;
  bus_peer_put (peer, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &reply);
}

void
bus_calls_reply_packed (BusPeer *peer, guint64 id, const ProtobufCMessage *message)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  g_autofree guint8 *bytes = g_try_malloc (MAX (size, 1));

  if (bytes == NULL)
    bus_peer_error (peer, id, WIRE_STATUS_NO_MEMORY, "no memory for the answer");
  else
    bus_calls_reply (peer, id, message->descriptor->name, wire_span (bytes, protobuf_c_message_pack (message, bytes)));
}

/* --- subscribe --- */

typedef Daemoneye__Eventbus__V1__SubscribeRequest SubscribeRequest;

static gboolean
refuse (const BusCall *call, WireStatus status, const char *detail)
{
  bus_peer_error (call->peer, call->id, status, detail);
  return FALSE;
}

static gboolean
check_numbers (const BusCall *call, const SubscribeRequest *request)
{
  BusPeer *peer = call->peer;
  guint n = g_hash_table_size (peer->subscriptions);

  if (request->subscription == 0)
    return refuse (call, WIRE_STATUS_BAD_MESSAGE, "subscription is a number above zero of your choice");
  if (g_hash_table_contains (peer->subscriptions, GUINT_TO_POINTER (request->subscription)))
    return refuse (call, WIRE_STATUS_DUPLICATE_ID, "you have a subscription with this number");
  if (n >= call->core->limits.max_subscriptions)
    {
      bus_peer_error_limit (peer, call->id, BUS_LIMIT_max_subscriptions, n + 1);
      return FALSE;
    }
  if (request->window_bytes > bus_limit_spec (BUS_LIMIT_receive_window_bytes)->ceiling
      || request->window_messages > bus_limit_spec (BUS_LIMIT_receive_window_messages)->ceiling)
    return refuse (call, WIRE_STATUS_LIMIT, "a receive window is at most 65536 messages and 64 MiB");
  return TRUE;
}

static gboolean
check_words (const BusCall *call, const SubscribeRequest *request)
{
  WireSpan pattern = wire_span_str (request->pattern);
  WireSpan group = wire_span_str (request->group);
  WireTopicCheck check = wire_pattern_check (pattern, &call->core->topic_limits);

  if (check.status != WIRE_STATUS_OK)
    return refuse (call, check.status, check.problem);
  if (request->serve && check.wildcard)
    return refuse (call, WIRE_STATUS_BAD_PATTERN, "what is served is one topic, without wildcards");
  if (group.len > 0 && !wire_segment_is_valid (group, (guint) call->core->limits.segment_bytes))
    return refuse (call, WIRE_STATUS_BAD_PATTERN, "a group's name is one segment of a-z 0-9 - _");
  return TRUE;
}

/* A peer's own methods stand on the one topic that names it. */
static gboolean
check_methods (const BusCall *call, const SubscribeRequest *request)
{
  g_autofree char *own = g_strconcat ("control.collector.", call->peer->id, NULL);

  if (!request->methods)
    return TRUE;
  if (!request->serve || request->group[0] != '\0' || strcmp (request->pattern, own) != 0)
    return refuse (call, WIRE_STATUS_BAD_MESSAGE,
                   "methods goes with serve, without a group, on control.collector.{your id}");
  return TRUE;
}

static gboolean
check_right (const BusCall *call, const SubscribeRequest *request)
{
  return bus_peer_may (call->peer, call->id, request->serve ? BUS_OP_SERVE : BUS_OP_SUBSCRIBE,
                       wire_span_str (request->pattern));
}

static void
subscribe (const BusCall *call)
{
  const SubscribeRequest *request = call->request;
  const BusLimits *limits = &call->core->limits;
  Daemoneye__Eventbus__V1__SubscribeReply reply;
  BusSubscription *subscription;

  daemoneye__eventbus__v1__subscribe_reply__init (&reply);
  if (!check_numbers (call, request) || !check_words (call, request) || !check_methods (call, request)
      || !check_right (call, request))
    return;
  subscription
      = bus_subscription_new (call->peer, request->subscription, wire_span_str (request->pattern), request->serve != 0);
  if (subscription == NULL)
    {
      refuse (call, WIRE_STATUS_NO_MEMORY, "no memory for a subscription");
      return;
    }
  subscription->methods = request->methods != 0;
  bus_window_init (&subscription->window,
                   request->window_messages != 0 ? request->window_messages : limits->receive_window_messages,
                   request->window_bytes != 0 ? request->window_bytes : limits->receive_window_bytes);
  bus_router_add (call->core, subscription, wire_span_str (request->group));
  reply.accept_seq = call->accept_seq;
  reply.window_messages = subscription->window.window_messages;
  reply.window_bytes = subscription->window.window_bytes;
  bus_calls_reply_packed (call->peer, call->id, &reply.base);
}

static void
unsubscribe (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__UnsubscribeRequest *request = call->request;
  BusSubscription *subscription
      = g_hash_table_lookup (call->peer->subscriptions, GUINT_TO_POINTER (request->subscription));
  Daemoneye__Eventbus__V1__UnsubscribeReply reply;
  BusLeave leave = { 0, 0, 0 };

  daemoneye__eventbus__v1__unsubscribe_reply__init (&reply);
  if (subscription == NULL)
    {
      refuse (call, WIRE_STATUS_NOT_SUBSCRIBED, "you have no subscription with this number");
      return;
    }
  reply.delivered = subscription->delivered;
  reply.missed = subscription->missed;
  bus_router_unfile (call->core, subscription);
  bus_router_release (call->core, subscription, call->now_us, &leave);
  reply.discarded = leave.discarded;
  bus_calls_reply_packed (call->peer, call->id, &reply.base);
}

/* --- what other rooms answer --- */

static void
ping (const BusCall *call)
{
  Daemoneye__Eventbus__V1__PingReply reply;

  daemoneye__eventbus__v1__ping_reply__init (&reply);
  reply.epoch = call->core->epoch;
  reply.uptime_us = (guint64) (call->now_us - call->core->started_us);
  bus_calls_reply_packed (call->peer, call->id, &reply.base);
}

static void
stats (const BusCall *call)
{
  bus_stats_answer (call->peer, call->id, call->now_us);
}

static void
introspect (const BusCall *call)
{
  bus_introspect_answer (call->peer, call->id, call->request, call->now_us);
}

static void
describe (const BusCall *call)
{
  bus_describe_answer (call->peer, call->id, call->request, call->now_us);
}

/* --- the table --- */

typedef struct
{
  BusMethod method;
  void (*answer) (const BusCall *call);
} Method;

/* clang-format off */
#define METHOD(name, request, reply, doc, answer)                                                                      \
  { { name, PREFIX name, &daemoneye__eventbus__v1__##request##__descriptor,                                            \
      &daemoneye__eventbus__v1__##reply##__descriptor, doc }, answer }

static const Method methods[] = {
  METHOD ("subscribe", subscribe_request, subscribe_reply,
          "Subscribes to a topic or pattern, joins a group, or serves a topic.", subscribe),
  METHOD ("unsubscribe", unsubscribe_request, unsubscribe_reply,
          "Ends a subscription and tells what became of its messages.", unsubscribe),
  METHOD ("ping", ping_request, ping_reply, "Tells the broker's epoch and uptime.", ping),
  METHOD ("stats", stats_request, stats_reply,
          "The broker's sums, and one entry per peer that the asker may see.", stats),
  METHOD ("introspect", bus_introspect_request, bus_introspect_reply,
          "One page of the broker's peers, subscriptions, groups or topics, as far as the asker may see them.", introspect),
  METHOD ("describe", introspect_request, introspect_reply,
          "The broker's methods and events, and the schema of their messages.", describe),
};
/* clang-format on */

guint
bus_calls_count (void)
{
  return G_N_ELEMENTS (methods);
}

const BusMethod *
bus_calls_method (guint at)
{
  g_assert (at < G_N_ELEMENTS (methods));
  return &methods[at].method;
}

gboolean
bus_calls_serves (WireSpan topic)
{
  WireSpan prefix = WIRE_SPAN_LITERAL (PREFIX);

  return topic.len > prefix.len && memcmp (topic.data, prefix.data, prefix.len) == 0;
}

static const Method *
find_method (WireSpan topic)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (wire_span_equal (topic, wire_span_str (methods[i].method.topic)))
      return &methods[i];
  return NULL;
}

void
bus_calls_answer (BusPeer *peer, const BusInbound *inbound, gint64 now_us)
{
  const WireEnvelope *envelope = inbound->envelope;
  const Method *method = find_method (envelope->topic);
  g_autoptr (WireGuard) guard = NULL;
  WireGuardError error;
  BusCall call
      = { .peer = peer, .core = peer->core, .id = envelope->id, .accept_seq = inbound->accept_seq, .now_us = now_us };

  if (method == NULL)
    {
      refuse (&call, WIRE_STATUS_NO_RESPONDERS, "the broker has no such call");
      return;
    }
  guard = wire_guard_unpack (method->method.request, envelope->payload, 0, &error);
  if (guard == NULL)
    {
      refuse (&call, error.status, error.problem);
      return;
    }
  call.request = wire_guard_message (guard);
  method->answer (&call);
}
