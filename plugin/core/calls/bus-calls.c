/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-calls.h"

#include "calls/bus-describe.h"
#include "calls/bus-introspect.h"
#include "peer/bus-state.h"
#include "calls/bus-stats.h"
#include "calls/bus-subscribe.h"
#include "control.pb-c.h"
#include "introspection.pb-c.h"
#include "wire-guard.h"

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

/* --- what other rooms answer --- */

static void
subscribe (const BusCall *call)
{
  bus_subscribe_answer (call->peer, call->id, call->request, call->accept_seq);
}

static void
adjust (const BusCall *call)
{
  bus_subscribe_adjust (call->peer, call->id, call->request, call->now_us);
}

static void
unsubscribe (const BusCall *call)
{
  bus_subscribe_end (call->peer, call->id, call->request, call->now_us);
}

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
  bus_stats_answer (call->peer, call->id, call->request, call->now_us);
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
  METHOD ("adjust", adjust_request, adjust_reply,
          "Gives a subscription another policy or other bounds, full or not; in a group all members.", adjust),
  METHOD ("unsubscribe", unsubscribe_request, unsubscribe_reply,
          "Ends a subscription and tells what became of its messages.", unsubscribe),
  METHOD ("ping", ping_request, ping_reply, "Tells the broker's epoch and uptime.", ping),
  METHOD ("stats", stats_request, stats_reply,
          "The broker's sums, and peers, subscriptions, groups and topic domains that the asker may see.", stats),
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
      bus_peer_error (peer, call.id, WIRE_STATUS_NO_RESPONDERS, "the broker has no such call");
      return;
    }
  guard = wire_guard_unpack (method->method.request, envelope->payload, 0, &error);
  if (guard == NULL)
    {
      bus_peer_error (peer, call.id, error.status, error.problem);
      return;
    }
  call.request = wire_guard_message (guard);
  method->answer (&call);
}
