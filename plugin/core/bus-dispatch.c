/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-dispatch.h"

#include "base/bus-probe.h"
#include "calls/bus-calls.h"
#include "news/bus-cascade.h"
#include "calls/bus-later.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "queue/bus-admit.h"
#include "route/bus-answer.h"
#include "route/bus-assured.h"
#include "route/bus-lineage.h"
#include "route/bus-many.h"
#include "route/bus-resend.h"
#include "route/bus-router.h"
#include "route/bus-routes.h"
#include "wire-feature.h"
#include "wire-topic.h"

/* One frame, and what was read from it. */
typedef struct
{
  BusPeer *peer;
  BusCore *core;
  WireFrame *frame;
  const WireEnvelope *envelope;
  WireClassOf class_of;
  gsize cost;             /* of its credit */
  gboolean is_held;       /* a receiver that blocks returns the credit later */
  gboolean leaves_record; /* in the timeline, whatever becomes of it */
  guint32 depth;          /* for that record */
  gint64 now_us;
} DispatchCall;

typedef void (*DispatchHandler) (DispatchCall *call);

/* --- the timeline --- */

static void
dispatch_record (const DispatchCall *call, const BusFate *fate)
{
  if (call->leaves_record)
    bus_timeline_add (&call->core->routes->timeline, call->peer->id, call->frame->kind, call->frame->body.len,
                      call->envelope, call->depth, fate, call->now_us + call->core->wall_us);
}

static void
dispatch_record_outcome (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome)
{
  const BusFate fate = { accept_seq, outcome.refused > 0 ? WIRE_STATUS_WOULD_BLOCK : WIRE_STATUS_OK, outcome.matched,
                         outcome.queued, outcome.refused };

  dispatch_record (call, &fate);
}

static BusOutcome
dispatch_outcome_of (guint matched, guint queued)
{
  return (BusOutcome){ .matched = matched, .queued = queued, .refused = matched - queued };
}

/* --- refusals --- */

static void
dispatch_fail (const DispatchCall *call, WireStatus status, const char *detail)
{
  dispatch_record (call, &(const BusFate){ .status = status });
  bus_peer_error (call->peer, call->envelope->id, status, detail);
}

/* A field of the frame exceeds its bound, which no setting raises. */
static void
dispatch_fail_field (const DispatchCall *call, const WireReadResult *result)
{
  WireEnvelope error;

  wire_envelope_init (&error);
  error.answers = call->envelope->id;
  error.status = result->status;
  error.detail = wire_span_str (result->problem);
  error.limit = result->limit;
  error.value = result->value;
  error.setting = WIRE_SPAN_LITERAL ("none");
  bus_peer_put (call->peer, WIRE_KIND_ERROR, 0, &error);
}

static void
dispatch_strike (const DispatchCall *call, const char *detail)
{
  dispatch_fail (call, WIRE_STATUS_UNSUPPORTED, detail);
  if (++call->peer->strikes >= BUS_STRIKES_MAX)
    bus_peer_close (call->peer, WIRE_STATUS_UNSUPPORTED, "too many frames that this broker does not understand");
}

static void
dispatch_malformed (BusPeer *peer, WireStatus status, const char *problem, gsize offset)
{
  WireEnvelope error;

  peer->core->malformed++;
  wire_envelope_init (&error);
  error.status = status;
  error.detail = wire_span_str (problem);
  error.offset = offset;
  bus_peer_put (peer, WIRE_KIND_ERROR, 0, &error);
  bus_peer_close (peer, status, problem);
}

/* FALSE: the causes of the message forbid it, and it was refused. */
static gboolean
dispatch_admit_lineage (DispatchCall *call)
{
  gboolean leaves_record = bus_timeline_wants (call->envelope);
  gboolean is_admitted;

  if (!leaves_record && call->envelope->depth == 0)
    return TRUE;
  is_admitted = bus_cascade_admit (call->peer, call->envelope, &call->depth, call->now_us);
  call->leaves_record = leaves_record;
  if (!is_admitted)
    dispatch_record (call, &(const BusFate){ .status = WIRE_STATUS_CASCADE });
  return is_admitted;
}

