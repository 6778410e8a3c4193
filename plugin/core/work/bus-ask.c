/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-ask.h"

#include "peer/bus-state.h"
#include "queue/bus-admit.h"
#include "route/bus-answer.h"
#include "route/bus-router.h"
#include "route/bus-routes.h"
#include "wire-put.h"

#define ASK_TOPIC_FIELD 2u

/* The queues read the topic and the payload, as in a message that was received: both point into the encoded envelope. The topic is
 * its first field, because the envelope has no id. */
static void
ask_point_into (WireEnvelope *envelope, const guint8 *body, const guint8 *payload)
{
  const WireSpan topic = envelope->topic;

  envelope->topic.data = body + wire_put_head_size (ASK_TOPIC_FIELD, topic.len);
  envelope->payload.data = payload;
  g_assert (wire_span_equal (envelope->topic, topic));
}

/* Encodes the envelope of the request and its payload. NULL: no memory */
static guint8 *
ask_write (const BusAsk *ask, WireEnvelope *envelope, gsize *size)
{
  g_autofree guint8 *body = NULL;
  guint8 *payload;
  gsize packed;

  wire_envelope_init (envelope);
  envelope->topic = wire_span_str (ask->topic);
  envelope->method = wire_span_str (ask->method);
  envelope->type_name = wire_span_str (ask->type_name);
  envelope->payload = ask->payload;
  *size = wire_envelope_size (envelope) + envelope->payload.len;
  body = g_try_malloc (*size);
  if (body == NULL)
    return NULL;
  payload = wire_envelope_write (envelope, body);
  if (ask->pack != NULL)
    {
      packed = ask->pack (ask->message, payload);
      g_assert (packed == ask->payload.len);
    }
  else if (ask->payload.len > 0)
    memcpy (payload, ask->payload.data, ask->payload.len);
  ask_point_into (envelope, body, payload);
  return g_steal_pointer (&body);
}

static BusSubscription *
ask_find_server (BusCore *core, const BusAsk *ask, gint64 now_us)
{
  const BusNeed need = { .lane = WIRE_LANE_DATA, .now_us = now_us };

  if (ask->responder == NULL || !bus_peer_is_ready (ask->responder))
    return NULL;
  return bus_router_pick_server (core, wire_span_str (ask->topic), ask->responder, &need);
}

static BusRequest *
ask_send (BusCore *core, const BusAsk *ask, BusInbound *inbound, BusSubscription *server, gint64 now_us)
{
  BusRequest *request = bus_request_new (core, BUS_PENDING_REPLY, &ask->requester, server->owner,
                                         inbound->envelope->topic, ask->due_us);

  bus_inbound_stamp (inbound, wire_span_str (core->name), ++core->routes->accept_seq, now_us + core->wall_us);
  bus_router_count_request (core, inbound, server->serving.servers, now_us);
  if (bus_answer_send_request (core, request, inbound, server, now_us))
    return request;
  bus_request_free (core, request);
  return NULL;
}

BusRequest *
bus_ask (BusCore *core, const BusAsk *ask, gint64 now_us)
{
  BusSubscription *server = ask_find_server (core, ask, now_us);
  g_autofree guint8 *body = NULL;
  WireEnvelope envelope;
  BusRequest *request;
  gsize size = 0;

  if (server != NULL)
    body = ask_write (ask, &envelope, &size);
  if (body == NULL)
    return NULL;
  BusInbound inbound
      = { .frame = { .kind = WIRE_KIND_REQUEST, .body = wire_span (body, size) },
          .envelope = &envelope,
          .copy_max = BUS_OUTQ_COPY_MAX,
          .class_of = wire_class_of (WIRE_KIND_REQUEST, envelope.topic, envelope.payload.len, ask->responder->features),
          .quota = &core->quota };
  request = ask_send (core, ask, &inbound, server, now_us);
  bus_inbound_clear (&inbound);
  return request;
}
