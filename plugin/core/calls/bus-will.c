/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-will.h"

#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "route/bus-retain.h"
#include "route/bus-router.h"
#include "route/bus-routes.h"
#include "control.pb-c.h"
#include "wire-feature.h"
#include "wire-topic.h"

typedef Daemoneye__Eventbus__V1__WillReply WillReply;
typedef Daemoneye__Eventbus__V1__WillRequest WillRequest;

typedef struct BusWill
{
  gboolean retain;
  gsize len;
  guint8 body[]; /* of a PUBLISH frame */
} BusWill;

static gsize
will_charge (const BusWill *will)
{
  return sizeof *will + will->len;
}

static WireSpan
will_body (const BusWill *will)
{
  return wire_span (will->body, will->len);
}

/* This cannot fail, because will_encode() has read the same body. */
static void
will_read (const BusWill *will, WireEnvelope *envelope)
{
  if (wire_envelope_read (will_body (will), WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, envelope).status != WIRE_STATUS_OK)
    g_assert_not_reached ();
}

WireSpan
bus_will_topic (const BusPeer *peer)
{
  WireEnvelope envelope;

  if (peer->calls->will == NULL)
    return wire_span (NULL, 0);
  will_read (peer->calls->will, &envelope);
  return envelope.topic;
}

void
bus_will_forget (BusPeer *peer)
{
  if (peer->calls->will == NULL)
    return;
  bus_quota_unkeep (&peer->core->quota, &peer->ledger.usage, will_charge (peer->calls->will));
  g_clear_pointer (&bus_peer_need_calls (peer)->will, g_free);
}

/* --- storing a message --- */

static gboolean
will_refuse (const BusCall *call, WireStatus status, const char *detail)
{
  bus_peer_error (call->peer, call->id, status, detail);
  return FALSE;
}

static gboolean
will_check (const BusCall *call, const WillRequest *request)
{
  WireSpan topic = wire_span_str (request->topic);
  WireTopicCheck check = wire_topic_check (topic, &call->core->topic_limits);

  if (check.status != WIRE_STATUS_OK)
    return will_refuse (call, check.status, check.problem);
  if (request->payload.len > BUS_WILL_PAYLOAD_MAX)
    return will_refuse (call, WIRE_STATUS_LIMIT, "the payload of a last message can have at most 4096 bytes");
  if (request->retain && !(call->peer->features & WIRE_FEATURE_RETAIN))
    return will_refuse (call, WIRE_STATUS_UNSUPPORTED, "retain needs the feature RETAIN, which is not in your WELCOME");
  return bus_peer_may (call->peer, call->id, BUS_OP_PUBLISH, topic);
}

/* NULL: refused. */
static BusWill *
will_encode (const BusCall *call, const WillRequest *request)
{
  WireEnvelope envelope;
  WireReadResult result;
  BusWill *will;
  guint8 *end;
  gsize len;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (request->topic);
  envelope.type_name = wire_span_str (request->type_name);
  envelope.payload = wire_span (request->payload.data, request->payload.len);
  len = wire_envelope_size (&envelope) + envelope.payload.len;
  will = g_try_malloc (sizeof *will + len);
  if (will == NULL)
    {
      will_refuse (call, WIRE_STATUS_NO_MEMORY, "no memory for a last message");
      return NULL;
    }
  will->retain = request->retain;
  will->len = len;
  end = wire_envelope_write (&envelope, will->body);
  if (envelope.payload.len > 0)
    memcpy (end, envelope.payload.data, envelope.payload.len);
  result = wire_envelope_read (will_body (will), WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &envelope);
  if (result.status == WIRE_STATUS_OK)
    return will;
  g_free (will);
  will_refuse (call, result.status, result.problem);
  return NULL;
}

void
bus_will_answer (const BusCall *call)
{
  const WillRequest *request = call->request;
  BusPeer *peer = call->peer;
  BusWill *will = NULL;
  WillReply reply;

  if (request->topic[0] != '\0' && (!will_check (call, request) || (will = will_encode (call, request)) == NULL))
    return;
  daemoneye__eventbus__v1__will_reply__init (&reply);
  reply.replaced = peer->calls->will != NULL;
  bus_will_forget (peer);
  if (will != NULL)
    bus_quota_keep (&call->core->quota, &peer->ledger.usage, will_charge (will));
  bus_peer_need_calls (peer)->will = will;
  bus_reply_message (peer, call->id, &reply.base);
}

/* --- publishing it --- */

static void
will_retain (BusPeer *peer, BusInbound *inbound)
{
  const WireEnvelope *envelope = inbound->envelope;
  BusExcess excess;

  if (envelope->payload.len == 0)
    bus_retain_clear (peer->core, envelope->topic);
  else if (!bus_retain_has_room (peer, envelope->topic, inbound->frame.body.len, &excess)
           || !bus_retain_store (peer, inbound, FALSE))
    peer->core->routes->wills_unretained++;
}

static void
will_send (BusPeer *peer, const WireEnvelope *envelope, gint64 now_us)
{
  BusCore *core = peer->core;
  BusMatch *match = bus_router_match (core, envelope->topic);
  BusInbound inbound = {
    .frame = { .kind = WIRE_KIND_PUBLISH, .body = will_body (peer->calls->will) },
    .envelope = envelope,
    .copy_max = BUS_OUTQ_COPY_MAX,
    .class_of = wire_class_of (WIRE_KIND_PUBLISH, envelope->topic, envelope->payload.len, peer->features),
    .quota = &core->quota,
    .domain = match->domain,
  };

  bus_inbound_stamp (&inbound, wire_span_str (peer->id), ++core->routes->accept_seq, now_us + core->wall_us);
  bus_inbound_stamp_incarnation (&inbound, peer->incarnation);
  if (peer->calls->will->retain)
    will_retain (peer, &inbound);
  bus_topics_count (&core->routes->topics, &match->counter, match->key, envelope, now_us);
  bus_router_publish (core, &inbound, match, FALSE, now_us);
  bus_inbound_clear (&inbound);
  core->routes->wills_published++;
}

static void
will_note_denied (BusPeer *peer, WireSpan topic, BusVerdict verdict)
{
  BusNote *note = bus_peer_note (peer, BUS_NOTE_DENIED, WIRE_STATUS_DENIED, "its last message was not published");

  peer->core->denied++;
  if (note == NULL)
    return;
  note->operation = bus_right_name (BUS_OP_PUBLISH);
  note->rule = verdict.rule;
  bus_note_set_topic (note, topic);
}

void
bus_will_publish (BusPeer *peer, gint64 now_us)
{
  WireEnvelope envelope;
  BusVerdict verdict;

  if (peer->calls->will == NULL || peer->close_status == WIRE_STATUS_OK || peer->core->is_stopping)
    return;
  will_read (peer->calls->will, &envelope);
  verdict = bus_policy_authorize (&peer->principal, BUS_OP_PUBLISH, envelope.topic);
  if (verdict.allowed)
    will_send (peer, &envelope, now_us);
  else
    will_note_denied (peer, envelope.topic, verdict);
  bus_will_forget (peer);
}