static gboolean
dispatch_authorize (const DispatchCall *call, BusOperation operation, WireSpan topic)
{
  return bus_peer_may (call->peer, call->envelope->id, operation, topic);
}

/* --- credit --- */

/* Lane and credit class that the sender counted this frame as. */
static WireClassOf
dispatch_class_of_frame (const DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;

  if (call->frame->kind == WIRE_KIND_REPLY)
    return bus_request_class (envelope->route, envelope->payload.len);
  return wire_class_of (call->frame->kind, envelope->topic, envelope->payload.len);
}

/* Taken before anything else is checked, so that a refused frame costs what its sender expects. FALSE: it was sent
 * without credit, and the peer is closed. */
static gboolean
dispatch_take_credit (const DispatchCall *call)
{
  if (bus_credit_take (&call->peer->ledger, call->class_of.credit_class, call->cost, call->now_us))
    return TRUE;
  dispatch_malformed (call->peer, WIRE_STATUS_CREDIT_EXCEEDED, "sent without credit: wait for CREDIT", 0);
  return FALSE;
}

/* --- what a message must have --- */

static gboolean
dispatch_check_topic (const DispatchCall *call)
{
  WireTopicCheck check = wire_topic_check (call->envelope->topic, &call->core->topic_limits);

  if (check.status != WIRE_STATUS_OK)
    dispatch_fail (call, check.status, check.problem);
  return check.status == WIRE_STATUS_OK;
}

static gboolean
dispatch_check_payload (const DispatchCall *call)
{
  if (call->envelope->payload.len <= call->core->limits.max_payload)
    return TRUE;
  bus_peer_error_limit (call->peer, call->envelope->id, BUS_LIMIT_max_payload, call->envelope->payload.len);
  return FALSE;
}

static gboolean
dispatch_check_id (const DispatchCall *call)
{
  if (call->envelope->id > 0)
    return TRUE;
  dispatch_malformed (call->peer, WIRE_STATUS_BAD_MESSAGE, "id is above zero", 0);
  return FALSE;
}

/* The message accepted: from here on it has a sender, a place in the order, and a time. */
static BusInbound
dispatch_inbound (const DispatchCall *call)
{
  BusInbound inbound = {
    .frame = *call->frame,
    .reader = &call->peer->reader,
    .envelope = call->envelope,
    .copy_max = BUS_OUTQ_COPY_MAX,
    .class_of = call->class_of,
    .quota = &call->core->quota,
    .publisher = &call->peer->ledger,
    .credit_bytes = call->cost,
  };
  guint64 ttl_us = call->envelope->ttl_us;

  if (ttl_us > 0 && ttl_us < G_MAXINT64 / 2 && call->frame->kind == WIRE_KIND_PUBLISH)
    inbound.expires_us = call->now_us + (gint64) ttl_us;
  if (call->envelope->want_hops)
    inbound.traced_us = call->now_us;

  bus_inbound_stamp (&inbound, call->peer->id, ++call->core->routes->accept_seq, call->now_us + call->core->wall_us);
  BUS_PROBE4 (accept, call->peer->id, inbound.accept_seq, call->frame->kind, call->envelope->payload.len);
  return inbound;
}

static BusPeer *
dispatch_find_target (const DispatchCall *call)
{
  BusKey key = bus_key (call->core->seed, call->envelope->target);
  BusPeer *target = g_hash_table_lookup (call->core->peers_by_id, &key);

  return target != NULL && bus_peer_is_ready (target) ? target : NULL;
}

/* The requested deadline, or the default; at most max_request_timeout_us. */
static gint64
dispatch_due_us (const DispatchCall *call)
{
  guint64 asked_us = call->envelope->deadline_us;

  if (asked_us == 0)
    asked_us = call->core->limits.request_timeout_us;
  if (call->frame->kind == WIRE_KIND_REQUEST && call->envelope->ttl_us > 0)
    asked_us = MIN (asked_us, call->envelope->ttl_us);
  return call->now_us + (gint64) MIN (asked_us, call->core->limits.max_request_timeout_us);
}

static gboolean
dispatch_may_wait (const DispatchCall *call)
{
  guint pending = bus_peer_pending (call->peer);

  if (pending >= call->core->limits.max_pending_requests)
    {
      bus_peer_error_limit (call->peer, call->envelope->id, BUS_LIMIT_max_pending_requests, pending + 1);
      return FALSE;
    }
  if (bus_request_find_asked (call->peer, call->envelope->id) != NULL
      || bus_confirm_is_pending (call->peer, call->envelope->id)
      || bus_later_is_pending (call->peer, call->envelope->id))
    {
      dispatch_fail (call, WIRE_STATUS_DUPLICATE_ID, "a request with this id is pending: ids are used once");
      return FALSE;
    }
  return TRUE;
}

/* --- publish, direct, broadcast --- */

static void
dispatch_acknowledge (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome)
{
  WireEnvelope ack;

  if (!(call->frame->flags & WIRE_FLAG_WANT_ACK))
    return;
  wire_envelope_init (&ack);
  ack.answers = call->envelope->id;
  ack.accept_seq = accept_seq;
  ack.matched = outcome.matched;
  ack.queued = outcome.queued;
  ack.refused = outcome.refused;
  if (outcome.refused > 0)
    ack.status = WIRE_STATUS_WOULD_BLOCK;
  bus_peer_put (call->peer, WIRE_KIND_ACK, 0, &ack);
}

/* Counts an accepted message for control.bus.introspect. */
static void
dispatch_count_topic (const DispatchCall *call, BusMatch *match)
{
  bus_topics_count (&call->core->routes->topics, &match->counter, match->key, call->envelope, call->now_us);
}

/* From here on its credit is withheld by tickets, if a receiver blocks. */
static void
dispatch_release_inbound (DispatchCall *call, BusInbound *inbound)
{
  call->is_held = inbound->ticket != NULL;
  bus_inbound_clear (inbound);
}

/* --- messages that may be sent again --- */

static gboolean
dispatch_is_numbered (const DispatchCall *call)
{
  return call->envelope->message_id != 0 && (call->peer->features & WIRE_FEATURE_DELIVERY) != 0;
}

/* A resend is answered as the message was, and not delivered again. */
static void
dispatch_answer_resend (const DispatchCall *call, BusAccepted *accepted)
{
  if ((call->frame->flags & WIRE_FLAG_WANT_DELIVERED) && !dispatch_may_wait (call))
    return;
  dispatch_acknowledge (call, accepted->accept_seq, accepted->outcome);
  if (call->frame->flags & WIRE_FLAG_WANT_DELIVERED)
    bus_confirm_continue (&accepted->witness, call->peer, call->envelope->id);
}

/* FALSE: the message is a resend, or may not be numbered; it is answered. */
static gboolean
dispatch_check_number (const DispatchCall *call)
{
  BusAccepted *accepted;

  if (!dispatch_is_numbered (call))
    return TRUE;
  if (!bus_resend_open (call->peer))
    {
      bus_peer_error_limit (call->peer, call->envelope->id, BUS_LIMIT_resend_windows,
                            call->core->limits.resend_windows + 1);
      return FALSE;
    }
  accepted = bus_resend_find (call->peer, call->envelope->message_id);
  if (accepted != NULL)
    dispatch_answer_resend (call, accepted);
  return accepted == NULL;
}

/* @confirm: (nullable) */
static void
dispatch_note_accepted (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome, BusConfirm *confirm)
{
  dispatch_acknowledge (call, accept_seq, outcome);
  if (dispatch_is_numbered (call))
    bus_resend_add (call->peer, call->envelope->message_id, accept_seq, outcome, confirm);
}

/* FALSE: refused and answered. @confirm: (out): NULL: the publisher does not wait for one */
static gboolean
dispatch_begin_confirm (const DispatchCall *call, BusConfirm **confirm)
{
  *confirm = NULL;
  if (!(call->frame->flags & WIRE_FLAG_WANT_DELIVERED))
    return TRUE;
  if (!dispatch_may_wait (call))
    return FALSE;
  *confirm = bus_confirm_new (call->core, call->peer, call->envelope->id, dispatch_due_us (call));
  return TRUE;
}

static void
dispatch_publish_direct (DispatchCall *call, BusMatch *match)
{
  BusPeer *target = dispatch_find_target (call);
  guint64 route_id = 0;
  BusConfirm *confirm;
  BusInbound inbound;
  BusOutcome outcome;

  if (target == NULL)
    {
      dispatch_fail (call, WIRE_STATUS_ABSENT, "the target is not connected");
      return;
    }
  if (!bus_router_is_subscribed (call->core, target, call->envelope))
    {
      dispatch_fail (call, WIRE_STATUS_NOT_SUBSCRIBED, "the target neither subscribes to nor serves this topic");
      return;
    }
  if (!dispatch_begin_confirm (call, &confirm))
    return;
  if (confirm != NULL)
    route_id = bus_confirm_add (confirm, target);
  inbound = dispatch_inbound (call);
  dispatch_count_topic (call, match);
  outcome = bus_router_direct (call->core, &inbound, target, route_id, call->now_us);
  dispatch_note_accepted (call, inbound.accept_seq, outcome, confirm);
  dispatch_record_outcome (call, inbound.accept_seq, outcome);
  bus_confirm_expect (call->core, route_id, outcome.queued);
  dispatch_release_inbound (call, &inbound);
}

static void
dispatch_answer_refusal (const DispatchCall *call, const BusRefusal *refusal)
{
  if (refusal->status == WIRE_STATUS_LIMIT)
    {
      dispatch_record (call, &(const BusFate){ .status = WIRE_STATUS_LIMIT });
      bus_peer_error_excess (call->peer, call->envelope->id, WIRE_STATUS_LIMIT,
                             "a receiver has no room to keep the message until it is handled: try again later",
                             &refusal->excess);
    }
  else
    dispatch_fail (call, refusal->status, "no group has a member for this topic");
}

/* At least once, or confirmed by the groups that match. */
static void
dispatch_publish_assured (DispatchCall *call, BusMatch *match)
{
  BusAssurance assurance = { .at_least_once = (call->envelope->delivery & WIRE_DELIVERY_AT_LEAST_ONCE) != 0 };
  BusRefusal refusal;
  BusInbound inbound;
  BusOutcome outcome;

  if (!dispatch_begin_confirm (call, &assurance.confirm))
    return;
  inbound = dispatch_inbound (call);
  outcome = bus_assured_publish (call->core, &inbound, match, &assurance, &refusal, call->now_us);
  if (refusal.status != WIRE_STATUS_OK)
    {
      call->core->routes->accept_seq--; /* nobody has seen it */
      bus_confirm_cancel (call->peer, call->envelope->id);
      dispatch_answer_refusal (call, &refusal);
    }
  else
    {
      dispatch_count_topic (call, match);
      dispatch_note_accepted (call, inbound.accept_seq, outcome, assurance.confirm);
      dispatch_record_outcome (call, inbound.accept_seq, outcome);
    }
  dispatch_release_inbound (call, &inbound);
}

static void
dispatch_publish_to_all (DispatchCall *call, BusMatch *match)
{
  gboolean broadcast = (call->frame->flags & WIRE_FLAG_BROADCAST) != 0;
  BusInbound inbound = dispatch_inbound (call);
  BusOutcome outcome;

  dispatch_count_topic (call, match);
  outcome = bus_router_publish (call->core, &inbound, match, broadcast, call->now_us);
  dispatch_note_accepted (call, inbound.accept_seq, outcome, NULL);
  dispatch_record_outcome (call, inbound.accept_seq, outcome);
  dispatch_release_inbound (call, &inbound);
}

/* Grammar, right and receivers of the topic; remembered, because the next message mostly has the same topic.
 * NULL: refused and answered. */
static BusMatch *
dispatch_match_allowed (const DispatchCall *call)
{
  BusPeer *peer = call->peer;
  WireSpan topic = call->envelope->topic;
  const BusMatchCache *matches = &call->core->routes->matches;
  gboolean is_recent = peer->recent_match != NULL && peer->recent_generation == matches->generation
                       && wire_span_equal (peer->recent_match->key.text, topic);

  if (is_recent && bus_match_is_current (matches, peer->recent_match))
    return peer->recent_match;
  if (!is_recent && (!dispatch_check_topic (call) || !dispatch_authorize (call, BUS_OP_PUBLISH, topic)))
    return NULL;
  peer->recent_match = bus_router_match (call->core, topic);
  peer->recent_generation = matches->generation;
  return peer->recent_match;
}

/* FALSE: the publisher asks for what this broker does not do. */
static gboolean
dispatch_check_delivery (const DispatchCall *call)
{
  if (!(call->envelope->delivery & WIRE_DELIVERY_HOLD))
    return TRUE;
  dispatch_strike (call, "this broker holds no messages for groups without members");
  return FALSE;
}

static gboolean
dispatch_is_assured (const DispatchCall *call)
{
  return (call->frame->flags & WIRE_FLAG_WANT_DELIVERED) || (call->envelope->delivery & WIRE_DELIVERY_AT_LEAST_ONCE);
}

static void
dispatch_handle_publish (DispatchCall *call)
{
  BusMatch *match;

  if (!dispatch_check_id (call) || !dispatch_check_payload (call) || (match = dispatch_match_allowed (call)) == NULL
      || !dispatch_check_delivery (call) || !dispatch_check_number (call) || !dispatch_admit_lineage (call))
    return;
  if (call->envelope->target.len > 0)
    dispatch_publish_direct (call, match);
  else if (dispatch_is_assured (call) && (call->frame->flags & WIRE_FLAG_BROADCAST))
    dispatch_strike (call, "a BROADCAST is neither confirmed nor delivered at least once");
  else if (dispatch_is_assured (call))
    dispatch_publish_assured (call, match);
  else
    dispatch_publish_to_all (call, match);
}

/* --- request, reply --- */

/* The target that the request names, or NULL for every server. FALSE: it is not connected. */
static gboolean
dispatch_find_request_target (const DispatchCall *call, BusPeer **target)
{
  *target = call->envelope->target.len > 0 ? dispatch_find_target (call) : NULL;
  if (call->envelope->target.len == 0 || *target != NULL)
    return TRUE;
  dispatch_fail (call, WIRE_STATUS_ABSENT, "the target is not connected");
  return FALSE;
}

static void
dispatch_fail_unserved (const DispatchCall *call)
{
  if (call->envelope->target.len > 0)
    dispatch_fail (call, WIRE_STATUS_NOT_SUBSCRIBED, "the target does not serve this topic");
  else
    dispatch_fail (call, WIRE_STATUS_NO_RESPONDERS, "nobody serves this topic");
}

static BusSubscription *
dispatch_find_server (DispatchCall *call)
{
  const BusNeed need = { .len = call->frame->body.len, .lane = call->class_of.lane, .now_us = call->now_us };
  BusPeer *target;
  BusSubscription *server;

  if (!dispatch_find_request_target (call, &target))
    return NULL;
  server = bus_router_pick_server (call->core, call->envelope->topic, target, &need);
  if (server != NULL && bus_peer_is_ready (server->owner))
    return server;
  dispatch_fail_unserved (call);
  return NULL;
}

static void
dispatch_request_peer (DispatchCall *call)
{
  const BusRequester requester = { BUS_REQUESTER_PEER, call->peer, call->envelope->id, NULL };
  BusSubscription *server = dispatch_find_server (call);
  BusRequest *request;
  BusInbound inbound;
  gboolean queued;

  if (server == NULL || !dispatch_may_wait (call))
    return;
  request = bus_request_new (call->core, BUS_PENDING_REPLY, &requester, server->owner, call->envelope->topic,
                             dispatch_due_us (call));
  bus_answer_prepare (request, call->envelope);
  inbound = dispatch_inbound (call);
  bus_router_count_request (call->core, &inbound, server->servers, call->now_us);
  queued = bus_answer_send_request (call->core, request, &inbound, server, call->now_us);
  dispatch_record_outcome (call, inbound.accept_seq, dispatch_outcome_of (1, queued ? 1 : 0));
  bus_inbound_clear (&inbound);
}

static gboolean
dispatch_may_ask_members (const DispatchCall *call, guint n)
{
  guint members = call->peer->n_asked_members + n;

  if (members <= call->core->limits.max_request_members)
    return TRUE;
  bus_peer_error_limit (call->peer, call->envelope->id, BUS_LIMIT_max_request_members, members);
  return FALSE;
}

static void
dispatch_request_many (DispatchCall *call)
{
  const BusRequester requester = { BUS_REQUESTER_PEER, call->peer, call->envelope->id, NULL };
  g_autoptr (GPtrArray) servers = NULL;
  BusPeer *target;
  BusInbound inbound;
  guint queued;

  if (!dispatch_find_request_target (call, &target))
    return;
  servers = bus_router_all_servers (call->core, call->envelope->topic, target);
  if (servers->len == 0)
    dispatch_fail_unserved (call);
  if (servers->len == 0 || !dispatch_may_wait (call) || !dispatch_may_ask_members (call, servers->len))
    return;
  inbound = dispatch_inbound (call);
  queued = bus_many_ask (call->core, &requester, &inbound, servers, dispatch_due_us (call), call->now_us);
  dispatch_record_outcome (call, inbound.accept_seq, dispatch_outcome_of (servers->len, queued));
  bus_inbound_clear (&inbound);
}

static gboolean
dispatch_check_window_limit (const DispatchCall *call, BusLimit limit, guint64 value)
{
  if (value <= bus_limit_spec (limit)->ceiling)
    return TRUE;
  bus_peer_error_ceiling (call->peer, call->envelope->id, limit, value);
  return FALSE;
}

/* The window of the replies, which only a peer with the feature STREAM may give. */
static gboolean
dispatch_check_answer_window (const DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;

  if ((envelope->credit_messages == 0) != (envelope->credit_bytes == 0))
    {
      dispatch_strike (call, "a window has messages and bytes: set both fields, or none");
      return FALSE;
    }
  return dispatch_check_window_limit (call, BUS_LIMIT_receive_window_messages, envelope->credit_messages)
         && dispatch_check_window_limit (call, BUS_LIMIT_receive_window_bytes, envelope->credit_bytes);
}

/* Old clients may have set the field, which nothing read. */
static gboolean
dispatch_wants_many (const DispatchCall *call)
{
  return call->envelope->expect > 1 && (call->peer->features & WIRE_FEATURE_STREAM) != 0;
}

static void
dispatch_handle_request (DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;

  if (!dispatch_check_id (call) || !dispatch_check_payload (call) || !dispatch_check_topic (call)
      || !dispatch_authorize (call, BUS_OP_REQUEST, envelope->topic))
    return;
  if (bus_calls_serves (envelope->topic))
    {
      BusInbound inbound = dispatch_inbound (call);

      bus_calls_answer (call->peer, &inbound, call->now_us);
      bus_inbound_clear (&inbound);
    }
  else if (!dispatch_check_answer_window (call) || !dispatch_admit_lineage (call))
    return;
  else if (dispatch_wants_many (call))
    dispatch_request_many (call);
  else
    dispatch_request_peer (call);
}

/* A reply ends what its request began: it is never refused for its causes. */
static void
dispatch_admit_reply (DispatchCall *call)
{
  const BusCore *core = call->core;

  call->leaves_record = bus_timeline_wants (call->envelope);
  if (call->leaves_record)
    bus_lineage_check (&core->routes->timeline, call->envelope, core->limits.cascade_depth, &call->depth);
}

static void
dispatch_fail_late (const DispatchCall *call)
{
  dispatch_fail (call, WIRE_STATUS_EXPIRED,
                 "no request waits for this answer: it has ended, or was sent to another responder");
}

static void
dispatch_forward_reply (DispatchCall *call, BusRequest *request)
{
  BusInbound inbound = dispatch_inbound (call);
  guint8 flags = call->frame->flags;
  gboolean is_forwarded;

  dispatch_admit_reply (call);
  if (request->requester.kind == BUS_REQUESTER_QUESTION)
    is_forwarded = bus_many_reply (call->core, request, &inbound, flags, call->now_us);
  else
    is_forwarded = bus_answer_reply (call->core, request, &inbound, flags, call->now_us);
  if (is_forwarded)
    dispatch_record_outcome (call, inbound.accept_seq, dispatch_outcome_of (1, 1));
  else
    dispatch_fail_late (call);
  dispatch_release_inbound (call, &inbound);
}

static void
dispatch_handle_reply (DispatchCall *call)
{
  BusRequest *request = bus_request_find (call->core, call->peer, call->envelope->route);

  if (!dispatch_check_payload (call))
    return;
  if (request == NULL)
    dispatch_fail_late (call);
  else
    dispatch_forward_reply (call, request);
}

static void
dispatch_handle_delivered (DispatchCall *call)
{
  if (!bus_confirm_delivered (call->core, call->peer, call->envelope->route))
    dispatch_fail (call, WIRE_STATUS_EXPIRED,
                   "no message waits for this DELIVERED: it has ended, or was sent to another receiver");
}

static void
dispatch_handle_cancel (DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;
  BusRequest *request;

  if (envelope->route != 0)
    {
      request = bus_request_find (call->core, call->peer, envelope->route);
      if (request != NULL)
        bus_request_fail (call->core, request, BUS_REQUEST_ON_DECLINED, WIRE_STATUS_CANCELLED,
                          "the responder cancelled the request");
      return;
    }
  /* Cancelling a request that has just ended is not an error: the frames crossed. */
  request = bus_request_find_asked (call->peer, envelope->id);
  if (request != NULL)
    bus_request_withdraw (call->core, request);
  else if (!bus_confirm_cancel (call->peer, envelope->id))
    bus_later_cancel (call->peer, envelope->id);
}

/* --- credit, life --- */

static void
dispatch_check_window (const DispatchCall *call, BusWindowResult result)
{
  switch (result)
    {
    case BUS_WINDOW_GRANTED:
      break;
    case BUS_WINDOW_BACKWARDS:
      dispatch_malformed (call->peer, WIRE_STATUS_BAD_MESSAGE, "credit totals cannot decrease", 0);
      break;
    case BUS_WINDOW_TOO_FAR:
      dispatch_malformed (call->peer, WIRE_STATUS_CREDIT_EXCEEDED, "more credit than the window", 0);
      break;
    }
}

/* Not an error, also below: the credit crossed the answer to unsubscribe, or the end of the request. */
static void
dispatch_handle_answer_credit (DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;
  BusRequest *request = bus_request_find_asked (call->peer, envelope->id);

  if (request != NULL && request->stream != NULL)
    dispatch_check_window (
        call, bus_answer_credit (call->core, request, envelope->credit_messages, envelope->credit_bytes, call->now_us));
}

static void
dispatch_handle_credit (DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;
  BusSubscription *subscription
      = g_hash_table_lookup (call->peer->subscriptions, GUINT_TO_POINTER (envelope->subscription));
  BusWindowResult result;

  if (envelope->subscription == 0 && envelope->id != 0)
    {
      dispatch_handle_answer_credit (call);
      return;
    }
  if (subscription == NULL)
    return;
  result = bus_window_set_granted (&subscription->window, envelope->credit_messages, envelope->credit_bytes,
                                   subscription->delivered);
  dispatch_check_window (call, result);
  if (result != BUS_WINDOW_GRANTED)
    return;
  bus_flow_credit (&call->peer->flow, subscription, call->now_us);
  bus_peer_touch (call->peer);
}

static void
dispatch_handle_ping (DispatchCall *call)
{
  WireEnvelope pong;

  wire_envelope_init (&pong);
  pong.answers = call->envelope->id;
  bus_peer_put (call->peer, WIRE_KIND_PONG, 0, &pong);
}

static void
dispatch_handle_pong (DispatchCall *call)
{
  /* Any frame is a life sign; a PONG is nothing else. */
}

static void
dispatch_handle_misplaced (DispatchCall *call)
{
  dispatch_malformed (call->peer, WIRE_STATUS_PROTOCOL_ORDER, "a client may not send this kind of frame now", 0);
}

static const DispatchHandler handlers[] = {
  [WIRE_KIND_HELLO] = dispatch_handle_misplaced,     [WIRE_KIND_WELCOME] = dispatch_handle_misplaced,
  [WIRE_KIND_PUBLISH] = dispatch_handle_publish,     [WIRE_KIND_DELIVER] = dispatch_handle_misplaced,
  [WIRE_KIND_REQUEST] = dispatch_handle_request,     [WIRE_KIND_REPLY] = dispatch_handle_reply,
  [WIRE_KIND_DELIVERED] = dispatch_handle_delivered, [WIRE_KIND_ACK] = dispatch_handle_misplaced,
  [WIRE_KIND_ERROR] = dispatch_handle_misplaced,     [WIRE_KIND_CREDIT] = dispatch_handle_credit,
  [WIRE_KIND_GAP] = dispatch_handle_misplaced,       [WIRE_KIND_CANCEL] = dispatch_handle_cancel,
  [WIRE_KIND_PING] = dispatch_handle_ping,           [WIRE_KIND_PONG] = dispatch_handle_pong,
};

static gboolean
dispatch_is_known (const WireFrame *frame)
{
  return frame->kind < G_N_ELEMENTS (handlers) && handlers[frame->kind] != NULL && !(frame->flags & ~WIRE_FLAGS_KNOWN);
}

/* TRUE if the frame needs a feature that this connection was not granted. */
static gboolean
dispatch_lacks_feature (const DispatchCall *call)
{
  return (wire_feature_of_frame (call->frame->kind, call->frame->flags, call->envelope) & ~call->peer->features) != 0;
}

static void
dispatch_strike_feature (const DispatchCall *call)
{
  guint64 lacking
      = wire_feature_of_frame (call->frame->kind, call->frame->flags, call->envelope) & ~call->peer->features;
  char detail[120];

  g_snprintf (detail, sizeof detail, "the frame needs the feature %s, which WELCOME did not grant",
              wire_feature_name (lacking));
  dispatch_strike (call, detail);
}

void
bus_dispatch_frame (BusPeer *peer, WireFrame *frame, gint64 now_us)
{
  WireEnvelope envelope;
  DispatchCall call = { .peer = peer, .core = peer->core, .frame = frame, .envelope = &envelope, .now_us = now_us };
  WireReadResult result;

  peer->received++;
  if (frame->kind == WIRE_KIND_GOODBYE)
    {
      bus_peer_close (peer, WIRE_STATUS_OK, "said goodbye");
      return;
    }
  if (dispatch_is_known (frame) && handlers[frame->kind] == dispatch_handle_misplaced)
    {
      wire_envelope_init (&envelope);
      dispatch_handle_misplaced (&call);
      return;
    }

  result = wire_envelope_read (frame->body, frame->kind, WIRE_FROM_CLIENT, &envelope);
  if (result.status == WIRE_STATUS_BAD_MESSAGE)
    {
      dispatch_malformed (peer, result.status, result.problem, result.offset);
      return;
    }
  call.class_of = dispatch_class_of_frame (&call);
  call.cost = WIRE_FRAME_HEADER_LEN + frame->body.len;
  if (!dispatch_take_credit (&call))
    return;
  peer->received_bytes += call.cost;
  if (!dispatch_is_known (frame))
    dispatch_strike (&call, "the broker does not know this kind of frame, or one of its flags");
  else if (result.status == WIRE_STATUS_UNSUPPORTED)
    dispatch_strike (&call, result.problem);
  else if (result.status != WIRE_STATUS_OK)
    dispatch_fail_field (&call, &result);
  else if (dispatch_lacks_feature (&call))
    dispatch_strike_feature (&call);
  else
    handlers[frame->kind](&call);
  if (!call.is_held)
    bus_credit_return (&peer->ledger, call.class_of.credit_class, call.cost);
}
